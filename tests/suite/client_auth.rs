//! Client authentication, and pushed authorization requests.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rocket::http::Status;
use rocket_dance::storage::AccountKey;
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint, RecordedRequest};
use serde_json::json;

use crate::app::Op;
use crate::harness::{NOT_TRUSTED, Refusal, TestApp, TestRequest, assert_refused, query_parameter};

/// The requests with client authentication.
fn asked(app: &TestApp) -> Vec<RecordedRequest> {
    let endpoints =
        [ProviderEndpoint::PushedAuthorization, ProviderEndpoint::Token, ProviderEndpoint::Revocation];
    app.fake.requests().into_iter().filter(|request| endpoints.contains(&request.endpoint)).collect()
}

/// All of them in one sign-in: push, exchange, refresh, revocation.
async fn everything(app: &TestApp) {
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let user = ada.user().await.unwrap();
    app.advance(3600);
    // An assertion contains the time at which it was made.
    app.fake.advance_clock(3600);
    let client = app.dance().client(Op, &user).await.unwrap().expect("an account");
    client.access_token().await.expect("refreshed");
    app.dance().delete(&AccountKey::identity("op", "ada")).await.unwrap();
    app.dance().wait_for_revocations().await;
    let all = [ProviderEndpoint::PushedAuthorization, ProviderEndpoint::Token, ProviderEndpoint::Revocation];
    assert_eq!(all.map(|endpoint| app.fake.request_count(endpoint)), [1, 2, 2]);
}

#[rocket::async_test]
async fn private_key_jwt_at_every_endpoint() {
    let app = TestApp::launch().await;
    app.fake.require_pushed_authorization();
    let keyed = app.fake.private_key_jwt_config("op");
    let app = app.relaunch(|figment| unsecret(figment).merge(keyed)).await;
    everything(&app).await;
    let assertions: BTreeSet<_> =
        asked(&app).iter().map(|request| request.form["client_assertion"].clone()).collect();
    assert_eq!(assertions.len(), 5, "each is used once");
    for assertion in assertions {
        let claims = URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1).unwrap()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        // The audience is the issuer, never the token endpoint: metadata could name another server's endpoint.
        assert_eq!(claims["aud"], json!(app.fake.issuer()));
    }
    for request in asked(&app) {
        assert!(
            !request.headers.contains_key("authorization") && !request.form.contains_key("client_secret")
        );
    }
}

/// The entry without `client_secret`, for a client with a key.
fn unsecret(figment: rocket::figment::Figment) -> rocket::figment::Figment {
    use rocket::figment::Figment;
    use rocket::figment::providers::Serialized;
    let mut entries: serde_json::Map<String, serde_json::Value> = figment.extract_inner("oauth").unwrap();
    entries.remove("op");
    let mut kept = Figment::from(rocket::Config::debug_default());
    for key in ["secret_key", "databases", "log_level"] {
        kept = kept.merge(Serialized::default(key, figment.find_value(key).unwrap()));
    }
    kept.merge(Serialized::default("oauth", entries))
}

#[rocket::async_test]
async fn tr_13_one_method_at_every_endpoint() {
    for method in ["client_secret_basic", "client_secret_post", "none"] {
        let app = TestApp::launch().await;
        app.fake.require_pushed_authorization();
        let public = app.fake.public_client_config("op");
        let app = match method {
            "none" => app.relaunch(|figment| unsecret(figment).merge(public)).await,
            _ => {
                let key = ("oauth.op.token_endpoint_auth_method", method);
                app.relaunch(|figment| figment.merge(key)).await
            }
        };
        everything(&app).await;
        for request in asked(&app) {
            let header = request.headers.contains_key("authorization");
            let field = request.form.contains_key("client_secret");
            assert_eq!(
                (header, field),
                (method == "client_secret_basic", method == "client_secret_post"),
                "{method}"
            );
            assert!(!request.form.contains_key("client_assertion"));
            if header {
                // Id and secret are `fake client` and `s3cret:+/%=&`, each form-encoded.
                let basic = STANDARD.encode("fake+client:s3cret%3A%2B%2F%25%3D%26");
                assert_eq!(request.headers["authorization"], format!("Basic {basic}"));
            }
        }
    }
}

