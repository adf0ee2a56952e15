//! The order of all events: one test per row of the table of `Event`.

use rocket::Request;
use rocket::http::Status;
use rocket_dance::storage::{AccountKey, CookieStorage, DieselStorage};
use rocket_dance::testing::{FakeResponse, ProviderEndpoint};
use rocket_dance::{
    AuthorizedLogin, Client, DanceFairing, Event, LinkPolicy, Login, NextStep, Result, Signals, Standing,
    Verdict,
};
use serde_json::json;

use crate::harness::{Browser, TestApp, sign_up};
use crate::linking::{CONFIRM, app_with, ask, sql};
use crate::signals::{Heard, words};

/// Records every event, and whether it came with a request.
pub(crate) struct All(pub(crate) Heard);

#[rocket::async_trait]
impl Signals for All {
    async fn event(&self, request: Option<&Request<'_>>, event: &Event) {
        let place = if request.is_some() { "" } else { " off request" };
        self.0.say(format!("{}{place}", words(event)));
    }
}

/// An app that signs up strangers.
async fn app(attach: impl FnOnce(DanceFairing) -> DanceFairing) -> (TestApp, Heard) {
    let heard = Heard::default();
    let app = TestApp::launch_built(
        |figment| figment.merge(("dance.cache", false)),
        |dance| attach(dance).signals(All(heard.clone())),
    )
    .await;
    (app, heard)
}

const SIGN_UP: [&str; 4] = ["user op ada 1", "created op ada 1", "began 1 op", "completed op 1"];

/// An app, and a browser in which Ada has signed up.
async fn signed_up() -> (TestApp, Heard, Browser) {
    let (app, heard) = app(|dance| dance).await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    assert_eq!(heard.take(), SIGN_UP);
    (app, heard, ada)
}

#[rocket::async_test]
async fn a4_a_sign_up_and_a_repeated_sign_in() {
    let (app, heard, mut ada) = signed_up().await;
    // In another browser: the first one keeps its session.
    app.browser().sign_in("op").await;
    assert_eq!(heard.take(), ["updated op ada 1", "began 1 op", "completed op 1"]);
    // The app signs another user in, in the same browser.
    sql(&app, "INSERT INTO users (id, name) VALUES (7, 'grace')");
    ada.enter(7).await;
    assert_eq!(heard.take(), ["ended 1 op Replaced", "began 7 -"]);
}

#[rocket::async_test]
async fn a4_a_user_connects_and_disconnects_an_account() {
    let (app, heard, mut ada) = signed_up().await;
    for event in ["created op2 ada 1", "updated op2 ada 1"] {
        let callback = ada.ride_to_connect("/login/op2").await;
        assert_eq!(ada.get(&callback).await.location(), "/");
        assert_eq!(heard.take(), [event]);
    }
    let mut other = app.browser();
    other.sign_in("op2").await;
    heard.take();
    assert_eq!(ada.post("/login/op2/disconnect", &[]).await.status, Status::SeeOther);
    assert_eq!(heard.take(), ["removed op2 ada 1", "ended 1 op2 AccountRemoved"]);
    assert_eq!((ada.user().await, other.user().await), (Some(1), None));
    // Refused: the last way to sign in.
    assert_eq!(ada.post("/login/op/disconnect", &[]).await.status, Status::Conflict);
    assert_eq!(heard.take(), Vec::<String>::new());
    // The app deletes the account.
    app.dance().delete(&AccountKey::identity("op", "ada")).await.unwrap();
    assert_eq!(heard.take(), ["removed op ada 1 off request", "ended 1 op AccountRemoved off request"]);
}

