//! What is removed ends: accounts with the sessions that began with them, and everything of a user who is deleted.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rocket::http::{Method, Status};
use rocket_dance::storage::{AccountKey, DieselStorage, MemoryStorage};
use rocket_dance::testing::FakeProvider;
use rocket_dance::{
    AuthorizedLogin, Client, Dance, Error, ErrorKind, Event, NextStep, Profile, Result, Signals, Token,
};

use crate::app::{App, Op, figment};
use crate::harness::{
    Browser, NOT_TRUSTED, Refusal, SESSION, TestApp, TestRequest, assert_refused, captured_log,
};
use crate::logout::{Fragile, HOUR, sessions};
use crate::sqlite;
use crate::users::sign_up;

/// A page that needs a user redirects to the sign-in.
const SIGN_IN: Status = Status::SeeOther;

/// Runs SQL of the app once, at the next signal of its kind: what another process does in between.
#[derive(Clone, Default)]
struct InBetween(Arc<Mutex<Option<(Moment, PathBuf, String)>>>);

#[derive(Clone, Copy, PartialEq)]
enum Moment {
    /// Before the account is stored.
    Authorized,
    /// After the account was stored, and before the session begins.
    Stored,
}

impl InBetween {
    fn next(&self, app: &TestApp, moment: Moment, sql: &str) {
        *self.0.lock().unwrap() = Some((moment, app.file(), sql.to_owned()));
    }

    fn at(&self, now: Moment) {
        let mut next = self.0.lock().unwrap();
        if let Some((_, file, sql)) = next.take_if(|(moment, ..)| *moment == now) {
            sqlite::execute(&file, &sql);
        }
    }

    fn has_run(&self) -> bool {
        self.0.lock().unwrap().is_none()
    }
}

#[rocket::async_trait]
impl Signals for InBetween {
    async fn authorized(
        &self,
        _: &rocket::Request<'_>,
        _: &mut AuthorizedLogin,
        _: &Client,
    ) -> Result<NextStep> {
        self.at(Moment::Authorized);
        Ok(NextStep::Continue)
    }

    async fn event(&self, _: Option<&rocket::Request<'_>>, event: &Event) {
        if matches!(event, Event::AccountCreated(..) | Event::AccountUpdated(..)) {
            self.at(Moment::Stored);
        }
    }
}

/// An app that deletes accounts and sessions with their user, and what happens in between.
async fn cascading() -> (TestApp, InBetween) {
    let between = InBetween::default();
    let signals = between.clone();
    let storage = || DieselStorage::database("app").migrate().link(sign_up).cascade_from("users", "id");
    let app =
        TestApp::launch_built(|figment| figment, |dance| dance.storage(storage()).signals(signals)).await;
    (app, between)
}

async fn disconnect(browser: &mut Browser, entry: &str) -> Status {
    browser.post(&format!("/login/{entry}/disconnect"), &[]).await.status
}

/// Ada, user 1, with accounts at both entries; and an attacker who has signed in with the one at `op2`.
async fn ada_and_an_attacker(app: &TestApp) -> (Browser, Browser) {
    let mut ada = app.browser();
    ada.sign_in("op").await;
    app.fake.set_user("mallory");
    let callback = ada.ride_to_connect("/login/op2").await;
    ada.get(&callback).await;
    let mut mallory = app.browser();
    mallory.sign_in("op2").await;
    assert_eq!((mallory.user().await, sessions(app).len()), (Some(1), 2));
    (ada, mallory)
}

#[rocket::async_test]
async fn d2_a_a_connect_under_way_brings_no_removed_account_back() {
    let app = TestApp::launch().await;
    let (mut ada, mut mallory) = ada_and_an_attacker(&app).await;
    let callback = mallory.ride_to_connect("/login/op2").await;
    assert_eq!(disconnect(&mut ada, "op2").await, Status::SeeOther);
    assert_eq!((app.count("oauth_accounts"), sessions(&app).len()), (1, 1));
    assert_refused(&mut mallory, &TestRequest::get(&callback), NOT_TRUSTED).await;

    // It ends while the provider answers.
    let between = InBetween::default();
    let app = {
        let signals = between.clone();
        TestApp::launch_built(|figment| figment, |dance| dance.signals(signals)).await
    };
    let (mut ada, mut mallory) = ada_and_an_attacker(&app).await;
    let callback = mallory.ride_to_connect("/login/op2").await;
    assert_eq!(disconnect(&mut ada, "op").await, Status::SeeOther, "she keeps the other one");
    between.next(&app, Moment::Authorized, "delete from oauth_sessions where provider = 'op2'");
    let answer = mallory.get(&callback).await;
    assert_eq!(answer.status, Status::Forbidden, "{answer:?}");
    assert!(answer.body.contains("signed out in the meantime") && !answer.sets(SESSION), "{answer:?}");
    assert!(between.has_run());
}

