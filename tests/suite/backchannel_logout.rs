//! Back-channel logout: the provider ends sessions with a logout token (OpenID Connect Back-Channel Logout 1.0).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rocket::http::{ContentType, Method, Status};
use rocket::tokio::time::sleep;
use rocket_dance::Dance;
use rocket_dance::provider::SigningAlgorithm;
use rocket_dance::storage::{CookieStorage, MemoryStorage};
use rocket_dance::testing::{FakeProvider, sign_in};
use serde_json::{Value, json};

use crate::app::{App, figment};
use crate::harness::{Browser, Refusal, SESSION, TestApp, TestRequest, assert_refused, captured_log};
use crate::logout::Fragile;

const BACKCHANNEL_LOGOUT: &str = "/login/op/backchannel-logout";

const BAD: Refusal = Refusal::new(Status::BadRequest, "invalid_request");

/// The provider's request: without Origin and without cookies.
fn logout_request(logout_token: &str) -> TestRequest {
    TestRequest::post(BACKCHANNEL_LOGOUT, &[("logout_token", logout_token)])
}

/// Posts a logout token and returns the status.
pub(crate) async fn post_logout_token(app: &TestApp, logout_token: &str) -> Status {
    let mut provider = app.browser();
    let answer = provider.ask(&logout_request(logout_token)).await;
    assert_eq!(answer.header("Cache-Control"), Some("no-store"), "{answer:?}");
    assert_eq!(answer.body.is_empty(), answer.status == Status::Ok, "{answer:?}");
    assert!(provider.jar.is_empty());
    answer.status
}

/// A browser in which `sub` has signed in at `entry`, in the provider's session `sid`.
pub(crate) async fn signed_in(app: &TestApp, entry: &str, sub: &str, sid: Option<&str>) -> Browser {
    let sid = sid.map(str::to_owned);
    app.fake.set_user(sub).edit_claims(move |claims| {
        if let Some(sid) = &sid {
            claims["sid"] = json!(sid);
        }
    });
    let mut browser = app.browser();
    browser.sign_in(entry).await;
    browser
}

