//! The app of a ride.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use rocket::figment::Figment;
use rocket::figment::providers::Serialized;
use rocket::http::{Accept, ContentType, CookieJar, Status};
use rocket::local::asynchronous::{Client, LocalResponse};
use rocket::{Config, post, routes};
use rocket_dance::provider::{Preset, Protocol, Provider as _, SignatureMethod};
use rocket_dance::storage::{AccountKey, DieselStorage};
use rocket_dance::{AuthorizedLogin, CurrentUser, Dance, NextStep, Profile, Result, Signals};
use serde_json::{Value, json};
use url::Url;
use url::form_urlencoded::Serializer;

use crate::provider::Provider;
use crate::ride::{Exchange, Expected, Ride};
use crate::users::{create_table, sign_up};

/// `[default.oauth.preset]`.
struct Entry;

impl rocket_dance::provider::Provider for Entry {
    const NAME: &'static str = "preset";
}

/// Keeps the profile of the last sign-in.
#[derive(Clone, Default)]
struct LastProfile(Arc<Mutex<Option<Profile>>>);

#[rocket::async_trait]
impl Signals for LastProfile {
    async fn authorized(
        &self,
        _: &rocket::Request<'_>,
        login: &mut AuthorizedLogin,
        _: &rocket_dance::Client,
    ) -> Result<NextStep> {
        *self.0.lock().unwrap() = Some(login.profile.clone());
        Ok(NextStep::Continue)
    }
}

#[post("/enter")]
fn enter(jar: &CookieJar<'_>) {
    CurrentUser::sign_in(jar, &1);
}

/// Rides at `preset`, and fails if a request or the profile is not as `ride` says.
pub async fn ride(name: &str, preset: &Preset, ride: &Ride) {
    let at = format!("{name}, {}", ride.user);
    let provider = Provider::start(&ride.document, ride.id_token.as_ref());
    let folder = tempfile::tempdir().unwrap();
    let last = LastProfile::default();
    let entries = json!({ "preset": entry(name, preset, ride, &provider) });
    let client = launch(folder.path(), &entries, last.clone()).await;

    provider.expect(&ride.sign_in);
    let authorization = begin(&client, ride).await;
    let params = check_authorization(&at, &provider, preset, ride, &authorization);
    let answer = call_back(&client, preset, ride, &params).await;
    let (status, body) = (answer.status(), answer.into_string().await.unwrap_or_default());
    provider.check(&at);
    assert_eq!(status, Status::SeeOther, "{at}: {body}");
    let profile = last.0.lock().unwrap().take().unwrap_or_else(|| panic!("{at}: no profile"));
    assert_eq!(expected(&provider, &profile), ride.profile, "{at}");
    if ride.user == "rich" {
        after_sign_in(&at, &client, &provider, ride, &profile).await;
    }
}

/// Launches an app with these entries, and its database in `folder`.
async fn launch(folder: &Path, entries: &Value, last: LastProfile) -> Client {
    let file = folder.join("app.sqlite");
    create_table(&file);
    let dance =
        Dance::fairing().storage(DieselStorage::database("app").migrate().link(sign_up)).signals(last);
    let figment =
        Figment::from(Config { log_level: rocket::config::LogLevel::Off, ..Config::debug_default() })
            .merge(Serialized::default("secret_key", "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk="))
            .merge(("databases.app.url", file.display().to_string()))
            .merge(("oauth", entries));
    let rocket = rocket::custom(figment).attach(dance).mount("/", routes![enter]);
    Client::tracked(rocket).await.unwrap_or_else(|error| panic!("{entries}: {error}"))
}

/// Launches an app with an entry for each of these rides. Returns its sign-in page.
pub async fn sign_in_page(rides: &[(&str, &Preset, Ride)]) -> String {
    let provider = Provider::start(&[], None);
    let entries =
        rides.iter().map(|(name, preset, ride)| ((*name).to_owned(), entry(name, preset, ride, &provider)));
    let folder = tempfile::tempdir().unwrap();
    let client = launch(folder.path(), &Value::Object(entries.collect()), LastProfile::default()).await;
    let page = client.get("/login").header(Accept::HTML).dispatch().await;
    assert_eq!(page.status(), Status::Ok);
    // No provider is asked before a user chooses it.
    provider.check("all presets");
    page.into_string().await.unwrap()
}

/// Calls the API, refreshes and revokes.
async fn after_sign_in(at: &str, app: &Client, provider: &Provider, ride: &Ride, profile: &Profile) {
    let dance = Dance::fetch(app.rocket()).unwrap();
    let client = dance.client(Entry, &1).await.unwrap().unwrap();
    for call in &ride.api {
        let (request, headers) = (call.request.clone(), call.headers.clone());
        provider.expect(&[Exchange { request, headers, ..ok() }]);
        client.get(&call.path).send().await.unwrap_or_else(|error| panic!("{at}: {error:?}"));
        provider.check(at);
    }
    if !ride.refresh.is_empty() {
        provider.expect(&ride.refresh);
        dance.advance_clock(1_000_000_000);
        let token = client.access_token().await;
        provider.check(at);
        token.unwrap_or_else(|error| panic!("{at}: {error:?}"));
    }
    provider.expect(&ride.revoke);
    if let Some(id) = &profile.id {
        dance.delete(&AccountKey::identity(Entry::NAME, id.as_str())).await.unwrap();
        dance.wait_for_revocations().await;
    }
    provider.check(at);
}

