//! Sessions that end: when, for which user, and what a copy of the cookie is worth afterwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rocket::http::{ContentType, Status};
use rocket::tokio::time::sleep;
use rocket_dance::storage::{
    Account, AccountKey, MemoryStorage, Session, SessionSelection, SessionStart, SessionStorage, Storage,
};
use rocket_dance::testing::FakeProvider;
use rocket_dance::{Dance, Error, Result};

use crate::app::{App, figment};
use crate::harness::{
    Browser, NOT_TRUSTED, Refusal, SESSION, TestApp, TestRequest, assert_refused, with_parameter,
};

pub(crate) const HOUR: i64 = 3600;

const DAY: i64 = 24 * HOUR;

const CSRF_REFUSED: Refusal = Refusal::new(Status::Forbidden, "csrf");

/// An app with a cache TTL of `ttl` seconds.
pub(crate) async fn app(ttl: u64) -> TestApp {
    TestApp::launch_built(|figment| figment.merge(("dance.cache.ttl", ttl)), |dance| dance).await
}

/// A copy of the browser's cookies, as a thief would have it.
pub(crate) fn copy(browser: &Browser) -> Browser {
    browser.clone()
}

/// The rows of `oauth_sessions`, as text.
pub(crate) fn sessions(app: &TestApp) -> Vec<String> {
    app.rows().lines().filter(|row| row.starts_with("oauth_sessions")).map(str::to_owned).collect()
}

/// Stores accounts and sessions in memory, and fails while its switch is on.
pub(crate) struct Fragile(MemoryStorage, Arc<AtomicBool>);

impl Fragile {
    pub(crate) fn new(storage: MemoryStorage, down: Arc<AtomicBool>) -> Self {
        Self(storage, down)
    }

    fn up(&self) -> Result<&MemoryStorage> {
        if self.1.load(Ordering::SeqCst) { Err(Error::storage("the database is away")) } else { Ok(&self.0) }
    }

    fn kept(&self) -> Result<&dyn SessionStorage> {
        self.up()?.sessions().ok_or_else(|| Error::app("no sessions"))
    }
}

#[rocket::async_trait]
impl Storage for Fragile {
    async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
        self.up()?.get(key).await
    }

    async fn set(&self, account: &Account) -> Result<()> {
        self.up()?.set(account).await
    }

    async fn delete(&self, key: &AccountKey) -> Result<()> {
        self.up()?.delete(key).await
    }

    fn sessions(&self) -> Option<&dyn SessionStorage> {
        Some(self)
    }
}

#[rocket::async_trait]
impl SessionStorage for Fragile {
    async fn session(&self, id: &str) -> Result<Option<Session>> {
        self.kept()?.session(id).await
    }

    async fn sessions_of(&self, user: &str) -> Result<Vec<Session>> {
        self.kept()?.sessions_of(user).await
    }

    async fn begin_session(&self, session: &Session, before: Option<&str>, now: i64) -> Result<SessionStart> {
        self.kept()?.begin_session(session, before, now).await
    }

    async fn rotate_session(&self, id: &str, old: &str, new: &str, at: i64) -> Result<bool> {
        self.kept()?.rotate_session(id, old, new, at).await
    }

    async fn session_seen(&self, id: &str, at: i64, expires_at: i64) -> Result<()> {
        self.kept()?.session_seen(id, at, expires_at).await
    }

    async fn end_sessions(&self, whose: &SessionSelection) -> Result<Vec<Session>> {
        self.kept()?.end_sessions(whose).await
    }
}

#[rocket::async_test]
async fn sf_01_a_session_gets_another_id_at_sign_in_connect_and_sign_out() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let signed_in = copy(&ada);
    assert_eq!(sessions(&app).len(), 1);

    // Connecting keeps the session and changes its id.
    let created = |rows: &[String]| rows[0].split_once("created_at").map(|(_, rest)| rest.to_owned());
    let before = sessions(&app);
    let callback = ada.ride_to_connect("/login/op2").await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    assert_ne!(ada.jar[SESSION], signed_in.jar[SESSION]);
    let connected = copy(&ada);
    assert_eq!((ada.user().await, signed_in.user().await), (Some(1), None));
    let after = sessions(&app);
    assert_eq!((after.len(), created(&after)), (1, created(&before)));
    assert_ne!(after, before);

    // Signing in again with the app's own form replaces the session.
    ada.enter(1).await;
    let again = copy(&ada);
    assert_eq!((connected.user().await, sessions(&app).len()), (None, 1));

    ada.leave().await;
    assert_eq!(sessions(&app).len(), 0);
    for old in [signed_in, connected, again] {
        assert_eq!(old.user().await, None);
    }
}

