//! Revocation: a removed account's tokens are revoked at the provider, in the background.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rocket::http::Status;
use rocket_dance::storage::AccountKey;
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint, ResponseGate};
use rocket_dance::{Event, EventAccount, Signals};
use serde_json::json;

use crate::app::Op;
use crate::harness::captured_log;
use crate::harness::{Browser, TestApp};

/// The failures that the signal received.
#[derive(Clone, Default)]
struct Failures(Arc<Mutex<Vec<String>>>);

#[rocket::async_trait]
impl Signals for Failures {
    async fn event(&self, _: Option<&rocket::Request<'_>>, event: &Event) {
        if let Event::RevocationFailed(EventAccount { entry, provider_user_id, user, .. }) = event {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(format!("{entry} {provider_user_id:?} {user:?}"));
        }
    }
}

impl Failures {
    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Ada, with an account at `op`, and one at `op2` as Grace.
async fn connected() -> (TestApp, Browser, Failures) {
    let failures = Failures::default();
    let signals = failures.clone();
    let app = TestApp::launch_built(|figment| figment, |dance| dance.signals(signals)).await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    app.fake.set_user("grace");
    let callback = ada.ride_to_connect("/login/op2").await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    assert_eq!(app.count("oauth_accounts"), 2);
    (app, ada, failures)
}

async fn disconnect(ada: &mut Browser, entry: &str) {
    let uri = format!("/login/{entry}/disconnect");
    assert_eq!(ada.post(&uri, &[]).await.location(), "/login/accounts");
}

/// Kind and value of each token that was sent for revocation.
fn revoked(app: &TestApp) -> Vec<(String, String)> {
    let all =
        app.fake.requests().into_iter().filter(|request| request.endpoint == ProviderEndpoint::Revocation);
    all.map(|request| (request.form["token_type_hint"].clone(), request.form["token"].clone())).collect()
}

fn kinds(app: &TestApp) -> Vec<String> {
    revoked(app).into_iter().map(|(kind, _)| kind).collect()
}

#[rocket::async_test]
async fn rf_06_disconnecting_revokes_the_refresh_token_then_the_access_token() {
    let (app, mut ada, failures) = connected().await;
    let mine = app.tokens();
    disconnect(&mut ada, "op").await;
    app.dance().wait_for_revocations().await;
    let expected = [("refresh_token", &mine[1]), ("access_token", &mine[0])];
    let expected = expected.map(|(kind, token)| (kind.to_owned(), token.clone()));
    assert_eq!(revoked(&app), expected);
    assert!(app.fake.requests().iter().all(|request| !request.query.values().any(|value| value.len() > 200)));
    assert_eq!((failures.all(), app.count("oauth_accounts")), (vec![], 1));
    app.assert_no_secret("the log", &captured_log().unwrap_or_default(), &[]);
}

#[rocket::async_test]
async fn rf_06_every_way_to_remove_revokes() {
    let (app, mut ada, _) = connected().await;
    app.dance().delete(&AccountKey::identity("op", "ada")).await.unwrap();
    app.dance().wait_for_revocations().await;
    assert_eq!(kinds(&app).len(), 2);
    // The session that began with the account ended with it.
    assert_eq!(ada.user().await, None);
    ada.enter(1).await;
    app.fake.set_user("ada");
    let callback = ada.ride_to_connect("/login/op").await;
    ada.get(&callback).await;
    app.dance().tokens(Op).of(&ada.user().await.unwrap()).delete().await.unwrap();
    app.dance().wait_for_revocations().await;
    assert_eq!(kinds(&app).len(), 4);
    app.dance().delete(&AccountKey::owner("op2", ada.user().await.unwrap())).await.unwrap();
    app.dance().wait_for_revocations().await;
    assert_eq!((kinds(&app).len(), app.count("oauth_accounts")), (6, 0));
}

#[rocket::async_test]
async fn rf_06_the_removal_neither_waits_nor_fails_with_the_revocation() {
    for answer in [
        FakeResponse::hang(),
        FakeResponse::status(503),
        FakeResponse::status(404),
        FakeResponse::redirect("https://evil.example/"),
        FakeResponse::json(json!({"error": "invalid_client"})).with_status(401),
        FakeResponse::body("text/html", vec![b'x'; 3 << 20]),
    ] {
        let hangs = format!("{answer:?}").contains("hang");
        let (app, mut ada, failures) = connected().await;
        app.fake.respond_always(ProviderEndpoint::Revocation, answer);
        let start = Instant::now();
        disconnect(&mut ada, "op").await;
        assert_eq!(app.count("oauth_accounts"), 1);
        assert!(ada.get("/guarded").await.status != Status::Ok);
        if hangs {
            assert!(
                start.elapsed() < Duration::from_secs(8),
                "less than one deadline: {:?}",
                start.elapsed()
            );
            continue;
        }
        app.dance().wait_for_revocations().await;
        let twice = ["refresh_token", "access_token", "refresh_token", "access_token"];
        assert_eq!(kinds(&app), twice, "tried twice");
        assert_eq!(failures.all(), ["op Some(\"ada\") Some(\"1\")"]);
        app.assert_no_secret("the log", &captured_log().unwrap_or_default(), &[]);
    }
}

#[rocket::async_test]
async fn rf_06_the_second_try_is_as_good() {
    let (app, mut ada, failures) = connected().await;
    app.fake.respond_once(ProviderEndpoint::Revocation, FakeResponse::status(500));
    disconnect(&mut ada, "op").await;
    app.dance().wait_for_revocations().await;
    assert_eq!(kinds(&app), ["refresh_token", "access_token", "refresh_token", "access_token"]);
    assert!(failures.all().is_empty());
}

#[rocket::async_test]
async fn a_grant_that_another_account_needs_is_left_alone() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let callback = ada.ride_to_connect("/login/op2").await;
    ada.get(&callback).await;
    // The same user at the same client: the provider may have one grant for both.
    disconnect(&mut ada, "op").await;
    app.dance().wait_for_revocations().await;
    assert_eq!(kinds(&app), Vec::<String>::new());
    app.dance().delete(&AccountKey::identity("op2", "ada")).await.unwrap();
    app.dance().wait_for_revocations().await;
    assert_eq!(kinds(&app).len(), 2);
}

