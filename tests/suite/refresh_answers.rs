//! What a refresh is answered with: an answer that is odd, a grant that has ended, and an API that refuses a new token.

use rocket::http::Status;
use rocket_dance::testing::{FakeResponse, ProviderEndpoint};
use serde_json::{Value, json};

use crate::app::Op;
use crate::harness::{Browser, TestApp, TestRequest, TestResponse, captured_log};

const TTL: i64 = 100;

/// Ada is signed in, and her token has expired.
async fn expired() -> (TestApp, Browser) {
    let app = TestApp::launch().await;
    app.fake.set_access_token_ttl(TTL);
    let mut ada = app.browser();
    ada.sign_in("op").await;
    expire(&app);
    (app, ada)
}

fn expire(app: &TestApp) {
    app.advance(2 * TTL);
    app.fake.advance_clock(2 * TTL);
}

async fn guarded(browser: &mut Browser) -> TestResponse {
    browser.ask(&TestRequest::get("/guarded").header("Accept", "application/json")).await
}

/// Asserts that the grant still works: the provider, which revokes the grant of a reused token, refreshes it.
async fn lives_on(app: &TestApp, browser: &mut Browser) {
    app.fake.reset_behavior();
    expire(app);
    let answer = guarded(browser).await;
    assert_eq!((answer.status, answer.body.as_str()), (Status::Ok, "ada"), "{answer:?}");
}

#[rocket::async_test]
async fn r1_an_odd_answer_does_not_cost_the_rotated_refresh_token() {
    for (name, value) in [
        ("expires_in", json!("never")),
        ("expires_in", json!(-1)),
        ("scope", json!({})),
        ("token_type", json!(null)),
        ("error", json!(null)),
        ("id_token", json!(null)),
        ("refresh_token_expires_in", json!([])),
    ] {
        let (app, mut ada) = expired().await;
        let change = value.clone();
        app.fake.respond_once(
            ProviderEndpoint::Token,
            FakeResponse::edit(move |answer| answer[name] = change.clone()),
        );
        let answer = guarded(&mut ada).await;
        assert_eq!((answer.status, answer.body.as_str()), (Status::Ok, "ada"), "{name} {value} {answer:?}");
        // A token of unknown lifetime is not due: the API refuses it.
        lives_on(&app, &mut ada).await;
    }
}

#[rocket::async_test]
async fn r1_a_refused_answer_does_not_cost_the_rotated_refresh_token() {
    for (name, value) in [
        ("access_token", json!(null)),
        ("access_token", json!("a b")),
        ("token_type", json!("DPoP")),
        ("error", json!("server_error")),
    ] {
        let (app, mut ada) = expired().await;
        let (calls, change) = (app.token_calls(), value.clone());
        app.fake.respond_once(
            ProviderEndpoint::Token,
            FakeResponse::edit(move |answer| answer[name] = change.clone()),
        );
        let refused = guarded(&mut ada).await.status;
        assert!([Status::BadGateway, Status::ServiceUnavailable].contains(&refused), "{name} {value}");
        let answer = guarded(&mut ada).await;
        assert_eq!((answer.status, answer.body.as_str()), (Status::Ok, "ada"), "{name} {value} {answer:?}");
        assert_eq!(app.token_calls(), calls + 2);
        lives_on(&app, &mut ada).await;
    }
}

#[rocket::async_test]
async fn r1_id_tokens_that_are_odd_and_that_are_anothers() {
    for (name, value, status) in [
        ("exp", json!(1), Status::Ok),
        ("iat", json!(null), Status::Ok),
        ("aud", json!("another client"), Status::BadGateway),
        ("iss", json!("https://evil.example"), Status::BadGateway),
    ] {
        let (app, mut ada) = expired().await;
        let change = value.clone();
        app.fake.edit_claims(move |claims| claims[name] = change.clone());
        assert_eq!(guarded(&mut ada).await.status, status, "{name} {value}");
        lives_on(&app, &mut ada).await;
    }
    let (app, mut ada) = expired().await;
    app.fake.edit_claims(|claims| claims["sub"] = json!("eve"));
    let rows = app.rows();
    assert_eq!(guarded(&mut ada).await.status, Status::BadGateway);
    assert_eq!(app.rows(), rows, "an answer for another user is refused as a whole");
}

#[rocket::async_test]
async fn r1_keys_are_at_hand_before_the_refresh_token_is_spent() {
    let (app, _) = expired().await;
    // The process has just started, and has no keys yet.
    let started = app.relaunch(|figment| figment).await;
    started.advance(2 * TTL);
    let mut ada = started.browser();
    started.fake.respond_always(ProviderEndpoint::Jwks, FakeResponse::status(503));
    let client = started.dance().client(crate::app::Op, &1).await.unwrap().unwrap();
    let (rows, calls) = (started.rows(), started.token_calls());
    client.access_token().await.unwrap_err();
    assert_eq!((started.rows(), started.token_calls()), (rows, calls), "the refresh token is not sent");
    started.fake.reset_behavior();
    ada.sign_in("op").await;
    lives_on(&started, &mut ada).await;
}

