//! One form of errors: what a guard, a handler and a route answer, and what the app's own catchers do.

use rocket::http::{ContentType, Header};
use rocket::local::asynchronous::{Client, LocalResponse};
use rocket::serde::json::Value;
use rocket::{Build, Request, Rocket, Route, catch, catchers, get, routes};
use rocket_dance::provider::Provider;
use rocket_dance::testing::FakeProvider;
use rocket_dance::{CurrentUser, Dance, Error, OAuth, Result};
use serde_json::json;
use test_support::CapturedLog;

use crate::app::figment;
use crate::guard_errors::{App, KINDS, app};
use crate::guards::Switched;

/// Everything of a response that a person or a script sees, but the link of the error page.
async fn seen(response: LocalResponse<'_>) -> (u16, Option<ContentType>, Vec<String>, String) {
    let header = |name: &str| response.headers().get(name).collect::<Vec<_>>().join("|");
    let names = ["Retry-After", "Cache-Control", "Content-Security-Policy", "Set-Cookie", "Location"];
    let headers = names.map(header).to_vec();
    let (status, kind) = (response.status().code, response.content_type());
    let body = response.into_string().await.unwrap_or_default();
    let body = body.lines().filter(|line| !line.contains("class=\"button")).collect::<Vec<_>>().join("\n");
    (status, kind, headers, body)
}

#[rocket::async_test]
async fn a3_a_guard_and_a_handler_answer_an_error_alike() {
    CapturedLog::start();
    let app = app().await;
    for kind in KINDS {
        let (fail, by_handler) = (("X-Fail", kind.code()), format!("/fails/handler?code={}", kind.code()));
        let words = format!("Words for the person: {}.", kind.code());
        for accept in ["text/html", "*/*", "application/json", "application/json, text/html;q=0.5"] {
            let guard = seen(app.ask("/fails/guard", &[fail, ("Accept", accept)]).await).await;
            let handler = seen(app.ask(&by_handler, &[("Accept", accept)]).await).await;
            assert_eq!(guard, handler, "{accept}");
            let (status, content, headers, body) = guard;
            assert_eq!(status, kind.status().code);
            assert!(
                body.contains(&words) && body.contains(kind.code()) && !body.contains("cause-for"),
                "{body}"
            );
            let is_json = accept.contains("json");
            assert_eq!(content, Some(if is_json { ContentType::JSON } else { ContentType::HTML }));
            if is_json {
                let body: Value = serde_json::from_str(&body).unwrap();
                assert_eq!(body, json!({ "error": { "code": kind.code(), "message": words } }));
            }
            assert_eq!(headers[0].is_empty(), status != 503, "Retry-After with {status}");
            assert!(headers[1] == "no-store" && headers[2].contains("default-src 'none'"), "{headers:?}");
            assert!(headers[3].is_empty() && headers[4].is_empty(), "{headers:?}");
        }
        let posted =
            app.client.post("/fails/guard").header(Header::new("X-Fail", kind.code())).dispatch().await;
        assert_eq!(posted.status(), kind.status());
        assert!(posted.into_string().await.unwrap().contains(&words));
    }
}

#[rocket::async_test]
async fn a3_the_error_page_leads_on() {
    let app = app().await;
    for (uri, headers, link) in [
        ("/fails/guard?a=1", &[("X-Fail", "store_unavailable")][..], "href=\"/fails/guard?a=1\">Try again"),
        ("//evil.example/", &[("X-Fail", "store_unavailable")], ""),
        ("/fails/guard", &[("X-Fail", "refused")], "href=\"/\">Back to the app"),
        ("/login/nowhere", &[], "href=\"/login\">Back to sign-in"),
    ] {
        let (_, body) = app.text(uri, headers).await;
        assert!(body.contains(link) && !body.contains("href=\"//"), "{uri}: {body}");
    }
}

#[rocket::async_test]
async fn a3_other_causes_of_a_status_get_rockets_answer() {
    let app = app().await;
    for code in [400, 401, 403, 404, 500, 502, 503, 504] {
        for accept in ["text/html", "application/json"] {
            // An earlier guard of the route has succeeded, or there is none.
            let (status, body) = app.text(&format!("/own/{code}"), &[("Accept", accept)]).await;
            assert_eq!(status, code);
            let is_rockets = if accept == "text/html" {
                body.contains("<small>Rocket</small>")
            } else {
                body.contains("\"reason\"")
            };
            assert!(is_rockets, "{body}");
        }
    }
    let (status, body) = app.text("/no/such/page", &[]).await;
    assert!(status == 404 && body.contains("<small>Rocket</small>"), "{body}");
}

