//! Token answers, and userinfo answers after a sign-in.

use rocket::http::Status;
use rocket_dance::ErrorKind;
use rocket_dance::provider::Provider;
use rocket_dance::testing::{FakeResponse, ProviderEndpoint};
use serde_json::{Value, json};

use crate::harness::{NOT_TRUSTED, Refusal, TestApp, TestRequest, assert_refused};
use crate::openid::{BAD_ANSWER, encode, refuses, signs_in};

/// `[default.oauth.lab]`.
struct Lab;

impl Provider for Lab {
    const NAME: &'static str = "lab";
}

#[rocket::async_test]
async fn id_18_id_20_the_userinfo_of_another_user() {
    let app =
        TestApp::launch_with(|figment| figment.merge(("oauth.op.profile.id", "preferred_username"))).await;
    for userinfo in [json!({"sub": "eve"}), json!({"name": "Ada"}), json!({"sub": 7})] {
        app.fake.set_userinfo(userinfo);
        refuses(&app, BAD_ANSWER).await;
    }
    // A `profile` mapping reads another id; the identity is still the `sub` of the ID token.
    app.fake.set_userinfo(json!({"sub": "ada", "preferred_username": "eve"}));
    signs_in(&app).await;
    assert!(app.rows().contains("provider_user_id='ada'"), "{}", app.rows());
}

