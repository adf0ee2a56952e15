//! A real database fails at each step of a dance: what must not have happened, and that the app works afterwards.

use std::sync::{Arc, Mutex, PoisonError};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use rocket::http::Status;
use rocket_dance::storage::DieselStorage;
use rocket_dance::testing::{FakeResponse, ProviderEndpoint, ResponseGate};
use rocket_dance::{Event, Signals};

use crate::harness::{TestApp, sign_up};

/// Every event, as its `Debug` text.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

#[rocket::async_trait]
impl Signals for Heard {
    async fn event(&self, _: Option<&rocket::Request<'_>>, event: &Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{event:?}"));
    }
}

impl Heard {
    fn only(&self, start: &str) -> Vec<String> {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.iter().filter(|event| event.starts_with(start)).cloned().collect()
    }
}

/// A database with a short busy timeout.
fn hasty() -> DieselStorage {
    DieselStorage::database("app")
        .migrate()
        .link(sign_up)
        .on_connect(|conn: &mut SqliteConnection| conn.batch_execute("PRAGMA busy_timeout = 20"))
}

async fn app() -> (TestApp, Heard) {
    let heard = Heard::default();
    let signals = heard.clone();
    let app = TestApp::launch_built(|figment| figment, |dance| dance.storage(hasty()).signals(signals)).await;
    (app, heard)
}

/// Another writer with an open transaction: until it is dropped, no other connection can write.
struct Occupied(SqliteConnection);

impl Occupied {
    fn new(app: &TestApp) -> Self {
        let url = app.file().display().to_string();
        let mut conn = SqliteConnection::establish(&url).expect("a database");
        conn.batch_execute("PRAGMA busy_timeout = 5000; BEGIN IMMEDIATE").expect("a transaction");
        Self(conn)
    }
}

impl Drop for Occupied {
    fn drop(&mut self) {
        self.0.batch_execute("ROLLBACK").expect("its end");
    }
}

#[rocket::async_test]
async fn db_01_a_dance_begins_without_the_database() {
    let (app, _) = app().await;
    let mut browser = app.browser();
    let occupied = Occupied::new(&app);
    let authorization = browser.begin("/login/op").await;
    let callback = app.approve(&authorization).await;
    drop(occupied);
    assert_eq!(browser.get(&callback).await.location(), "/");
}

#[rocket::async_test]
async fn db_02_a_code_is_not_burned_when_the_database_is_down() {
    let (app, heard) = app().await;
    let mut browser = app.browser();
    let callback = browser.ride("/login/op").await;
    let (rows, jar) = (app.rows(), browser.jar.clone());
    let occupied = Occupied::new(&app);
    let answer = browser.get(&callback).await;
    assert_eq!(answer.status, Status::ServiceUnavailable, "{answer:?}");
    app.assert_no_secret("the page", &answer.body, &[]);
    assert_eq!((app.token_calls(), app.rows()), (0, rows));
    assert_eq!(browser.jar, jar, "the flow is still there, and no session");
    drop(occupied);
    // OB-01: one event with the error code and the handle of the flow.
    let failed = heard.only("LoginFailed");
    assert!(
        failed.len() == 1 && failed[0].contains("store_unavailable") && failed[0].contains("flow: Some(")
    );
    app.assert_no_secret("the event", &failed[0], &[]);
    assert_eq!(browser.get(&callback).await.location(), "/", "the same callback, a moment later");
    assert!(browser.user().await.is_some());
    assert_eq!((app.token_calls(), app.count("users"), app.count("oauth_accounts")), (1, 1, 1));
}

#[rocket::async_test]
async fn db_03_a_database_that_fails_after_the_exchange_signs_no_user_in() {
    let (app, heard) = app().await;
    let mut browser = app.browser();
    let callback = browser.ride("/login/op").await;
    // From the provider's answer on, no other connection can write.
    let occupied = Arc::new(Mutex::new(None));
    let (occupy, site) = (occupied.clone(), app.clone());
    app.fake.respond_once(
        ProviderEndpoint::Token,
        FakeResponse::edit(move |_| *occupy.lock().unwrap() = Some(Occupied::new(&site))),
    );
    let rows = app.rows();
    let answer = browser.get(&callback).await;
    assert_eq!(answer.status, Status::ServiceUnavailable, "{answer:?}");
    assert!(!answer.sets(crate::harness::SESSION) && browser.user().await.is_none());
    assert_eq!((app.token_calls(), app.rows()), (1, rows));
    occupied.lock().unwrap().take();
    let orphans = heard.only("GrantOrphaned");
    assert_eq!(orphans.len(), 1, "{orphans:?}");
    app.assert_no_secret("the event", &orphans[0], &[]);
    assert_eq!(heard.only("LoginFailed").len(), 1);
    // The code is used up; a new sign-in works.
    browser.sign_in("op").await;
    assert_eq!((app.count("users"), app.count("oauth_accounts")), (1, 1));
}

#[rocket::async_test]
async fn db_06_a_slow_provider_holds_no_connection() {
    let one = || hasty().pool_size(1);
    let app = TestApp::launch_built(|figment| figment, |dance| dance.storage(one())).await;
    let mut slow = app.browser();
    let callback = slow.ride("/login/op").await;
    let answer = ResponseGate::new();
    app.fake.respond_once(ProviderEndpoint::Token, FakeResponse::unmodified().hold(&answer));
    let mut other = app.browser();
    other.enter(7).await;
    let dance = async { assert_eq!(slow.get(&callback).await.location(), "/") };
    let read = async {
        answer.wait_for_request().await;
        // It is answered while the provider is not: the only connection is free.
        assert_eq!(other.get("/accounts").await.status, Status::Ok);
        answer.open();
    };
    rocket::tokio::join!(dance, read);
}

#[rocket::async_test]
async fn ca_03_nothing_is_removed_in_appearance_only() {
    let (app, _) = app().await;
    let mut browser = app.browser();
    browser.sign_in("op").await;
    let callback = browser.ride_to_connect("/login/op2").await;
    assert_eq!(browser.get(&callback).await.status, Status::SeeOther);
    let rows = app.rows();
    let occupied = Occupied::new(&app);
    let answer = browser.post("/login/op/disconnect", &[]).await;
    assert_eq!(answer.status, Status::ServiceUnavailable, "{answer:?}");
    drop(occupied);
    assert_eq!(app.rows(), rows);
    assert!(browser.user().await.is_some(), "an outage signs no user out");
}

#[rocket::async_test]
async fn db_08_a_full_disk_is_an_outage_and_passes() {
    let full = |conn: &mut SqliteConnection| {
        // The database has no room for another page.
        conn.batch_execute("PRAGMA busy_timeout = 20; PRAGMA max_page_count = 1")
    };
    let app = TestApp::launch().await;
    let tight = || DieselStorage::database("app").link(sign_up).on_connect(full);
    let tight = app.relaunch_built(|dance| dance.storage(tight())).await;
    tight.fake.set_userinfo(serde_json::json!({ "sub": "ada", "name": "Ada", "bio": "b".repeat(60_000) }));
    let mut browser = tight.browser();
    let callback = browser.ride("/login/op").await;
    let rows = tight.rows();
    let answer = browser.get(&callback).await;
    assert_eq!(answer.status, Status::ServiceUnavailable, "{answer:?}");
    assert!(browser.user().await.is_none());
    assert_eq!(tight.rows(), rows);
    // Now there is room again.
    let mut browser = app.browser();
    browser.sign_in("op").await;
    assert_eq!((app.count("users"), app.count("oauth_accounts")), (1, 1));
}