#[rocket::async_test]
async fn a4_a_denial_and_what_the_provider_said() {
    let (app, heard) = app(|dance| dance).await;
    let mut ada = app.browser();
    let authorization = ada.begin("/login/op").await;
    let state = crate::harness::query_parameter(&authorization, "state").unwrap();
    let said =
        "error=access_denied&error_description=%1b%3Cb%3ENot%20today&error_uri=https%3A%2F%2Fop.example%2Fe";
    let iss: String = url::form_urlencoded::byte_serialize(app.fake.issuer().as_bytes()).collect();
    let denied = ada.get(&format!("/login/op/authorized?state={state}&iss={iss}&{said}")).await;
    assert_eq!(denied.status, Status::Forbidden);
    let events = heard.take();
    assert_eq!(
        events,
        ["failed op access_denied: access_denied, <b>Not today, https://op.example/e"],
        "cleaned where it is read"
    );
    // Anyone can write such a link: without a flow, its words reach no receiver.
    for query in [said.to_owned(), format!("{said}&state=unknown")] {
        assert_eq!(ada.get(&format!("/login/op/authorized?{query}")).await.status, Status::BadRequest);
        assert_eq!(heard.take(), ["failed op callback_not_trusted"]);
    }
    // The token endpoint quotes the code and the client secret.
    let callback = ada.ride("/login/op").await;
    let code = crate::harness::query_parameter(&callback, "code").unwrap();
    let (secret, uri) = (app.fake.client_secret().to_owned(), format!("https://op.example/?c={code}"));
    app.fake.respond_once(
        ProviderEndpoint::Token,
        FakeResponse::json(json!({
            "error": "invalid_grant", "error_description": format!("no {secret}"), "error_uri": uri,
        }))
        .with_status(400),
    );
    assert_eq!(ada.get(&callback).await.status, Status::BadRequest);
    assert_eq!(heard.take(), ["failed op callback_not_trusted: invalid_grant, (what it was sent), -"]);
}

/// Refuses strangers, and users who are called Eve.
struct Strict;

impl LinkPolicy<diesel::SqliteConnection, i32> for Strict {
    fn link(&self, login: &Login<i32>, conn: &mut diesel::SqliteConnection) -> Result<Verdict<i32>> {
        match (&login.standing, login.profile.id.as_deref()) {
            (Standing::Stranger, Some("stranger")) => Ok(Verdict::Refuse("Members only.".into())),
            (Standing::Stranger, Some("confused")) => Ok(Verdict::SignIn(1)),
            _ => sign_up(login, conn),
        }
    }

    fn may_sign_in(&self, user: &i32, _: &mut diesel::SqliteConnection) -> Result<bool> {
        Ok(*user != 2)
    }
}

/// Refuses the user called `banned`.
struct Bouncer;

#[rocket::async_trait]
impl Signals for Bouncer {
    async fn authorized(&self, _: &Request<'_>, login: &mut AuthorizedLogin, _: &Client) -> Result<NextStep> {
        Ok(match login.profile.id.as_deref() {
            Some("banned") => NextStep::Refuse("Not you.".into()),
            _ => NextStep::Continue,
        })
    }
}

#[rocket::async_test]
async fn a4_a_refusal_names_the_user_and_the_reason() {
    let storage = || DieselStorage::database("app").migrate().link(Strict);
    let (app, heard) = app(|dance| dance.storage(storage()).signals(Bouncer)).await;
    let refused = async |browser: &mut Browser, sub: &str, connect: bool| {
        app.fake.set_user(sub);
        let callback = match connect {
            true => browser.ride_to_connect("/login/op").await,
            false => browser.ride("/login/op").await,
        };
        heard.take();
        assert_eq!(browser.get(&callback).await.status, Status::Forbidden, "{sub}");
        let mut events = heard.take();
        assert_eq!(events.pop().as_deref(), Some("failed op refused"));
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    };
    let mut ada = app.browser();
    ada.sign_in("op").await;
    assert_eq!(refused(&mut app.browser(), "stranger", false).await, "refused op stranger - policy");
    assert_eq!(refused(&mut app.browser(), "banned", false).await, "refused op banned - signal");
    assert_eq!(refused(&mut app.browser(), "confused", false).await, "refused op confused - wrong_verdict");
    if let Some(log) = test_support::CapturedLog::start() {
        assert!(log.is_shown_in_a_release("the policy answered "), "the policy's fault: {}", log.text());
    }
    assert_eq!(refused(&mut ada, "banned", true).await, "refused op banned 1 signal");
    // The account of another user.
    sql(&app, "INSERT INTO users (id, name) VALUES (5, 'eve')");
    let mut eve = app.browser();
    eve.enter(5).await;
    assert_eq!(refused(&mut eve, "ada", true).await, "refused op ada 5 account_taken");
    // A user who may not sign in any more: the owner of the account.
    sql(&app, "UPDATE oauth_accounts SET user_id = '2'");
    assert_eq!(refused(&mut app.browser(), "ada", false).await, "refused op ada 2 user_inactive");
}

