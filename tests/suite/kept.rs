//! Accounts that a policy stores without a user: the browser that has connected one has a session of it.

use diesel::SqliteConnection;
use rocket::figment::Figment;
use rocket::http::Status;
use rocket::local::asynchronous::Client;
use rocket_dance::storage::{AccountKey, DieselStorage};
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint, sign_in};
use rocket_dance::{DanceFairing, Login, Result, Standing, Verdict};
use serde_json::Value;

use crate::harness::{Browser, Refusal, SESSION, TestApp, TestRequest, assert_refused};

pub(crate) const KEPT: &str = "rocket_dance_kept_VuWjeEX0_op";

/// Stores a stranger's account without a user.
pub(crate) fn keep(login: &Login<i32>, _: &mut SqliteConnection) -> Result<Verdict<i32>> {
    Ok(match login.standing {
        Standing::Stranger => Verdict::StoreWithoutUser,
        _ => login.default_verdict(),
    })
}

pub(crate) fn without_users(figment: Figment) -> Figment {
    figment.merge(("dance.user_required", false))
}

async fn app() -> TestApp {
    let storage = |dance: DanceFairing| {
        dance.storage(DieselStorage::database("app").migrate().link(keep).cascade_from("users", "id"))
    };
    TestApp::launch_built(without_users, storage).await
}

/// A browser whose visitor, `name` at the provider, has connected the account at `entry`.
pub(crate) async fn kept_at(app: &TestApp, entry: &str, name: &str) -> Browser {
    let mut browser = app.browser();
    app.fake.set_user(name);
    connect(&mut browser, entry).await;
    browser
}

async fn connect(browser: &mut Browser, entry: &str) {
    let callback = browser.ride(&format!("/login/{entry}?next=/guarded")).await;
    assert_eq!(browser.get(&callback).await.location(), "/guarded");
}

/// Whose account the guard of `op` finds.
pub(crate) async fn guarded(browser: &Browser) -> Option<String> {
    let answer = browser.peek(&TestRequest::get("/guarded")).await;
    if answer.status != Status::Ok {
        assert_eq!(answer.location(), "/login/op?next=%2Fguarded", "{answer:?}");
        return None;
    }
    Some(answer.body)
}

async fn accounts(browser: &Browser) -> String {
    browser.peek(&TestRequest::get("/accounts")).await.body
}

#[rocket::async_test]
async fn a7_the_browser_that_has_connected_it_has_the_account_and_no_other() {
    let app = app().await;
    let (mut ada, grace) = (kept_at(&app, "op", "ada").await, kept_at(&app, "op", "grace").await);
    assert_eq!(guarded(&ada).await.as_deref(), Some("ada"), "the circle is gone");
    assert_eq!(guarded(&grace).await.as_deref(), Some("grace"));
    assert_eq!(guarded(&app.browser()).await, None);
    assert_eq!(
        (accounts(&ada).await, accounts(&app.browser()).await.as_str()),
        ("op Some(\"ada\")\n".into(), "")
    );
    // No user: not by the guard, not by JSON.
    assert_eq!((ada.user().await, app.count("users"), app.count("oauth_sessions")), (None, 0, 2));
    assert!(!ada.jar.contains_key(SESSION));
    let me = ada.ask(&TestRequest::get("/login/me")).await.json();
    assert_eq!((&me["user"], &me["accounts"][0]["provider_user_id"]), (&Value::Null, &"ada".into()));
    let page = ada.get("/login/accounts").await.body;
    assert!(page.contains("ada") && !page.contains("grace") && page.contains("\"/login/logout\""), "{page}");
    // A second entry in the same browser, and a repeat, take nothing away.
    app.fake.set_user("ada");
    connect(&mut ada, "op2").await;
    connect(&mut ada, "op").await;
    assert_eq!(accounts(&ada).await, "op Some(\"ada\")\nop2 Some(\"ada\")\n");
    assert_eq!(app.count("oauth_accounts"), 3);
}