#[rocket::async_test]
async fn d2_b_a_sign_in_under_way_does_not_outlive_the_removal_of_its_account() {
    let (app, between) = cascading().await;
    let (_, mut mallory) = ada_and_an_attacker(&app).await;
    mallory.leave().await;
    let callback = mallory.ride("/login/op2").await;
    between.next(&app, Moment::Stored, "delete from oauth_accounts where provider = 'op2'");
    let answer = mallory.get(&callback).await;
    assert!(between.has_run());
    assert_eq!(answer.status, Status::Forbidden, "{answer:?}");
    assert!(answer.body.contains("This account was disconnected in the meantime"), "{answer:?}");
    assert!(!answer.sets(SESSION));
    assert_eq!((mallory.user().await, sessions(&app).len(), app.count("oauth_accounts")), (None, 1, 1));
    app.assert_no_secret("the answer", &format!("{answer:?}"), &[]);
    app.assert_no_secret("the log", &captured_log().unwrap_or_default(), &[]);

    // It has got another owner.
    app.fake.set_user("ada");
    let callback = mallory.ride("/login/op").await;
    between.next(&app, Moment::Stored, "update oauth_accounts set user_id = '8' where provider = 'op'");
    assert_eq!(mallory.get(&callback).await.status, Status::Forbidden);
    assert_eq!(mallory.user().await, None);
}

#[rocket::async_test]
async fn d2_c_a_removal_that_fails_in_the_middle_has_changed_nothing() {
    let app = TestApp::launch().await;
    let (mut ada, mallory) = ada_and_an_attacker(&app).await;
    let fails = "create trigger fails before delete on oauth_sessions begin select raise(abort, 'disk I/O error'); end";
    sqlite::execute(&app.file(), fails);
    let (rows, before) = (app.rows(), ada.jar[SESSION].clone());
    assert!(disconnect(&mut ada, "op2").await.code >= 500);
    assert_eq!((app.rows(), &ada.jar[SESSION]), (rows, &before));
    assert_eq!((ada.user().await, mallory.user().await), (Some(1), Some(1)));
    sqlite::execute(&app.file(), "drop trigger fails");
    assert_eq!(disconnect(&mut ada, "op2").await, Status::SeeOther);
    assert_eq!((app.count("oauth_accounts"), sessions(&app).len()), (1, 1));
    assert_eq!((ada.user().await, mallory.user().await), (Some(1), None));
}

#[rocket::async_test]
async fn d3_nothing_of_a_deleted_user_is_stored() {
    const DELETE: &str = "delete from users where id = 1";
    let (app, between) = cascading().await;
    for moment in [Moment::Authorized, Moment::Stored] {
        sqlite::execute(&app.file(), "delete from users");
        sqlite::execute(&app.file(), "insert into users (id, name) values (1, 'Ada')");
        let mut ada = app.browser();
        ada.enter(1).await;
        // A new account of hers.
        let callback = ada.ride_to_connect("/login/op").await;
        between.next(&app, moment, DELETE);
        let answer = ada.get(&callback).await;
        assert!(between.has_run() && !answer.sets(SESSION), "{answer:?}");
        if moment == Moment::Authorized {
            assert_eq!(answer.status, Status::Forbidden);
            assert!(answer.body.contains("does not exist here any more"), "{answer:?}");
        }
        assert_eq!((app.count("oauth_accounts"), sessions(&app).len()), (0, 0));
    }

    // A user who comes back. Deleted before the account is stored, the person is a stranger.
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let user = ada.user().await.unwrap();
    ada.leave().await;
    let callback = ada.ride("/login/op").await;
    between.next(&app, Moment::Stored, &format!("delete from users where id = {user}"));
    let answer = ada.get(&callback).await;
    assert_eq!((answer.status, answer.sets(SESSION), between.has_run()), (Status::Forbidden, false, true));
    assert_eq!(
        (app.count("users"), app.count("oauth_accounts"), sessions(&app).len(), ada.user().await),
        (0, 0, 0, None)
    );
}