#[rocket::async_test]
async fn a4_a_storage_that_fails() {
    let (app, heard) = app(|dance| dance).await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    sql(
        &app,
        "CREATE TRIGGER fails BEFORE INSERT ON oauth_accounts BEGIN SELECT RAISE(ABORT, 'disk full'); END",
    );
    assert_eq!(ada.get(&callback).await.status, Status::ServiceUnavailable);
    assert_eq!(heard.take(), ["orphaned op ada -", "failed op store_unavailable"]);
}

#[rocket::async_test]
async fn a4_signing_out_here_everywhere_and_at_the_provider() {
    let (app, heard, mut ada) = signed_up().await;
    assert_eq!(ada.post("/login/logout", &[]).await.status, Status::SeeOther);
    assert_eq!(heard.take(), ["ended 1 op SignedOut"]);

    let mut others = [app.browser(), app.browser()];
    for browser in &mut others {
        browser.sign_in("op").await;
    }
    ada.enter(1).await;
    heard.take();
    assert_eq!(ada.post("/login/logout/everywhere", &[]).await.status, Status::SeeOther);
    let mut events = heard.take();
    events.sort();
    let everywhere = |entry: &str| format!("ended 1 {entry} SignedOutEverywhere");
    assert_eq!(events, [everywhere("-"), everywhere("op"), everywhere("op")]);

    ada.enter(1).await;
    heard.take();
    app.client.post("/leave").dispatch().await;
    assert_eq!(heard.take(), Vec::<String>::new(), "a browser without a session");
    ada.ask(&crate::harness::TestRequest::post("/leave", &[])).await;
    assert_eq!(heard.take(), ["ended 1 - SignedOut"]);

    ada.sign_in("op").await;
    heard.take();
    assert_eq!(app.dance().sign_out_everywhere(&1).await.unwrap(), 1);
    assert_eq!(heard.take(), ["ended 1 op SignedOutEverywhere off request"]);

    ada.sign_in("op").await;
    heard.take();
    let token = app.fake.logout_token(Some("ada"), None);
    let form = [("logout_token", token.as_str())];
    let ended = crate::harness::TestRequest::post("/login/op/backchannel-logout", &form);
    assert_eq!(app.browser().ask(&ended).await.status, Status::Ok);
    assert_eq!(heard.take(), ["ended 1 op EndedByProvider"]);
}

#[rocket::async_test]
async fn a4_a_refresh_and_a_lost_grant_have_no_request() {
    let (app, heard, mut ada) = signed_up().await;
    app.fake.expire_access_tokens();
    assert_eq!(ada.get("/guarded").await.body, "ada");
    assert_eq!(heard.take(), ["refreshed op ada 1 off request"]);
    app.advance(120);
    app.fake.revoke_tokens("ada");
    assert_eq!(ada.get("/guarded").await.status, Status::SeeOther);
    assert_eq!(heard.take(), ["lost op ada 1 off request"]);
}

#[rocket::async_test]
async fn a4_a_merge_and_a_user_who_signs_in_first() {
    let heard = Heard::default();
    let (app, _) = app_with(true, |dance| dance.signals(All(heard.clone()))).await;
    app.browser().enter(1).await;
    heard.take();
    app.browser().sign_in("op").await;
    assert_eq!(
        heard.take(),
        ["created op ada 1", "ended 1 - AccountMerged", "merged op ada 1", "began 1 op", "completed op 1"]
    );

    let (app, _) = app_with(false, |dance| dance.signals(All(heard.clone()))).await;
    let mut ada = app.browser();
    ask(&mut ada, "/login/op").await;
    assert_eq!(heard.take(), ["pending op ada 1"]);
    ada.enter(1).await;
    assert_eq!(ada.post(CONFIRM, &[]).await.location(), "/");
    assert_eq!(heard.take(), ["began 1 -", "created op ada 1"]);
}

#[rocket::async_test]
async fn a4_sessions_in_cookies_alone() {
    let (app, heard) = app(|dance| dance.storage(CookieStorage)).await;
    let mut ada = app.browser();
    ada.enter(1).await;
    assert_eq!(heard.take(), ["began 1 -"]);
    ada.enter(2).await;
    assert_eq!(heard.take(), ["ended 1 - Replaced", "began 2 -"]);
    assert_eq!(ada.post("/login/logout", &[]).await.status, Status::SeeOther);
    assert_eq!(heard.take(), ["ended 2 - SignedOut"]);
}