#[rocket::async_test]
async fn r2_a_dead_grant_costs_one_call_and_one_line() {
    let json = |status: u16, body: Value| FakeResponse::json(body).with_status(status);
    for (words, answer) in [
        ("words-1", json(400, json!({"error": "invalid_grant", "error_description": "words-1"}))),
        ("words-2", json(400, json!({"status": 400, "message": "Invalid refresh token words-2"}))),
        ("words-3", json(400, json!({"error": "interaction_required", "error_description": "words-3"}))),
        ("words-4", json(401, json!({"errors": [{"errorType": "invalid_grant", "message": "words-4"}]}))),
        ("words-5", json(200, json!({"ok": false, "error": "invalid_refresh_token", "message": "words-5"}))),
        ("", FakeResponse::status(401)),
        ("", FakeResponse::body("text/html", "<html>no</html>").with_status(403)),
    ] {
        let (app, mut ada) = expired().await;
        app.fake.respond_always(ProviderEndpoint::Token, answer);
        let calls = app.token_calls();
        for _ in 0..3 {
            let answer = guarded(&mut ada).await;
            assert_eq!(answer.status, Status::Unauthorized, "{words} {answer:?}");
            assert_eq!(answer.json()["error"]["code"], "reconnect_needed");
        }
        assert_eq!(app.token_calls(), calls + 1, "{words}");
        if let Some(log) = captured_log().filter(|_| !words.is_empty()) {
            assert_eq!(log.matches(words).count(), 1, "{words}");
        }
        assert_eq!((app.count("oauth_accounts"), ada.user().await), (1, Some(1)), "the rest stays");
        // The next connect brings a new grant.
        app.fake.reset_behavior();
        let callback = ada.ride_to_connect("/login/op").await;
        ada.get(&callback).await;
        assert_eq!(guarded(&mut ada).await.body, "ada");
        lives_on(&app, &mut ada).await;
    }
}

#[rocket::async_test]
async fn r2_what_says_nothing_about_the_grant_ends_none() {
    let json = |status: u16, body: Value| FakeResponse::json(body).with_status(status);
    let ours = Status::InternalServerError;
    for (answer, status) in [
        (json(401, json!({"error": "invalid_client"})), ours),
        (json(400, json!({"error": "unauthorized_client"})), ours),
        (json(400, json!({"error": "invalid_scope"})), ours),
        (json(400, json!({"error": "unsupported_grant_type"})), ours),
        (json(403, json!({"status": 403, "message": "invalid client secret"})), ours),
        (json(403, json!({"message": "API rate limit exceeded"})), Status::ServiceUnavailable),
        (FakeResponse::status(429), Status::ServiceUnavailable),
        (FakeResponse::status(403).header("Retry-After", "7"), Status::ServiceUnavailable),
        (FakeResponse::status(500), Status::ServiceUnavailable),
        (FakeResponse::status(404), Status::BadGateway),
    ] {
        let shown = format!("{answer:?}");
        let (app, mut ada) = expired().await;
        let rows = app.rows();
        app.fake.respond_once(ProviderEndpoint::Token, answer);
        assert_eq!(guarded(&mut ada).await.status, status, "{shown}");
        assert_eq!(app.rows(), rows, "{shown}");
        lives_on(&app, &mut ada).await;
    }
}

#[rocket::async_test]
async fn r3_a_401_that_no_refresh_cures() {
    let (app, mut ada) = expired().await;
    assert_eq!(guarded(&mut ada).await.body, "ada");
    let calls = app.token_calls();
    app.fake.respond_always(ProviderEndpoint::Userinfo, FakeResponse::status(401));
    for _ in 0..3 {
        assert_eq!(guarded(&mut ada).await.status, Status::Unauthorized);
    }
    assert_eq!(app.token_calls(), calls, "the token is new");
    // Later, one refresh tries again.
    app.advance(61);
    assert_eq!(guarded(&mut ada).await.status, Status::Unauthorized);
    assert_eq!(guarded(&mut ada).await.status, Status::Unauthorized);
    assert_eq!(app.token_calls(), calls + 1);

    // RFC 6750 §3.1: another token would have the same scope.
    let (app, mut ada) = expired().await;
    app.browser();
    assert_eq!(guarded(&mut ada).await.body, "ada");
    app.advance(61);
    let calls = app.token_calls();
    let challenge = "Bearer realm=\"x\", error=\"insufficient_scope\", scope=\"admin\"";
    app.fake.respond_always(
        ProviderEndpoint::Userinfo,
        FakeResponse::status(401).header("WWW-Authenticate", challenge),
    );
    let answer = guarded(&mut ada).await;
    assert_eq!((answer.status, &answer.json()["error"]["code"]), (Status::BadGateway, &json!("api_error")));
    assert_eq!(app.token_calls(), calls);
}

#[rocket::async_test]
async fn r3_after_a_401_a_token_that_another_process_has_stored_is_used() {
    let (here, mut ada) = expired().await;
    assert_eq!(guarded(&mut ada).await.body, "ada");
    let client = here.dance().client(Op, &1).await.unwrap().expect("an account");
    assert_eq!(client.userinfo().await.unwrap()["sub"], "ada");
    // Another process, whose clock is fast, refreshes. The client has the previous token, which is new.
    ada.app = here.relaunch(|figment| figment).await;
    ada.app.advance(4 * TTL);
    here.fake.advance_clock(2 * TTL);
    assert_eq!(guarded(&mut ada).await.body, "ada");
    let (calls, rows) = (here.token_calls(), here.rows());
    let asked = here.fake.request_count(ProviderEndpoint::Userinfo);
    assert_eq!(client.userinfo().await.unwrap()["sub"], "ada");
    assert_eq!((here.token_calls(), here.rows()), (calls, rows), "the stored token is used");
    assert_eq!(
        here.fake.request_count(ProviderEndpoint::Userinfo),
        asked + 2,
        "the old one once, and the new one"
    );
}
