//! Native sign-in: a device's own SDK brings an ID token.

use rocket::figment::Figment;
use rocket::futures::future::join_all;
use rocket::http::{Method, Status};
use rocket_dance::provider::SigningAlgorithm;
use rocket_dance::storage::AccountKey;
use rocket_dance::testing::{FakeResponse, ProviderEndpoint};
use serde_json::{Value, json};

use crate::harness::{
    Browser, FLOW, NOT_TRUSTED, Refusal, SESSION, TestApp, TestRequest, TestResponse, assert_guarded,
    assert_refused, captured_log,
};
use crate::openid::{encode, payload};

pub(crate) const CSRF: Refusal = Refusal::new(Status::Forbidden, "csrf");
const NOT_OFFERED: Refusal = Refusal::new(Status::NotFound, "unknown_provider");
const UNREACHABLE: Refusal = Refusal::new(Status::ServiceUnavailable, "provider_unreachable");

pub(crate) fn configure(figment: Figment) -> Figment {
    figment
        .merge(("oauth.op.native_client_ids", ["ios", "android"]))
        .merge(("oauth.op2.native_client_ids", ["ios"]))
}

pub(crate) async fn launch() -> TestApp {
    TestApp::launch_with(configure).await
}

/// A flow that a device has begun.
pub(crate) struct Begun {
    pub(crate) flow: String,
    pub(crate) nonce: String,
}

impl Begun {
    pub(crate) fn of(answer: &TestResponse) -> Self {
        assert_eq!(answer.status, Status::Ok, "{answer:?}");
        assert_guarded(answer);
        let answer = answer.json();
        assert_eq!(answer.as_object().map(serde_json::Map::len), Some(2));
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        Self { flow: text("flow"), nonce: text("nonce") }
    }

    pub(crate) fn finish(&self, id_token: &str) -> TestRequest {
        finish_at("op", &self.flow, id_token)
    }

    /// The request that ends the flow as it should be.
    pub(crate) fn good(&self, app: &TestApp) -> TestRequest {
        self.finish(&app.fake.native_id_token("ios", &self.nonce))
    }
}

fn finish_at(entry: &str, flow: &str, id_token: &str) -> TestRequest {
    TestRequest::json(&format!("/login/{entry}/native/finish"), &json!({"flow": flow, "id_token": id_token}))
}

/// Begins on a device that is signed out. It sends no body and names no type, as little as possible.
pub(crate) async fn begin(device: &mut Browser) -> Begun {
    Begun::of(&device.ask(&TestRequest::new(Method::Post, "/login/op/native")).await)
}

pub(crate) async fn csrf(browser: &mut Browser) -> String {
    browser.get("/login/me").await.json()["csrf"].as_str().unwrap().to_owned()
}

/// Begins on a device that is signed in.
async fn begin_to_connect(device: &mut Browser) -> Begun {
    let csrf = csrf(device).await;
    let begin = TestRequest::json("/login/op/native", &json!({})).header("X-CSRF-Token", &csrf);
    Begun::of(&device.ask(&begin).await)
}

/// The flow can still be finished: nothing has used it up.
async fn finishes(app: &TestApp, device: &mut Browser, begun: &Begun) {
    let answer = device.ask(&begun.good(app)).await;
    assert_eq!(answer.status, Status::Ok, "{answer:?}");
    assert_eq!(answer.json(), json!({"user": device.user().await.unwrap()}));
}

/// The claims of a good token with a changed claim; null removes it.
fn changed(app: &TestApp, begun: &Begun, name: &str, value: &Value) -> String {
    let mut claims: Value =
        serde_json::from_str(&payload(&app.fake.native_id_token("ios", &begun.nonce))).unwrap();
    claims[name] = value.clone();
    claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    app.fake.sign_jwt(None, &claims.to_string())
}

