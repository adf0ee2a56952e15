//! Sessions of accounts without a user: what ends them, and what does not.

use diesel::SqliteConnection;
use futures::future::join;
use rocket::figment::Figment;
use rocket::http::{Method, Status};
use rocket_dance::storage::DieselStorage;
use rocket_dance::testing::{FakeResponse, ProviderEndpoint, ResponseGate};
use rocket_dance::{DanceFairing, Login, Result, Standing, Verdict};
use serde_json::json;

use crate::backchannel_logout::post_logout_token;
use crate::confirm::{OWN_SESSION, OwnSessions};
use crate::harness::{
    Browser, LOGOUT, Refusal, SESSION, TestApp, TestRequest, assert_guarded, assert_refused, query_parameter,
};
use crate::kept::{KEPT, guarded, keep, kept_at, without_users};
use crate::sqlite;
use crate::users::sign_up;

/// A fault that ends nothing: the storage can't begin the session of a user.
const NO_SESSION_OF_A_USER: &str = "CREATE TRIGGER fault BEFORE INSERT ON oauth_sessions WHEN new.user_id <> '' \
     BEGIN SELECT RAISE(ABORT, 'disk full'); END";
/// The storage can't end a session without a user.
const NO_END: &str = "CREATE TRIGGER fault BEFORE DELETE ON oauth_sessions WHEN old.user_id = '' \
     BEGIN SELECT RAISE(ABORT, 'disk full'); END";

/// Stores a stranger's account at `op` without a user, and signs up strangers elsewhere.
fn keep_at_op(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
    match (&login.standing, &*login.entry) {
        (Standing::Stranger, "op") => Ok(Verdict::StoreWithoutUser),
        _ => sign_up(login, conn),
    }
}

async fn app_with(configure: impl FnOnce(Figment) -> Figment) -> TestApp {
    let storage =
        |dance: DanceFairing| dance.storage(DieselStorage::database("app").migrate().link(keep_at_op));
    TestApp::launch_built(|figment| configure(without_users(figment)), storage).await
}

fn sql(app: &TestApp, statement: &str) {
    sqlite::execute(&app.file(), statement);
}

/// Signs out, and returns the target.
async fn leaves(browser: &mut Browser) -> String {
    let copy = browser.clone();
    let answer = browser.post("/login/logout", &[]).await;
    assert_eq!((guarded(browser).await, guarded(&copy).await), (None, None), "signed out here in any case");
    assert_guarded(&answer);
    answer.location().to_owned()
}

#[rocket::async_test]
async fn lo_02_a_visitor_without_a_user_signs_out_at_the_provider_too() {
    let app = app_with(|figment| figment.merge(("oauth.op.logout", true))).await;
    let mut ada = kept_at(&app, "op", "ada").await;
    let id_token = app.tokens()[2].clone();
    let there = leaves(&mut ada).await;
    assert!(there.starts_with(&format!("{}/logout?", app.fake.issuer())), "{there}");
    assert_eq!(query_parameter(&there, "id_token_hint").as_deref(), Some(&*id_token));
    assert!(ada.jar.contains_key(LOGOUT) && !ada.jar.contains_key(KEPT));
    let back = crate::app::path_and_query(&app.fake.authorize(&there).await);
    assert_eq!(ada.get(&back).await.location(), "/");
    // A script, and a `next`.
    let mut ada = kept_at(&app, "op", "ada").await;
    let csrf = ada.csrf().await;
    let posted = TestRequest::post("/login/logout", &[("csrf", &csrf), ("next", "/inbox")]);
    let answer = ada.ask(&posted.header("Accept", "application/json")).await;
    let there = answer.json()["logout_url"].as_str().unwrap().to_owned();
    let back = crate::app::path_and_query(&app.fake.authorize(&there).await);
    assert_eq!(ada.get(&back).await.location(), "/inbox");
    // There is nothing to end at the provider a second time.
    let csrf = token(&mut ada).await;
    assert_eq!(ada.ask(&TestRequest::post("/login/logout", &[("csrf", &csrf)])).await.location(), "/");
    assert_eq!((app.count("oauth_sessions"), app.count("oauth_accounts")), (0, 1));
}

#[rocket::async_test]
async fn lo_02_of_several_accounts_without_a_user_the_newest_that_has_a_logout_leads_to_its_provider() {
    let storage = |dance: DanceFairing| dance.storage(DieselStorage::database("app").migrate().link(keep));
    let logout = |figment: Figment| without_users(figment).merge(("oauth.op2.logout", true));
    let app = TestApp::launch_built(logout, storage).await;
    for entries in [["op", "op2"], ["op2", "op"]] {
        let mut ada = kept_at(&app, entries[0], "ada").await;
        app.advance(1);
        let callback = ada.ride(&format!("/login/{}", entries[1])).await;
        assert_eq!(ada.get(&callback).await.location(), "/");
        assert!(leaves(&mut ada).await.starts_with(&format!("{}/logout?", app.fake.issuer())), "{entries:?}");
        assert_eq!(app.count("oauth_sessions"), 0);
    }
    // An entry that points to another server by now does not send its ID token there.
    let mut ada = kept_at(&app, "op2", "ada").await;
    sql(&app, "UPDATE oauth_sessions SET issuer = 'https://old.example'");
    assert_eq!(leaves(&mut ada).await, "/");
    assert_eq!(app.fake.request_count(ProviderEndpoint::EndSession), 0);
}

