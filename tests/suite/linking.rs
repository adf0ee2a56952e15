//! A stranger who may already have a local account signs in first and confirms the link.

use diesel::prelude::*;
use futures::future::join_all;
use rocket::http::{Method, Status};
use rocket_dance::storage::DieselStorage;
use rocket_dance::{DanceFairing, Login, Result, Standing, Verdict};
use serde_json::json;

use crate::harness::{
    Browser, DONE, NOT_TRUSTED, PENDING, Refusal, SESSION, TestApp, TestRequest, assert_guarded,
    assert_refused,
};
use crate::signals::{Heard, Listener};
use crate::users::{sign_up, users};

pub(crate) const CONFIRM: &str = "/login/confirm";

const CSRF: Refusal = Refusal::new(Status::Forbidden, "csrf");

pub(crate) const REFUSED: Refusal = Refusal::new(Status::Forbidden, "refused");

/// Merges a stranger with the user whose name is their verified address.
pub(crate) fn by_address(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
    let address = login.profile.email().filter(|_| matches!(login.standing, Standing::Stranger));
    let known = match address {
        Some(address) => {
            users::table.filter(users::name.eq(address)).select(users::id).first(conn).optional()?
        }
        None => None,
    };
    match known {
        Some(user) => Ok(login.merge(user, address.unwrap_or_default(), true)),
        None => sign_up(login, conn),
    }
}

/// An app that compares addresses. User 1 has Ada's address at the provider, user 2 has Grace's.
pub(crate) async fn app(trust: bool) -> (TestApp, Heard) {
    app_with(trust, |dance| dance).await
}

pub(crate) async fn app_with(
    trust: bool,
    more: impl FnOnce(DanceFairing) -> DanceFairing,
) -> (TestApp, Heard) {
    let heard = Heard::default();
    let listener = Listener(heard.clone());
    let attach = |dance: DanceFairing| {
        more(dance.storage(DieselStorage::database("app").migrate().link(by_address)).signals(listener))
    };
    let configure = |figment: rocket::figment::Figment| {
        figment.merge(("oauth.op.trust_email", trust)).merge(("dance.sign_in_page", "/signin?from=dance"))
    };
    let app = TestApp::launch_built(configure, attach).await;
    sql(&app, "INSERT INTO users VALUES (1, 'ada@example.test'), (2, 'grace@example.test')");
    (app, heard)
}

pub(crate) fn sql(app: &TestApp, sql: &str) {
    use diesel::connection::SimpleConnection;
    let mut conn = SqliteConnection::establish(&app.file().display().to_string()).unwrap();
    conn.batch_execute(&format!("PRAGMA busy_timeout = 10000; {sql}")).unwrap();
}

/// `entry/provider_user_id -> user`, in order.
pub(crate) fn accounts(app: &TestApp) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = diesel::sql_types::Text)]
        line: String,
    }
    let mut conn = SqliteConnection::establish(&app.file().display().to_string()).unwrap();
    let lines = diesel::sql_query(
        "SELECT provider || '/' || provider_user_id || ' -> ' || ifnull(user_id, '-') AS line FROM oauth_accounts \
         ORDER BY line",
    );
    lines.load::<Line>(&mut conn).unwrap().into_iter().map(|line| line.line).collect()
}

/// Arrives as a stranger whose address belongs to a local user, and is asked to sign in first.
pub(crate) async fn ask(browser: &mut Browser, begin: &str) {
    let before = browser.app.rows();
    let callback = browser.ride(begin).await;
    let landed = browser.get(&callback).await;
    assert_eq!(landed.location(), CONFIRM);
    assert_eq!(browser.user().await, None, "no user is signed in");
    assert_eq!(browser.app.rows(), before, "nothing is stored");
    assert!(browser.jar.contains_key(PENDING));
    // A repeated callback redirects to the same page and changes nothing.
    assert_eq!(browser.peek(&TestRequest::get(&callback)).await.location(), CONFIRM);
}

