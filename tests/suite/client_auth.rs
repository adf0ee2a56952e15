//! How the client says who it is, and requests that are pushed.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rocket::http::Status;
use rocket_dance::storage::AccountKey;
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint, RecordedRequest};
use serde_json::json;

use crate::app::Op;
use crate::oracle::{Ask, House, NOT_TRUSTED, Refused, param, refused};

/// The requests at which a client says who it is.
fn asked(house: &House) -> Vec<RecordedRequest> {
    let endpoints =
        [ProviderEndpoint::PushedAuthorization, ProviderEndpoint::Token, ProviderEndpoint::Revocation];
    house.fake.requests().into_iter().filter(|request| endpoints.contains(&request.endpoint)).collect()
}

/// From the first request to the last: pushes, exchanges, refreshes, revokes.
async fn everything(house: &House) {
    let mut ada = house.browser();
    ada.sign_in("op").await;
    let user = ada.user().await.unwrap();
    house.advance(3600);
    // An assertion says when it was made.
    house.fake.advance_clock(3600);
    let client = house.dance().client(Op, &user).await.unwrap().expect("an account");
    client.access_token().await.expect("refreshed");
    house.dance().delete(&AccountKey::identity("op", "ada")).await.unwrap();
    house.dance().wait_for_revocations().await;
    let all = [ProviderEndpoint::PushedAuthorization, ProviderEndpoint::Token, ProviderEndpoint::Revocation];
    assert_eq!(all.map(|endpoint| house.fake.request_count(endpoint)), [1, 2, 2]);
}

#[rocket::async_test]
async fn private_key_jwt_at_every_endpoint() {
    let house = House::open().await;
    house.fake.require_pushed_authorization();
    let keyed = house.fake.private_key_jwt_config("op");
    let house = house.again(|figment| unsecret(figment).merge(keyed)).await;
    everything(&house).await;
    let assertions: BTreeSet<_> =
        asked(&house).iter().map(|request| request.form["client_assertion"].clone()).collect();
    assert_eq!(assertions.len(), 5, "each is used once");
    for assertion in assertions {
        let claims = URL_SAFE_NO_PAD.decode(assertion.split('.').nth(1).unwrap()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        // For the issuer, never for a token endpoint: whose that is, any metadata may say.
        assert_eq!(claims["aud"], json!(house.fake.issuer()));
    }
    for request in asked(&house) {
        assert!(
            !request.headers.contains_key("authorization") && !request.form.contains_key("client_secret")
        );
    }
}

/// Without the entry's secret, which a client with a key has not.
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
        let house = House::open().await;
        house.fake.require_pushed_authorization();
        let public = house.fake.public_client_config("op");
        let house = match method {
            "none" => house.again(|figment| unsecret(figment).merge(public)).await,
            _ => {
                let key = ("oauth.op.token_endpoint_auth_method", method);
                house.again(|figment| figment.merge(key)).await
            }
        };
        everything(&house).await;
        for request in asked(&house) {
            let header = request.headers.contains_key("authorization");
            let field = request.form.contains_key("client_secret");
            assert_eq!(
                (header, field),
                (method == "client_secret_basic", method == "client_secret_post"),
                "{method}"
            );
            assert!(!request.form.contains_key("client_assertion"));
            if header {
                // Of `fake client` and `s3cret:+/%=&`, each a form of its own.
                let basic = STANDARD.encode("fake+client:s3cret%3A%2B%2F%25%3D%26");
                assert_eq!(request.headers["authorization"], format!("Basic {basic}"));
            }
        }
    }
}

#[rocket::async_test]
async fn a_key_that_the_provider_does_not_know() {
    let house = House::open().await;
    // Another provider's client of the same name.
    let other = FakeProvider::start().await;
    let keyed = other.private_key_jwt_config("op");
    let issuer = ("oauth.op.issuer", house.fake.issuer().to_owned());
    let house = house.again(|figment| unsecret(figment).merge(keyed).merge(issuer)).await;
    let mut ada = house.browser();
    let callback = ada.ride("/login/op").await;
    let misconfigured = Refused::new(Status::InternalServerError, "misconfigured").after_exchange();
    refused(&mut ada, &Ask::get(&callback), misconfigured).await;
}

#[rocket::async_test]
async fn a_pushed_request_leaves_nothing_in_the_url() {
    let house = House::with(|figment| figment.merge(("oauth.op.par", true))).await;
    let mut ada = house.browser();
    let authorization = ada.begin("/login/op").await;
    let names: Vec<_> =
        url::Url::parse(&authorization).unwrap().query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(names, ["client_id", "request_uri"]);
    let callback = house.approve(&authorization).await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    // Another begin pushes another request.
    let mut bob = house.browser();
    assert_ne!(param(&bob.begin("/login/op").await, "request_uri"), param(&authorization, "request_uri"));
    assert_eq!(house.fake.request_count(ProviderEndpoint::PushedAuthorization), 2);
    // ST-12: an attacker's own pushed request, ended in another browser.
    let authorization = bob.begin("/login/op").await;
    let callback = house.approve(&authorization).await;
    refused(&mut house.browser(), &Ask::get(&callback), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn a_push_that_fails_begins_nothing() {
    let house = House::with(|figment| figment.merge(("oauth.op.par", true))).await;
    let (down, bad, wrong) = (
        Refused::new(Status::ServiceUnavailable, "provider_unreachable"),
        Refused::new(Status::BadGateway, "bad_provider_answer"),
        Refused::new(Status::InternalServerError, "misconfigured"),
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
        house.fake.respond_once(ProviderEndpoint::PushedAuthorization, answer);
        let mut ada = house.browser();
        let page = refused(&mut ada, &Ask::get("/login/op"), expected).await;
        assert!(!page.body.contains("<b>"), "{}", page.body);
        assert_eq!(ada.flows(), []);
    }
    house.browser().sign_in("op").await;
}

/// Whoever answered with a redirect would be sent the client's secret and the tokens.
#[rocket::async_test]
async fn dj_04_tr_10_neither_a_push_nor_a_revocation_follows_a_redirect() {
    let house = House::with(|figment| figment.merge(("oauth.op.par", true))).await;
    let elsewhere = FakeProvider::start().await;
    house.browser().sign_in("op").await;
    for status in [301, 302, 303, 307, 308] {
        let answer = |path: &str| {
            FakeResponse::redirect(&format!("{}/{path}", elsewhere.issuer())).with_status(status)
        };
        house.fake.respond_once(ProviderEndpoint::PushedAuthorization, answer("par"));
        let bad = Refused::new(Status::BadGateway, "bad_provider_answer");
        refused(&mut house.browser(), &Ask::get("/login/op"), bad).await;
        house.fake.respond_once(ProviderEndpoint::Revocation, answer("revoke"));
    }
    house.dance().delete(&AccountKey::identity("op", "ada")).await.unwrap();
    house.dance().wait_for_revocations().await;
    assert_eq!(house.fake.request_count(ProviderEndpoint::Revocation), 2, "tried twice");
    assert_eq!(elsewhere.requests().len(), 0);
}
