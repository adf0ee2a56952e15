//! The user of a request: the library's cookie, the app's own sessions, and signing out.

use std::sync::{Arc, Mutex};

use rocket::http::{ContentType, Cookie, Header, SameSite, Status};
use rocket::local::asynchronous::Client;
use rocket::response::Redirect;
use rocket::{Request, routes};
use rocket_dance::storage::MemoryStorage;
use rocket_dance::testing::{FakeProvider, sign_in};
use rocket_dance::{Dance, Error, Result, Sessions, SignInOutcome};

use crate::app::{App, cross_site, figment, location, rocket};
use crate::guards::context;
use crate::harness::SESSION;
use crate::people::People;
use crate::signals::{Heard, Listener};

const TWO_WEEKS: i64 = 14 * 24 * 60 * 60;

async fn app(people: &People) -> App {
    let fake = FakeProvider::start().await;
    let rocket = rocket(figment(&fake), Dance::fairing().storage(people.storage()));
    let client = Client::tracked(rocket.mount("/", routes![context])).await.expect("the app launches");
    App::of(client, fake)
}

async fn who(app: &App) -> Option<String> {
    let response = app.get("/me").await;
    match response.status() {
        Status::Ok => response.into_string().await,
        status => {
            assert_eq!(status, Status::SeeOther);
            None
        }
    }
}

fn dance(app: &App) -> &Dance {
    Dance::fetch(app.client.rocket()).expect("attached")
}

#[rocket::async_test]
async fn a_session_is_lax_http_only_and_sealed() {
    let people = People::new();
    let app = app(&people).await;
    let callback = app.callback("/login/op").await;
    let ended = app.get(&callback).await;
    let cookie = ended.cookies().get(SESSION).expect("a session").clone();
    assert_eq!((cookie.same_site(), cookie.http_only()), (Some(SameSite::Lax), Some(true)));
    assert_eq!((cookie.path(), cookie.domain()), (Some("/"), None));
    assert_eq!(cookie.max_age().map(|age| age.whole_seconds()), Some(TWO_WEEKS));
    assert!(!cookie.value().contains("user"), "{}", cookie.value());
    assert_eq!(who(&app).await.as_deref(), Some("1"));

    for broken in [&cookie.value()[1..], "1", "%7B%22user%22%3A%221%22%2C%22at%22%3A9999999999%7D", ""] {
        assert!(!is_signed_in(&app, broken).await, "{broken}");
    }
    // Another cookie sealed with the same key is not a session: the name is part of the seal.
    assert_eq!(app.post("/login/op", &[]).await.status(), Status::SeeOther);
    let flow = app.cookies().into_iter().find(|(name, _)| name.contains("_flow_")).expect("a flow").1;
    assert!(!is_signed_in(&app, &flow).await);
    assert!(is_signed_in(&app, cookie.value()).await);
}

/// Whether the value `session` in the session cookie signs a user in.
async fn is_signed_in(app: &App, session: &str) -> bool {
    let request = app.client.get("/me").cookie(Cookie::new(SESSION, session.to_owned()));
    request.dispatch().await.status() == Status::Ok
}

#[rocket::async_test]
async fn a_session_ends_after_two_weeks_whatever_the_browser_says() {
    let people = People::new();
    let app = app(&people).await;
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    for _ in 0..3 {
        // It is used now and then, so that it does not become idle.
        dance(&app).advance_clock(TWO_WEEKS / 3 - 10);
        assert_eq!(who(&app).await.as_deref(), Some("1"));
    }
    dance(&app).advance_clock(60);
    assert!(app.cookies().contains_key(SESSION), "the cookie is still sent");
    assert_eq!(who(&app).await, None);
    assert_eq!(app.get("/guarded").await.status(), Status::SeeOther);
}

#[rocket::async_test]
async fn a_session_from_the_future_is_none() {
    let people = People::new();
    let app = app(&people).await;
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    dance(&app).advance_clock(-300);
    assert_eq!(who(&app).await, None);
}

#[rocket::async_test]
async fn current_user_serves_a_password_form() {
    let people = People::new();
    people.sql("INSERT INTO users (id, name) VALUES (7, 'grace')");
    let app = app(&people).await;
    let entered = app.client.post("/enter/7").dispatch().await;
    let cookie = entered.cookies().get(SESSION).expect("a session").clone();
    assert_eq!((cookie.same_site(), cookie.http_only()), (Some(SameSite::Lax), Some(true)));
    assert_eq!(who(&app).await.as_deref(), Some("7"));
    // The library sees the same user, so it connects the account.
    assert_eq!(app.get("/login/op").await.status(), Status::Ok);
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    assert_eq!(people.accounts(), ["op/ada -> 7"]);
    let left = app.client.post("/leave").dispatch().await;
    assert_eq!(left.status(), Status::Ok);
    assert_eq!(who(&app).await, None);
    assert!(!app.cookies().contains_key(SESSION));
}