#[rocket::async_test]
async fn id_19_a_signed_userinfo() {
    let app = TestApp::launch().await;
    let good = json!({"iss": app.fake.issuer(), "aud": app.fake.client_id(), "sub": "ada", "name": "Ada L."});
    let signed = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        FakeResponse::body("application/jwt", app.fake.sign_jwt(None, &claims.to_string()))
    };
    app.fake.respond_once(ProviderEndpoint::Userinfo, signed("sub", json!("eve")));
    refuses(&app, BAD_ANSWER).await;
    // R10: what is not verified is not read, and the ID token suffices.
    for answer in [
        signed("iss", json!("https://evil.example")),
        signed("aud", json!("another client")),
        signed("exp", json!(1)),
        FakeResponse::body(
            "application/jwt",
            format!("{}.{}.", encode(r#"{"alg":"none"}"#), encode(&good.to_string())),
        ),
        FakeResponse::body("application/jwt", good.to_string()),
    ] {
        app.fake.respond_once(ProviderEndpoint::Userinfo, answer);
        signs_in(&app).await;
        assert!(!app.rows().contains("Ada L."), "{}", app.rows());
    }
    for answer in [signed("sub", json!("ada")), signed("aud", json!(null))] {
        app.fake.respond_once(ProviderEndpoint::Userinfo, answer);
        signs_in(&app).await;
        assert!(app.rows().contains("Ada L."), "{}", app.rows());
    }
}

#[rocket::async_test]
async fn id_21_a_refreshed_id_token_of_another_user() {
    let app = TestApp::launch().await;
    app.fake.set_access_token_ttl(100);
    let mut ada = app.browser();
    ada.sign_in("op").await;
    app.fake.edit_claims(|claims| claims["sub"] = json!("eve"));
    app.advance(200);
    app.fake.advance_clock(200);
    let (rows, before) = (app.rows(), app.token_calls());
    let answer = ada.get("/guarded").await;
    assert_eq!((answer.status, app.token_calls()), (Status::BadGateway, before + 1), "{answer:?}");
    assert_eq!(app.rows(), rows, "the stored refresh token stays");
}

#[rocket::async_test]
async fn tr_01_to_tr_12_token_answers_that_are_none() {
    let app = TestApp::launch().await;
    let json = |body: &str| FakeResponse::body("application/json", body);
    let edit =
        |name: &'static str, value: Value| FakeResponse::edit(move |answer| answer[name] = value.clone());
    let expected = |status, code| Refusal::new(status, code).after_exchange();
    let busy = expected(Status::ServiceUnavailable, "provider_unreachable");
    let misconfigured = expected(Status::InternalServerError, "misconfigured");
    for (answer, expected) in [
        // TR-01
        (json(r#"{"error": "bad_verification_code"}"#), NOT_TRUSTED.after_exchange()),
        (json(r#"{"error": "x", "access_token": "at", "token_type": "Bearer"}"#), BAD_ANSWER),
        (edit("error", json!({"message": "no"})), BAD_ANSWER),
        // TR-02, TR-03, TR-04
        (edit("access_token", json!(null)), BAD_ANSWER),
        (edit("access_token", json!("")), BAD_ANSWER),
        (edit("access_token", json!(7)), BAD_ANSWER),
        (edit("token_type", json!(null)), BAD_ANSWER),
        (edit("token_type", json!("DPoP")), BAD_ANSWER),
        // TR-06, TR-07
        (FakeResponse::body("text/plain", "access_token=at&token_type=bearer"), BAD_ANSWER),
        (FakeResponse::body("text/html", "<html>sorry</html>"), BAD_ANSWER),
        (json(""), BAD_ANSWER),
        (FakeResponse::status(204), BAD_ANSWER),
        (json(r#"{"access_token": "at""#), BAD_ANSWER),
        (json(&"[".repeat(10_000)), BAD_ANSWER),
        // TR-08
        (json(&" ".repeat((1 << 20) + 1)), BAD_ANSWER),
        // TR-10
        (FakeResponse::redirect("http://localhost:1/token"), BAD_ANSWER),
        (FakeResponse::status(307).header("Location", "http://localhost:1/token"), BAD_ANSWER),
        // TR-11, TR-12
        (FakeResponse::status(429).header("Retry-After", "17"), busy),
        (FakeResponse::status(503).header("Retry-After", "17"), busy),
        (FakeResponse::json(json!({"error": "invalid_client"})).with_status(401), misconfigured),
    ] {
        let shown = format!("{answer:?}");
        app.fake.respond_once(ProviderEndpoint::Token, answer);
        let mut browser = app.browser();
        let callback = browser.ride("/login/op").await;
        let page = assert_refused(&mut browser, &TestRequest::get(&callback), expected).await;
        let wait = (expected.status == Status::ServiceUnavailable).then_some("17");
        assert_eq!(page.header("Retry-After"), wait, "{shown}");
        assert!(!page.body.contains("invalid_client"), "the person reads nothing of it: {}", page.body);
    }
    assert_eq!((app.count("users"), app.count("oauth_accounts")), (0, 0));
}

#[rocket::async_test]
async fn tr_04_tr_05_token_answers_as_providers_send_them() {
    let app = TestApp::launch().await;
    for (name, value, stored) in [
        ("expires_in", json!("3600"), ""),
        ("expires_in", json!(3600.0), ""),
        ("expires_in", json!(0), "expires_at=NULL"),
        ("expires_in", json!(null), "expires_at=NULL"),
        ("expires_in", json!("3600abc"), "expires_at=NULL"),
        ("expires_in", json!(-1), "expires_at=NULL"),
        ("expires_in", json!(1e99), "expires_at=NULL"),
        ("error", json!(""), ""),
        ("scope", json!(7), "scope='openid profile email'"),
        ("scope", json!({}), "scope='openid profile email'"),
        ("token_type", json!("BEARER"), ""),
        ("scope", json!(["openid", "x"]), "scope='openid x'"),
        ("scope", json!("openid,x"), "scope='openid x'"),
        ("scope", json!(null), "scope='openid profile email'"),
        // An empty scope means that nothing was granted.
        ("scope", json!(""), "scope=''"),
    ] {
        let shown = format!("{name} {value}");
        app.fake.respond_once(
            ProviderEndpoint::Token,
            FakeResponse::edit(move |answer| {
                answer[name] = value.clone();
                answer.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            }),
        );
        signs_in(&app).await;
        assert!(app.rows().contains(stored), "{shown}: {}", app.rows());
    }
}

#[rocket::async_test]
async fn tr_15_a_later_userinfo_of_another_user() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    assert_eq!(ada.get("/guarded").await.body, "ada");
    for userinfo in [json!({"sub": "eve"}), json!({"name": "Ada"}), json!({"sub": 7})] {
        app.fake.set_userinfo(userinfo);
        let answer = ada.get("/guarded").await;
        assert_eq!(answer.status, Status::BadGateway, "{answer:?}");
        assert!(!answer.body.contains("eve"));
    }
}

/// GitLab's preset refuses blocked users. That is decided at the sign-in: a later userinfo is the app's to read.
#[rocket::async_test]
async fn tr_15_a_later_userinfo_that_the_preset_would_refuse() {
    let app = TestApp::launch().await;
    let lab = app.fake.preset_config("lab", "gitlab");
    let app = app.relaunch(|figment| figment.merge(lab)).await;
    let claims = |id: &str, state: &str| json!({"id": id, "name": "Ada", "state": state});
    app.fake.set_userinfo(claims("1", "active"));
    app.browser().sign_in("lab").await;
    let client = app.dance().client(Lab, &1).await.unwrap().expect("an account");
    app.fake.set_userinfo(claims("1", "blocked"));
    assert_eq!(client.userinfo().await.unwrap()["state"], "blocked");
    for wrong in [claims("2", "active"), json!({"state": "active"})] {
        app.fake.set_userinfo(wrong.clone());
        let error = client.userinfo().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadProviderAnswer, "{wrong}");
    }
}

#[rocket::async_test]
async fn rf_02_a_new_consent_without_a_refresh_token_keeps_the_old_one() {
    let app = TestApp::launch().await;
    app.fake.set_access_token_ttl(100);
    signs_in(&app).await;
    app.fake.respond_once(
        ProviderEndpoint::Token,
        FakeResponse::edit(|answer| {
            answer.as_object_mut().unwrap().remove("refresh_token");
        }),
    );
    let mut ada = app.browser();
    ada.sign_in("op").await;
    app.advance(200);
    app.fake.advance_clock(200);
    let before = app.token_calls();
    assert_eq!(ada.get("/guarded").await.body, "ada");
    assert_eq!(app.token_calls(), before + 1, "refreshed with the first consent's refresh token");
}