#[rocket::async_test]
async fn a_key_that_the_provider_does_not_know() {
    let app = TestApp::launch().await;
    // A client with the same id at another provider.
    let other = FakeProvider::start().await;
    let keyed = other.private_key_jwt_config("op");
    let issuer = ("oauth.op.issuer", app.fake.issuer().to_owned());
    let app = app.relaunch(|figment| unsecret(figment).merge(keyed).merge(issuer)).await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    let misconfigured = Refusal::new(Status::InternalServerError, "misconfigured").after_exchange();
    assert_refused(&mut ada, &TestRequest::get(&callback), misconfigured).await;
}

#[rocket::async_test]
async fn a_pushed_request_leaves_nothing_in_the_url() {
    let app = TestApp::launch_with(|figment| figment.merge(("oauth.op.par", true))).await;
    let mut ada = app.browser();
    let authorization = ada.begin("/login/op").await;
    let names: Vec<_> =
        url::Url::parse(&authorization).unwrap().query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(names, ["client_id", "request_uri"]);
    let callback = app.approve(&authorization).await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    // A second begin pushes a second request.
    let mut bob = app.browser();
    assert_ne!(
        query_parameter(&bob.begin("/login/op").await, "request_uri"),
        query_parameter(&authorization, "request_uri")
    );
    assert_eq!(app.fake.request_count(ProviderEndpoint::PushedAuthorization), 2);
    // ST-12: the attacker's pushed request, finished in another browser.
    let authorization = bob.begin("/login/op").await;
    let callback = app.approve(&authorization).await;
    assert_refused(&mut app.browser(), &TestRequest::get(&callback), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn a_push_that_fails_begins_nothing() {
    let app = TestApp::launch_with(|figment| figment.merge(("oauth.op.par", true))).await;
    let (down, bad, wrong) = (
        Refusal::new(Status::ServiceUnavailable, "provider_unreachable"),
        Refusal::new(Status::BadGateway, "bad_provider_answer"),
        Refusal::new(Status::InternalServerError, "misconfigured"),
    );
    for (answer, expected) in [
        (FakeResponse::status(503), down),
        (FakeResponse::status(429), down),
        (FakeResponse::json(json!({"error": "invalid_client"})).with_status(401), wrong),
        (
            FakeResponse::json(json!({"error": "invalid_request", "error_description": "<b>no</b>"}))
                .with_status(400),
            bad,
        ),
        (FakeResponse::json(json!({"request_uri": "urn:x\r\nSet-Cookie: a=b"})).with_status(201), bad),
        (FakeResponse::json(json!({"expires_in": 60})).with_status(201), bad),
        (FakeResponse::redirect("https://evil.example/par"), bad),
    ] {
        app.fake.respond_once(ProviderEndpoint::PushedAuthorization, answer);
        let mut ada = app.browser();
        let page = assert_refused(&mut ada, &TestRequest::get("/login/op"), expected).await;
        assert!(!page.body.contains("<b>"), "{}", page.body);
        assert_eq!(ada.flows(), []);
    }
    app.browser().sign_in("op").await;
}

/// A redirect that is followed would send the client's secret and the tokens to another server.
#[rocket::async_test]
async fn dj_04_tr_10_neither_a_push_nor_a_revocation_follows_a_redirect() {
    let app = TestApp::launch_with(|figment| figment.merge(("oauth.op.par", true))).await;
    let elsewhere = FakeProvider::start().await;
    app.browser().sign_in("op").await;
    for status in [301, 302, 303, 307, 308] {
        let answer = |path: &str| {
            FakeResponse::redirect(&format!("{}/{path}", elsewhere.issuer())).with_status(status)
        };
        app.fake.respond_once(ProviderEndpoint::PushedAuthorization, answer("par"));
        let bad = Refusal::new(Status::BadGateway, "bad_provider_answer");
        assert_refused(&mut app.browser(), &TestRequest::get("/login/op"), bad).await;
        app.fake.respond_once(ProviderEndpoint::Revocation, answer("revoke"));
    }
    app.dance().delete(&AccountKey::identity("op", "ada")).await.unwrap();
    app.dance().wait_for_revocations().await;
    assert_eq!(app.fake.request_count(ProviderEndpoint::Revocation), 4, "each token twice");
    assert_eq!(elsewhere.requests().len(), 0);
}