async fn token(app: &App) -> String {
    app.json("/context").await.1["csrf"].as_str().expect("a token").to_owned()
}

async fn log_out(app: &App, csrf: &str, headers: &[(&'static str, &'static str)]) -> Status {
    let mut request = app.client.post("/login/logout").header(ContentType::Form).body(format!("csrf={csrf}"));
    for (name, value) in headers {
        request.add_header(Header::new(*name, *value));
    }
    request.dispatch().await.status()
}

#[rocket::async_test]
async fn cs_02_sf_02_signing_out_takes_the_pages_own_token() {
    let people = People::new();
    let app = app(&people).await;
    let before = token(&app).await;
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    let good = token(&app).await;
    let others = People::new();
    let elsewhere = self::app(&others).await;
    assert_eq!(sign_in(&elsewhere.client, "op").await.status, Status::SeeOther);
    let foreign = token(&elsewhere).await;
    assert_ne!(before, good, "SF-02: it is another after signing in");

    for (csrf, what) in
        [("", "missing"), (before.as_str(), "from before"), (foreign.as_str(), "another browser's")]
    {
        assert_eq!(log_out(&app, csrf, &[]).await, Status::Forbidden, "{what}");
    }
    for headers in [
        &[("Origin", "https://evil.example")][..],
        &[("Origin", "http://localhost:8001")],
        &[("Origin", "https://localhost:8000")],
        &[("Origin", "http://localhost:8000.evil.example")],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
    ] {
        assert_eq!(log_out(&app, &good, headers).await, Status::Forbidden, "{headers:?}");
    }
    let plain = app.client.post("/login/logout").header(ContentType::Plain).body(format!("csrf={good}"));
    assert_eq!(
        plain.dispatch().await.status(),
        Status::Forbidden,
        "a form that another site can send unasked"
    );
    let json =
        app.client.post("/login/logout").header(ContentType::JSON).body(format!("{{\"csrf\":\"{before}\"}}"));
    assert_eq!(json.dispatch().await.status(), Status::Forbidden, "JSON needs the token as well");
    assert_eq!(app.get("/login/logout").await.status(), Status::MethodNotAllowed, "CS-03");
    // CS-04: Rocket reads the method from a form's first field.
    for method in ["get", "put", "patch", "delete", "head"] {
        let form = format!("_method={method}&csrf={good}");
        let posted = app.client.post("/login/logout").header(ContentType::Form).body(form).dispatch().await;
        assert!([Status::MethodNotAllowed, Status::NotFound].contains(&posted.status()), "{method}");
    }
    assert_eq!(who(&app).await.as_deref(), Some("1"), "none of these signed out");

    for headers in [
        &[][..],
        &[("Origin", "null")],
        &[("Origin", "http://localhost:8000"), ("Sec-Fetch-Site", "same-origin")],
        &[("Origin", "http://127.0.0.1:8000")],
        &[("Sec-Fetch-Site", "none")],
    ] {
        assert_eq!(log_out(&app, &token(&app).await, headers).await, Status::SeeOther, "{headers:?}");
        assert_eq!(who(&app).await, None);
        assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    }
    assert_eq!(log_out(&app, &good, &[]).await, Status::SeeOther);
    assert_eq!(people.accounts(), ["op/ada -> 1"], "signing out leaves the account");
}

#[rocket::async_test]
async fn cs_01_a_form_of_another_site_begins_nothing() {
    let people = People::new();
    let app = app(&people).await;
    // A link on another site shows the page with the buttons, and begins no flow.
    let page = app.client.get("/login/op?next=/guarded").header(cross_site()).dispatch().await;
    assert_eq!(page.status(), Status::Ok);
    assert!(page.cookies().iter().all(|cookie| !cookie.name().contains("_flow_")));
    let body = page.into_string().await.expect("a page");
    assert!(body.contains("Sign in") && body.contains("guarded"), "{body}");
    for csrf in ["", "csrf=x"] {
        let posted = app.client.post("/login/op").header(ContentType::Form).body(csrf).dispatch().await;
        assert_eq!(posted.status(), Status::Forbidden);
    }
    assert!(app.cookies().keys().all(|name| !name.contains("_flow_")));
}