#[rocket::async_test]
async fn d3_no_session_and_no_token_without_a_user() {
    let (app, _) = cascading().await;
    let mut ada = app.browser();
    let ask = TestRequest::new(Method::Post, "/enter/7");
    let answer = ada.ask(&ask).await;
    assert_eq!((answer.status, answer.sets(SESSION), ada.user().await), (Status::Forbidden, false, None));
    assert!(answer.body.contains("does not exist here any more"), "{answer:?}");
    let dance = app.dance();
    let error = dance.tokens(Op).of(&7).set(Token::new("secret token")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    let mut profile = Profile::default();
    profile.id = Some("ada".into());
    let error = dance.import(Op, &7, profile, Token::new("secret token")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(dance.sign_out_everywhere(&7).await.unwrap(), 0);
    assert_eq!((app.count("oauth_accounts"), sessions(&app).len()), (0, 0));
    // With the user all of it works.
    sqlite::execute(&app.file(), "insert into users (id, name) values (7, 'Ada')");
    ada.enter(7).await;
    dance.tokens(Op).of(&7).set(Token::new("secret token")).await.unwrap();
    assert_eq!((app.count("oauth_accounts"), dance.sign_out_everywhere(&7).await.unwrap()), (1, 1));
}

/// An app with this storage and its user 7, who has an account at `op` and signs in with it.
async fn signed_in_with_op(dance: rocket_dance::DanceFairing, cache: bool) -> App {
    let fake = FakeProvider::start().await;
    let figment = figment(&fake).merge(("dance.cache", cache));
    let app = App::new(fake, figment, dance).await;
    app.sign_in_as(7).await;
    let callback = {
        let begun = app.post("/login/op", &[]).await;
        crate::app::path_and_query(&app.fake.authorize(&crate::app::location(&begun)).await)
    };
    assert_eq!(app.get(&callback).await.status(), Status::SeeOther);
    assert_eq!(app.post("/login/logout", &[]).await.status(), Status::SeeOther);
    let callback = app.callback("/login/op").await;
    assert_eq!(app.get(&callback).await.status(), Status::SeeOther);
    assert_eq!(app.get("/me").await.into_string().await.as_deref(), Some("7"));
    app
}

#[rocket::async_test]
async fn d5_every_way_to_remove_an_account_ends_its_sessions() {
    for how in ["owner", "identity", "token"] {
        for cache in [true, false] {
            // In memory; and with a storage of the app's own, which has three methods and sessions.
            let in_memory = Dance::fairing().storage(MemoryStorage::new());
            let own = Dance::fairing().storage(Fragile::new(MemoryStorage::new(), Arc::default()));
            for dance in [in_memory, own] {
                let app = signed_in_with_op(dance, cache).await;
                let dance = Dance::fetch(app.client.rocket()).unwrap();
                match how {
                    "owner" => dance.delete(&AccountKey::owner("op", 7)).await.unwrap(),
                    "identity" => dance.delete(&AccountKey::identity("op", "ada")).await.unwrap(),
                    _ => dance.tokens(Op).of(&7).delete().await.unwrap(),
                }
                assert_eq!(app.get("/me").await.status(), SIGN_IN, "{how}, cache {cache}");
                // A session of a form is no session of the account.
                app.sign_in_as(7).await;
                dance.delete(&AccountKey::owner("op", 7)).await.unwrap();
                assert_eq!(app.get("/me").await.status(), Status::Ok);
            }
        }
        // In a database, also that of another process.
        let app = TestApp::launch_with(|figment| figment.merge(("dance.cache", false))).await;
        let other = app.relaunch(|figment| figment).await;
        let mut ada = app.browser();
        ada.sign_in("op").await;
        match how {
            "owner" => other.dance().delete(&AccountKey::owner("op", 1)).await.unwrap(),
            "identity" => other.dance().delete(&AccountKey::identity("op", "ada")).await.unwrap(),
            _ => other.dance().tokens(Op).of(&1).delete().await.unwrap(),
        }
        assert_eq!((ada.user().await, sessions(&app).len()), (None, 0), "{how}");
    }
}

#[rocket::async_test]
async fn d5_a_removal_that_fails_ends_nothing_twice_and_works_again() {
    let down = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let storage = Fragile::new(MemoryStorage::new(), down.clone());
    let app = signed_in_with_op(Dance::fairing().storage(storage), true).await;
    let dance = Dance::fetch(app.client.rocket()).unwrap();
    down.store(true, std::sync::atomic::Ordering::SeqCst);
    let error: Error = dance.delete(&AccountKey::owner("op", 7)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
    down.store(false, std::sync::atomic::Ordering::SeqCst);
    assert_eq!(app.get("/me").await.status(), Status::Ok, "nothing has changed");
    dance.delete(&AccountKey::owner("op", 7)).await.unwrap();
    assert_eq!(app.get("/me").await.status(), SIGN_IN);
}

/// The row of the only session, without the columns that say which cookie it has.
fn session_but_its_cookie(app: &TestApp) -> String {
    let [row] = &sessions(app)[..] else { panic!("one session") };
    let columns =
        row.split(", ").filter(|column| !column.contains("cookie_hash") && !column.contains("rotated_at"));
    columns.collect::<Vec<_>>().join(", ")
}

#[rocket::async_test]
async fn d6_disconnecting_ones_own_account_keeps_the_session() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let callback = ada.ride_to_connect("/login/op2").await;
    ada.get(&callback).await;
    let (before, old) = (session_but_its_cookie(&app), ada.clone());
    app.advance(600);
    assert_eq!(disconnect(&mut ada, "op").await, Status::SeeOther);
    assert_eq!(session_but_its_cookie(&app), before, "the same age, the same origin");
    assert_ne!(ada.jar[SESSION], old.jar[SESSION]);
    assert_eq!((ada.user().await, old.user().await), (Some(1), None), "SF-01: a copy of the old cookie");
    assert_eq!(app.count("oauth_accounts"), 1);
}

#[rocket::async_test]
async fn d6_no_new_cookie_makes_a_session_younger() {
    let settings = |figment: rocket::figment::Figment| figment.merge(("dance.session.age", 10 * HOUR));
    let app = TestApp::launch_with(settings).await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    for _ in 0..3 {
        // Connecting gives the session a new cookie, and so does disconnecting.
        app.advance(3 * HOUR);
        app.fake.advance_clock(3 * HOUR);
        let callback = ada.ride_to_connect("/login/op2").await;
        ada.get(&callback).await;
        assert_eq!(disconnect(&mut ada, "op2").await, Status::SeeOther);
        assert_eq!(ada.user().await, Some(1));
    }
    app.advance(HOUR - 60);
    assert_eq!(ada.user().await, Some(1));
    app.advance(60);
    assert_eq!(ada.user().await, None, "ten hours after the sign-in");
}

/// A browser that finishes two connections at the same time: both requests have the cookie from before either.
async fn two_at_once(app: &TestApp) -> (Browser, String, Browser, String) {
    let mut ada = app.browser();
    ada.enter(1).await;
    app.fake.set_user("ada");
    let first = ada.ride_to_connect("/login/op").await;
    let second = ada.ride_to_connect("/login/op2").await;
    (ada.clone(), first, ada, second)
}

#[rocket::async_test]
async fn d14_two_connections_at_once_both_succeed() {
    let app = TestApp::launch().await;
    let (mut one, first, mut other, second) = two_at_once(&app).await;
    let before = one.jar[SESSION].clone();
    let answer = one.get(&first).await;
    assert!(answer.status == Status::SeeOther && answer.sets(SESSION), "{answer:?}");
    // The guards have no grace: SF-01.
    assert_eq!((one.user().await, other.user().await), (Some(1), None));
    app.advance(50);
    let answer = other.get(&second).await;
    assert_eq!((answer.status, answer.sets(SESSION)), (Status::SeeOther, false), "{answer:?}");
    assert_eq!((app.count("oauth_accounts"), sessions(&app).len()), (2, 1));
    // The browser has one cookie: that of the first answer. The old one is worth nothing.
    assert_eq!((one.user().await, other.jar[SESSION] == before, other.user().await), (Some(1), true, None));
    for uri in ["/login/op2/disconnect", "/login/logout/everywhere"] {
        let csrf = one.csrf().await;
        let ask = TestRequest::post(uri, &[("csrf", &csrf)]);
        assert_refused(&mut other, &ask, Refusal::new(Status::Forbidden, "csrf")).await;
    }
    // Neither does it end the session.
    other.ask(&TestRequest::new(Method::Post, "/leave")).await;
    assert_eq!(one.user().await, Some(1));
}

#[rocket::async_test]
async fn d14_the_old_cookie_finishes_only_what_began_before_and_only_for_a_minute() {
    let app = TestApp::launch().await;
    let (mut one, first, mut other, second) = two_at_once(&app).await;
    one.get(&first).await;
    app.advance(60);
    assert_refused(&mut other, &TestRequest::get(&second), NOT_TRUSTED).await;

    // A flow that began with the new cookie.
    let (mut one, first, old, _) = two_at_once(&app).await;
    one.get(&first).await;
    app.advance(1);
    let later = one.ride_to_connect("/login/op2").await;
    let mut mixed = one.clone();
    mixed.jar.insert(SESSION.into(), old.jar[SESSION].clone());
    assert_refused(&mut mixed, &TestRequest::get(&later), NOT_TRUSTED).await;
    assert_eq!(one.get(&later).await.status, Status::SeeOther);

    // A session that has ended, for another reason than a new cookie.
    let (mut one, first, mut other, second) = two_at_once(&app).await;
    one.get(&first).await;
    app.dance().sign_out_everywhere(&1).await.unwrap();
    assert_refused(&mut other, &TestRequest::get(&second), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn the_accounts_page_lists_the_users_sessions_and_ends_them() {
    let app = TestApp::launch().await;
    let (mut ada, mallory) = ada_and_an_attacker(&app).await;
    let mut by_form = app.browser();
    by_form.enter(1).await;
    let mut eve = app.browser();
    eve.enter(2).await;
    app.advance(2 * HOUR);
    assert_eq!(ada.user().await, Some(1));
    let listed = async |browser: &mut Browser| {
        let ask = TestRequest::get("/login/accounts").header("Accept", "application/json");
        browser.ask(&ask).await.json()["sessions"].as_array().cloned().unwrap_or_default()
    };
    let found = listed(&mut ada).await;
    assert_eq!(found.len(), 3, "{found:?}");
    let current: Vec<_> = found.iter().filter(|session| session["current"] == true).collect();
    let [own] = current[..] else { panic!("{found:?}") };
    assert_eq!((&own["account"]["title"], &own["account"]["connected"]), (&"Op".into(), &true.into()));
    assert_ne!(own["began"], own["used"]);
    let of_entry = |title: &str| {
        let id = |session: &serde_json::Value| session["id"].as_str().map(str::to_owned);
        found.iter().find(|session| session["account"]["title"] == title).and_then(id).expect("a session")
    };
    let id_by_form = found.iter().find(|session| session["account"].is_null()).expect("it");
    let page = ada.get("/login/accounts").await.body;
    for text in ["Where you are signed in", "This browser", "A form of this app", "<time datetime=\"20"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert!(!page.contains(&ada.jar[SESSION]));
    // Another user sees and ends none of them.
    assert_eq!(listed(&mut eve).await.len(), 1);
    let rows = app.rows();
    for session in [of_entry("Op2"), "nothing".into(), String::new()] {
        let answer = eve.post("/login/logout/session", &[("session", &session)]).await;
        assert_eq!((answer.location(), &app.rows()), ("/login/accounts", &rows));
    }
    assert_eq!(ada.post("/login/logout/session", &[]).await.status, Status::BadRequest);
    let csrf = TestRequest::post("/login/logout/session", &[("session", &of_entry("Op2"))]);
    assert_refused(&mut ada, &csrf, Refusal::new(Status::Forbidden, "csrf")).await;
    let mut nobody = app.browser();
    let answer = nobody.post("/login/logout/session", &[("session", &of_entry("Op2"))]).await;
    assert_eq!((answer.status, &app.rows()), (Status::Forbidden, &rows));

    // Her own: another browser's, as HTML and as JSON, and this one's.
    let answer = ada.post("/login/logout/session", &[("session", &of_entry("Op2"))]).await;
    assert_eq!((answer.status, answer.location()), (Status::SeeOther, "/login/accounts"));
    assert_eq!((mallory.user().await, ada.user().await, by_form.user().await), (None, Some(1), Some(1)));
    let csrf = ada.csrf().await;
    let form = TestRequest::post(
        "/login/logout/session",
        &[("csrf", &csrf), ("session", id_by_form["id"].as_str().expect("its id"))],
    );
    let answer = ada.ask(&form.header("Accept", "application/json")).await;
    assert_eq!((answer.status, answer.body.as_str()), (Status::NoContent, ""));
    assert_eq!((by_form.user().await, ada.user().await), (None, Some(1)));
    let own = of_entry("Op");
    let answer = ada.post("/login/logout/session", &[("session", &own)]).await;
    assert_eq!((answer.location(), ada.user().await), ("/", None));
    assert!(!ada.jar.contains_key(SESSION));
    assert_eq!(sessions(&app).len(), 1, "Eve's");
}