#[rocket::async_test]
async fn a5_a_device_signs_up_and_signs_in_with_an_id_token() {
    let app = launch().await;
    for client in ["ios", "android"] {
        let mut device = app.browser();
        let begun = begin(&mut device).await;
        assert_eq!(device.jar.len(), 0, "a begin needs no cookies");
        let id_token = app.fake.native_id_token(client, &begun.nonce);
        let answer = device.ask(&begun.finish(&id_token)).await;
        assert_eq!((answer.status, answer.json()), (Status::Ok, json!({"user": 1})));
        assert_guarded(&answer);
        assert!(answer.sets(SESSION));
        assert_eq!(device.user().await, Some(1));
        let secrets = [("flow", begun.flow), ("nonce", begun.nonce), ("ID token", id_token)];
        app.assert_no_secret("the answer", &format!("{answer:?}"), &secrets);
        app.assert_no_secret("the log", &captured_log().unwrap_or_default(), &secrets);
        app.assert_no_secret("the database", &app.rows(), &secrets);
    }
    assert_eq!((app.count("users"), app.count("oauth_accounts")), (1, 1));
    assert_eq!(app.token_calls(), 0, "nothing is exchanged");
    assert_eq!(app.fake.request_count(ProviderEndpoint::Userinfo), 0, "nothing is asked for");
    let me = app.browser().get("/login/me").await.json();
    assert_eq!(me["user"], Value::Null);
}

/// There is no access token: the account exists, and its user must connect it to use the API.
#[rocket::async_test]
async fn na_08_a_native_sign_in_has_no_access_and_takes_none_away() {
    let app = launch().await;
    let mut device = app.browser();
    let begun = begin(&mut device).await;
    finishes(&app, &mut device, &begun).await;
    let guarded = TestRequest::get("/guarded").header("Accept", "application/json");
    let refused = device.ask(&guarded).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]["code"]),
        (Status::Unauthorized, &json!("reconnect_needed"))
    );
    let callback = device.ride_to_connect("/login/op").await;
    assert_eq!(device.get(&callback).await.location(), "/");
    assert_eq!(device.ask(&guarded).await.body, "ada");

    // The next native sign-in keeps the token, and what the refresh of it needs.
    let mut other = app.browser();
    let begun = begin(&mut other).await;
    finishes(&app, &mut other, &begun).await;
    assert_eq!(other.ask(&guarded).await.body, "ada");
    app.fake.advance_clock(3600);
    app.advance(3600);
    assert_eq!(other.ask(&guarded).await.body, "ada", "it was refreshed");

    // Removing an account without a token asks the provider for nothing.
    app.fake.set_user("eve");
    let mut eve = app.browser();
    eve.enter(7).await;
    let begun = begin_to_connect(&mut eve).await;
    let token = csrf(&mut eve).await;
    assert_eq!(eve.ask(&begun.good(&app).header("X-CSRF-Token", &token)).await.json(), json!({"user": 7}));
    let before = app.fake.request_count(ProviderEndpoint::Revocation);
    app.dance().delete(&AccountKey::owner("op", 7)).await.unwrap();
    app.dance().wait_for_revocations().await;
    assert_eq!(app.fake.request_count(ProviderEndpoint::Revocation), before);
}

