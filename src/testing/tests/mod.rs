//! The provider, ridden by hand.

mod engine;

use std::time::Duration;

use reqwest::StatusCode;
use rocket::local::asynchronous::Client as Local;
use serde_json::{Value, json};
use url::Url;

use super::*;
use crate::Dance;
use crate::provider::SigningAlgorithm;
use crate::secret::{decode_base64url, encode_base64url, sha256};
use crate::storage::KeyRing;

const CALLBACK: &str = "http://localhost:8000/login/op/authorized";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn authorization(issuer: &str, client_id: &str, changes: &[(&str, &str)]) -> String {
    let challenge = encode_base64url(&sha256(VERIFIER));
    let mut parameters = vec![
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", CALLBACK),
        ("scope", "openid email"),
        ("state", "s&1"),
        ("nonce", "n-1"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    parameters.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    parameters.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    Url::parse_with_params(&format!("{issuer}/authorize"), parameters).unwrap().into()
}

fn parameter(url: &str, name: &str) -> Option<String> {
    Url::parse(url).unwrap().query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into())
}

/// A code, from an authorization with these changes.
async fn code(fake: &FakeProvider, changes: &[(&str, &str)]) -> String {
    let callback = fake.authorize(&authorization(fake.issuer(), fake.client_id(), changes)).await;
    parameter(&callback, "code").unwrap_or_else(|| panic!("no code in {callback}"))
}

async fn token(fake: &FakeProvider, fields: &[(&str, &str)]) -> (StatusCode, Value) {
    let client = [("client_id", fake.client_id()), ("client_secret", fake.client_secret())];
    let form: Vec<_> = client
        .iter()
        .filter(|_| !fields.iter().any(|(name, _)| *name == "client_id"))
        .chain(fields)
        .collect();
    let response =
        browser::client().post(format!("{}/token", fake.issuer())).form(&form).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn exchange(fake: &FakeProvider, code: &str) -> (StatusCode, Value) {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    token(fake, &fields).await
}

async fn refresh(fake: &FakeProvider, answer: &Value) -> (StatusCode, Value) {
    token(
        fake,
        &[("grant_type", "refresh_token"), ("refresh_token", answer["refresh_token"].as_str().unwrap())],
    )
    .await
}

async fn get(fake: &FakeProvider, path: &str, answer: &Value) -> (StatusCode, Value) {
    let request = browser::client().get(format!("{}{path}", fake.issuer()));
    let response = request.bearer_auth(answer["access_token"].as_str().unwrap()).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

fn claims(answer: &Value) -> Value {
    let payload = answer["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&decode_base64url(payload).unwrap()).unwrap()
}

#[rocket::async_test]
async fn a_sign_in_from_the_first_request_to_the_refresh() {
    let fake = FakeProvider::start().await;
    let callback = fake.authorize(&authorization(fake.issuer(), fake.client_id(), &[])).await;
    assert!(callback.starts_with(&format!("{CALLBACK}?")));
    assert_eq!(parameter(&callback, "state").as_deref(), Some("s&1"));
    assert_eq!(parameter(&callback, "iss").as_deref(), Some(fake.issuer()));

    let (status, first) = exchange(&fake, &parameter(&callback, "code").unwrap()).await;
    assert_eq!(
        (status, &first["token_type"], &first["expires_in"]),
        (StatusCode::OK, &json!("Bearer"), &json!(3600))
    );
    let id = claims(&first);
    assert_eq!((&id["iss"], &id["sub"]), (&json!(fake.issuer()), &json!("ada")));
    assert_eq!((&id["aud"], &id["nonce"]), (&json!(fake.client_id()), &json!("n-1")));

    let ada = json!({
        "sub": "ada", "id": "ada", "id_str": "ada", "key": "ada", "login": "ada", "name": "Ada", "preferred_username": "ada",
        "email": "ada@example.test", "email_verified": true,
    });
    for path in ["/userinfo", "/api/user", "/api/me"] {
        assert_eq!(get(&fake, path, &first).await, (StatusCode::OK, ada.clone()), "{path}");
    }
    let emails = json!([{"email": "ada@example.test", "primary": true, "verified": true}]);
    assert_eq!(get(&fake, "/api/user/emails", &first).await.1, emails);
    assert_eq!(get(&fake, "/api/a/b?c=d", &first).await.1["query"], json!([["c", "d"]]));

    let (status, second) = refresh(&fake, &first).await;
    assert_eq!(status, StatusCode::OK);
    assert_ne!(first["refresh_token"], second["refresh_token"]);
    assert_eq!((&claims(&second)["sub"], claims(&second).get("nonce")), (&json!("ada"), None));
    assert_eq!(get(&fake, "/userinfo", &second).await.0, StatusCode::OK);

    let seen = fake.last_request(ProviderEndpoint::Token);
    assert_eq!((seen.method.as_str(), seen.path.as_str()), ("POST", "/token"));
    assert_eq!(
        (seen.form["grant_type"].as_str(), fake.request_count(ProviderEndpoint::Token)),
        ("refresh_token", 2)
    );
}

#[rocket::async_test]
async fn reuse_kills_the_family() {
    let fake = FakeProvider::start().await;
    let (_, first) = exchange(&fake, &code(&fake, &[]).await).await;
    let (_, other) = exchange(&fake, &code(&fake, &[]).await).await;
    let (_, second) = refresh(&fake, &first).await;
    let (status, answer) = refresh(&fake, &first).await;
    assert_eq!((status, &answer["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_grant")));
    assert_eq!(refresh(&fake, &second).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(get(&fake, "/userinfo", &second).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(refresh(&fake, &other).await.0, StatusCode::OK);

    let once = code(&fake, &[]).await;
    let (_, tokens) = exchange(&fake, &once).await;
    assert_eq!(exchange(&fake, &once).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(get(&fake, "/userinfo", &tokens).await.0, StatusCode::UNAUTHORIZED);
}

#[rocket::async_test]
async fn a_code_is_for_its_verifier_its_redirect_uri_and_its_client() {
    let fake = FakeProvider::start().await;
    let code = code(&fake, &[]).await;
    for (name, value) in [
        ("code_verifier", "wrong"),
        ("code_verifier", ""),
        ("redirect_uri", "http://localhost:8000/login/op/authorized/"),
        ("code", "v1.a.b"),
        ("client_id", "public client"),
    ] {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        fields.retain(|(field, _)| *field != name);
        fields.push((name, value));
        let (status, answer) = token(&fake, &fields).await;
        assert_eq!(
            (status, &answer["error"]),
            (StatusCode::BAD_REQUEST, &json!("invalid_grant")),
            "{name}={value}"
        );
    }
    fake.advance_clock(61);
    assert_eq!(exchange(&fake, &code).await.0, StatusCode::BAD_REQUEST);

    // A verifier where no challenge was sent is a downgrade.
    let plain = self::code(&fake, &[("code_challenge", ""), ("code_challenge_method", "")]).await;
    assert_eq!(exchange(&fake, &plain).await.1["error"], "invalid_grant");
}

#[rocket::async_test]
async fn the_client_authenticates_by_exactly_one_method() {
    let fake = FakeProvider::start().await;
    let encoded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let (id, secret) = (encoded(fake.client_id()), encoded(fake.client_secret()));
    for (id, secret, body_secret, status) in [
        (id.as_str(), secret.as_str(), None, 200),
        (&id, "wrong", None, 401),
        (&id, fake.client_secret(), None, 401),
        ("nobody", &secret, None, 401),
        (&id, &secret, Some(fake.client_secret()), 400),
    ] {
        let code = code(&fake, &[]).await;
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        form.extend(body_secret.map(|secret| ("client_secret", secret)));
        let request = browser::client().post(format!("{}/token", fake.issuer())).basic_auth(id, Some(secret));
        assert_eq!(request.form(&form).send().await.unwrap().status(), status, "{id} {secret}");
    }
    let public = fake.authorize(&authorization(fake.issuer(), "public client", &[])).await;
    let public = parameter(&public, "code").unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", public.as_str()),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("client_id", "public client"),
    ];
    assert_eq!(token(&fake, &fields).await.0, StatusCode::OK);
}

#[rocket::async_test]
async fn what_is_wrong_with_an_authorization_request() {
    let fake = FakeProvider::start().await;
    let at = |id: &str, changes: &[(&str, &str)]| authorization(fake.issuer(), id, changes);
    for url in [
        at("nobody", &[]),
        at(fake.client_id(), &[("redirect_uri", "javascript:alert(1)")]),
        at(fake.client_id(), &[("redirect_uri", "http://localhost/#a")]),
        at(fake.client_id(), &[]) + "&redirect_uri=http://evil.test/",
    ] {
        let answer = browser::client().get(&url).send().await.unwrap();
        assert_eq!(
            (answer.status(), answer.headers().get("location")),
            (StatusCode::BAD_REQUEST, None),
            "{url}"
        );
    }
    for (url, error) in [
        (at(fake.client_id(), &[("response_type", "token")]), "unsupported_response_type"),
        (at(fake.client_id(), &[("code_challenge_method", "plain")]), "invalid_request"),
        (at("public client", &[("code_challenge", ""), ("code_challenge_method", "")]), "invalid_request"),
        (at(fake.client_id(), &[]) + "&state=2", "invalid_request"),
    ] {
        let callback = fake.authorize(&url).await;
        assert_eq!(parameter(&callback, "error").as_deref(), Some(error), "{url}");
        assert_eq!(
            (parameter(&callback, "code"), parameter(&callback, "iss").as_deref()),
            (None, Some(fake.issuer()))
        );
    }
    fake.deny_next_authorization();
    let denied = fake.authorize(&at(fake.client_id(), &[])).await;
    assert_eq!(parameter(&denied, "error").as_deref(), Some("access_denied"));
    code(&fake, &[]).await;
}

#[rocket::async_test]
async fn tokens_die_when_told() {
    let fake = FakeProvider::start().await;
    let (_, first) = exchange(&fake, &code(&fake, &[]).await).await;
    fake.expire_access_tokens();
    assert_eq!(get(&fake, "/userinfo", &first).await.0, StatusCode::UNAUTHORIZED);
    fake.set_access_token_ttl(5);
    let (_, second) = refresh(&fake, &first).await;
    assert_eq!(
        (get(&fake, "/userinfo", &second).await.0, &second["expires_in"]),
        (StatusCode::OK, &json!(5))
    );
    fake.advance_clock(5);
    assert_eq!(get(&fake, "/userinfo", &second).await.0, StatusCode::UNAUTHORIZED);
    fake.revoke_tokens("ada");
    assert_eq!(refresh(&fake, &second).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(exchange(&fake, &code(&fake, &[]).await).await.0, StatusCode::OK);
}

#[rocket::async_test]
async fn it_lies_when_told() {
    let fake = FakeProvider::start().await;
    fake.set_user("grace")
        .set_userinfo(json!({"sub": "eve"}))
        .edit_claims(|claims| claims["aud"] = json!("else"));
    fake.respond_once(ProviderEndpoint::Token, FakeResponse::status(500).header("Retry-After", "7"));
    fake.respond_once(
        ProviderEndpoint::Token,
        FakeResponse::edit(|answer| answer["expires_in"] = json!("60")),
    );
    let ask = || browser::client().post(format!("{}/token", fake.issuer())).send();
    let answer = ask().await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (500, "7"));
    let (_, odd) = exchange(&fake, &code(&fake, &[]).await).await;
    assert_eq!((&odd["expires_in"], &claims(&odd)["aud"]), (&json!("60"), &json!("else")));
    assert_eq!(
        (&claims(&odd)["sub"], get(&fake, "/userinfo", &odd).await.1),
        (&json!("grace"), json!({"sub": "eve"}))
    );

    fake.reset_behavior()
        .respond_always(ProviderEndpoint::Userinfo, FakeResponse::redirect("http://evil.test/"));
    for _ in 0..2 {
        let answer = browser::client().get(format!("{}/userinfo", fake.issuer())).send().await.unwrap();
        assert_eq!(answer.headers()["location"], "http://evil.test/");
    }
    fake.reset_behavior().edit_id_token(|token| format!("{token}x"));
    let (_, honest) = exchange(&fake, &code(&fake, &[]).await).await;
    assert_eq!((&claims(&honest)["aud"], &honest["expires_in"]), (&json!(fake.client_id()), &json!(3600)));
    assert!(honest["id_token"].as_str().unwrap().ends_with('x'));

    fake.respond_once(ProviderEndpoint::Jwks, FakeResponse::hang());
    let jwks = format!("{}/jwks", fake.issuer());
    let hung = browser::client().get(&jwks).timeout(Duration::from_millis(100)).send().await;
    assert!(hung.unwrap_err().is_timeout());
    assert_eq!(fake.request_count(ProviderEndpoint::Jwks), 1);
}

#[rocket::async_test]
async fn id_tokens_verify_with_the_published_key() {
    use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey, VerificationAlgorithm};

    let fake = FakeProvider::start().await;
    let mut kids = Vec::new();
    for algorithm in [SigningAlgorithm::EdDSA, SigningAlgorithm::ES256, SigningAlgorithm::EdDSA] {
        let (_, answer) = exchange(&fake, &code(&fake, &[]).await).await;
        let jwks: Value = browser::client()
            .get(format!("{}/jwks", fake.issuer()))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap();
        let key = &jwks["keys"][0];
        let part = |name: &str| decode_base64url(key[name].as_str().unwrap()).unwrap();
        let (verification, public): (&'static dyn VerificationAlgorithm, _) =
            match key["alg"].as_str().unwrap() {
                "EdDSA" => (&ED25519, part("x")),
                "ES256" => (&ECDSA_P256_SHA256_FIXED, [vec![4], part("x"), part("y")].concat()),
                other => panic!("{other}"),
            };
        let (signed, signature) = answer["id_token"].as_str().unwrap().rsplit_once('.').unwrap();
        let verified = UnparsedPublicKey::new(verification, public)
            .verify(signed.as_bytes(), &decode_base64url(signature).unwrap());
        assert!(verified.is_ok());
        let header: Value =
            serde_json::from_slice(&decode_base64url(signed.split('.').next().unwrap()).unwrap()).unwrap();
        assert_eq!((&header["kid"], &header["alg"]), (&key["kid"], &key["alg"]));
        kids.push(key["kid"].to_string());
        fake.rotate_keys(if algorithm == SigningAlgorithm::EdDSA {
            SigningAlgorithm::ES256
        } else {
            SigningAlgorithm::EdDSA
        });
    }
    kids.sort();
    kids.dedup();
    assert_eq!(kids.len(), 3);
}

#[rocket::async_test]
async fn it_is_gone_when_dropped() {
    let fake = FakeProvider::start().await;
    let url = format!("{}/jwks", fake.issuer());
    assert!(browser::client().get(&url).send().await.is_ok());
    drop(fake);
    assert!(browser::client().get(&url).send().await.is_err());
}

/// An app that begins with a redirect for strangers and with a form for whoever is signed in.
fn riding(fake: &FakeProvider) -> rocket::Rocket<rocket::Build> {
    use rocket::form::Form;
    use rocket::http::CookieJar;
    use rocket::response::{Redirect, content::RawHtml};
    use rocket::{Either, State, get, post, routes};

    #[get("/in/op")]
    fn begin(url: &State<String>, jar: &CookieJar<'_>) -> Either<Redirect, RawHtml<&'static str>> {
        match jar.get("user") {
            None => Either::Left(Redirect::to(url.inner().clone())),
            Some(_) => Either::Right(RawHtml(
                r#"<form method="post" action="&#x2F;in&#x2F;op"><input name="csrf" value="c&amp;"><button>Yes</button></form>"#,
            )),
        }
    }
    #[post("/in/op", data = "<form>")]
    fn connect(url: &State<String>, form: Form<std::collections::HashMap<String, String>>) -> Redirect {
        Redirect::to(if form["csrf"] == "c&" { url.inner().clone() } else { "/csrf".into() })
    }
    #[get("/login/op/authorized?<code>&<state>")]
    fn callback(code: &str, state: &str, jar: &CookieJar<'_>) -> Redirect {
        assert!(!code.is_empty() && state == "s&1");
        let connected = jar.get("user").is_some();
        jar.add(("user", "ada"));
        Redirect::to(if connected { "/accounts" } else { "/" })
    }
    let config =
        rocket::Config { log_level: rocket::config::LogLevel::Off, ..rocket::Config::debug_default() };
    rocket::custom(rocket::figment::Figment::from(config).merge(("dance.prefix", "/in")))
        .manage(authorization(fake.issuer(), fake.client_id(), &[]))
        .mount("/", routes![begin, connect, callback])
}

#[test]
fn sign_in_then_connect_with_either_client() {
    let fake = FakeProvider::start_blocking();
    let client = rocket::local::blocking::Client::tracked(riding(&fake)).unwrap();
    let landed = [sign_in_blocking(&client, "op"), sign_in_blocking(&client, "op")];
    assert_eq!(landed.map(|landed| landed.location), [Some("/".into()), Some("/accounts".into())]);

    rocket::async_test(async {
        let client = Local::tracked(riding(&fake)).await.unwrap();
        let landed = [sign_in(&client, "op").await, sign_in(&client, "op").await];
        assert_eq!(landed.map(|landed| landed.location), [Some("/".into()), Some("/accounts".into())]);
    });
}

#[rocket::async_test]
#[should_panic(expected = "/in/nothing answered 404 Not Found instead of a redirect to the provider")]
async fn sign_in_says_what_is_wrong() {
    let fake = FakeProvider::start().await;
    sign_in(&Local::tracked(riding(&fake)).await.unwrap(), "nothing").await;
}

#[rocket::async_test]
async fn the_demo_is_for_debug_and_comes_before_the_dance() {
    let app = |profile: &str| {
        let log_level = rocket::config::LogLevel::Off;
        let config = rocket::Config { profile: profile.into(), log_level, ..rocket::Config::debug_default() };
        let figment = rocket::figment::Figment::from(config)
            .merge(("secret_key", "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk="))
            .merge(("dance.base_url", "http://localhost:8000/"))
            .merge(("dance.prefix", "/in/"));
        rocket::custom(figment)
    };
    let demo = async |rocket: rocket::Rocket<rocket::Build>| {
        let app = Local::tracked(rocket).await.unwrap();
        let status = app.get("/demo/.well-known/openid-configuration").dispatch().await.status().code;
        let entry = Dance::fetch(app.rocket()).and_then(|dance| dance.entry("demo").ok().cloned());
        (status, entry.map(|entry| entry.redirect_uri.clone()))
    };
    let (status, callback) =
        demo(app("debug").attach(DemoProvider::fairing()).attach(Dance::fairing())).await;
    assert_eq!((status, callback.as_deref()), (200, Some("http://localhost:8000/in/demo/authorized")));
    let late = app("debug").attach(Dance::fairing()).attach(DemoProvider::fairing());
    for without in [late, app("staging").attach(DemoProvider::fairing()).attach(Dance::fairing())] {
        assert_eq!(demo(without).await, (404, None));
    }
}

// ---- the demo: the same provider with a page, on the app's own port

const DEMO: &str = "http://localhost:8000/demo";

fn demo() -> DemoProvider {
    DemoProvider::new(DEMO, &KeyRing::new([[7; 32]]), RegisteredClient::new("app", "s3cret", CALLBACK))
}

async fn app(issuer: DemoProvider) -> Local {
    let config =
        rocket::Config { log_level: rocket::config::LogLevel::Off, ..rocket::Config::debug_default() };
    Local::tracked(rocket::custom(config).attach(issuer)).await.unwrap()
}

/// The value of the hidden field `name` in the page's first form.
fn hidden(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("name=\"{name}\" value=\"")).unwrap();
    rest.split('"').next().unwrap().to_owned()
}

async fn consent_page(app: &Local, changes: &[(&str, &str)]) -> String {
    let url = authorization(DEMO, "app", changes).replace("http://localhost:8000", "");
    let answer = app.get(url).dispatch().await;
    assert_eq!((answer.status().code, answer.headers().get_one("Cache-Control")), (200, Some("no-store")));
    answer.into_string().await.unwrap()
}

async fn decide(app: &Local, request: &str, fields: &[(&str, &str)]) -> (u16, Option<String>, String) {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("request", request)
        .extend_pairs(fields)
        .finish();
    let post = app.post("/demo/authorize").header(rocket::http::ContentType::Form).body(form);
    let answer = post.dispatch().await;
    let location = answer.headers().get_one("Location").map(str::to_owned);
    (answer.status().code, location, answer.into_string().await.unwrap_or_default())
}

#[rocket::async_test]
async fn the_demo_asks_and_its_tokens_outlive_a_restart() {
    let app = self::app(demo()).await;
    let page = consent_page(&app, &[("login_hint", "\"><script>alert(1)</script>")]).await;
    assert!(
        page.contains("action=\"/demo/authorize\"") || page.contains("action=\"&#x2F;demo&#x2F;authorize\""),
        "{page}"
    );
    assert!(!page.contains("<script>"));
    let request = hidden(&page, "request");

    let (status, _, page) = decide(&app, &request, &[("decision", "allow"), ("login", "<b>")]).await;
    assert!(status == 422 && page.contains("&lt;b&gt;") && !page.contains("<b>"));
    let (status, location, _) = decide(&app, &request, &[("decision", "deny")]).await;
    assert_eq!((status, parameter(&location.unwrap(), "error").as_deref()), (303, Some("access_denied")));
    let (status, location, _) = decide(&app, "v1.x.y", &[("decision", "allow"), ("login", "ada")]).await;
    assert_eq!((status, location), (400, None));

    let (status, location, _) = decide(&app, &request, &[("decision", "allow"), ("login", " Grace ")]).await;
    let location = location.unwrap();
    assert_eq!((status, parameter(&location, "state").as_deref()), (303, Some("s&1")));

    // Restarted between the code and its exchange.
    let app = self::app(demo()).await;
    let code = parameter(&location, "code").unwrap();
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("grant_type", "authorization_code")
        .append_pair("code", &code)
        .append_pair("redirect_uri", CALLBACK)
        .append_pair("code_verifier", VERIFIER)
        .append_pair("client_id", "app")
        .append_pair("client_secret", "s3cret")
        .finish();
    let answer = app.post("/demo/token").header(rocket::http::ContentType::Form).body(form).dispatch().await;
    let answer: Value = serde_json::from_str(&answer.into_string().await.unwrap()).unwrap();
    let bearer = format!("Bearer {}", answer["access_token"].as_str().unwrap());

    let app = self::app(demo()).await;
    let userinfo = app.get("/demo/userinfo").header(rocket::http::Header::new("Authorization", bearer));
    let userinfo: Value =
        serde_json::from_str(&userinfo.dispatch().await.into_string().await.unwrap()).unwrap();
    assert_eq!((&userinfo["sub"], &userinfo["name"]), (&json!("grace"), &json!("Grace")));
}

#[rocket::async_test]
async fn the_demo_is_for_the_apps_own_client_alone() {
    let app = app(demo()).await;
    for (id, changes) in [
        ("somebody", vec![]),
        ("app", vec![("redirect_uri", "http://evil.test/login/op/authorized")]),
        ("app", vec![("redirect_uri", "http://localhost:8000/login/op/authorized/")]),
        ("app", vec![("redirect_uri", "http://LOCALHOST:8000/login/op/authorized")]),
    ] {
        let url = authorization(DEMO, id, &changes).replace("http://localhost:8000/demo", "/demo");
        let answer = app.get(url).dispatch().await;
        assert_eq!((answer.status().code, answer.headers().get_one("Location")), (400, None), "{changes:?}");
    }
    let silent =
        authorization(DEMO, "app", &[("prompt", "none")]).replace("http://localhost:8000/demo", "/demo");
    let answer = app.get(silent).dispatch().await;
    let location = answer.headers().get_one("Location").unwrap().to_owned();
    assert_eq!(parameter(&location, "error").as_deref(), Some("login_required"));
}

#[rocket::async_test]
async fn the_demos_authorization_request_is_not_logged_with_its_state() {
    use std::sync::{Arc, Mutex};

    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = seen.clone();
    let after = rocket::fairing::AdHoc::on_request("log", move |request, _| {
        log.lock().unwrap().push(request.uri().to_string());
        Box::pin(async {})
    });
    let config =
        rocket::Config { log_level: rocket::config::LogLevel::Off, ..rocket::Config::debug_default() };
    let app = Local::tracked(rocket::custom(config).attach(demo()).attach(after)).await.unwrap();
    let page = consent_page(&app, &[]).await;
    assert!(page.contains("openid, email"));
    assert_eq!(*seen.lock().unwrap(), ["/demo/authorize"]);
}