#[rocket::async_test]
async fn sf_03_a_session_that_was_planted_is_not_upgraded() {
    let app = TestApp::launch().await;
    let mut mallory = app.browser();
    mallory.enter(666).await;
    for by_form in [false, true] {
        // Ada's browser has Mallory's cookie, or one that was never a session.
        for planted in [mallory.jar[SESSION].clone(), "planted".to_owned()] {
            let mut ada = app.browser();
            let callback = ada.ride("/login/op").await;
            ada.jar.insert(SESSION.to_owned(), planted.clone());
            match by_form {
                true => ada.enter(1).await,
                false if ada.user().await.is_none() => {
                    assert_eq!(ada.get(&callback).await.location(), "/");
                }
                // Another user is signed in: the session keeps its user.
                false => {
                    let code = Refusal::new(Status::Forbidden, "refused").after_exchange();
                    assert_refused(&mut ada, &TestRequest::get(&callback), code).await;
                    continue;
                }
            }
            assert_eq!(ada.user().await, Some(1));
            assert_ne!(ada.jar[SESSION], planted);
            let mut planter = app.browser();
            planter.jar.insert(SESSION.to_owned(), planted);
            assert_ne!(planter.user().await, Some(1), "the attacker is not signed in as Ada");
        }
    }
}

#[rocket::async_test]
async fn sf_04_a_failed_callback_signs_no_user_out() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let before = sessions(&app);
    let callback = ada.ride_to_connect("/login/op2").await;
    let forged = with_parameter(&callback, "state", Some("another"));
    assert_refused(&mut ada, &TestRequest::get(&forged), NOT_TRUSTED).await;
    let denied = ada.ride_to_connect("/login/op2").await;
    let denied = with_parameter(&with_parameter(&denied, "code", None), "error", Some("access_denied"));
    let answer = ada.get(&denied).await;
    assert_eq!((answer.status, answer.sets(SESSION)), (Status::Forbidden, false), "{answer:?}");
    assert_eq!((ada.user().await, sessions(&app)), (Some(1), before));
}

#[rocket::async_test]
async fn lo_01_signing_out_ends_every_copy_on_every_node_within_the_caches_bound() {
    let ttl = 2;
    let here = app(ttl).await;
    let there = here.relaunch(|figment| figment.merge(("dance.cache.ttl", ttl))).await;
    let mut ada = here.browser();
    ada.sign_in("op").await;
    let stolen = copy(&ada);
    let mut elsewhere = Browser { app: there.clone(), ..copy(&ada) };
    let csrf = elsewhere.csrf().await;
    assert_eq!(elsewhere.user().await, Some(1));

    ada.leave().await;
    let left = Instant::now();
    assert_eq!(stolen.user().await, None, "here at once");
    // A request that changes something reads the database, not the cache.
    let connect = TestRequest::post("/login/op2", &[("csrf", &csrf)]);
    let answer = elsewhere.peek(&connect).await;
    assert_eq!((answer.status, answer.json()), (Status::Forbidden, serde_json::Value::Null), "{answer:?}");
    while elsewhere.user().await.is_some() {
        assert!(left.elapsed() < Duration::from_secs(ttl + 3), "still there after {:?}", left.elapsed());
        sleep(Duration::from_millis(20)).await;
    }
    // After a restart no user is signed in either.
    let restarted = here.relaunch(|figment| figment).await;
    assert_eq!(Browser { app: restarted, ..stolen }.user().await, None);
}

#[rocket::async_test]
async fn lo_01_signing_out_everywhere() {
    let app = TestApp::launch().await;
    let (mut laptop, mut phone, mut other) = (app.browser(), app.browser(), app.browser());
    laptop.sign_in("op").await;
    phone.sign_in("op").await;
    other.enter(2).await;
    let csrf = laptop.csrf().await;
    let everywhere = |csrf: &str| TestRequest::post("/login/logout/everywhere", &[("csrf", csrf)]);
    for csrf in ["", "wrong", &other.csrf().await] {
        assert_refused(&mut laptop, &everywhere(csrf), CSRF_REFUSED).await;
    }
    let cross = everywhere(&csrf).header("Sec-Fetch-Site", "cross-site");
    assert_refused(&mut laptop, &cross, CSRF_REFUSED).await;
    assert_eq!(phone.user().await, Some(1));

    // The button of the page.
    let page = laptop.get("/login/accounts").await;
    assert!(page.body.contains("action=\"/login/logout/everywhere\""), "{}", page.body);
    assert_eq!(laptop.ask(&everywhere(&csrf)).await.location(), "/");
    assert_eq!((laptop.user().await, phone.user().await, other.user().await), (None, None, Some(2)));
    assert!(!laptop.jar.contains_key(SESSION));
    assert_eq!(sessions(&app).len(), 1);
    // A form of a visitor who is not signed in ends nothing.
    let csrf = laptop.csrf().await;
    let _ = laptop.ask(&everywhere(&csrf)).await;
    assert_eq!(sessions(&app).len(), 1);

    // After a change of password: every session ends except this browser's, which signs in again.
    phone.sign_in("op").await;
    laptop.sign_in("op").await;
    assert_eq!(app.dance().sign_out_everywhere(&1).await.unwrap(), 2);
    laptop.enter(1).await;
    assert_eq!((laptop.user().await, phone.user().await, other.user().await), (Some(1), None, Some(2)));
    assert_eq!(app.dance().sign_out_everywhere(&7).await.unwrap(), 0);
}