#[rocket::async_test]
async fn na_01_only_a_listed_client_is_the_audience() {
    let app = launch().await;
    let mut device = app.browser();
    let begun = begin(&mut device).await;
    let own = app.fake.client_id().to_owned();
    for aud in [
        json!(own),
        json!("ios2"),
        json!(["ios", own]),
        json!(["ios", "other"]),
        json!([]),
        json!(null),
        json!(7),
        json!([["ios"]]),
        json!("IOS"),
        json!("ios "),
    ] {
        assert_refused(&mut device, &begun.finish(&changed(&app, &begun, "aud", &aud)), NOT_TRUSTED).await;
    }
    // Two of ours, and nobody says for which of them.
    let both = changed(&app, &begun, "aud", &json!(["ios", "android"]));
    assert_refused(&mut device, &begun.finish(&both), NOT_TRUSTED).await;
    for azp in [json!(own), json!("other"), json!(7)] {
        assert_refused(&mut device, &begun.finish(&changed(&app, &begun, "azp", &azp)), NOT_TRUSTED).await;
    }
    // Google names the program on the device in `azp`, and the app's client in `aud`.
    let token = changed(&app, &begun, "azp", &json!("android"));
    assert_eq!(device.ask(&begun.finish(&token)).await.status, Status::Ok);
    // What a device brings is no answer to a browser's flow: another audience.
    app.fake.edit_claims(|claims| claims["aud"] = json!("ios"));
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    let refusal = Refusal::new(Status::BadGateway, "bad_provider_answer").after_exchange();
    assert_refused(&mut ada, &TestRequest::get(&callback), refusal).await;
}

#[rocket::async_test]
async fn na_02_claims_and_signatures_that_are_not_right() {
    let app = launch().await;
    let mut device = app.browser();
    let begun = begin(&mut device).await;
    let (issuer, now) = (app.fake.issuer().to_owned(), time::OffsetDateTime::now_utc().unix_timestamp());
    for (name, value) in [
        ("iss", json!(null)),
        ("iss", json!(format!("{issuer}/"))),
        ("iss", json!("https://evil.example")),
        ("sub", json!(null)),
        ("sub", json!("")),
        ("sub", json!(7)),
        ("exp", json!(null)),
        ("exp", json!(now - 3600)),
        ("exp", json!("9999999999")),
        ("iat", json!(null)),
        ("iat", json!(now + 3600)),
        ("iat", json!(now - 2 * 86_400)),
        ("nbf", json!(now + 3600)),
    ] {
        assert_refused(&mut device, &begun.finish(&changed(&app, &begun, name, &value)), NOT_TRUSTED).await;
    }
    let good = app.fake.native_id_token("ios", &begun.nonce);
    let claims = payload(&good);
    let (signed, _) = good.rsplit_once('.').unwrap();
    let mut bad = vec![
        String::new(),
        "a".to_owned(),
        "a.b.c.d.e".to_owned(),
        format!("{signed}."),
        format!("{signed}.{}", "A".repeat(86)),
        format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(&claims)),
        "x".repeat(100_000),
        // The same key signs other kinds of tokens.
        app.fake.logout_token(Some("ada"), None),
        app.fake.sign_jwt(None, &claims.replace("\"sub\":\"ada\"", "\"sub\":\"ada\",\"sub\":\"eve\"")),
    ];
    for header in [
        json!({"alg": "none"}),
        json!({"alg": "HS256"}),
        json!({"alg": "ES256"}),
        json!({"alg": "EdDSA", "crit": ["exp"]}),
        json!({"alg": "EdDSA", "typ": "logout+jwt"}),
        json!({"alg": "EdDSA", "typ": "at+jwt"}),
    ] {
        bad.push(app.fake.sign_jwt(Some(&header), &claims));
    }
    for id_token in bad {
        assert_refused(&mut device, &begun.finish(&id_token), NOT_TRUSTED).await;
    }
    for fields in [
        json!({}),
        json!({"flow": begun.flow}),
        json!({"id_token": good}),
        json!({"flow": [begun.flow], "id_token": good}),
    ] {
        let ask = TestRequest::json("/login/op/native/finish", &fields);
        assert_refused(&mut device, &ask, Refusal::new(Status::BadRequest, "bad_request")).await;
    }
    assert_eq!((app.count("users"), app.count("oauth_accounts")), (0, 0));
    finishes(&app, &mut device, &begun).await;
}