fn payload(token: &str) -> String {
    use base64::Engine as _;
    let part = token.split('.').nth(1).unwrap();
    String::from_utf8(base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

/// A logout token for Ada's session `laptop`, with changed claims and header, signed by the provider.
fn changed_token(app: &TestApp, header: Option<Value>, edit: impl FnOnce(&mut Value)) -> String {
    let mut claims: Value =
        serde_json::from_str(&payload(&app.fake.logout_token(Some("ada"), Some("laptop")))).unwrap();
    edit(&mut claims);
    app.fake.sign_jwt(header.as_ref(), &claims.to_string())
}

#[rocket::async_test]
async fn lo_03_claims_of_a_logout_token_that_are_not_right() {
    let app = TestApp::launch().await;
    let mut ada = signed_in(&app, "op", "ada", Some("laptop")).await;
    let issuer = app.fake.issuer().to_owned();
    let client = app.fake.client_id().to_owned();
    let now = time::OffsetDateTime::now_utc().unix_timestamp();
    let event = "http://schemas.openid.net/event/backchannel-logout";
    let without = json!("without");
    for (name, value) in [
        ("iss", without.clone()),
        ("iss", json!(format!("{issuer}/"))),
        ("iss", json!("https://evil.example")),
        ("aud", without.clone()),
        ("aud", json!("another client")),
        ("aud", json!([])),
        ("aud", json!([client, "another client"])),
        ("azp", json!("another client")),
        ("iat", without.clone()),
        ("iat", json!(now.to_string())),
        ("iat", json!(now - 3600)),
        ("iat", json!(now + 3600)),
        ("exp", without.clone()),
        ("exp", json!("9999999999")),
        ("exp", json!(now - 120)),
        ("nbf", json!(now + 3600)),
        ("jti", without.clone()),
        ("jti", json!("")),
        ("jti", json!(7)),
        ("events", without.clone()),
        ("events", json!({})),
        ("events", json!(event)),
        ("events", json!([event])),
        ("events", json!({event: true})),
        ("events", json!({event: null})),
        ("events", json!({"http://schemas.openid.net/event/another": {}})),
        ("events", json!({format!("{event}/"): {}})),
        ("nonce", json!("n")),
        ("nonce", json!(null)),
        ("sub", json!("")),
        ("sub", json!(7)),
        ("sub", json!(null)),
        ("sid", json!("")),
        ("sid", json!(["laptop"])),
        ("sid", json!(null)),
    ] {
        let (said, gone) = (format!("{name}: {value}"), value == without);
        let token = changed_token(&app, None, |claims| {
            claims[name] = value;
            claims.as_object_mut().unwrap().retain(|key, _| key != name || !gone);
        });
        refuses(&app, &mut ada, &logout_request(&token), &said).await;
    }
    let nameless = app.fake.logout_token(None, None);
    refuses(&app, &mut ada, &logout_request(&nameless), "neither sub nor sid").await;
    assert_eq!(post_logout_token(&app, &changed_token(&app, None, |_| ())).await, Status::Ok);
    assert_eq!(ada.user().await, None);
}

/// Asserts that the request is refused and changes nothing, with and without cookies.
async fn refuses(app: &TestApp, ada: &mut Browser, ask: &TestRequest, what: &str) {
    let claims = app.claims();
    assert_eq!(ada.user().await, Some(1), "{what}");
    for mut browser in [app.browser(), ada.clone()] {
        let answer = assert_refused(&mut browser, ask, BAD).await;
        assert_eq!(answer.body, "{\"error\":\"invalid_request\"}", "{what}");
        assert_eq!(answer.header("Content-Type"), Some("application/json"), "{what}");
    }
    assert_eq!((ada.user().await, app.claims()), (Some(1), claims), "{what}");
    let token = ask.field("logout_token");
    app.assert_no_secret("the log", &captured_log().unwrap_or_default(), &[("logout token", token)]);
}

#[rocket::async_test]
async fn lo_03_signatures_of_a_logout_token_that_are_not_right() {
    let app = TestApp::launch().await;
    let mut ada = signed_in(&app, "op", "ada", Some("laptop")).await;
    let good = app.fake.logout_token(Some("ada"), Some("laptop"));
    let part = |n: usize| good.split('.').nth(n).unwrap().to_owned();
    let encode = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(text)
    };
    let (header, none) = (part(0), encode(r#"{"alg":"none","typ":"logout+jwt"}"#));
    let grace = encode(&payload(&good).replace("\"ada\"", "\"grace\""));
    let mut wrong = vec![
        format!("{none}.{}.", part(1)),
        format!("{none}.{}.{}", part(1), part(2)),
        format!("{header}.{grace}.{}", part(2)),
        format!("{header}.{}.{}", part(1), "A".repeat(86)),
        format!("{header}.{}.", part(1)),
        format!("{header}.{}", part(1)),
        "a.b.c.d.e".into(),
        "..".into(),
        String::new(),
        // An ID token, and an access token.
        app.tokens()[2].clone(),
        app.tokens()[0].clone(),
    ];
    for header in [
        json!({"alg": "none"}),
        json!({"alg": "HS256"}),
        json!({"alg": "ES256"}),
        json!({"alg": "RS256"}),
        json!({"alg": "EdDSA", "kid": "another"}),
        json!({"alg": "EdDSA", "crit": ["exp"]}),
        json!({"alg": "EdDSA", "typ": "at+jwt"}),
        json!({"alg": "EdDSA", "typ": "secevent+jwt"}),
        json!({"alg": "EdDSA", "typ": 7}),
        json!({"typ": "logout+jwt"}),
    ] {
        wrong.push(changed_token(&app, Some(header), |_| ()));
    }
    // A token of another provider, which is valid there.
    let other = FakeProvider::start().await;
    wrong.push(other.logout_token(Some("ada"), Some("laptop")));
    wrong.push(other.sign_jwt(None, &payload(&good)));
    // SigningAlgorithm confusion (RFC 8725 §2.1): the client's secret signs nothing.
    wrong.push({
        let signed = format!("{}.{}", encode(r#"{"alg":"HS256"}"#), part(1));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, app.fake.client_secret().as_bytes());
        use base64::Engine as _;
        let tag = ring::hmac::sign(&key, signed.as_bytes());
        format!("{signed}.{}", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(tag))
    });
    for token in &wrong {
        refuses(&app, &mut ada, &logout_request(token), token).await;
    }
    // Malformed forms.
    let json = TestRequest::post(BACKCHANNEL_LOGOUT, &[("logout_token", &good)]);
    refuses(&app, &mut ada, &json.clone().header("Content-Type", "application/json"), "JSON").await;
    refuses(&app, &mut ada, &json.header("Content-Type", "text/plain"), "plain").await;
    refuses(&app, &mut ada, &TestRequest::post(BACKCHANNEL_LOGOUT, &[]), "nothing").await;
    refuses(&app, &mut ada, &TestRequest::post(BACKCHANNEL_LOGOUT, &[("token", &good)]), "another name")
        .await;
    // At another entry: an unknown one, or one of another client.
    for entry in ["nobody", "accounts", "%2e%2e"] {
        let uri = format!("/login/{entry}/backchannel-logout");
        refuses(&app, &mut ada, &TestRequest::post(&uri, &[("logout_token", &good)]), entry).await;
    }
    let in_the_url =
        ada.ask(&TestRequest::post(&format!("{BACKCHANNEL_LOGOUT}?logout_token={good}"), &[])).await;
    assert_eq!((in_the_url.status, ada.user().await), (Status::BadRequest, Some(1)));
    for method in [Method::Get, Method::Head, Method::Put, Method::Delete, Method::Patch] {
        let answer =
            ada.ask(&TestRequest::new(method, &format!("{BACKCHANNEL_LOGOUT}?logout_token={good}"))).await;
        assert_eq!((answer.status, ada.user().await), (Status::NotFound, Some(1)), "{method}");
    }
    assert_eq!(post_logout_token(&app, &good).await, Status::Ok);
    assert_eq!(ada.user().await, None);
}

#[rocket::async_test]
async fn lo_03_the_entry_says_which_algorithms() {
    let app = TestApp::launch_with(|figment| figment.merge(("oauth.op.signing_algorithms", ["ES256"]))).await;
    let eddsa = app.fake.logout_token(Some("ada"), None);
    app.fake.rotate_keys(SigningAlgorithm::ES256);
    let mut ada = signed_in(&app, "op", "ada", None).await;
    refuses(&app, &mut ada, &logout_request(&eddsa), "EdDSA").await;
    // A key that was published later is fetched.
    app.fake.rotate_keys(SigningAlgorithm::ES256);
    assert_eq!(post_logout_token(&app, &app.fake.logout_token(Some("ada"), None)).await, Status::Ok);
    assert_eq!(ada.user().await, None);
}

#[rocket::async_test]
async fn lo_03_kinds_of_a_logout_token_that_are_right() {
    let app = TestApp::launch().await;
    for header in [
        json!({}),
        json!({"typ": "JWT"}),
        json!({"typ": "logout+jwt"}),
        json!({"typ": "application/LOGOUT+jwt"}),
    ] {
        let ada = signed_in(&app, "op", "ada", Some("laptop")).await;
        let mut header = header;
        header["alg"] = json!("EdDSA");
        let client = app.fake.client_id();
        let token = changed_token(&app, Some(header.clone()), |claims| claims["aud"] = json!([client]));
        assert_eq!(post_logout_token(&app, &token).await, Status::Ok, "{header}");
        assert_eq!(ada.user().await, None, "{header}");
    }
}

/// Which browsers are still signed in: Ada's laptop and phone at `op`, Ada's tablet at `op2` in a session of the same name,
/// Grace at `op`, and Ada with the app's own form.
async fn still_signed_in<const N: usize>(browsers: &[Browser; N]) -> [bool; N] {
    let mut left = [false; N];
    for (left, browser) in left.iter_mut().zip(browsers) {
        *left = browser.user().await.is_some();
    }
    left
}

#[rocket::async_test]
async fn lo_03_the_right_sessions_end_and_no_others() {
    for (sub, sid, expected) in [
        (None, Some("laptop"), [false, true, true, true, true]),
        (Some("ada"), Some("laptop"), [false, true, true, true, true]),
        (Some("ada"), None, [false, false, true, true, true]),
        (Some("grace"), None, [true, true, true, false, true]),
        (Some("grace"), Some("laptop"), [true; 5]),
        (Some("ADA"), None, [true; 5]),
        (None, Some("Laptop"), [true; 5]),
        (Some("nobody"), None, [true; 5]),
        (Some("ada' or '1'='1"), None, [true; 5]),
        (Some("%"), None, [true; 5]),
    ] {
        let app = TestApp::launch().await;
        let laptop = signed_in(&app, "op", "ada", Some("laptop")).await;
        let phone = signed_in(&app, "op", "ada", Some("phone")).await;
        let tablet = signed_in(&app, "op2", "ada", Some("laptop")).await;
        let grace = signed_in(&app, "op", "grace", Some("grace's")).await;
        let mut form = app.browser();
        form.enter(laptop.user().await.unwrap()).await;
        let browsers = [laptop, phone, tablet, grace, form];
        assert_eq!(still_signed_in(&browsers).await, [true; 5]);
        assert_eq!(post_logout_token(&app, &app.fake.logout_token(sub, sid)).await, Status::Ok);
        assert_eq!(still_signed_in(&browsers).await, expected, "{sub:?} {sid:?}");
        let alive = expected.iter().filter(|alive| **alive).count();
        assert_eq!((app.count("oauth_sessions"), app.count("oauth_accounts")), (alive, 3));
    }
}

/// The provider ends its session while the app waits for its userinfo.
#[rocket::async_test]
async fn d7_each_entry_of_one_issuer_takes_a_logout_token_once() {
    let app = TestApp::launch().await;
    let browsers = [
        signed_in(&app, "op", "ada", Some("laptop")).await,
        signed_in(&app, "op2", "ada", Some("laptop")).await,
    ];
    let token = app.fake.logout_token(Some("ada"), Some("laptop"));
    for (entry, expected) in [("op", [false, true]), ("op2", [false, false])] {
        let path = format!("/login/{entry}/backchannel-logout");
        let request = TestRequest::post(&path, &[("logout_token", &token)]);
        assert_eq!(app.browser().ask(&request).await.status, Status::Ok, "{entry}, for the first time");
        assert_eq!(still_signed_in(&browsers).await, expected);
        assert_refused(&mut app.browser(), &request, BAD).await;
    }
}

#[rocket::async_test]
async fn lo_03_a_session_keeps_its_origin_when_an_account_is_connected() {
    let app = TestApp::launch().await;
    let mut ada = signed_in(&app, "op", "ada", Some("laptop")).await;
    let callback = ada.ride_to_connect("/login/op2").await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    assert_eq!(post_logout_token(&app, &app.fake.logout_token(None, Some("laptop"))).await, Status::Ok);
    assert_eq!(ada.user().await, None, "SF-01: under its new id, too");
}

#[rocket::async_test]
async fn lo_03_a_session_without_a_sid_may_be_the_one() {
    let app = TestApp::launch().await;
    let ada = signed_in(&app, "op", "ada", None).await;
    assert_eq!(
        post_logout_token(&app, &app.fake.logout_token(Some("grace"), Some("laptop"))).await,
        Status::Ok
    );
    assert_eq!(post_logout_token(&app, &app.fake.logout_token(None, Some("laptop"))).await, Status::Ok);
    assert!(ada.user().await.is_some());
    assert_eq!(
        post_logout_token(&app, &app.fake.logout_token(Some("ada"), Some("laptop"))).await,
        Status::Ok
    );
    assert_eq!(ada.user().await, None);
}

#[rocket::async_test]
async fn lo_03_on_every_node_and_only_once() {
    let ttl = 2;
    let configure = |figment: rocket::figment::Figment| figment.merge(("dance.cache.ttl", ttl));
    let here = TestApp::launch_with(configure).await;
    let there = here.relaunch(configure).await;
    let elsewhere = Browser { app: there.clone(), ..signed_in(&here, "op", "ada", None).await };
    assert!(elsewhere.user().await.is_some());
    let token = here.fake.logout_token(Some("ada"), None);
    assert_eq!(post_logout_token(&here, &token).await, Status::Ok);
    let since = Instant::now();
    while elsewhere.user().await.is_some() {
        assert!(since.elapsed() < Duration::from_secs(ttl + 3), "still there after {:?}", since.elapsed());
        sleep(Duration::from_millis(20)).await;
    }
    // A copy of the token ends no session a second time, on either node.
    let mut ada = signed_in(&here, "op", "ada", None).await;
    refuses(&here, &mut ada, &logout_request(&token), "a replay").await;
    let mut there = Browser { app: there, ..ada.clone() };
    refuses(&there.app.clone(), &mut there, &logout_request(&token), "a replay elsewhere").await;
    // Another token with the same `jti` counts as the same token, also when the app's clock has moved on.
    let jti = serde_json::from_str::<Value>(&payload(&token)).unwrap()["jti"].clone();
    let twin = changed_token(&here, None, |claims| claims["jti"] = jti);
    refuses(&here, &mut ada, &logout_request(&twin), "a twin").await;
    for _ in 0..8 {
        here.advance(100);
        refuses(&here, &mut ada, &logout_request(&token), "later").await;
    }
    here.advance(-800);
    // An attacker's page in the user's browser has no token to post, so the provider may send any Origin.
    let answer = ada
        .app
        .browser()
        .ask(
            &logout_request(&here.fake.logout_token(Some("ada"), None))
                .header("Origin", "https://provider.example"),
        )
        .await;
    assert_eq!((answer.status, ada.user().await), (Status::Ok, None));
}

#[rocket::async_test]
async fn lo_03_an_outage_uses_no_token_up() {
    let down = Arc::new(AtomicBool::new(false));
    let fake = FakeProvider::start().await;
    let figment = figment(&fake).merge(("dance.cache", false));
    let storage = Fragile::new(MemoryStorage::new(), down.clone());
    let app = App::new(fake, figment, Dance::fairing().storage(storage)).await;
    app.sign_in_as(7).await;
    sign_in(&app.client, "op").await;
    assert_eq!(app.client.post("/leave").dispatch().await.status(), Status::Ok);
    sign_in(&app.client, "op").await;
    assert_eq!(app.get("/me").await.status(), Status::Ok);
    let token = app.fake.logout_token(Some("ada"), None);
    let post = async || {
        let form = format!("logout_token={token}");
        app.client.post(BACKCHANNEL_LOGOUT).header(ContentType::Form).body(form).dispatch().await.status()
    };
    down.store(true, Ordering::SeqCst);
    assert_eq!(post().await, Status::BadRequest);
    down.store(false, Ordering::SeqCst);
    assert_eq!(app.get("/me").await.status(), Status::Ok);
    assert_eq!(post().await, Status::Ok, "the provider tries again");
    assert_eq!(app.get("/me").await.status(), Status::SeeOther);
    assert!(app.cookies().contains_key(SESSION), "the browser still has its cookie");
}

#[rocket::async_test]
async fn lo_03_without_stored_sessions_the_provider_gets_an_error() {
    let fake = FakeProvider::start().await;
    let figment = figment(&fake);
    let app = App::new(fake, figment, Dance::fairing().storage(CookieStorage)).await;
    let form = format!("logout_token={}", app.fake.logout_token(Some("ada"), None));
    let answer = app.client.post(BACKCHANNEL_LOGOUT).header(ContentType::Form).body(form).dispatch().await;
    assert_eq!(answer.status(), Status::BadRequest);
    assert_eq!(answer.into_string().await.as_deref(), Some("{\"error\":\"server_error\"}"));
}