#[rocket::async_test]
async fn al_01_an_existing_user_signs_in_first_and_confirms() {
    let (app, heard) = app(false).await;
    let mut ada = app.browser();
    ask(&mut ada, "/login/op?next=/guarded").await;
    assert_eq!(heard.take(), ["pending op ada 1"]);

    let page = ada.get(CONFIRM).await;
    assert_eq!(page.status, Status::Ok);
    assert_guarded(&page);
    assert!(page.body.contains("Sign in the way you did before to connect"), "{}", page.body);
    // The page offers every entry except the one just used, so that it does not reveal which ones the user has connected.
    assert!(page.body.contains("\"/login/op2\"") && !page.body.contains("\"/login/op\""), "{}", page.body);
    assert!(page.body.contains("/signin?from=dance&amp;next=%2Flogin%2Fconfirm"), "{}", page.body);
    let json = TestRequest::get(CONFIRM).header("Accept", "application/json");
    let json = assert_refused(&mut ada, &json, Refusal::new(Status::Unauthorized, "sign_in_first")).await;
    assert_eq!(json.json()["error"]["login_url"], "/signin?from=dance&next=%2Flogin%2Fconfirm");
    let secrets: Vec<_> = app.claims().split('\'').map(str::to_owned).collect();
    assert!(secrets.iter().any(|text| text.starts_with("v1.")), "the pending account is sealed");
    app.assert_no_secret("the claims", &app.claims(), &[("address", "ada@example.test".into())]);

    ada.enter(1).await;
    assert_eq!(accounts(&app), [""; 0], "signing in does not confirm");
    let page = ada.get(CONFIRM).await;
    assert_guarded(&page);
    assert!(page.body.contains("Ada") && page.body.contains("(ada)"), "{}", page.body);
    let context =
        ada.ask(&TestRequest::get("/login/accounts").header("Accept", "application/json")).await.json();
    assert_eq!(context["confirm_url"], CONFIRM);
    let old = ada.clone();
    assert_eq!(ada.post(CONFIRM, &[]).await.location(), "/guarded");
    assert_eq!(accounts(&app), ["op/ada -> 1"]);
    assert!(!ada.jar.contains_key(PENDING));
    assert_eq!(ada.get("/guarded").await.body, "ada", "its token works");
    assert_eq!(heard.take(), ["created op ada 1"]);
    let context = TestRequest::get("/login/accounts").header("Accept", "application/json");
    assert_eq!(ada.ask(&context).await.json()["confirm_url"], json!(null), "no account waits any more");
    // It works once: not again after the account was disconnected, with the same cookie.
    assert_eq!(ada.post("/login/op/disconnect", &[]).await.status, Status::Conflict);
    let mut again = old;
    again.jar.insert(SESSION.to_owned(), ada.jar[SESSION].clone());
    let csrf = again.csrf().await;
    assert_refused(&mut again, &TestRequest::post(CONFIRM, &[("csrf", &csrf)]), NOT_TRUSTED).await;
    assert_refused(&mut again, &TestRequest::get(CONFIRM), NOT_TRUSTED).await;

    let mut later = app.browser();
    later.sign_in("op").await;
    assert_eq!(later.user().await, Some(1), "from now on it is the user's account");
}

#[rocket::async_test]
async fn al_01_another_connected_account_is_as_good_as_a_password() {
    let (app, _) = app(false).await;
    let mut ada = app.browser();
    ada.enter(1).await;
    let callback = ada.ride_to_connect("/login/op2").await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    let mut ada = app.browser();
    ask(&mut ada, "/login/op").await;
    let callback = ada.ride("/login/op2?next=/login/confirm").await;
    assert_eq!(ada.get(&callback).await.location(), CONFIRM);
    assert_eq!(ada.user().await, Some(1));
    assert_eq!(ada.post(CONFIRM, &[]).await.location(), "/");
    assert_eq!(accounts(&app), ["op/ada -> 1", "op2/ada -> 1"]);
}

