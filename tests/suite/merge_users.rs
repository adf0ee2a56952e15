//! Two users of one person become one: who can do that, and what is left afterwards.

use diesel::prelude::*;
use futures::future::join_all;
use rocket::figment::Figment;
use rocket::http::{Method, Status};
use rocket_dance::provider::Provider;
use rocket_dance::storage::DieselStorage;
use rocket_dance::testing::{FakeResponse, ProviderEndpoint, ResponseGate};
use rocket_dance::{DanceFairing, LinkPolicy, Login, Result, Standing, Verdict};
use serde_json::json;

use crate::confirm::{OWN_SESSION, OwnSessions};
use crate::harness::{
    Browser, NOT_TRUSTED, PENDING, Refusal, SESSION, TestApp, TestRequest, assert_guarded, assert_refused,
};
use crate::linking::{REFUSED, accounts};
use crate::signals::{Heard, Listener};
use crate::users::{sign_up, users};

const MERGE: &str = "/login/merge";
const CSRF: Refusal = Refusal::new(Status::Forbidden, "csrf");

/// Signs up every stranger, and merges users.
struct Merging;

impl LinkPolicy<SqliteConnection, i32> for Merging {
    fn link(&self, login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
        match login.standing {
            Standing::Taken { .. } => Ok(Verdict::MergeUsers),
            _ => sign_up(login, conn),
        }
    }

    fn merge_users(&self, from: &i32, _: &i32, conn: &mut SqliteConnection) -> Result<()> {
        diesel::delete(users::table.find(from)).execute(conn)?;
        Ok(())
    }
}

/// An app with Ada, user 1, who is signed in by `op`, and Grace, user 2, by `op2`.
async fn app() -> (TestApp, Heard, [Browser; 2]) {
    let heard = Heard::default();
    let listener = Listener(heard.clone());
    let app =
        TestApp::launch_built(|figment| figment, |dance| dance.storage(storage()).signals(listener)).await;
    let [mut ada, mut grace] = [app.browser(), app.browser()];
    ada.sign_in("op").await;
    app.fake.set_user("grace").set_userinfo(json!({"sub": "grace", "name": "Grace <i>"}));
    grace.sign_in("op2").await;
    assert_eq!((ada.user().await, grace.user().await), (Some(1), Some(2)));
    heard.take();
    (app, heard, [ada, grace])
}

/// Ada connects Grace's account.
async fn ask(ada: &mut Browser, begin: &str) {
    let before = ada.app.rows();
    let callback = ada.ride_to_connect(begin).await;
    assert_eq!(ada.get(&callback).await.location(), MERGE);
    assert_eq!(ada.app.rows(), before, "nothing has changed");
    assert_eq!(ada.peek(&TestRequest::get(&callback)).await.location(), MERGE, "a repeated callback");
}