#[rocket::async_test]
async fn a_failed_sign_in_ends_no_session_of_an_account_without_a_user() {
    let app = app_with(|figment| figment).await;
    sql(&app, "INSERT INTO users (id, name) VALUES (7, 'ada')");
    let mut ada = kept_at(&app, "op", "ada").await;
    let kept = ada.jar[KEPT].clone();
    let callback = ada.ride("/login/op2").await;
    sql(&app, NO_SESSION_OF_A_USER);
    for ask in [TestRequest::get(&callback), TestRequest::new(Method::Post, "/enter/7")] {
        let answer = ada.ask(&ask).await;
        assert_eq!(answer.status, Status::ServiceUnavailable, "{answer:?}");
        assert!(!answer.sets(SESSION) && !answer.sets(KEPT), "{answer:?}");
        assert_eq!((guarded(&ada).await.as_deref(), &ada.jar[KEPT]), (Some("ada"), &kept));
    }
    assert_eq!(app.count("oauth_sessions"), 1);
}

/// No failure undoes a sign-in: the session has begun, and its cookie is in the answer.
#[rocket::async_test]
async fn a_user_is_signed_in_although_the_session_without_a_user_cannot_end_at_once() {
    let app = app_with(|figment| figment).await;
    sql(&app, "INSERT INTO users (id, name) VALUES (7, 'ada')");
    for by_form in [false, true] {
        let mut ada = kept_at(&app, "op", "ada").await;
        let copy = ada.clone();
        let callback = ada.ride("/login/op2").await;
        sql(&app, NO_END);
        match by_form {
            true => ada.enter(7).await,
            false => assert_eq!(ada.get(&callback).await.location(), "/"),
        }
        assert!(ada.jar.contains_key(SESSION), "{by_form}");
        sql(&app, "DROP TRIGGER fault");
        // The user's next request ends it.
        assert!(ada.user().await.is_some(), "{by_form}");
        assert_eq!((guarded(&ada).await, guarded(&copy).await), (None, None), "{by_form}");
        ada.leave().await;
        assert_eq!(app.count("oauth_sessions"), 0, "{by_form}");
    }
}

#[rocket::async_test]
async fn the_first_of_eight_makes_no_room_for_one_that_fails() {
    let names: Vec<String> = (0..9).map(|number| format!("more{number}")).collect();
    let first = app_with(|figment| figment).await;
    let entries: Vec<_> = names.iter().map(|name| first.fake.config(name)).collect();
    let storage = |dance: DanceFairing| dance.storage(DieselStorage::database("app").link(keep));
    let app = first
        .relaunch_with(|figment| entries.into_iter().fold(without_users(figment), Figment::merge), storage)
        .await;
    let mut ada = app.browser();
    for name in &names[..8] {
        let callback = ada.ride(&format!("/login/{name}")).await;
        assert_eq!(ada.get(&callback).await.location(), "/");
        app.advance(1);
    }
    let before = sqlite::dump(&app.file(), |table| table == "oauth_sessions");
    let callback = ada.ride("/login/more8").await;
    sql(
        &app,
        "CREATE TRIGGER fault BEFORE INSERT ON oauth_sessions BEGIN SELECT RAISE(ABORT, 'disk full'); END",
    );
    assert_eq!(ada.get(&callback).await.status, Status::ServiceUnavailable);
    assert_eq!(sqlite::dump(&app.file(), |table| table == "oauth_sessions"), before);
    // The ninth begins although the first cannot end at once.
    sql(&app, "DROP TRIGGER fault");
    let callback = ada.ride("/login/more8").await;
    sql(&app, NO_END);
    assert_eq!(ada.get(&callback).await.location(), "/");
    assert!(ada.jar.keys().any(|name| name.ends_with("_more8")), "{:?}", ada.jar);
}

/// The provider ends the session of a sign-in that is under way: the browser's session of the account goes on, as it is another
/// one at the provider.
#[rocket::async_test]
async fn d2_a_sign_in_that_a_logout_has_overtaken_replaces_no_session_without_a_user() {
    let app = app_with(|figment| figment).await;
    app.fake.edit_claims(|claims| claims["sid"] = json!("laptop"));
    let mut ada = kept_at(&app, "op", "ada").await;
    let kept = ada.jar[KEPT].clone();
    app.fake.edit_claims(|claims| claims["sid"] = json!("phone"));
    let callback = ada.ride("/login/op").await;
    let gate = ResponseGate::new();
    app.fake.respond_once(ProviderEndpoint::Userinfo, FakeResponse::unmodified().hold(&gate));
    let logout = async {
        gate.wait_for_request().await;
        assert_eq!(post_logout_token(&app, &app.fake.logout_token(None, Some("phone"))).await, Status::Ok);
        gate.open();
    };
    let (answer, ()) = join(ada.get(&callback), logout).await;
    assert_eq!((answer.status, answer.sets(KEPT)), (Status::BadRequest, false), "{answer:?}");
    assert_eq!((guarded(&ada).await.as_deref(), &ada.jar[KEPT]), (Some("ada"), &kept));
    assert_eq!(app.count("oauth_sessions"), 1);
}

