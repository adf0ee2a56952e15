//! Who confirms an account that waits for its user, and what is stored then.

use std::sync::{Arc, Mutex};

use diesel::SqliteConnection;
use rocket::Request;
use rocket::figment::Figment;
use rocket::http::{Cookie, SameSite, Status};
use rocket_dance::storage::DieselStorage;
use rocket_dance::{
    AuthorizedLogin, Client, Login, NextStep, Result, Sessions, SignInOutcome, Signals, Standing, Verdict,
};

use test_support::Html;

use crate::harness::{Browser, NOT_TRUSTED, PENDING, Refusal, TestApp, TestRequest, assert_refused};
use crate::linking::{CONFIRM, REFUSED, accounts, app_with, ask, sql};
use crate::signals::{Heard, Listener};

/// The cookie of the app's own session: the user's id. Only a test can trust it.
pub(crate) const OWN_SESSION: &str = "user";

pub(crate) struct OwnSessions;

#[rocket::async_trait]
impl Sessions for OwnSessions {
    type User = i32;

    async fn current(&self, request: &Request<'_>) -> Result<Option<i32>> {
        Ok(request.cookies().get(OWN_SESSION).and_then(|cookie| cookie.value().parse().ok()))
    }

    async fn sign_in(&self, request: &Request<'_>, user: &i32) -> Result<SignInOutcome> {
        let cookie = Cookie::build((OWN_SESSION, user.to_string())).same_site(SameSite::Lax);
        request.cookies().add(cookie);
        Ok(SignInOutcome::Done)
    }

    async fn sign_out(&self, request: &Request<'_>) -> Result<()> {
        request.cookies().remove(OWN_SESSION);
        Ok(())
    }
}

/// A browser in which an account waits for user 1, and in which `user` has signed in.
async fn waiting(app: &TestApp, user: i32) -> Browser {
    let mut browser = app.browser();
    ask(&mut browser, "/login/op").await;
    browser.jar.insert(OWN_SESSION.to_owned(), user.to_string());
    browser
}

/// No session of ours connects the account to its user here: only the comparison of the two users keeps others out.
#[rocket::async_test]
async fn d16_only_the_user_for_whom_it_waits_confirms() {
    let (app, _) = app_with(false, |dance| dance.sessions(OwnSessions)).await;
    for as_post in [false, true] {
        let mut grace = waiting(&app, 2).await;
        let csrf = grace.csrf().await;
        let ask = match as_post {
            true => TestRequest::post(CONFIRM, &[("csrf", csrf.as_str())]),
            false => TestRequest::get(CONFIRM),
        };
        let refused = assert_refused(&mut grace, &ask, REFUSED).await;
        assert!(refused.body.contains("You are signed in as another user"), "{}", refused.body);
        assert!(!grace.jar.contains_key(PENDING), "it does not wait any more");
    }
    let mut ada = waiting(&app, 1).await;
    assert_eq!(ada.get(CONFIRM).await.status, Status::Ok);
    assert_eq!(ada.post(CONFIRM, &[]).await.location(), "/");
    assert_eq!(accounts(&app), ["op/ada -> 1"]);
}

#[rocket::async_test]
async fn b12_a_confirmation_that_has_waited_too_long_begins_again_where_it_began() {
    let (app, _) = app_with(false, |dance| dance.sessions(OwnSessions)).await;
    let mut ada = waiting(&app, 1).await;
    let csrf = ada.csrf().await;
    app.advance(1800);
    for ask in [TestRequest::get(CONFIRM), TestRequest::post(CONFIRM, &[("csrf", csrf.as_str())])] {
        let page = assert_refused(&mut ada, &ask, NOT_TRUSTED).await;
        assert_eq!(Html::parse(&page.body).links[0].href, "/login/op", "{page:?}");
    }
    assert!(accounts(&app).is_empty());
}

/// D16: the session that confirms is locked while the account is stored, so that a sign-out everywhere cannot be overtaken.
#[rocket::async_test]
async fn d16_a_session_that_ends_while_it_confirms_connects_nothing() {
    let (app, _) = app_with(false, |dance| dance).await;
    let mut ada = app.browser();
    ask(&mut ada, "/login/op").await;
    ada.enter(1).await;
    let csrf = ada.csrf().await;
    // The session ends after the page's checks: its row is still in the cache and in the checks, and gone in the
    // transaction, as in a race with a sign-out in another process.
    sql(
        &app,
        "CREATE TRIGGER sign_out AFTER INSERT ON oauth_claims WHEN new.id LIKE '% used' BEGIN \
         DELETE FROM oauth_sessions; END",
    );
    let refused = ada.ask(&TestRequest::post(CONFIRM, &[("csrf", &csrf)])).await;
    assert_eq!((refused.status, accounts(&app)), (Status::Forbidden, vec![]), "{refused:?}");
    assert!(!refused.sets(crate::harness::SESSION), "{refused:?}");
}

