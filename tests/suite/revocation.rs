//! Revocation: what is removed here ends at the provider, and nobody waits for that.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rocket::http::Status;
use rocket_dance::storage::AccountKey;
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint};
use rocket_dance::{Event, EventAccount, Signals};
use serde_json::json;

use crate::app::Op;
use crate::ear::log;
use crate::oracle::{Browser, House};

/// Failures that were told.
#[derive(Clone, Default)]
struct Failures(Arc<Mutex<Vec<String>>>);

#[rocket::async_trait]
impl Signals for Failures {
    async fn event(&self, event: &Event) {
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

/// Ada, who has an account at `op`, and as grace one at `op2`.
async fn connected() -> (House, Browser, Failures) {
    let failures = Failures::default();
    let signals = failures.clone();
    let house = House::built(|figment| figment, |dance| dance.signals(signals)).await;
    let mut ada = house.browser();
    ada.sign_in("op").await;
    house.fake.set_user("grace");
    let callback = ada.ride_to_connect("/login/op2").await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    assert_eq!(house.count("oauth_accounts"), 2);
    (house, ada, failures)
}

async fn disconnect(ada: &mut Browser, entry: &str) {
    let uri = format!("/login/{entry}/disconnect");
    assert_eq!(ada.post(&uri, &[]).await.location(), "/login/accounts");
}

/// The kind of each token that was to be revoked, and the token.
fn revoked(house: &House) -> Vec<(String, String)> {
    let all =
        house.fake.requests().into_iter().filter(|request| request.endpoint == ProviderEndpoint::Revocation);
    all.map(|request| (request.form["token_type_hint"].clone(), request.form["token"].clone())).collect()
}

fn kinds(house: &House) -> Vec<String> {
    revoked(house).into_iter().map(|(kind, _)| kind).collect()
}

#[rocket::async_test]
async fn rf_06_disconnecting_revokes_the_refresh_token_then_the_access_token() {
    let (house, mut ada, failures) = connected().await;
    let mine = house.tokens();
    disconnect(&mut ada, "op").await;
    house.dance().wait_for_revocations().await;
    let expected = [("refresh_token", &mine[1]), ("access_token", &mine[0])];
    let expected = expected.map(|(kind, token)| (kind.to_owned(), token.clone()));
    assert_eq!(revoked(&house), expected);
    assert!(
        house.fake.requests().iter().all(|request| !request.query.values().any(|value| value.len() > 200))
    );
    assert_eq!((failures.all(), house.count("oauth_accounts")), (vec![], 1));
    house.assert_no_secret("the log", &log().unwrap_or_default(), &[]);
}

#[rocket::async_test]
async fn rf_06_every_way_to_remove_revokes() {
    let (house, mut ada, _) = connected().await;
    house.dance().delete(&AccountKey::identity("op", "ada")).await.unwrap();
    house.dance().wait_for_revocations().await;
    assert_eq!(kinds(&house).len(), 2);
    house.fake.set_user("ada");
    let callback = ada.ride_to_connect("/login/op").await;
    ada.get(&callback).await;
    house.dance().tokens(Op).of(&ada.user().await.unwrap()).delete().await.unwrap();
    house.dance().wait_for_revocations().await;
    assert_eq!(kinds(&house).len(), 4);
    house.dance().delete(&AccountKey::owner("op2", ada.user().await.unwrap())).await.unwrap();
    house.dance().wait_for_revocations().await;
    assert_eq!((kinds(&house).len(), house.count("oauth_accounts")), (6, 0));
}

#[rocket::async_test]
async fn rf_06_the_removal_waits_for_nobody_and_fails_with_nobody() {
    for answer in [
        FakeResponse::hang(),
        FakeResponse::status(503),
        FakeResponse::status(404),
        FakeResponse::redirect("https://evil.example/"),
        FakeResponse::json(json!({"error": "invalid_client"})).with_status(401),
        FakeResponse::body("text/html", vec![b'x'; 3 << 20]),
    ] {
        let hangs = format!("{answer:?}").contains("hang");
        let (house, mut ada, failures) = connected().await;
        house.fake.respond_always(ProviderEndpoint::Revocation, answer);
        let start = Instant::now();
        disconnect(&mut ada, "op").await;
        assert_eq!(house.count("oauth_accounts"), 1);
        assert!(ada.get("/guarded").await.status != Status::Ok);
        if hangs {
            assert!(
                start.elapsed() < Duration::from_secs(8),
                "less than one deadline: {:?}",
                start.elapsed()
            );
            continue;
        }
        house.dance().wait_for_revocations().await;
        assert_eq!(kinds(&house), ["refresh_token", "refresh_token"], "tried twice");
        assert_eq!(failures.all(), ["op Some(\"ada\") Some(\"1\")"]);
        house.assert_no_secret("the log", &log().unwrap_or_default(), &[]);
    }
}

#[rocket::async_test]
async fn rf_06_the_second_try_is_as_good() {
    let (house, mut ada, failures) = connected().await;
    house.fake.respond_once(ProviderEndpoint::Revocation, FakeResponse::status(500));
    disconnect(&mut ada, "op").await;
    house.dance().wait_for_revocations().await;
    assert_eq!(kinds(&house), ["refresh_token", "refresh_token", "access_token"]);
    assert!(failures.all().is_empty());
}

#[rocket::async_test]
async fn a_grant_that_another_account_needs_is_left_alone() {
    let house = House::open().await;
    let mut ada = house.browser();
    ada.sign_in("op").await;
    let callback = ada.ride_to_connect("/login/op2").await;
    ada.get(&callback).await;
    // The same person at the same client: a provider may have but one grant for both.
    disconnect(&mut ada, "op").await;
    house.dance().wait_for_revocations().await;
    assert_eq!(kinds(&house), Vec::<String>::new());
    house.dance().delete(&AccountKey::identity("op2", "ada")).await.unwrap();
    house.dance().wait_for_revocations().await;
    assert_eq!(kinds(&house).len(), 2);
}

#[rocket::async_test]
async fn nobody_is_asked_who_has_no_such_endpoint() {
    let house = House::open().await;
    let forget = |metadata: &mut serde_json::Value| {
        drop(metadata.as_object_mut().map(|fields| fields.remove("revocation_endpoint")));
    };
    house.fake.respond_always(ProviderEndpoint::Discovery, FakeResponse::edit(forget));
    let house = house.again(|figment| figment).await;
    let mut ada = house.browser();
    ada.sign_in("op").await;
    house.dance().delete(&AccountKey::identity("op", "ada")).await.unwrap();
    house.dance().wait_for_revocations().await;
    assert_eq!(kinds(&house), Vec::<String>::new());
}

/// AL-12: the token of a provider that the entry pointed to before.
#[rocket::async_test]
async fn rf_06_another_server_under_the_same_name_sees_no_token() {
    let house = House::open().await;
    house.browser().sign_in("op").await;
    let other = FakeProvider::start().await;
    let moved = ("oauth.op.issuer", other.issuer().to_owned());
    let moved = house.again(|figment| figment.merge(moved)).await;
    moved.dance().delete(&AccountKey::identity("op", "ada")).await.unwrap();
    moved.dance().wait_for_revocations().await;
    assert_eq!((moved.count("oauth_accounts"), other.requests().len(), kinds(&house).len()), (0, 0, 0));
}

#[rocket::async_test]
async fn rr_04_what_a_refresh_brings_after_a_disconnect_is_revoked_too() {
    let (house, ada, failures) = connected().await;
    let user = ada.user().await.unwrap();
    house.advance(3600);
    let calls = house.token_calls();
    house
        .fake
        .respond_once(ProviderEndpoint::Token, FakeResponse::unmodified().delay(Duration::from_millis(800)));
    let client = house.dance().client(Op, &user).await.unwrap().expect("an account");
    let late = rocket::tokio::spawn(async move { client.access_token().await });
    while house.token_calls() == calls {
        rocket::tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // At a provider that ends no family: the refresh under way goes on.
    house
        .fake
        .respond_once(ProviderEndpoint::Revocation, FakeResponse::status(200))
        .respond_once(ProviderEndpoint::Revocation, FakeResponse::status(200));
    house.dance().delete(&AccountKey::identity("op", "ada")).await.unwrap();
    assert!(late.await.unwrap().is_err());
    house.dance().wait_for_revocations().await;
    let revoked = revoked(&house);
    let tokens: BTreeSet<_> = revoked.iter().map(|(_, token)| token).collect();
    assert_eq!((revoked.len(), tokens.len()), (4, 4), "what was stored, and what came late");
    assert_eq!((failures.all(), house.count("oauth_accounts")), (vec![], 1));
}

#[rocket::async_test]
async fn rr_04_a_refresh_under_a_new_consent_ends_nothing() {
    let (house, mut ada, _) = connected().await;
    let user = ada.user().await.unwrap();
    house.advance(3600);
    let calls = house.token_calls();
    house
        .fake
        .set_user("ada")
        .respond_once(ProviderEndpoint::Token, FakeResponse::unmodified().delay(Duration::from_millis(800)));
    let client = house.dance().client(Op, &user).await.unwrap().expect("an account");
    let late = rocket::tokio::spawn(async move { client.access_token().await });
    while house.token_calls() == calls {
        rocket::tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let callback = ada.ride_to_connect("/login/op").await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    late.await.unwrap().expect("the newer token");
    house.dance().wait_for_revocations().await;
    assert_eq!(kinds(&house), Vec::<String>::new(), "the grant is in use");
}
