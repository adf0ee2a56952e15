//! A sign-up that asks: the form, what is stored when, and who can complete it.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::select;
use futures::future::join_all;
use rocket::figment::Figment;
use rocket::http::{Method, Status};
use rocket_dance::storage::DieselStorage;
use rocket_dance::{LocalPath, Login, Result, SignUpForm, Standing, Verdict};
use serde_json::json;
use test_support::Html;

use crate::harness::{
    Browser, NOT_TRUSTED, PENDING, Refusal, TestApp, TestRequest, TestResponse, assert_guarded,
    assert_refused,
};
use crate::linking::{REFUSED, accounts, sql};
use crate::signals::{Heard, Listener};
use crate::users::users;

const COMPLETE: &str = "/login/complete";
const CSRF: Refusal = Refusal::new(Status::Forbidden, "csrf");

/// Signs a stranger up under the name that they choose, if it is free. The entry `op2` has the app's own page.
fn asks_for_a_name(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
    let Standing::Stranger = login.standing else { return Ok(login.default_verdict()) };
    let form = SignUpForm::new().name().email().consent("terms", "I accept <b>the terms</b>");
    let form = match login.entry.as_str() {
        "op2" => form.at(LocalPath::try_from("/welcome?from=op2")?),
        _ => form,
    };
    // A policy that writes and asks then has written nothing.
    let id: i32 = diesel::insert_into(users::table)
        .values(users::name.eq(login.answer("name").unwrap_or("on the way")))
        .returning(users::id)
        .get_result(conn)?;
    let Some(name) = login.answer("name") else { return Ok(Verdict::Ask(form)) };
    match name {
        "Mallory" => return Ok(Verdict::Refuse("Not Mallory.".into())),
        "the owner" => return Ok(Verdict::SignInFirst(1)),
        "an old one" => return Ok(Verdict::SignUp(1)),
        _ => {}
    }
    if select(exists(users::table.filter(users::name.eq(name).and(users::id.ne(id))))).get_result(conn)? {
        return Ok(Verdict::Ask(form.with_error("name", "This name is taken.")));
    }
    Ok(Verdict::SignUp(id))
}

/// An app that asks, in which user 1, Grace, has an account at `op2`.
async fn app() -> (TestApp, Heard) {
    let heard = Heard::default();
    let listener = Listener(heard.clone());
    let storage = DieselStorage::database("app").migrate().link(asks_for_a_name);
    let configure = |figment: Figment| figment.merge(("dance.sign_in_page", "/signin"));
    let app = TestApp::launch_built(configure, |dance| dance.storage(storage).signals(listener)).await;
    sql(&app, "INSERT INTO users VALUES (1, 'Grace')");
    app.fake.set_user("grace");
    let mut grace = app.browser();
    grace.enter(1).await;
    let callback = grace.ride_to_connect("/login/op2").await;
    assert_eq!(grace.get(&callback).await.location(), "/");
    app.fake.set_user("ada").set_userinfo(json!({"sub": "ada", "name": "Ada <i>", "email": "ada@x.example"}));
    heard.take();
    (app, heard)
}

/// Comes back from the provider as a stranger, and is asked.
async fn ask(browser: &mut Browser, begin: &str, page: &str) {
    let before = browser.app.rows();
    let callback = browser.ride(begin).await;
    assert_eq!(browser.get(&callback).await.location(), page);
    assert_eq!((browser.user().await, browser.app.rows()), (None, before), "nothing is stored");
    assert!(browser.jar.contains_key(PENDING));
    assert_eq!(browser.peek(&TestRequest::get(&callback)).await.location(), page, "a repeated callback");
}

/// The CSRF token of the form.
async fn token(browser: &mut Browser) -> String {
    let shown = browser.ask(&TestRequest::get(COMPLETE).header("Accept", "application/json")).await;
    shown.json()["csrf"].as_str().unwrap().to_owned()
}