#[rocket::async_test]
async fn a_session_ends_when_it_is_idle_and_when_it_is_old() {
    let app = TestApp::launch_built(
        |figment| figment.merge(("dance.session.idle", 10 * HOUR)).merge(("dance.session.age", DAY)),
        |dance| dance,
    )
    .await;
    let (mut ada, mut grace) = (app.browser(), app.browser());
    ada.sign_in("op").await;
    grace.enter(2).await;
    let noted = sessions(&app);
    // A request within an hour of the last one writes nothing.
    app.advance(HOUR - 60);
    assert_eq!((ada.user().await, sessions(&app)), (Some(1), noted.clone()));
    app.advance(120);
    assert_eq!(ada.user().await, Some(1));
    assert_ne!(sessions(&app), noted, "the last use is stored now");
    app.advance(9 * HOUR);
    assert_eq!((ada.user().await, grace.user().await), (Some(1), None), "ten hours without a request");
    // However often it is used, it ends after a day.
    app.advance(9 * HOUR);
    assert_eq!(ada.user().await, Some(1));
    app.advance(4 * HOUR + 50 * 60);
    assert_eq!(ada.user().await, Some(1));
    app.advance(20 * 60);
    assert_eq!(ada.user().await, None);
    // GC-01: a sign-in deletes expired sessions.
    ada.enter(3).await;
    assert_eq!(sessions(&app).len(), 1);
}

#[rocket::async_test]
async fn a_warm_cache_needs_no_query_and_an_outage_signs_no_user_out() {
    for cache in [true, false] {
        let down = Arc::new(AtomicBool::new(false));
        let fake = FakeProvider::start().await;
        let mut figment = figment(&fake).merge(("dance.cache.ttl", HOUR));
        if !cache {
            figment = figment.merge(("dance.cache", false));
        }
        let storage = Fragile::new(MemoryStorage::new(), down.clone());
        let app = App::new(fake, figment, Dance::fairing().storage(storage)).await;
        app.sign_in_as(7).await;
        let who = async || app.get("/me").await.status();
        assert_eq!(who().await, Status::Ok);
        let csrf = app.json("/login/accounts").await.1["csrf"].as_str().unwrap().to_owned();
        let before = app.cookies();

        down.store(true, Ordering::SeqCst);
        let unavailable = Status::ServiceUnavailable;
        assert_eq!(
            who().await,
            if cache { Status::Ok } else { unavailable },
            "the cache answers, or the outage is reported"
        );
        for uri in ["/guarded", "/accounts", "/login/accounts"] {
            let answer = app.get(uri).await;
            assert_eq!((answer.status(), answer.headers().get_one("Location")), (unavailable, None), "{uri}");
        }
        // CA-03: if a session cannot be ended, the answer says so, and no user is signed in.
        for uri in ["/login/logout", "/login/logout/everywhere", "/login/op", "/leave", "/enter/8"] {
            let form = app.client.post(uri).header(ContentType::Form).body(format!("csrf={csrf}"));
            let answer = form.dispatch().await;
            assert_eq!(answer.status(), unavailable, "{uri}");
            let body = answer.into_string().await.unwrap();
            assert!(body.contains("store_unavailable") && !body.contains("is away"), "{uri}: {body}");
            assert_eq!(app.cookies(), before, "{uri}");
        }
        down.store(false, Ordering::SeqCst);
        assert_eq!(app.get("/me").await.into_string().await.as_deref(), Some("7"));
        assert_eq!(app.client.post("/leave").dispatch().await.status(), Status::Ok);
        assert_eq!(who().await, Status::SeeOther);
    }
}