/// Adds a note to each login.
struct Notes;

#[rocket::async_trait]
impl Signals for Notes {
    async fn authorized(
        &self,
        _: &rocket::Request<'_>,
        login: &mut AuthorizedLogin,
        _: &Client,
    ) -> Result<NextStep> {
        login.add_note("plan", "pro");
        Ok(NextStep::Continue)
    }
}

#[rocket::async_test]
async fn the_policy_sees_at_the_confirmation_what_it_saw_at_the_sign_in() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    let policy = move |login: &Login<i32>, _: &mut SqliteConnection| {
        let realm = login.callback_params.get("realmId").cloned();
        noted.lock().unwrap().push((login.note("plan").map(str::to_owned), realm));
        Ok(match login.standing {
            Standing::Stranger => Verdict::SignInFirst(1),
            _ => login.default_verdict(),
        })
    };
    let storage = DieselStorage::database("app").migrate().link(policy);
    let configure = |figment: Figment| figment.merge(("oauth.op.callback_params", ["realmId"]));
    let app = TestApp::launch_built(configure, |dance| dance.storage(storage).signals(Notes)).await;
    sql(&app, "INSERT INTO users VALUES (1, 'ada@example.test')");
    let mut ada = app.browser();
    let callback = format!("{}&realmId=9130", ada.ride("/login/op").await);
    assert_eq!(ada.get(&callback).await.location(), CONFIRM);
    ada.enter(1).await;
    assert_eq!(ada.post(CONFIRM, &[]).await.location(), "/");
    let wanted = (Some("pro".to_owned()), Some("9130".to_owned()));
    assert_eq!(*seen.lock().unwrap(), [wanted.clone(), wanted]);
}

/// Asks strangers to sign in as user 1 first, and connects nothing.
fn connects_nothing(login: &Login<i32>, _: &mut SqliteConnection) -> Result<Verdict<i32>> {
    Ok(match login.standing {
        Standing::Stranger => Verdict::SignInFirst(1),
        _ => Verdict::Refuse("Not this account.".into()),
    })
}

#[rocket::async_test]
async fn a_refused_confirmation_is_reported() {
    let heard = Heard::default();
    let listener = Listener(heard.clone());
    let storage = DieselStorage::database("app").migrate().link(connects_nothing);
    let app =
        TestApp::launch_built(|figment| figment, |dance| dance.storage(storage).signals(listener)).await;
    sql(&app, "INSERT INTO users VALUES (1, 'ada@example.test')");
    let mut ada = app.browser();
    ask(&mut ada, "/login/op").await;
    ada.enter(1).await;
    let csrf = ada.csrf().await;
    heard.take();
    let confirm = TestRequest::post(CONFIRM, &[("csrf", &csrf)]);
    let refused = assert_refused(&mut ada, &confirm, Refusal::new(Status::Forbidden, "refused")).await;
    assert!(refused.body.contains("Not this account."), "{}", refused.body);
    assert_eq!(heard.take(), ["refused op ada 1 policy"]);
}

/// No failure changes what the browser has.
#[rocket::async_test]
async fn a_sign_in_that_fails_drops_no_account_that_waits() {
    let (app, _) = app_with(false, |dance| dance).await;
    let mut ada = app.browser();
    ask(&mut ada, "/login/op").await;
    app.fake.set_user("carol");
    let callback = ada.ride("/login/op2").await;
    sql(
        &app,
        "CREATE TRIGGER fault BEFORE INSERT ON oauth_sessions BEGIN SELECT RAISE(ABORT, 'disk full'); END",
    );
    let answer = ada.get(&callback).await;
    assert_eq!((answer.status, answer.sets(PENDING)), (Status::ServiceUnavailable, false), "{answer:?}");
    sql(&app, "DROP TRIGGER fault");
    ada.enter(1).await;
    assert_eq!(ada.get(CONFIRM).await.status, Status::Ok);
    // One that succeeds drops what waits for another user.
    ada.leave().await;
    app.fake.set_user("ada");
    ask(&mut ada, "/login/op").await;
    app.fake.set_user("dave");
    let callback = ada.ride("/login/op2").await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    assert!(!ada.jar.contains_key(PENDING));
}