#[rocket::async_test]
async fn al_25_a_person_with_two_users_makes_them_one() {
    let (app, heard, [mut ada, grace]) = app().await;
    let mut elsewhere = app.browser();
    elsewhere.enter(1).await;
    ask(&mut ada, "/login/op2").await;
    assert_eq!(heard.take(), ["pending op2 grace 2"]);
    let page = ada.get(MERGE).await;
    assert_eq!(page.status, Status::Ok);
    assert_guarded(&page);
    assert!(page.body.contains("Grace &lt;i&gt;") && page.body.contains("can’t be undone"), "{}", page.body);
    assert_eq!(accounts(&app), ["op/ada -> 1", "op2/grace -> 2"]);

    let done = ada.post(MERGE, &[]).await;
    assert_eq!(done.location(), "/");
    assert!(done.sets(SESSION), "the session has another cookie");
    assert_eq!(accounts(&app), ["op/ada -> 1", "op2/grace -> 1"]);
    assert_eq!((ada.user().await, grace.user().await, elsewhere.user().await), (Some(1), None, None));
    assert_eq!((app.count("users"), app.count("oauth_sessions")), (1, 1));
    let merged = "UsersMerged { entry: \"op2\", from: \"2\", into: \"1\" }".to_owned();
    assert_eq!(heard.take(), ["updated op2 grace 1".to_owned(), merged]);
    assert!(!ada.jar.contains_key(PENDING));
    // Both accounts sign the same user in now, and the tokens can be used.
    let mut again = app.browser();
    again.sign_in("op2").await;
    assert_eq!(again.user().await, Some(1));
    assert_eq!(ada.get("/guarded").await.status, Status::Ok);
    let csrf = ada.csrf().await;
    assert_refused(&mut ada, &TestRequest::post(MERGE, &[("csrf", &csrf)]), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn al_25_only_the_session_that_began_confirms_and_in_time() {
    let (app, _, [mut ada, mut grace]) = app().await;
    ask(&mut ada, "/login/op2").await;
    let csrf = ada.csrf().await;
    let posted = TestRequest::post(MERGE, &[("csrf", &csrf)]);
    for (name, value) in [("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example")] {
        assert_refused(&mut ada, &posted.clone().header(name, value), CSRF).await;
    }
    assert_refused(&mut ada, &TestRequest::post(MERGE, &[]), CSRF).await;
    // A browser in which nothing waits.
    let theirs = grace.csrf().await;
    assert_refused(&mut grace, &TestRequest::get(MERGE), NOT_TRUSTED).await;
    assert_refused(&mut grace, &TestRequest::post(MERGE, &[("csrf", &theirs)]), NOT_TRUSTED).await;
    // What waits for a merge confirms nothing else.
    for other in ["/login/confirm", "/login/complete"] {
        assert_eq!(ada.get(other).await.location(), MERGE);
        assert_refused(&mut ada, &TestRequest::post(other, &[("csrf", &csrf)]), NOT_TRUSTED).await;
    }
    // Another user, and another session of the same user: an attacker may have begun.
    for user in [2, 1] {
        ask(&mut ada, "/login/op2").await;
        let mut next = ada.clone();
        next.enter(user).await;
        let csrf = next.csrf().await;
        assert_refused(&mut next, &TestRequest::post(MERGE, &[("csrf", &csrf)]), REFUSED).await;
        assert!(!next.jar.contains_key(PENDING));
        ada.enter(1).await;
    }
    // Ten minutes.
    ask(&mut ada, "/login/op2").await;
    let csrf = ada.csrf().await;
    app.advance(590);
    assert_eq!(ada.get(MERGE).await.status, Status::Ok);
    app.advance(10);
    assert_refused(&mut ada, &TestRequest::get(MERGE), NOT_TRUSTED).await;
    assert_refused(&mut ada, &TestRequest::post(MERGE, &[("csrf", &csrf)]), NOT_TRUSTED).await;
    assert_eq!(accounts(&app), ["op/ada -> 1", "op2/grace -> 2"]);
}

fn storage() -> DieselStorage {
    DieselStorage::database("app").migrate().link(Merging).cascade_from("users", "id")
}

/// A login there signs no user in, and proves no one to be the owner of an account.
#[rocket::async_test]
async fn al_23_an_entry_that_only_connects_merges_no_users() {
    let (app, _, [mut ada, _]) = app().await;
    ask(&mut ada, "/login/op2").await;
    let only_connects = |figment: Figment| figment.merge(("oauth.op2.login", false));
    let later = app.relaunch_with(only_connects, |dance| dance.storage(storage())).await;
    let mut browser = later.browser();
    browser.jar.clone_from(&ada.jar);
    let csrf = browser.csrf().await;
    for waiting in [TestRequest::get(MERGE), TestRequest::post(MERGE, &[("csrf", &csrf)])] {
        assert_refused(&mut browser, &waiting, REFUSED).await;
    }
    let callback = browser.ride_to_connect("/login/op2").await;
    assert_refused(&mut browser, &TestRequest::get(&callback), REFUSED.after_exchange()).await;
    assert_eq!(accounts(&later), ["op/ada -> 1", "op2/grace -> 2"]);
}

/// They may ask more of the owner than a login at a provider.
#[rocket::async_test]
async fn al_24_the_apps_own_sessions_merge_no_users_unless_they_say_so() {
    let (app, _, _) = app().await;
    let attach = |dance: DanceFairing| dance.storage(storage()).sessions(OwnSessions);
    let later = app.relaunch_with(|figment| figment, attach).await;
    let mut browser = later.browser();
    browser.jar.insert(OWN_SESSION.to_owned(), "1".to_owned());
    let callback = browser.ride_to_connect("/login/op2").await;
    assert_refused(&mut browser, &TestRequest::get(&callback), REFUSED.after_exchange()).await;
    assert_eq!(accounts(&later), ["op/ada -> 1", "op2/grace -> 2"]);
}

#[rocket::async_test]
async fn al_25_pressed_many_times_at_once_it_is_one_merge() {
    let (app, heard, [mut ada, _]) = app().await;
    ask(&mut ada, "/login/op2").await;
    let csrf = ada.csrf().await;
    heard.take();
    let ask = TestRequest::post(MERGE, &[("csrf", &csrf)]).header("Accept", "application/json");
    let answers = join_all((0..8).map(|_| ada.peek(&ask))).await;
    let done = answers.iter().filter(|answer| answer.status == Status::NoContent).count();
    assert_eq!((done, heard.take().len()), (1, 2), "{answers:?}");
    assert_eq!(accounts(&app), ["op/ada -> 1", "op2/grace -> 1"]);
}

struct Op2;

impl Provider for Op2 {
    const NAME: &'static str = "op2";
}

/// The provider has used up the old refresh token when the account moves: the new one must not be lost.
#[rocket::async_test]
async fn al_25_a_refresh_that_is_under_way_is_stored_for_the_user_who_stays() {
    let (app, _, [mut ada, mut grace]) = app().await;
    let callback = grace.ride_to_connect("/login/op").await;
    assert_eq!(grace.get(&callback).await.status, Status::SeeOther);
    app.fake.set_access_token_ttl(120);
    let callback = grace.ride_to_connect("/login/op2").await;
    assert_eq!(grace.get(&callback).await.status, Status::SeeOther);
    ask(&mut ada, "/login/op").await;
    app.advance(119);
    let gate = ResponseGate::new();
    app.fake.respond_once(ProviderEndpoint::Token, FakeResponse::unmodified().hold(&gate));
    let client = app.dance().client(Op2, &2).await.unwrap().unwrap();
    let late = rocket::tokio::spawn(async move { client.access_token().await });
    gate.wait_for_request().await;
    assert_eq!(ada.post(MERGE, &[]).await.location(), "/");
    gate.open();
    let token = late.await.unwrap().unwrap();
    let stored = app.dance().tokens(Op2).of(&1).get().await.unwrap().unwrap();
    assert!(stored.access_token.matches(token.expose()));
    assert_eq!(app.fake.request_count(ProviderEndpoint::Revocation), 0);
}

#[rocket::async_test]
async fn a_person_may_keep_them_apart() {
    let (app, _, [mut ada, _]) = app().await;
    ask(&mut ada, "/login/op2?next=/guarded").await;
    assert_eq!(ada.ask(&TestRequest::new(Method::Head, MERGE)).await.status, Status::Ok);
    let mut copy = ada.clone();
    ada.post(MERGE, &[("cancel", "1")]).await.location();
    assert!(!ada.jar.contains_key(PENDING));
    assert_refused(&mut copy, &TestRequest::get(MERGE), NOT_TRUSTED).await;
    assert_eq!(accounts(&app), ["op/ada -> 1", "op2/grace -> 2"]);
}