#[rocket::async_test]
async fn a7_signing_out_ends_it_and_so_do_copies_of_the_cookie() {
    let app = app().await;
    let mut ada = kept_at(&app, "op", "ada").await;
    let copy = ada.clone();
    assert_eq!(ada.post("/login/logout", &[]).await.status, Status::SeeOther);
    assert!(!ada.jar.contains_key(KEPT), "{:?}", ada.jar);
    assert_eq!((guarded(&ada).await, guarded(&copy).await), (None, None));
    assert_eq!((app.count("oauth_sessions"), app.count("oauth_accounts")), (0, 1));
    // The app's own sign-out, and the end of the session's time.
    app.fake.set_user("ada");
    connect(&mut ada, "op").await;
    let copy = ada.clone();
    ada.ask(&TestRequest::post("/leave", &[])).await;
    assert_eq!((guarded(&ada).await, guarded(&copy).await), (None, None));
    connect(&mut ada, "op").await;
    app.advance(15 * 24 * 60 * 60);
    assert_eq!(guarded(&ada).await, None);
}

#[rocket::async_test]
async fn a7_removing_the_account_ends_it_and_leaves_those_of_others() {
    let app = app().await;
    let (mut ada, grace) = (kept_at(&app, "op", "ada").await, kept_at(&app, "op", "grace").await);
    let elsewhere = kept_at(&app, "op", "ada").await;
    let mut nobody = app.browser();
    let refused = Refusal::new(Status::Unauthorized, "not_signed_in");
    let csrf = nobody.get("/login/me").await.json()["csrf"].as_str().unwrap().to_owned();
    assert_refused(&mut nobody, &TestRequest::post("/login/op/disconnect", &[("csrf", &csrf)]), refused)
        .await;
    // Another's account by its id.
    let of_grace = grace.peek(&TestRequest::get("/login/me")).await.json()["accounts"][0]["id"].to_string();
    let csrf = ada.csrf().await;
    let foreign = TestRequest::post("/login/op/disconnect", &[("csrf", &csrf), ("account", &of_grace)]);
    assert_refused(&mut ada, &foreign, Refusal::new(Status::BadRequest, "bad_request")).await;
    assert_eq!(ada.post("/login/op/disconnect", &[]).await.status, Status::SeeOther);
    assert_eq!((guarded(&ada).await, guarded(&elsewhere).await), (None, None));
    assert_eq!(guarded(&grace).await.as_deref(), Some("grace"));
    assert_eq!((app.count("oauth_accounts"), app.count("oauth_sessions")), (1, 1));
    app.dance().delete(&AccountKey::identity("op", "grace")).await.unwrap();
    assert_eq!((guarded(&grace).await, app.count("oauth_sessions")), (None, 0));
}

#[rocket::async_test]
async fn a7_a_user_who_signs_in_connects_it_and_it_is_theirs() {
    let app = app().await;
    let mut ada = kept_at(&app, "op", "ada").await;
    let mut elsewhere = kept_at(&app, "op", "ada").await;
    // The app signs a user in: what the browser had without a user is not the user's, and ends.
    crate::sqlite::execute(&app.file(), "INSERT INTO users (id, name) VALUES (7, 'ada')");
    ada.enter(7).await;
    assert_eq!((guarded(&ada).await, ada.jar.contains_key(KEPT)), (None, false));
    assert_eq!(guarded(&elsewhere).await.as_deref(), Some("ada"));
    let callback = ada.ride_to_connect("/login/op").await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    assert_eq!(
        (guarded(&ada).await.as_deref(), accounts(&ada).await.as_str()),
        (Some("ada"), "op Some(\"ada\")\n")
    );
    // It has a user now, and no browser has it without.
    assert_eq!((guarded(&elsewhere).await, accounts(&elsewhere).await.as_str()), (None, ""));
    assert_eq!((app.count("oauth_accounts"), app.count("oauth_sessions")), (1, 1));
    // The policy's default: the owner signs in.
    connect(&mut elsewhere, "op").await;
    assert_eq!(elsewhere.user().await, Some(7));
    // The user's sign-out brings nothing back.
    ada.leave().await;
    assert_eq!(guarded(&ada).await, None);
}