/// An ID token is bound to its flow by the nonce: as it was given, or its SHA-256 in hexadecimal.
#[rocket::async_test]
async fn na_03_the_nonce_is_the_flows() {
    let app = launch().await;
    let mut device = app.browser();
    let (begun, other) = (begin(&mut device).await, begin(&mut device).await);
    assert_ne!(begun.nonce, other.nonce);
    let hash = |text: &str| sha256(text).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let web = crate::harness::query_parameter(&app.browser().begin("/login/op").await, "nonce").unwrap();
    for nonce in [
        json!(null),
        json!(""),
        json!(7),
        json!([begun.nonce]),
        json!(other.nonce),
        json!(hash(&other.nonce)),
        json!(web),
        json!(hash(&hash(&begun.nonce))),
        json!(begun.nonce.to_ascii_lowercase()),
        json!(format!("{} ", begun.nonce)),
    ] {
        let token = changed(&app, &begun, "nonce", &nonce);
        assert_refused(&mut device, &begun.finish(&token), NOT_TRUSTED).await;
    }
    let apple = changed(&app, &begun, "nonce", &json!(hash(&begun.nonce)));
    assert_eq!(device.ask(&begun.finish(&apple)).await.status, Status::Ok);
    let upper = changed(&app, &other, "nonce", &json!(hash(&other.nonce).to_ascii_uppercase()));
    assert_eq!(app.browser().ask(&other.finish(&upper)).await.status, Status::Ok);
}

fn sha256(text: &str) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref().to_vec()
}