#[catch(503)]
fn own_503(request: &Request<'_>) -> String {
    rocket_dance::guard_error(request).map_or("own 503".into(), |error| format!("own: {error}"))
}

#[catch(default)]
fn own_default(request: &Request<'_>) -> std::result::Result<Error, &'static str> {
    rocket_dance::guard_error(request).ok_or("own default")
}

#[rocket::async_test]
async fn a3_the_apps_own_catchers_take_precedence() {
    let fail = [("X-Fail", "store_unavailable")];
    let words = "Words for the person: store_unavailable.";
    let app = App::launch(|rocket| {
        rocket.register("/", rocket_dance::catchers()).register("/", catchers![own_503])
    })
    .await;
    assert_eq!(app.text("/fails/guard", &fail).await, (503, format!("own: {words}")));
    assert_eq!(app.text("/own/503", &fail).await, (503, "own 503".into()));
    let (status, body) = app.text("/fails/guard", &[("X-Fail", "refused")]).await;
    assert!(status == 403 && body.contains("Words for the person: refused."), "{body}");
    // A handler's error is the page with its words.
    let (status, body) = app.text("/fails/handler?code=store_unavailable", &[]).await;
    assert!(status == 503 && body.contains(words) && body.contains("<h1>"), "{body}");

    // A default catcher, also one that a fairing registers at ignite, attached before or after ours.
    let stage = || {
        rocket::fairing::AdHoc::on_ignite("stage", |rocket| async {
            rocket.register("/", catchers![own_default])
        })
    };
    for app in [
        App::launch(|rocket| rocket.register("/", catchers![own_default])).await,
        App::launch(|rocket| rocket.register("/", rocket_dance::catchers()).attach(stage())).await,
    ] {
        let (status, body) = app.text("/fails/guard", &fail).await;
        assert!(status == 503 && body.contains(words), "{body}");
        assert_eq!(app.text("/own/404", &[]).await, (404, "own default".into()));
        let signed_out = app.ask("/oauth/plain?a=1", &[]).await;
        assert_eq!(signed_out.headers().get_one("Location"), Some("/login/op?next=%2Foauth%2Fplain%3Fa%3D1"));
    }
}

/// A type of its own for each launch: the log is that of all tests, and its line names the guard.
struct Marked<const LAUNCH: usize>;

impl<const LAUNCH: usize> Provider for Marked<LAUNCH> {
    const NAME: &'static str = "op";
}

macro_rules! with_marked {
    ($launch:literal) => {{
        #[get("/")]
        fn plain(_op: OAuth<Marked<$launch>>) {}
        routes![plain]
    }};
}

#[get("/user")]
fn needs_user(_user: CurrentUser<i64>) {}

#[get("/")]
fn needs_none(
    _option: Option<OAuth<Marked<0>>>,
    _result: Result<OAuth<Marked<0>>, Error>,
    _alias: rocket_dance::Result<OAuth<Marked<0>>>,
) {
}

#[catch(401)]
fn own_401() {}

#[rocket::async_test]
async fn a3_forgotten_catchers_are_a_line_at_launch() {
    let Some(log) = CapturedLog::start() else { return };
    let fake = FakeProvider::start().await;
    let launch = async |routes: Vec<Route>, register: fn(Rocket<Build>) -> Rocket<Build>| {
        let dance = Dance::fairing().storage(Switched::new().0);
        let rocket = rocket::custom(figment(&fake)).attach(dance).mount("/", routes);
        Client::tracked(register(rocket)).await.expect("the app launches");
    };
    launch(with_marked!(1), |rocket| rocket).await;
    launch(routes![needs_user], |rocket| rocket).await;
    launch(with_marked!(2), |rocket| rocket.register("/", rocket_dance::catchers())).await;
    launch(with_marked!(3), |rocket| rocket.register("/", catchers![own_401])).await;
    launch(with_marked!(4), |rocket| rocket.register("/", catchers![own_default])).await;
    launch(routes![needs_none], |rocket| rocket).await;
    let lines = log.lines();
    let warns = |guard: &str| {
        let about = |line: &&String| line.contains("Add `.register(\"/\", rocket_dance::catchers())`");
        lines.iter().filter(about).any(|line| line.contains(guard))
    };
    assert!(warns("Marked<1>") && warns("CurrentUser<i64>"), "{lines:#?}");
    for quiet in ["Marked<0>", "Marked<2>", "Marked<3>", "Marked<4>"] {
        assert!(!warns(quiet), "{quiet}");
    }
}