#[rocket::async_test]
async fn a7_no_other_cookie_is_one_of_these_and_none_is_a_session() {
    let app = app().await;
    let ada = kept_at(&app, "op", "ada").await;
    let kept = ada.jar[KEPT].clone();
    for name in [SESSION, "rocket_dance_kept_VuWjeEX0_op2", "rocket_dance_account_VuWjeEX0_op"] {
        let mut thief = app.browser();
        thief.jar.insert(name.to_owned(), kept.clone());
        assert_eq!(
            (thief.user().await, guarded(&thief).await, accounts(&thief).await),
            (None, None, String::new())
        );
    }
    let with_users = app.relaunch(|figment| figment).await;
    let mut user = with_users.browser();
    with_users.fake.set_user("grace");
    user.sign_in("op2").await;
    let mut thief = app.browser();
    thief.jar.insert(KEPT.to_owned(), user.jar[SESSION].clone());
    assert_eq!(guarded(&thief).await, None);
    // Where every account needs a user again, the old cookie is nothing.
    let mut ada = ada.clone();
    ada.app = with_users;
    assert_eq!(guarded(&ada).await, None);
}

#[rocket::async_test]
async fn a7_a_browser_has_eight_of_them_and_the_first_makes_room() {
    let names: Vec<String> = (0..9).map(|number| format!("more{number}")).collect();
    let first = app().await;
    let entries: Vec<_> = names.iter().map(|name| first.fake.config(name)).collect();
    let storage = |dance: DanceFairing| dance.storage(DieselStorage::database("app").link(keep));
    let app = first
        .relaunch_with(|figment| entries.into_iter().fold(without_users(figment), Figment::merge), storage)
        .await;
    let mut ada = app.browser();
    for name in &names {
        let callback = ada.ride(&format!("/login/{name}")).await;
        assert_eq!(ada.get(&callback).await.location(), "/");
        app.advance(1);
    }
    let size: usize = ada.jar.iter().map(|(name, value)| name.len() + value.len() + 3).sum();
    assert!(size <= 6144, "{size}");
    let listed = accounts(&ada).await;
    assert!(!listed.contains("more0 ") && listed.lines().count() == 8, "{listed}");
    assert_eq!(app.count("oauth_sessions"), 8);
}

#[rocket::async_test]
async fn a7_a_failed_flow_begins_no_session() {
    let app = app().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    app.fake.respond_once(ProviderEndpoint::Token, FakeResponse::status(503));
    // The provider fails: nothing is stored, and the visitor has no session.
    assert_eq!(ada.get(&callback).await.status, Status::ServiceUnavailable);
    assert_eq!(
        (app.count("oauth_accounts"), app.count("oauth_sessions"), ada.jar.contains_key(KEPT)),
        (0, 0, false)
    );
}

#[allow(dead_code)]
mod without_users_example {
    include!("../../examples/without_users.rs");

    pub fn app() -> rocket::Rocket<rocket::Build> {
        rocket()
    }
}

#[rocket::async_test]
async fn a7_the_quickstart_works_with_a_database_and_without_users() {
    let (fake, folder) = (FakeProvider::start().await, tempfile::tempdir().unwrap());
    let rocket = fake.stand_in(without_users_example::app(), "github");
    let url = folder.path().join("app.sqlite").display().to_string();
    let figment =
        rocket.figment().clone().merge(("databases.app.url", url)).merge(("dance.user_required", false));
    let client = Client::tracked(rocket.configure(figment)).await.unwrap();
    let home = async || client.get("/").dispatch().await;
    assert_eq!(home().await.headers().get_one("Location"), Some("/login/github?next=%2F"));
    assert_eq!(sign_in(&client, "github").await.location.as_deref(), Some("/"));
    assert_eq!(home().await.into_string().await.as_deref(), Some("You are @ada on GitHub"));
}