/// Eve begins with an account of Eve's own in a browser that Ada uses next, and waits for Ada to sign in.
#[rocket::async_test]
async fn al_07_al_08_a_planted_account_needs_the_users_own_yes() {
    let (app, heard) = app(false).await;
    let claims =
        json!({"sub": "eve", "name": "Eve <b>", "email": "ada@example.test", "email_verified": true});
    app.fake.set_user("eve").set_userinfo(claims);
    let mut browser = app.browser();
    ask(&mut browser, "/login/op").await;
    browser.enter(1).await;
    let page = browser.get(CONFIRM).await;
    assert!(
        page.body.contains("Eve &lt;b&gt;") && page.body.contains("Is this account yours?"),
        "{}",
        page.body
    );
    let mut elsewhere = app.browser();
    elsewhere.enter(1).await;
    let foreign = elsewhere.csrf().await;
    let csrf = browser.csrf().await;
    for form in [&[][..], &[("csrf", "")], &[("csrf", foreign.as_str())]] {
        assert_refused(&mut browser, &TestRequest::post(CONFIRM, form), CSRF).await;
    }
    for (name, value) in [("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example")] {
        let ask = TestRequest::post(CONFIRM, &[("csrf", &csrf)]).header(name, value);
        assert_refused(&mut browser, &ask, CSRF).await;
    }
    for method in ["get", "put", "delete"] {
        let disguised = TestRequest::post(CONFIRM, &[("_method", method), ("csrf", &csrf)]);
        assert_refused(
            &mut browser,
            &disguised,
            Refusal::new(Status::MethodNotAllowed, "method_not_allowed"),
        )
        .await;
    }
    assert_eq!(accounts(&app), [""; 0]);
    heard.take();
    assert_eq!(browser.post(CONFIRM, &[("cancel", "1")]).await.location(), "/");
    assert!(!browser.jar.contains_key(PENDING));
    assert_eq!((accounts(&app), heard.take()), (vec![], vec![]));
    assert_refused(&mut browser, &TestRequest::get(CONFIRM), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn al_20_what_waits_is_this_browsers_and_this_users() {
    let (app, _) = app(false).await;
    let mut ada = app.browser();
    ask(&mut ada, "/login/op").await;
    let planted = ada.jar[PENDING].clone();
    // The same user in another browser.
    let mut other = app.browser();
    other.enter(1).await;
    let csrf = other.csrf().await;
    assert_refused(&mut other, &TestRequest::get(CONFIRM), NOT_TRUSTED).await;
    assert_refused(&mut other, &TestRequest::post(CONFIRM, &[("csrf", &csrf)]), NOT_TRUSTED).await;
    // No other sealed value is accepted.
    for value in [&ada.jar[DONE], &planted[1..], &planted.replace(&planted[..4], "AAAA"), ""] {
        other.jar.insert(PENDING.into(), value.to_owned());
        assert_refused(&mut other, &TestRequest::get(CONFIRM), NOT_TRUSTED).await;
    }
    // Another user in the same browser: refused, and the pending account is discarded.
    ada.enter(2).await;
    let csrf = ada.csrf().await;
    let fields = [("csrf", csrf.as_str()), ("user", "1"), ("email", "ada@example.test"), ("account", "1")];
    let head = ada.ask(&TestRequest::new(Method::Head, CONFIRM)).await;
    assert_eq!(
        (head.status, ada.jar.contains_key(PENDING)),
        (Status::Forbidden, true),
        "a HEAD discards nothing"
    );
    let mut copy = ada.clone();
    assert_refused(&mut ada, &TestRequest::post(CONFIRM, &fields), REFUSED).await;
    assert!(!ada.jar.contains_key(PENDING));
    assert_refused(&mut copy, &TestRequest::get(CONFIRM), NOT_TRUSTED).await;
    copy.enter(1).await;
    assert_refused(&mut copy, &TestRequest::get(CONFIRM), NOT_TRUSTED).await;
    assert_eq!(accounts(&app), [""; 0]);

    // The same holds if another user signs in at a provider, or signs out.
    let mut browser = app.browser();
    ask(&mut browser, "/login/op").await;
    app.fake.set_user("linus");
    browser.sign_in("op").await;
    assert!(!browser.jar.contains_key(PENDING));
    browser.leave().await;
    app.fake.set_user("ada");
    ask(&mut browser, "/login/op").await;
    browser.enter(1).await;
    browser.leave().await;
    assert!(!browser.jar.contains_key(PENDING));
}

#[rocket::async_test]
async fn al_20_b12_what_waits_waits_as_long_as_a_flow_and_the_last_one_only() {
    let (app, _) = app(false).await;
    let mut ada = app.browser();
    ask(&mut ada, "/login/op").await;
    let first = ada.jar[PENDING].clone();
    let claims = json!({"sub": "ada2", "name": "Ada", "email": "ada@example.test", "email_verified": true});
    app.fake.set_user("ada2").set_userinfo(claims);
    ask(&mut ada, "/login/op2").await;
    assert_ne!(ada.jar[PENDING], first);
    ada.enter(1).await;
    let mut stale = ada.clone();
    stale.jar.insert(PENDING.into(), first);
    assert_refused(&mut stale, &TestRequest::get(CONFIRM), NOT_TRUSTED).await;
    // The test itself may take a second or two.
    app.advance(1790);
    assert_eq!(ada.get(CONFIRM).await.status, Status::Ok);
    let csrf = ada.csrf().await;
    app.advance(10);
    assert_refused(&mut ada, &TestRequest::get(CONFIRM), NOT_TRUSTED).await;
    assert_refused(&mut ada, &TestRequest::post(CONFIRM, &[("csrf", &csrf)]), NOT_TRUSTED).await;
    assert_eq!(accounts(&app), [""; 0]);
}

#[rocket::async_test]
async fn al_20_pressed_many_times_at_once_it_is_one_account() {
    let (app, heard) = app(false).await;
    let mut ada = app.browser();
    ask(&mut ada, "/login/op").await;
    ada.enter(1).await;
    let csrf = ada.csrf().await;
    heard.take();
    let ask = TestRequest::post(CONFIRM, &[("csrf", &csrf)]);
    let answers = join_all((0..8).map(|_| ada.peek(&ask))).await;
    let done = answers.iter().filter(|answer| answer.status == Status::SeeOther).count();
    assert_eq!((done, heard.take()), (1, vec!["created op ada 1".to_owned()]));
    assert!(answers.iter().all(|answer| [303, 400].contains(&answer.status.code)), "{answers:?}");
    assert_eq!(accounts(&app), ["op/ada -> 1"]);
    // The pending account is deleted from the database, not only marked as used.
    let left: Vec<_> = app.claims().split('\'').map(str::len).collect();
    assert!(left.iter().all(|len| *len < 400), "{}", app.claims());
}

#[rocket::async_test]
async fn d14_an_account_is_confirmed_with_the_cookie_from_before_and_only_for_a_minute() {
    let (app, _) = app(false).await;
    for (seconds, is_confirmed) in [(50, true), (60, false)] {
        let mut ada = app.browser();
        ask(&mut ada, "/login/op").await;
        ada.enter(1).await;
        let csrf = ada.csrf().await;
        let connecting = ada.ride_to_connect("/login/op2").await;
        // Another tab finishes first, and the session gets a new cookie.
        let mut old = ada.clone();
        assert!(ada.get(&connecting).await.sets(SESSION));
        assert_eq!((ada.user().await, old.user().await), (Some(1), None));
        app.advance(seconds);
        let confirm = TestRequest::post(CONFIRM, &[("csrf", &csrf)]);
        if is_confirmed {
            let answer = old.ask(&confirm).await;
            assert_eq!((answer.location(), answer.sets(SESSION)), ("/", false), "{answer:?}");
            assert_eq!(accounts(&app), ["op/ada -> 1", "op2/ada -> 1"]);
            // The old cookie stays worthless, and the new one is the only one.
            assert_eq!((ada.user().await, old.user().await), (Some(1), None));
            for entry in ["op", "op2"] {
                sql(&app, &format!("DELETE FROM oauth_accounts WHERE provider = '{entry}'"));
            }
        } else {
            assert_refused(&mut old, &confirm, CSRF).await;
            assert_eq!(accounts(&app), ["op2/ada -> 1"]);
            // The account still waits, for the session's new cookie.
            assert_eq!(ada.post(CONFIRM, &[]).await.location(), "/");
            assert_eq!(accounts(&app), ["op/ada -> 1", "op2/ada -> 1"]);
        }
    }
    // A session that got its new cookie before the account began to wait has no old cookie for it.
    sql(&app, "DELETE FROM oauth_accounts");
    let mut ada = app.browser();
    ada.enter(1).await;
    let connecting = ada.ride_to_connect("/login/op2").await;
    let (mut old, csrf) = (ada.clone(), ada.csrf().await);
    ada.get(&connecting).await;
    app.advance(1);
    let mut eve = app.browser();
    ask(&mut eve, "/login/op").await;
    old.jar.insert(PENDING.to_owned(), eve.jar[PENDING].clone());
    assert_refused(&mut old, &TestRequest::post(CONFIRM, &[("csrf", &csrf)]), CSRF).await;
}

#[rocket::async_test]
async fn al_09_al_12_what_has_changed_during_the_dance_counts() {
    let (app, _) = app(false).await;
    let mut ada = app.browser();
    ask(&mut ada, "/login/op2").await;
    ada.enter(1).await;
    let csrf = ada.csrf().await;
    // The entry now has another issuer, or belongs to the site.
    let original = ada.app.clone();
    for (key, value) in [("oauth.op2.issuer", "http://localhost:1"), ("oauth.op2.account", "ada")] {
        ada.app = original.relaunch(|figment| figment.merge((key, value))).await;
        assert_refused(&mut ada.clone(), &TestRequest::post(CONFIRM, &[("csrf", &csrf)]), NOT_TRUSTED).await;
    }
    ada.app = original;
    // Another user connects the account first.
    let mut grace = app.browser();
    grace.enter(2).await;
    let callback = grace.ride_to_connect("/login/op2").await;
    assert_eq!(grace.get(&callback).await.location(), "/");
    let answer = assert_refused(&mut ada, &TestRequest::post(CONFIRM, &[("csrf", &csrf)]), REFUSED).await;
    assert!(!answer.body.contains("grace"), "the page does not name the owner: {}", answer.body);
    assert_eq!(accounts(&app), ["op2/ada -> 2"]);
    // AL-09: it does not move in a sign-in of its own user either.
    let callback = ada.ride_to_connect("/login/op2").await;
    let answer = assert_refused(&mut ada, &TestRequest::get(&callback), REFUSED.after_exchange()).await;
    assert!(!answer.body.contains("grace"), "{}", answer.body);
}

#[rocket::async_test]
async fn al_01_the_page_shows_what_no_attacker_can_choose() {
    let (app, _) = app(false).await;
    let claims = json!({
        "sub": "248289761001", "name": "Ada", "preferred_username": "eve", "email": "ada@example.test",
        "email_verified": true,
    });
    app.fake.set_user("248289761001").set_userinfo(claims);
    let mut ada = app.browser();
    ask(&mut ada, "/login/op").await;
    for signed_in in [false, true] {
        if signed_in {
            ada.enter(1).await;
        }
        let page = ada.get(CONFIRM).await.body;
        assert!(page.contains("(248289761001)") && page.contains(">eve<"), "{page}");
        assert!(!page.contains("ada@example.test"), "no trusted provider has verified it: {page}");
    }
}