#[rocket::async_test]
async fn a_provider_without_the_endpoint_gets_no_request() {
    let app = TestApp::launch().await;
    let forget = |metadata: &mut serde_json::Value| {
        drop(metadata.as_object_mut().map(|fields| fields.remove("revocation_endpoint")));
    };
    app.fake.respond_always(ProviderEndpoint::Discovery, FakeResponse::edit(forget));
    let app = app.relaunch(|figment| figment).await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    app.dance().delete(&AccountKey::identity("op", "ada")).await.unwrap();
    app.dance().wait_for_revocations().await;
    assert_eq!(kinds(&app), Vec::<String>::new());
}

/// AL-12: the token of the provider that the entry had before.
#[rocket::async_test]
async fn rf_06_another_server_under_the_same_name_sees_no_token() {
    let app = TestApp::launch().await;
    app.browser().sign_in("op").await;
    let other = FakeProvider::start().await;
    let moved = ("oauth.op.issuer", other.issuer().to_owned());
    let moved = app.relaunch(|figment| figment.merge(moved)).await;
    moved.dance().delete(&AccountKey::identity("op", "ada")).await.unwrap();
    moved.dance().wait_for_revocations().await;
    assert_eq!((moved.count("oauth_accounts"), other.requests().len(), kinds(&app).len()), (0, 0, 0));
}

#[rocket::async_test]
async fn rr_04_what_a_refresh_brings_after_a_disconnect_is_revoked_too() {
    let (app, ada, failures) = connected().await;
    let user = ada.user().await.unwrap();
    app.advance(3600);
    let answer = ResponseGate::new();
    app.fake.respond_once(ProviderEndpoint::Token, FakeResponse::unmodified().hold(&answer));
    let client = app.dance().client(Op, &user).await.unwrap().expect("an account");
    let late = rocket::tokio::spawn(async move { client.access_token().await });
    answer.wait_for_request().await;
    // At a provider that revokes single tokens: the refresh in progress goes on.
    app.fake
        .respond_once(ProviderEndpoint::Revocation, FakeResponse::status(200))
        .respond_once(ProviderEndpoint::Revocation, FakeResponse::status(200));
    app.dance().delete(&AccountKey::identity("op", "ada")).await.unwrap();
    answer.open();
    assert!(late.await.unwrap().is_err());
    app.dance().wait_for_revocations().await;
    let revoked = revoked(&app);
    let tokens: BTreeSet<_> = revoked.iter().map(|(_, token)| token).collect();
    assert_eq!((revoked.len(), tokens.len()), (4, 4), "the stored tokens and the late ones");
    assert_eq!((failures.all(), app.count("oauth_accounts")), (vec![], 1));
}

#[rocket::async_test]
async fn rr_04_a_refresh_under_a_new_consent_ends_nothing() {
    let (app, mut ada, _) = connected().await;
    let user = ada.user().await.unwrap();
    app.advance(3600);
    let answer = ResponseGate::new();
    app.fake.set_user("ada").respond_once(ProviderEndpoint::Token, FakeResponse::unmodified().hold(&answer));
    let client = app.dance().client(Op, &user).await.unwrap().expect("an account");
    let late = rocket::tokio::spawn(async move { client.access_token().await });
    answer.wait_for_request().await;
    let callback = ada.ride_to_connect("/login/op").await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    answer.open();
    late.await.unwrap().expect("the newer token");
    app.dance().wait_for_revocations().await;
    assert_eq!(kinds(&app), Vec::<String>::new(), "the grant is in use");
}