/// Posts the form, with its token.
async fn post(browser: &mut Browser, fields: &[(&str, &str)]) -> TestResponse {
    let csrf = token(browser).await;
    browser.ask(&TestRequest::post(COMPLETE, &[&[("csrf", csrf.as_str())], fields].concat())).await
}

/// The fields of a form that is filled in correctly.
fn filled<'a>(name: &'a str, csrf: &'a str) -> [(&'a str, &'a str); 4] {
    [("csrf", csrf), ("name", name), ("email", "ada@x.example"), ("terms", "yes")]
}

fn user_names(app: &TestApp) -> Vec<String> {
    let mut conn = SqliteConnection::establish(&app.file().display().to_string()).unwrap();
    users::table.order(users::id).select(users::name).load(&mut conn).unwrap()
}

#[rocket::async_test]
async fn al_20_a_visitor_answers_and_is_signed_up() {
    let (app, heard) = app().await;
    let mut ada = app.browser();
    ask(&mut ada, "/login/op?next=/guarded", COMPLETE).await;
    assert_eq!(heard.take(), ["pending op ada -"]);

    let page = ada.get(COMPLETE).await;
    assert_eq!(page.status, Status::Ok);
    assert_guarded(&page);
    for shown in ["value=\"Ada &lt;i&gt;\"", "value=\"ada@x.example\"", "I accept &lt;b&gt;the terms"] {
        assert!(page.body.contains(shown), "{shown}: {}", page.body);
    }
    // What is missing or wrong is said beside the field, and what was right stays.
    let wrong = [("name", "Grace"), ("email", "no address")];
    assert_eq!(post(&mut ada, &wrong).await.location(), COMPLETE);
    let page = ada.get(COMPLETE).await.body;
    for shown in ["value=\"Grace\"", "value=\"no address\"", "not an e-mail address", "tick this box"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    // The policy asks again.
    let csrf = token(&mut ada).await;
    assert_eq!(ada.ask(&TestRequest::post(COMPLETE, &filled("Grace", &csrf))).await.location(), COMPLETE);
    let page = ada.get(COMPLETE).await.body;
    assert!(page.contains("This name is taken.") && page.contains("checked"), "{page}");
    assert_eq!((user_names(&app), heard.take()), (vec!["Grace".to_owned()], vec![]));

    let done = ada.ask(&TestRequest::post(COMPLETE, &filled("Ada", &csrf))).await;
    assert_eq!(done.location(), "/guarded");
    let user = ada.user().await.unwrap();
    assert_eq!(user_names(&app), ["Grace", "Ada"]);
    assert_eq!(accounts(&app), [format!("op/ada -> {user}"), "op2/grace -> 1".into()]);
    assert_eq!(heard.take(), [format!("created op ada {user}"), format!("completed op {user}")]);
    assert!(!ada.jar.contains_key(PENDING));
    // It works once, and the account is not in the database any more.
    let csrf = ada.csrf().await;
    assert_refused(&mut ada, &TestRequest::post(COMPLETE, &filled("Eve", &csrf)), NOT_TRUSTED).await;
    assert!(app.claims().split('\'').all(|text| text.len() < 400), "{}", app.claims());
    // The next sign-in asks nothing.
    let mut again = app.browser();
    again.sign_in("op").await;
    assert_eq!(again.user().await, Some(user));
}

#[rocket::async_test]
async fn al_20_a_sign_up_is_completed_in_its_browser_and_in_time() {
    let (app, _) = app().await;
    let mut ada = app.browser();
    ask(&mut ada, "/login/op", COMPLETE).await;
    let csrf = token(&mut ada).await;
    let mut other = app.browser();
    other.enter(1).await;
    let foreign = other.csrf().await;
    assert_refused(&mut other, &TestRequest::get(COMPLETE), NOT_TRUSTED).await;
    assert_refused(&mut other, &TestRequest::post(COMPLETE, &filled("Eve", &foreign)), NOT_TRUSTED).await;
    for key in [&ada.jar[PENDING][1..], ""] {
        other.jar.insert(PENDING.into(), key.to_owned());
        assert_refused(&mut other, &TestRequest::get(COMPLETE), NOT_TRUSTED).await;
    }
    // Another site's form, and one without the token.
    let posted = TestRequest::post(COMPLETE, &filled("Ada", &csrf));
    for (name, value) in [("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example")] {
        assert_refused(&mut ada, &posted.clone().header(name, value), CSRF).await;
    }
    assert_refused(&mut ada, &TestRequest::post(COMPLETE, &filled("Ada", "")), CSRF).await;
    // The account that waits for a sign-up confirms nothing elsewhere.
    assert_eq!(ada.get("/login/confirm").await.location(), COMPLETE);
    let confirm = TestRequest::post("/login/confirm", &[("csrf", &csrf)]);
    assert_refused(&mut ada, &confirm, NOT_TRUSTED).await;
    // Another user has signed in since: the answers sign up no user in their browser.
    let mut grace = ada.clone();
    grace.enter(1).await;
    let theirs = grace.csrf().await;
    assert_refused(&mut grace, &TestRequest::post(COMPLETE, &filled("Ada", &theirs)), REFUSED).await;
    // A wrong answer does not prolong it.
    app.advance(1000);
    assert_eq!(post(&mut ada, &[("name", "Ada")]).await.location(), COMPLETE);
    app.advance(780);
    assert_eq!(ada.get(COMPLETE).await.status, Status::Ok);
    app.advance(20);
    assert_refused(&mut ada, &TestRequest::get(COMPLETE), NOT_TRUSTED).await;
    assert_refused(&mut ada, &posted, NOT_TRUSTED).await;
    assert_eq!(user_names(&app), ["Grace"]);
}

#[rocket::async_test]
async fn b12_a_sign_up_that_has_waited_too_long_begins_again_where_it_began() {
    let (app, heard) = app().await;
    let mut ada = app.browser();
    ask(&mut ada, "/login/op?next=/inbox?a=1%26b=2", COMPLETE).await;
    let csrf = token(&mut ada).await;
    let before = (user_names(&app), accounts(&app), app.token_calls());
    heard.take();
    app.advance(1800);
    let posted = TestRequest::post(COMPLETE, &filled("Ada", &csrf));
    let link = "/login/op?next=%2Finbox%3Fa%3D1%26b%3D2";
    for ask in [TestRequest::get(COMPLETE), posted.clone(), TestRequest::get(COMPLETE), posted] {
        let page = assert_refused(&mut ada, &ask, NOT_TRUSTED).await;
        assert!(page.body.contains("Start again"), "{page:?}");
        assert_eq!(Html::parse(&page.body).links[0].href, link);
        let json =
            assert_refused(&mut ada, &ask.header("Accept", "application/json"), NOT_TRUSTED).await.json();
        assert_eq!(json["error"]["login_url"], link);
        assert!(!page.body.contains("ada"), "nothing of the account is shown: {page:?}");
    }
    assert_eq!((user_names(&app), accounts(&app), app.token_calls()), before);
    assert!(heard.take().is_empty());
    // Another browser, and one that has signed out, gets no such link.
    let mut other = app.browser();
    other.enter(1).await;
    let page = assert_refused(&mut other, &TestRequest::get(COMPLETE), NOT_TRUSTED).await;
    assert!(!page.body.contains("inbox"), "{page:?}");
    // It is kept for some minutes only.
    app.advance(900);
    let page = assert_refused(&mut ada, &TestRequest::get(COMPLETE), NOT_TRUSTED).await;
    assert!(!page.body.contains("inbox"), "{page:?}");
    app.fake.advance_clock(2700);
    ask(&mut ada, link, COMPLETE).await;
    let csrf = token(&mut ada).await;
    assert_eq!(post(&mut ada, &filled("Ada", &csrf)[1..]).await.location(), "/inbox?a=1&b=2");
}

#[rocket::async_test]
async fn al_20_sent_many_times_at_once_it_is_one_user() {
    let (app, _) = app().await;
    let mut ada = app.browser();
    ask(&mut ada, "/login/op", COMPLETE).await;
    let csrf = token(&mut ada).await;
    let names = ["A", "B", "C", "D", "E", "F", "G", "H"];
    let asks = names.map(|name| TestRequest::post(COMPLETE, &filled(name, &csrf)));
    let answers = join_all(asks.iter().map(|ask| ada.peek(ask))).await;
    assert!(answers.iter().any(|answer| answer.status == Status::SeeOther), "{answers:?}");
    assert!(answers.iter().all(|answer| [303, 400].contains(&answer.status.code)), "{answers:?}");
    assert_eq!((user_names(&app).len(), accounts(&app).len()), (2, 2), "{:?}", user_names(&app));
}

#[rocket::async_test]
async fn al_20_the_answers_give_no_other_users_account() {
    let (app, heard) = app().await;
    for (name, refused, reason) in
        [("Mallory", "Not Mallory.", "policy"), ("an old one", "used that way", "wrong_verdict")]
    {
        let mut eve = app.browser();
        ask(&mut eve, "/login/op", COMPLETE).await;
        let csrf = token(&mut eve).await;
        heard.take();
        let answer =
            assert_refused(&mut eve, &TestRequest::post(COMPLETE, &filled(name, &csrf)), REFUSED).await;
        assert!(answer.body.contains(refused), "{}", answer.body);
        assert_eq!(heard.take(), [format!("refused op ada - {reason}")]);
    }
    // An address or name that belongs to a user: the user signs in first.
    let mut eve = app.browser();
    ask(&mut eve, "/login/op", COMPLETE).await;
    let csrf = token(&mut eve).await;
    let asked = eve.ask(&TestRequest::post(COMPLETE, &filled("the owner", &csrf))).await;
    assert_eq!(asked.location(), "/login/confirm");
    assert_eq!((accounts(&app), eve.user().await), (vec!["op2/grace -> 1".to_owned()], None));
    assert!(eve.get("/login/confirm").await.body.contains("Sign in the way you did before"));
    assert_eq!(eve.get(COMPLETE).await.location(), "/login/confirm");
}

/// The account got an owner in another browser while the form was open: its owner is signed in, and no second user is created.
#[rocket::async_test]
async fn al_20_an_account_that_has_an_owner_by_now_signs_that_user_in() {
    let (app, _) = app().await;
    let [mut one, mut two] = [app.browser(), app.browser()];
    ask(&mut one, "/login/op", COMPLETE).await;
    ask(&mut two, "/login/op", COMPLETE).await;
    for (browser, name) in [(&mut one, "Ada"), (&mut two, "Countess")] {
        let csrf = token(browser).await;
        assert_eq!(browser.ask(&TestRequest::post(COMPLETE, &filled(name, &csrf))).await.location(), "/");
    }
    assert_eq!((one.user().await, user_names(&app)), (two.user().await, vec!["Grace".into(), "Ada".into()]));
}

#[rocket::async_test]
async fn al_23_an_entry_that_has_changed_since_completes_nothing() {
    let (app, _) = app().await;
    let mut ada = app.browser();
    ask(&mut ada, "/login/op", COMPLETE).await;
    let csrf = token(&mut ada).await;
    let storage = || DieselStorage::database("app").migrate().link(asks_for_a_name);
    let connects_only = |figment: Figment| figment.merge(("oauth.op.login", false));
    let changed = app.relaunch_with(connects_only, |dance| dance.storage(storage())).await;
    let mut there = Browser { app: changed, ..ada.clone() };
    assert_refused(&mut there, &TestRequest::post(COMPLETE, &filled("Ada", &csrf)), NOT_TRUSTED).await;
    assert_eq!(ada.ask(&TestRequest::post(COMPLETE, &filled("Ada", &csrf))).await.location(), "/");
}

#[rocket::async_test]
async fn a_visitor_may_cancel_and_a_head_changes_nothing() {
    let (app, _) = app().await;
    let mut ada = app.browser();
    ask(&mut ada, "/login/op", COMPLETE).await;
    assert_eq!(ada.ask(&TestRequest::new(Method::Head, COMPLETE)).await.status, Status::Ok);
    assert!(ada.jar.contains_key(PENDING));
    let csrf = ada.csrf().await;
    for no in [json!(false), json!(0), json!(""), json!("false"), json!(null)] {
        let ask = TestRequest::json(COMPLETE, &json!({"cancel": no, "csrf": csrf}));
        let refused = ada.ask(&ask).await;
        assert!(refused.status.code >= 400 && ada.jar.contains_key(PENDING), "{no}: {refused:?}");
    }
    let mut copy = ada.clone();
    assert_eq!(post(&mut ada, &[("cancel", "1")]).await.location(), "/signin");
    assert!(!ada.jar.contains_key(PENDING));
    assert_refused(&mut copy, &TestRequest::get(COMPLETE), NOT_TRUSTED).await;
    assert_eq!(user_names(&app), ["Grace"]);
}

#[rocket::async_test]
async fn an_app_has_its_own_page_and_json() {
    let (app, _) = app().await;
    let mut ada = app.browser();
    ask(&mut ada, "/login/op2", "/welcome?from=op2").await;
    assert_eq!(ada.get(COMPLETE).await.location(), "/welcome?from=op2");
    let page = ada.get("/welcome?from=op2").await;
    assert_eq!(page.status, Status::Ok, "{page:?}");
    let (seen, json) =
        (page.json(), ada.ask(&TestRequest::get(COMPLETE).header("Accept", "application/json")).await.json());
    assert_eq!(seen, json);
    assert_eq!((&seen["name"], &seen["action"]), (&json!("op2"), &json!(COMPLETE)));
    let first = json!({
        "name": "name", "label": "Name", "kind": "text", "required": true, "value": "Ada <i>", "error": null,
    });
    assert_eq!(seen["fields"][0], first);
    let csrf = seen["csrf"].as_str().unwrap().to_owned();
    assert_eq!(
        ada.ask(&TestRequest::post(COMPLETE, &filled("Grace", &csrf))).await.location(),
        "/welcome?from=op2"
    );
    assert_eq!(ada.get("/welcome").await.json()["fields"][0]["error"], "This name is taken.");
    let again = TestRequest::post(COMPLETE, &filled("Grace", &csrf)).header("Accept", "application/json");
    let again = ada.ask(&again).await;
    assert_eq!(
        (again.status, &again.json()["error"]["code"]),
        (Status::Unauthorized, &json!("sign_up_incomplete"))
    );
    assert_eq!(again.json()["error"]["login_url"], COMPLETE);
    assert_eq!(ada.ask(&TestRequest::post(COMPLETE, &filled("Ada", &csrf))).await.location(), "/");
    // Where none waits, the app's page fails.
    let none = ada.get("/welcome").await;
    assert_eq!(none.status, Status::BadRequest, "{none:?}");
}

#[rocket::async_test]
async fn al_20_what_waits_is_not_the_next_persons_at_the_same_browser() {
    let (app, _) = app().await;
    let mut browser = app.browser();
    ask(&mut browser, "/login/op", COMPLETE).await;
    // Grace signs in with a password, and cannot read whose account waits.
    browser.enter(1).await;
    let shown = browser.get(COMPLETE).await;
    assert_eq!(shown.status, Status::Forbidden);
    assert!(!shown.body.contains("Ada"), "{}", shown.body);
    // After a sign-out by the app's own route, nothing waits.
    browser.ask(&TestRequest::new(Method::Post, "/leave")).await;
    assert_eq!(browser.user().await, None);
    assert_refused(&mut browser, &TestRequest::get(COMPLETE), NOT_TRUSTED).await;
    assert_eq!(user_names(&app), ["Grace"]);
}
