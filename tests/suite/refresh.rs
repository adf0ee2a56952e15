//! A refresh while the storage, another process or the provider fails.
//!
//! A second storage on the same database stands for another process: it takes leases and writes as that would.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use rocket::figment::Figment;
use rocket::futures::future::join_all;
use rocket::tokio::time::sleep;
use rocket_dance::storage::{Account, AccountKey, BuiltIn, ClaimState, Coordination, DieselStorage, Storage};
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint, ResponseGate};
use rocket_dance::{Client, Dance, Error, ErrorKind, Profile, Result, Token};
use serde_json::{Value, json};

use test_support::within;

use crate::app::{App, Op, figment};
use crate::people::People;

const HOUR: i64 = 3600;
/// Longer than the TTL of a lease, in seconds.
const LEASE: i64 = 60;

/// A storage that fails on demand.
#[derive(Clone)]
pub(crate) struct Faulty(Arc<Faults>);

struct Faults {
    storage: DieselStorage,
    /// How many renewals fail, before or after they are written.
    before: AtomicUsize,
    after: AtomicUsize,
    /// How many reads past the cache fail.
    reads: AtomicUsize,
    /// Whether every call fails.
    down: AtomicBool,
    renewals: AtomicUsize,
    leases: AtomicUsize,
}

fn counts_down(counter: &AtomicUsize) -> bool {
    counter.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok()
}

impl Faulty {
    fn new(people: &People) -> Self {
        Self(Arc::new(Faults {
            storage: people.storage(),
            before: AtomicUsize::new(0),
            after: AtomicUsize::new(0),
            reads: AtomicUsize::new(0),
            down: AtomicBool::new(false),
            renewals: AtomicUsize::new(0),
            leases: AtomicUsize::new(0),
        }))
    }

    fn up(&self) -> Result<&DieselStorage> {
        if self.0.down.load(Ordering::SeqCst) { Err(Error::storage("down")) } else { Ok(&self.0.storage) }
    }

    fn renewals(&self) -> usize {
        self.0.renewals.load(Ordering::SeqCst)
    }
}

#[rocket::async_trait]
impl Storage for Faulty {
    async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
        self.up()?.get(key).await
    }

    async fn get_uncached(&self, key: &AccountKey) -> Result<Option<Account>> {
        if counts_down(&self.0.reads) {
            return Err(Error::storage("blinking"));
        }
        self.up()?.get_uncached(key).await
    }

    async fn set(&self, account: &Account) -> Result<()> {
        self.up()?.set(account).await
    }

    async fn delete(&self, key: &AccountKey) -> Result<()> {
        self.up()?.delete(key).await
    }

    async fn list(&self, user: Option<&str>, entries: &[&str]) -> Result<Vec<Account>> {
        self.up()?.list(user, entries).await
    }

    async fn open(&self, figment: &Figment) -> Result<()> {
        self.0.storage.open(figment).await
    }

    fn coordination(&self) -> Option<&dyn Coordination> {
        Some(self)
    }

    fn built_in(&self) -> Option<&dyn BuiltIn> {
        self.up().ok()?.built_in()
    }
}

#[rocket::async_trait]
impl Coordination for Faulty {
    async fn claim(&self, id: &str, now: i64, until: i64) -> Result<ClaimState> {
        self.0.storage.claim(id, now, until).await
    }

    async fn settle(&self, id: &str, outcome: &str) -> Result<()> {
        self.0.storage.settle(id, outcome).await
    }

    async fn settled(&self, id: &str) -> Result<ClaimState> {
        self.0.storage.settled(id).await
    }

    async fn lease(&self, account: &Account, now: i64, until: i64) -> Result<bool> {
        self.0.leases.fetch_add(1, Ordering::SeqCst);
        self.up()?.lease(account, now, until).await
    }

    async fn release(&self, account: &Account) -> Result<()> {
        self.up()?.release(account).await
    }

    async fn renew(&self, account: &Account, renewed: &Account) -> Result<bool> {
        self.0.renewals.fetch_add(1, Ordering::SeqCst);
        if counts_down(&self.0.before) {
            return Err(Error::storage("cut off before"));
        }
        let done = self.up()?.renew(account, renewed).await;
        if counts_down(&self.0.after) { Err(Error::storage("cut off after")) } else { done }
    }

    async fn reseal(&self, account: &Account, sealed: &str) -> Result<bool> {
        self.up()?.reseal(account, sealed).await
    }
}