/// The app has its users' sessions, and this crate those of accounts without a user.
#[rocket::async_test]
async fn lo_03_a_logout_ends_sessions_without_a_user_beside_the_apps_own() {
    let attach = |dance: DanceFairing| {
        let storage = DieselStorage::database("app").migrate().link(keep_at_op);
        dance.storage(storage).sessions(OwnSessions)
    };
    let app = TestApp::launch_built(without_users, attach).await;
    let (ada, grace) = (kept_at(&app, "op", "ada").await, kept_at(&app, "op", "grace").await);
    assert_eq!(guarded(&ada).await.as_deref(), Some("ada"));
    let token = app.fake.logout_token(Some("ada"), None);
    assert_eq!(post_logout_token(&app, &token).await, Status::Ok);
    assert_eq!((guarded(&ada).await, guarded(&grace).await.as_deref()), (None, Some("grace")));
    assert_eq!(post_logout_token(&app, &token).await, Status::BadRequest, "it is used up");
    // One that is under way begins no session.
    let mut late = app.browser();
    app.fake.set_user("grace");
    let callback = late.ride("/login/op").await;
    let token = app.fake.logout_token(Some("grace"), None);
    assert_eq!(post_logout_token(&app, &token).await, Status::Ok);
    assert_eq!(late.get(&callback).await.status, Status::BadRequest);
    assert_eq!((guarded(&late).await, app.count("oauth_sessions")), (None, 0));
    // The app must end the sessions of its users itself, and the provider gets an error: nothing has ended.
    let mut user = app.browser();
    user.sign_in("op2").await;
    for token in [app.fake.logout_token(Some("grace"), None), app.fake.logout_token(None, Some("laptop"))] {
        let logout = TestRequest::post("/login/op2/backchannel-logout", &[("logout_token", &token)]);
        let answer = app.browser().ask(&logout).await;
        assert_eq!((answer.status, &*answer.body), (Status::BadRequest, "{\"error\":\"server_error\"}"));
    }
    assert!(user.jar.contains_key(OWN_SESSION));
}

/// §2.7: a logout succeeds if the visitor has signed out here before.
#[rocket::async_test]
async fn lo_03_a_logout_after_the_visitors_own_sign_out_succeeds() {
    let attach = |dance: DanceFairing| {
        let storage = DieselStorage::database("app").migrate().link(keep_at_op);
        dance.storage(storage).sessions(OwnSessions)
    };
    let app = TestApp::launch_built(without_users, attach).await;
    let mut ada = kept_at(&app, "op", "ada").await;
    assert_eq!(leaves(&mut ada).await, "/");
    let (accounts, calls) = (app.count("oauth_accounts"), app.fake.requests().len());
    for sub in ["ada", "a person without an account"] {
        assert_eq!(
            post_logout_token(&app, &app.fake.logout_token(Some(sub), None)).await,
            Status::Ok,
            "{sub}"
        );
    }
    assert_eq!((app.count("oauth_accounts"), app.count("oauth_sessions")), (accounts, 0));
    assert_eq!(app.fake.requests().len(), calls, "the provider is not called");
}

/// The CSRF token of the browser, which may have no account.
async fn token(browser: &mut Browser) -> String {
    let me = browser.ask(&TestRequest::get("/login/me")).await.json();
    me["csrf"].as_str().expect("a token").to_owned()
}

/// The attacker knows the token of the browser from before. A token of the page that is open in another tab goes, too.
#[rocket::async_test]
async fn sf_02_the_token_changes_with_a_session_without_a_user() {
    let app = app_with(|figment| figment).await;
    let mut ada = app.browser();
    let before = token(&mut ada).await;
    let again = token(&mut ada).await;
    assert_eq!(before, again);
    app.fake.set_user("ada");
    let callback = ada.ride("/login/op").await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    for path in ["/login/logout", "/login/op/disconnect"] {
        let refused = Refusal::new(Status::Forbidden, "csrf");
        assert_refused(&mut ada, &TestRequest::post(path, &[("csrf", &before)]), refused).await;
    }
    assert_eq!(guarded(&ada).await.as_deref(), Some("ada"));
    let kept = token(&mut ada).await;
    assert_eq!((token(&mut ada).await, kept != before), (kept.clone(), true));
    // The next session of the same account has another one, and signing out leaves the first.
    let callback = ada.ride("/login/op").await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    assert_ne!(token(&mut ada).await, kept);
    assert_eq!(leaves(&mut ada).await, "/");
    assert_eq!(token(&mut ada).await, before);
}