#[rocket::async_test]
async fn cs_01_a_link_connects_nothing() {
    let people = People::new();
    let app = app(&people).await;
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    let (rows, seen) = (people.snapshot(), app.fake.requests().len());
    for site in ["none", "same-origin", "same-site", "cross-site"] {
        let page = app.client.get("/login/op2").header(Header::new("Sec-Fetch-Site", site)).dispatch().await;
        assert_eq!(page.status(), Status::Ok, "{site}: a page that asks");
        assert!(page.cookies().iter().all(|cookie| !cookie.name().contains("_flow_")), "{site}");
    }
    for csrf in ["", "csrf=", "csrf=x"] {
        let posted = app.client.post("/login/op2").header(ContentType::Form).body(csrf).dispatch().await;
        assert_eq!(posted.status(), Status::Forbidden, "{csrf}");
    }
    assert_eq!((people.snapshot(), app.fake.requests().len()), (rows, seen));
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mood {
    Works,
    /// App sessions whose storage is down.
    Blind(bool),
    CantSignIn,
    SecondFactor,
}

#[derive(Clone)]
struct AppSessions(Arc<Mutex<Mood>>);

impl AppSessions {
    fn mood(&self) -> Mood {
        *self.0.lock().expect("the state of the sessions")
    }

    fn set(&self, mood: Mood) {
        *self.0.lock().expect("the state of the sessions") = mood;
    }
}

#[rocket::async_trait]
impl Sessions for AppSessions {
    type User = i32;

    async fn current(&self, request: &Request<'_>) -> Result<Option<i32>> {
        match self.mood() {
            Mood::Blind(true) => Err(Error::storage("no sessions now")),
            Mood::Blind(false) => Err(Error::app("a bug")),
            _ => Ok(request.cookies().get_private("uid").and_then(|cookie| cookie.value().parse().ok())),
        }
    }

    async fn sign_in(&self, request: &Request<'_>, user: &i32) -> Result<SignInOutcome> {
        match self.mood() {
            Mood::CantSignIn => Err(Error::storage("no sessions now")),
            Mood::SecondFactor => {
                Ok(SignInOutcome::redirect_first(Redirect::to(format!("/second-factor?of={user}"))))
            }
            _ => {
                request
                    .cookies()
                    .add_private(Cookie::build(("uid", user.to_string())).same_site(SameSite::Lax));
                Ok(SignInOutcome::Done)
            }
        }
    }

    async fn sign_out(&self, request: &Request<'_>) -> Result<()> {
        request.cookies().remove_private("uid");
        Ok(())
    }
}

async fn own(people: &People) -> (App, AppSessions) {
    let sessions = AppSessions(Arc::new(Mutex::new(Mood::Works)));
    let fake = FakeProvider::start().await;
    let dance = Dance::fairing().storage(people.storage()).sessions(sessions.clone());
    let rocket = rocket(figment(&fake), dance).mount("/", routes![context]);
    (App::of(Client::tracked(rocket).await.expect("the app launches"), fake), sessions)
}

#[rocket::async_test]
async fn own_sessions_are_called() {
    let people = People::new();
    let (app, _) = own(&people).await;
    assert_eq!(sign_in(&app.client, "op").await.location.as_deref(), Some("/"));
    assert_eq!(who(&app).await.as_deref(), Some("1"));
    assert!(!app.cookies().contains_key(SESSION), "our session cookie is not written");
    assert_eq!(app.post("/login/logout", &[]).await.status(), Status::SeeOther);
    assert_eq!(who(&app).await, None);
}

#[rocket::async_test]
async fn lo_06_a_second_factor_comes_before_the_session() {
    let people = People::new();
    let sessions = AppSessions(Arc::new(Mutex::new(Mood::SecondFactor)));
    let (fake, heard) = (FakeProvider::start().await, Heard::default());
    let dance =
        Dance::fairing().storage(people.storage()).sessions(sessions).signals(Listener(heard.clone()));
    let figment = figment(&fake);
    let app = App::new(fake, figment, dance).await;
    let callback = app.callback("/login/op?next=/guarded").await;
    let ended = app.get(&callback).await;
    assert_eq!((ended.status(), location(&ended).as_str()), (Status::SeeOther, "/second-factor?of=1"));
    assert_eq!(who(&app).await, None);
    assert_eq!(heard.take(), ["created op ada 1"], "no user has signed in yet");
    assert_eq!(people.accounts(), ["op/ada -> 1"]);
}

#[rocket::async_test]
async fn a_session_that_fails_after_the_commit_is_repaired_by_signing_in_again() {
    let people = People::new();
    let (app, sessions) = own(&people).await;
    sessions.set(Mood::CantSignIn);
    let callback = app.callback("/login/op").await;
    let ended = app.get(&callback).await;
    assert_eq!(ended.status(), Status::ServiceUnavailable);
    assert!(!ended.into_string().await.expect("a page").contains("no sessions now"));
    assert_eq!(who(&app).await, None);
    assert_eq!((people.accounts(), people.count("users")), (vec!["op/ada -> 1".to_owned()], 1));
    sessions.set(Mood::Works);
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    assert_eq!(who(&app).await.as_deref(), Some("1"));
    assert_eq!((people.accounts(), people.count("users")), (vec!["op/ada -> 1".to_owned()], 1));
}

#[rocket::async_test]
async fn an_outage_is_not_a_signed_out_user() {
    for (store, status) in [(true, Status::ServiceUnavailable), (false, Status::InternalServerError)] {
        let people = People::new();
        let (app, sessions) = own(&people).await;
        assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
        let csrf = token(&app).await;
        let callback = path_of_a_connect(&app).await;
        let (before, rows, calls) = (app.cookies(), people.snapshot(), app.token_calls());
        sessions.set(Mood::Blind(store));
        for uri in ["/me", "/guarded", "/accounts", "/login/op", "/login/accounts", callback.as_str()] {
            let response = app.get(uri).await;
            assert_eq!(response.status(), status, "{uri}");
            assert_eq!(response.headers().get_one("Location"), None, "{uri}");
        }
        assert_eq!(log_out(&app, &csrf, &[]).await, status);
        assert_eq!((people.snapshot(), app.token_calls()), (rows, calls));
        sessions.set(Mood::Works);
        assert_eq!(app.cookies()["uid"], before["uid"]);
        assert_eq!(who(&app).await.as_deref(), Some("1"));
    }
}

async fn path_of_a_connect(app: &App) -> String {
    let begun = app.post("/login/op2", &[]).await;
    crate::app::path_and_query(&app.fake.authorize(&location(&begun)).await)
}

/// App sessions with text ids, while the policy has integer ids.
struct ByName;

#[rocket::async_trait]
impl Sessions for ByName {
    type User = String;

    async fn current(&self, _: &Request<'_>) -> Result<Option<String>> {
        Ok(None)
    }

    async fn sign_in(&self, _: &Request<'_>, _: &String) -> Result<SignInOutcome> {
        Ok(SignInOutcome::Done)
    }

    async fn sign_out(&self, _: &Request<'_>) -> Result<()> {
        Ok(())
    }
}

#[rocket::async_test]
async fn policy_and_sessions_must_mean_the_same_ids() {
    let fake = FakeProvider::start().await;
    let people = People::new();
    let launch = async |dance| Client::untracked(rocket::custom(figment(&fake)).attach(dance)).await;
    let error =
        launch(Dance::fairing().storage(people.storage()).sessions(ByName)).await.expect_err("refused");
    assert!(matches!(error.kind(), rocket::error::ErrorKind::FailedFairings(_)), "{error:?}");
    let works = AppSessions(Arc::new(Mutex::new(Mood::Works)));
    assert!(launch(Dance::fairing().storage(people.storage()).sessions(works)).await.is_ok());
    // A storage without a policy fits any id type.
    assert!(launch(Dance::fairing().storage(MemoryStorage::default()).sessions(ByName)).await.is_ok());
}

/// Login CSRF: an attacker's page posts the attacker's password into the app's form.
#[rocket::async_test]
async fn cs_01_a_form_of_another_site_signs_no_user_in() {
    let people = People::new();
    let app = app(&people).await;
    for elsewhere in [
        cross_site(),
        Header::new("Sec-Fetch-Site", "same-site"),
        Header::new("Origin", "https://evil.example"),
        Header::new("Origin", "not an origin"),
        // An old browser: a sandboxed frame, a page without a referrer, a redirect from another site.
        Header::new("Origin", "null"),
    ] {
        let refused = app.client.post("/enter/1").header(elsewhere.clone()).dispatch().await;
        assert_eq!(refused.status(), Status::Forbidden, "{elsewhere}");
        assert!(refused.headers().get("Set-Cookie").next().is_none(), "{elsewhere}");
        assert_eq!(who(&app).await, None, "{elsewhere}");
    }
    let own = app.client.post("/enter/1").header(Header::new("Sec-Fetch-Site", "same-origin"));
    let own = own.header(Header::new("Origin", "null")).dispatch().await;
    assert_eq!(own.status(), Status::Ok);
    assert_eq!(who(&app).await.as_deref(), Some("1"));
}