/// `[default.oauth.preset]`, with every https URL of the preset at `provider`.
fn entry(name: &str, preset: &Preset, ride: &Ride, provider: &Provider) -> Value {
    let mut entry = json!({ "provider": name, "client_id": "the-client" });
    match (preset.secret_jwt, preset.signature_method) {
        (Some(_), _) => {
            let key =
                EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
            entry["private_key"] = json!(pem(key.as_ref()));
        }
        (None, SignatureMethod::RsaSha1) => {
            entry["rsa_key"] = json!(pem(include_bytes!("../fixtures/rsa2048.pk8")));
        }
        (None, _) => entry["client_secret"] = json!("the-secret"),
    }
    let token_url = if preset.protocol == Protocol::OAuth1 { "access_token_url" } else { "token_url" };
    for (key, url) in [
        ("issuer", preset.issuer),
        ("authorization_url", preset.authorization_url),
        (token_url, preset.token_url),
        ("refresh_url", preset.refresh_url),
        ("request_token_url", preset.request_token_url),
        ("revocation_url", preset.revocation_url),
        ("userinfo_url", preset.userinfo_url),
        ("api_base_url", preset.api_base_url),
    ] {
        if let Some(url) = url.filter(|url| url.starts_with("https://")) {
            entry[key] = json!(provider.local(url));
        }
    }
    for (key, value) in &ride.entry {
        entry[key] = match value {
            Value::String(text) if text.starts_with("https://") => json!(provider.local(text)),
            value => value.clone(),
        };
    }
    entry
}

fn pem(pkcs8: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n", STANDARD.encode(pkcs8))
}

/// Begins, and returns the authorization URL.
async fn begin(client: &Client, ride: &Ride) -> String {
    let answer = if ride.connect {
        client.post("/enter").dispatch().await;
        let page = client.get("/login/accounts").header(Accept::JSON).dispatch().await;
        let page: Value = page.into_json().await.unwrap();
        let form =
            Serializer::new(String::new()).append_pair("csrf", page["csrf"].as_str().unwrap()).finish();
        client.post("/login/preset").header(ContentType::Form).body(form).dispatch().await
    } else {
        client.get("/login/preset").dispatch().await
    };
    let location = answer.headers().get_one("Location").map(str::to_owned);
    match location {
        Some(location) => location,
        None => panic!("begin: {} {:?}", answer.status(), answer.into_string().await),
    }
}

/// Compares the authorization request, and returns its parameters.
fn check_authorization(
    at: &str,
    provider: &Provider,
    preset: &Preset,
    ride: &Ride,
    authorization: &str,
) -> BTreeMap<String, String> {
    let (url, query) = authorization.split_once('?').unwrap();
    assert_eq!(provider.public(url), ride.authorize.url, "{at}");
    assert!(!query.contains('+'), "{at}: a space is %20, in {query}");
    let params: BTreeMap<String, String> =
        Url::parse(authorization).unwrap().query_pairs().into_owned().collect();
    let mut wanted = ride.authorize.params.clone();
    if preset.protocol != Protocol::OAuth1 {
        wanted.insert("response_type".into(), "code".into());
        wanted.insert("redirect_uri".into(), "http://localhost:8000/login/preset/authorized".into());
        let mut random = vec!["state"];
        if ride.authorize.pkce {
            wanted.insert("code_challenge_method".into(), "S256".into());
            random.push("code_challenge");
        }
        if preset.protocol == Protocol::OpenIdConnect {
            random.push("nonce");
        }
        if ride.authorize.form_post {
            wanted.insert("response_mode".into(), "form_post".into());
        }
        for name in random {
            wanted.insert(name.into(), params.get(name).cloned().unwrap_or("missing".into()));
        }
    }
    assert_eq!(params, wanted, "{at}: the authorization request");
    provider.authorized(params.clone());
    params
}

/// Sends the callback.
async fn call_back<'c>(
    client: &'c Client,
    preset: &Preset,
    ride: &Ride,
    params: &BTreeMap<String, String>,
) -> LocalResponse<'c> {
    let mut query = Serializer::new(String::new());
    match preset.protocol {
        Protocol::OAuth1 => query
            .append_pair("oauth_token", &params["oauth_token"])
            .append_pair("oauth_verifier", "the-verifier"),
        _ => query.append_pair("code", "the-code").append_pair("state", &params["state"]),
    };
    let query = query.extend_pairs(&ride.callback).finish();
    if !ride.authorize.form_post {
        return client.get(format!("/login/preset/authorized?{query}")).dispatch().await;
    }
    client.post("/login/preset/authorized").header(ContentType::Form).body(query).dispatch().await
}

fn ok() -> Exchange {
    Exchange {
        request: String::new(),
        headers: BTreeMap::new(),
        form: None,
        json: None,
        status: 200,
        content_type: "application/json".into(),
        answer: "{}".into(),
        poor: None,
    }
}

/// The profile with the URLs of the documentation.
fn expected(provider: &Provider, profile: &Profile) -> Expected {
    let public = |text: &Option<String>| text.as_deref().map(|text| provider.public(text));
    Expected {
        id: public(&profile.id),
        name: profile.name.clone(),
        username: profile.username.clone(),
        email: profile.claimed_email().map(str::to_owned),
        email_verified: profile.email().is_some(),
        profile_url: public(&profile.profile_url),
        image_url: public(&profile.image_url),
    }
}