#[rocket::async_test]
async fn na_04_a_flow_is_of_this_app_this_entry_and_this_kind() {
    let app = launch().await;
    let mut device = app.browser();
    let begun = begin(&mut device).await;
    let token = app.fake.native_id_token("ios", &begun.nonce);
    assert_refused(&mut device, &finish_at("op2", &begun.flow, &token), NOT_TRUSTED).await;
    let mut changed = begun.flow.clone().into_bytes();
    let at = changed.len() - 5;
    changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
    let changed = String::from_utf8(changed).unwrap();
    // The flow of a browser, and the other way round.
    let mut ada = app.browser();
    let authorization = ada.begin("/login/op").await;
    let (cookie, browsers) = ada.flows().remove(0);
    for flow in ["", "x", &changed, &browsers, &ada.jar[&cookie]] {
        assert_refused(&mut device, &finish_at("op", flow, &token), NOT_TRUSTED).await;
    }
    let callback = app.approve(&authorization).await;
    ada.jar.insert(cookie.clone(), begun.flow.clone());
    assert!(cookie.starts_with(FLOW));
    assert_refused(&mut ada, &TestRequest::get(&callback), NOT_TRUSTED).await;
    // Another app with the same keys.
    let staging = |figment: Figment| configure(figment).merge(("dance.base_url", "http://localhost:9000"));
    let mut elsewhere = app.relaunch(staging).await.browser();
    assert_eq!(elsewhere.ask(&begun.good(&app)).await.status, Status::BadRequest);
    // Too old.
    let (begun, late) = (begin(&mut device).await, begin(&mut device).await);
    finishes(&app, &mut app.browser(), &begun).await;
    app.advance(1800);
    app.fake.advance_clock(1800);
    assert_refused(&mut device, &late.good(&app), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn na_05_a_flow_is_finished_once_over_all_processes() {
    let app = launch().await;
    let other = app.relaunch(configure).await;
    let mut device = app.browser();
    let begun = begin(&mut device).await;
    let finish = begun.good(&app);
    let (here, there) = (app.browser(), other.browser());
    let both = (0..8).map(|number| if number % 2 == 0 { &here } else { &there }.peek(&finish));
    let answers = join_all(both).await;
    let succeeded = answers.iter().filter(|answer| answer.status == Status::Ok).count();
    assert_eq!(succeeded, 1, "{answers:?}");
    for answer in answers.iter().filter(|answer| answer.status != Status::Ok) {
        assert_eq!((answer.status, answer.sets(SESSION)), (Status::BadRequest, false), "{answer:?}");
    }
    assert_eq!((app.count("users"), app.count("oauth_accounts"), app.count("oauth_sessions")), (1, 1, 1));
    for mut again in [app.browser(), other.browser()] {
        assert_refused(&mut again, &finish, NOT_TRUSTED).await;
    }
    // Begun here, finished there.
    let begun = begin(&mut device).await;
    finishes(&app, &mut other.browser(), &begun).await;
}

#[rocket::async_test]
async fn na_07_a_flow_that_connects_belongs_to_its_user() {
    let app = launch().await;
    let (mut ada, mut eve) = (app.browser(), app.browser());
    ada.enter(7).await;
    eve.enter(8).await;
    let begun = begin_to_connect(&mut ada).await;
    let foreign = csrf(&mut eve).await;
    assert_refused(&mut eve, &begun.good(&app).header("X-CSRF-Token", &foreign), NOT_TRUSTED).await;
    assert_refused(&mut app.browser(), &begun.good(&app), NOT_TRUSTED).await;
    let own = csrf(&mut ada).await;
    let answer = ada.ask(&begun.good(&app).header("X-CSRF-Token", &own)).await;
    assert_eq!((answer.status, answer.json()), (Status::Ok, json!({"user": 7})));
    let accounts = ada.get("/login/me").await.json()["accounts"].clone();
    assert_eq!(
        (accounts.as_array().map(Vec::len), &accounts[0]["provider_user_id"]),
        (Some(1), &json!("ada"))
    );
    // An account of another user.
    let begun = begin_to_connect(&mut eve).await;
    let own = csrf(&mut eve).await;
    let taken = begun.good(&app).header("X-CSRF-Token", &own);
    assert_refused(&mut eve, &taken, Refusal::new(Status::Forbidden, "refused")).await;
    // And the user signs in with it.
    let mut device = app.browser();
    let begun = begin(&mut device).await;
    finishes(&app, &mut device, &begun).await;
    assert_eq!(device.user().await, Some(7));
}

#[rocket::async_test]
async fn na_09_only_where_it_is_offered() {
    let app = TestApp::launch_with(|figment| {
        configure(figment).merge(("oauth.op2.login", false)).merge(app_without_native())
    })
    .await;
    let mut device = app.browser();
    let begun = begin(&mut device).await;
    for entry in ["op3", "nobody"] {
        let begin = TestRequest::new(Method::Post, &format!("/login/{entry}/native"));
        assert_refused(&mut device, &begin, NOT_OFFERED).await;
        let finish = finish_at(entry, &begun.flow, &app.fake.native_id_token("ios", &begun.nonce));
        assert_refused(&mut device, &finish, NOT_OFFERED).await;
    }
    // An entry that only connects.
    let begin = TestRequest::new(Method::Post, "/login/op2/native");
    assert_refused(&mut device, &begin, Refusal::new(Status::Forbidden, "refused")).await;
    finishes(&app, &mut device, &begun).await;
}

/// An entry `op3` that no device can sign in with.
fn app_without_native() -> (&'static str, Value) {
    let entry =
        json!({"provider": "oidc", "issuer": "https://op.example", "client_id": "c", "client_secret": "s"});
    ("oauth.op3", entry)
}

/// NA-10: the flow of an outage can be finished afterwards.
#[rocket::async_test]
async fn na_10_an_outage_uses_nothing_up() {
    let app = launch().await;
    let mut device = app.browser();
    let begun = begin(&mut device).await;
    app.fake.respond_always(ProviderEndpoint::Jwks, FakeResponse::status(503));
    assert_refused(&mut device, &begun.good(&app), UNREACHABLE).await;
    app.fake.respond_always(ProviderEndpoint::Jwks, FakeResponse::edit(|_| ()));
    app.advance(60);
    finishes(&app, &mut device, &begun).await;
    // New keys are found.
    app.fake.rotate_keys(SigningAlgorithm::ES256);
    app.advance(120);
    let begun = begin(&mut device.app.browser()).await;
    finishes(&app, &mut app.browser(), &begun).await;
}