/// Ada's account at a provider that rotates refresh tokens, with an expired token, and a storage with faults.
pub(crate) async fn expired(people: &People) -> (App, Faulty) {
    let fake = FakeProvider::start().await;
    let faulty = Faulty::new(people);
    let figment = figment(&fake).merge(("dance.cache", false));
    let app = App::new(fake, figment, Dance::fairing().storage(faulty.clone())).await;
    assert_eq!(rocket_dance::testing::sign_in(&app.client, "op").await.status.code, 303);
    dance(&app).advance_clock(2 * HOUR);
    app.fake.advance_clock(2 * HOUR);
    (app, faulty)
}

pub(crate) fn dance(app: &App) -> &Dance {
    Dance::fetch(app.client.rocket()).expect("attached")
}

pub(crate) async fn client(app: &App) -> Client {
    dance(app).client(Op, &1).await.expect("the storage works").expect("an account")
}

/// The storage of another process.
async fn other(people: &People) -> DieselStorage {
    let storage = people.storage();
    storage.open(&Figment::new()).await.unwrap();
    storage
}

async fn stored(app: &App) -> Account {
    dance(app).account(Op, "ada").await.unwrap().expect("stored")
}

/// Asserts that the account still works: the provider, which revokes the grant of a reused token, refreshes it once more.
pub(crate) async fn lives_on(app: &App) {
    dance(app).advance_clock(2 * HOUR);
    app.fake.advance_clock(2 * HOUR);
    let calls = app.token_calls();
    client(app).await.access_token().await.expect("it is refreshed once more");
    assert_eq!(app.token_calls(), calls + 1);
    assert_eq!(client(app).await.userinfo().await.expect("the provider accepts it")["sub"], "ada");
}

/// Waits until `what` returns true.
async fn eventually(what: impl AsyncFn() -> bool) {
    within(Duration::from_secs(30), "the condition", async {
        while !what().await {
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// Holds the provider's next token answer back. Returns the gate that lets it pass.
pub(crate) fn hold_next_token_answer(app: &App, answer: FakeResponse) -> ResponseGate {
    let gate = ResponseGate::new();
    app.fake.respond_once(ProviderEndpoint::Token, answer.hold(&gate));
    gate
}

#[rocket::async_test]
async fn db_03_the_database_dies_between_the_rotated_token_and_the_commit() {
    let people = People::new();
    let (app, faulty) = expired(&people).await;
    faulty.0.before.store(5, Ordering::SeqCst);
    let client = client(&app).await;
    let token = client.access_token().await.expect("the database came back in time");
    assert_eq!((app.token_calls(), faulty.renewals(), stored(&app).await.version), (2, 6, 2));
    assert!(dance(&app).tokens(Op).of(&1).get().await.unwrap().unwrap().access_token.matches(token.expose()));
    lives_on(&app).await;
}

#[rocket::async_test]
async fn db_03_a_caller_gets_the_token_while_the_database_is_away() {
    let people = People::new();
    let (app, faulty) = expired(&people).await;
    let (mine, others, client) = (client(&app).await, client(&app).await, client(&app).await);
    let answer = hold_next_token_answer(&app, FakeResponse::unmodified());
    let mine = rocket::tokio::spawn(async move {
        let token = mine.access_token().await.expect("the token comes from memory");
        (token, mine)
    });
    answer.wait_for_request().await;
    faulty.0.down.store(true, Ordering::SeqCst);
    answer.open();
    // Neither a redirect to the sign-in page nor a second refresh.
    let theirs = others.access_token().await.expect("the token comes from memory, for all callers");
    let (token, mine) = mine.await.unwrap();
    assert_eq!(mine.userinfo().await.expect("the provider accepts it")["sub"], "ada");
    assert!(theirs.matches(token.expose()));
    assert!(client.access_token().await.expect("from memory").matches(token.expose()));
    assert_eq!(app.token_calls(), 2);
    faulty.0.down.store(false, Ordering::SeqCst);
    eventually(async || stored(&app).await.version == 2).await;
    assert!(others.access_token().await.expect("stored").matches(token.expose()));
    assert_eq!(app.token_calls(), 2);
    lives_on(&app).await;
}

#[rocket::async_test]
async fn db_03_a_commit_whose_answer_was_lost_is_known_again() {
    let people = People::new();
    let (app, faulty) = expired(&people).await;
    faulty.0.after.store(1, Ordering::SeqCst);
    client(&app).await.access_token().await.expect("it was written");
    assert_eq!((app.token_calls(), stored(&app).await.version), (2, 2));
    lives_on(&app).await;
}

#[rocket::async_test]
async fn rr_02_an_answer_that_comes_after_its_lease_replaces_nothing() {
    let people = People::new();
    let (app, _) = expired(&people).await;
    let other = other(&people).await;
    let answer = hold_next_token_answer(&app, FakeResponse::unmodified());
    let client = client(&app).await;
    let late = rocket::tokio::spawn(async move { client.access_token().await });
    answer.wait_for_request().await;
    let (account, now) = (stored(&app).await, now(&app).await);
    assert!(
        !other.lease(&account, now, now + LEASE).await.unwrap(),
        "the lease is held during the request to the provider"
    );
    // `now` lags behind the app's clock by the seconds that this test has taken so far.
    let later = now + LEASE + 30;
    dance(&app).advance_clock(LEASE + 30);
    assert!(other.lease(&account, later, later + LEASE).await.unwrap(), "the next process takes over");
    let theirs = Token::new("theirs").with_refresh_token("theirs, too");
    dance(&app).tokens(Op).of(&1).set(theirs).await.unwrap();
    answer.open();
    assert!(late.await.unwrap().expect("the stored token").matches("theirs"));
    let token = dance(&app).tokens(Op).of(&1).get().await.unwrap().unwrap();
    assert!(token.access_token.matches("theirs") && token.refresh_token.unwrap().matches("theirs, too"));
    assert_eq!((stored(&app).await.version, app.token_calls()), (2, 2));
}

/// The library's time, in unix seconds, read from a new token.
pub(crate) async fn now(app: &App) -> i64 {
    // The stored token expires after an hour; two have passed.
    stored(app).await.expires_at.unwrap() + HOUR
}

#[rocket::async_test]
async fn rr_03_after_a_killed_holder_the_next_takes_over() {
    let people = People::new();
    let (app, faulty) = expired(&people).await;
    let (account, now) = (stored(&app).await, now(&app).await);
    let killed = other(&people).await;
    assert!(killed.lease(&account, now, now + 45).await.unwrap());
    drop(killed);
    let client = client(&app).await;
    let waits = rocket::tokio::spawn(async move { client.access_token().await });
    eventually(async || faulty.0.leases.load(Ordering::SeqCst) >= 3).await;
    assert_eq!(app.token_calls(), 1, "its lease is respected");
    dance(&app).advance_clock(LEASE);
    waits.await.unwrap().expect("refreshed");
    assert_eq!((app.token_calls(), stored(&app).await.version), (2, 2));
    lives_on(&app).await;
}

#[rocket::async_test]
async fn rr_04_a_refresh_that_ends_after_a_disconnect_stores_nothing() {
    let people = People::new();
    let (app, faulty) = expired(&people).await;
    let answer = hold_next_token_answer(&app, FakeResponse::unmodified());
    // A provider that revokes only the refresh token: the refresh in progress goes on.
    app.fake.respond_always(ProviderEndpoint::Revocation, FakeResponse::status(200));
    // The same during a short outage of the storage: it retries and succeeds.
    faulty.0.before.store(2, Ordering::SeqCst);
    let client = client(&app).await;
    let late = rocket::tokio::spawn(async move { client.access_token().await });
    answer.wait_for_request().await;
    dance(&app).delete(&AccountKey::owner("op", 1)).await.unwrap();
    answer.open();
    assert_eq!(late.await.unwrap().unwrap_err().kind(), ErrorKind::NotConnected);
    assert_eq!((people.accounts(), faulty.renewals()), (vec![], 3));
}

#[rocket::async_test]
async fn rr_05_a_new_consent_beats_an_older_refresh() {
    let people = People::new();
    let (app, _) = expired(&people).await;
    let answer = hold_next_token_answer(&app, FakeResponse::unmodified());
    let client = client(&app).await;
    let late = rocket::tokio::spawn(async move { client.access_token().await });
    answer.wait_for_request().await;
    app.sign_in_as(1).await;
    assert_eq!(rocket_dance::testing::sign_in(&app.client, "op").await.status.code, 303);
    let consented = dance(&app).tokens(Op).of(&1).get().await.unwrap().unwrap();
    answer.open();
    assert!(late.await.unwrap().unwrap().matches(consented.access_token.expose()));
    let token = dance(&app).tokens(Op).of(&1).get().await.unwrap().unwrap();
    assert!(token.refresh_token.unwrap().matches(consented.refresh_token.unwrap().expose()));
    lives_on(&app).await;
}

#[rocket::async_test]
async fn losers_bear_a_store_that_blinks() {
    let people = People::new();
    let (app, faulty) = expired(&people).await;
    let (account, now) = (stored(&app).await, now(&app).await);
    let winner = other(&people).await;
    assert!(winner.lease(&account, now, now + 45).await.unwrap());
    let client = client(&app).await;
    let loser = rocket::tokio::spawn(async move { client.access_token().await });
    eventually(async || faulty.0.leases.load(Ordering::SeqCst) >= 2).await;
    faulty.0.reads.store(5, Ordering::SeqCst);
    eventually(async || faulty.0.reads.load(Ordering::SeqCst) == 0).await;
    dance(&app).tokens(Op).of(&1).set(Token::new("theirs")).await.unwrap();
    assert!(loser.await.unwrap().expect("the winner's token").matches("theirs"));
    assert_eq!(app.token_calls(), 1);
}

#[rocket::async_test]
async fn rf_03_fifty_share_one_failure() {
    let people = People::new();
    let (app, _) = expired(&people).await;
    let row = people.snapshot();
    app.fake
        .respond_always(ProviderEndpoint::Token, FakeResponse::status(503).delay(Duration::from_millis(600)));
    let clients: Vec<Client> = join_all((0..50).map(|_| client(&app))).await;
    for done in join_all(clients.iter().map(Client::access_token)).await {
        assert_eq!(done.unwrap_err().kind(), ErrorKind::ProviderUnreachable);
    }
    assert_eq!((app.token_calls(), people.snapshot()), (2, row), "the grant is unchanged");
    app.fake.reset_behavior();
    lives_on(&app).await;
}

#[rocket::async_test]
async fn rf_04_a_scope_that_became_less_is_recorded() {
    let people = People::new();
    let (app, _) = expired(&people).await;
    app.fake.respond_once(
        ProviderEndpoint::Token,
        FakeResponse::edit(|answer| answer["scope"] = json!("openid")),
    );
    let client = client(&app).await;
    client.access_token().await.unwrap();
    assert_eq!((client.account().scope.as_str(), stored(&app).await.scope.as_str()), ("openid", "openid"));
    assert_eq!(dance(&app).tokens(Op).of(&1).get().await.unwrap().unwrap().scope, ["openid"]);
}

#[rocket::async_test]
async fn rf_05_fifty_calls_with_a_fresh_token_refresh_nothing() {
    let people = People::new();
    let (app, faulty) = expired(&people).await;
    client(&app).await.access_token().await.unwrap();
    let clients: Vec<Client> = join_all((0..50).map(|_| client(&app))).await;
    for done in join_all(clients.iter().map(|client| client.get("things").json::<Value>())).await {
        done.unwrap();
    }
    assert_eq!((app.token_calls(), faulty.0.leases.load(Ordering::SeqCst)), (2, 1));
}

#[rocket::async_test]
async fn rr_07_what_expires_together_is_not_refreshed_all_at_once() {
    let people = People::new();
    let (app, _) = expired(&people).await;
    let mut clients = Vec::new();
    for user in 2..42 {
        people.sql(&format!("INSERT INTO users (id, name) VALUES ({user}, 'one of many')"));
        let mut profile = Profile::default();
        profile.id = Some(user.to_string());
        let token = Token::new("old").with_refresh_token("old").with_lifetime(0, 1);
        dance(&app).import(Op, &user, profile, token).await.unwrap();
        clients.push(dance(&app).client(Op, &user).await.unwrap().unwrap());
    }
    let fresh =
        json!({ "access_token": "new", "token_type": "Bearer", "expires_in": HOUR, "refresh_token": "new" });
    app.fake.respond_always(ProviderEndpoint::Token, FakeResponse::json(fresh).delay(Duration::from_secs(3)));
    let all = rocket::tokio::spawn(async move {
        join_all(clients.iter().map(Client::access_token)).await.into_iter().all(|done| done.is_ok())
    });
    eventually(async || app.token_calls() > 16).await;
    sleep(Duration::from_millis(200)).await;
    assert_eq!(app.token_calls(), 1 + 16, "the other refreshes wait for the first answers");
    assert!(all.await.unwrap());
    assert_eq!(app.token_calls(), 1 + 40);
}
