//! What a guard fails with: the error reaches the handler that asks for it, and otherwise the person, in one form.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rocket::http::{Header, Status};
use rocket::local::asynchronous::{Client, LocalResponse};
use rocket::request::{FromRequest, Outcome};
use rocket::serde::json::Value;
use rocket::{Build, Request, Rocket, Route, get, post, routes};
use rocket_dance::provider::Provider;
use rocket_dance::testing::FakeProvider;
use rocket_dance::{
    Accounts, CurrentUser, Dance, DanceFairing, Error, ErrorKind, OAuth, Result, Sessions, SignInOutcome,
    Site, Visitor,
};

use crate::app::{Op, figment};
use crate::guards::Switched;

struct Op2;

impl Provider for Op2 {
    const NAME: &'static str = "op2";
}

/// No entry has this name.
struct Nowhere;

impl Provider for Nowhere {
    const NAME: &'static str = "nowhere";
}

pub const KINDS: [ErrorKind; 8] = [
    ErrorKind::Refused,
    ErrorKind::BadRequest,
    ErrorKind::BadProviderAnswer,
    ErrorKind::ProviderUnreachable,
    ErrorKind::ProviderTimeout,
    ErrorKind::StoreUnavailable,
    ErrorKind::AppError,
    ErrorKind::LastLogin,
];

/// The error that a request names.
fn named(code: &str) -> Option<Error> {
    let kind = KINDS.into_iter().find(|kind| kind.code() == code)?;
    Some(Error::new(kind, format!("Words for the person: {code}.")).with_source("cause-for-the-log"))
}

/// The session is what the request says: `X-User` is the user, `X-Fail` the error.
struct InHeaders;

#[rocket::async_trait]
impl Sessions for InHeaders {
    type User = i32;

    async fn current(&self, request: &Request<'_>) -> Result<Option<i32>> {
        let header = |name| request.headers().get_one(name);
        match header("X-Fail").and_then(named) {
            Some(error) => Err(error),
            None => Ok(header("X-User").and_then(|user| user.parse().ok())),
        }
    }

    async fn sign_in(&self, _: &Request<'_>, _: &i32) -> Result<SignInOutcome> {
        Ok(SignInOutcome::Done)
    }

    async fn sign_out(&self, _: &Request<'_>) -> Result<()> {
        Ok(())
    }
}

/// A guard of the app that passes on what the library's guard says.
struct Own<G>(G);

#[rocket::async_trait]
impl<'r, G: FromRequest<'r, Error = Error>> FromRequest<'r> for Own<G> {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Error> {
        G::from_request(request).await.map(Own)
    }
}

/// A guard of the app that never fails.
struct Tried(&'static str);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Tried {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Error> {
        request
            .guard::<Result<OAuth<Op>, Error>>()
            .await
            .map(|op| Tried(code(op)))
            .map_error(|(_, never)| match never {})
    }
}

fn code<G>(guard: Result<G, Error>) -> &'static str {
    guard.map_or_else(|error| error.kind().code(), |_| "ok")
}

/// Routes with the guard `$guard` in every way that a handler can take it.
macro_rules! routes_with {
    ($name:ident, $guard:ty) => {
        mod $name {
            use super::*;

            #[get("/plain")]
            fn plain(_guard: $guard) -> &'static str {
                "ok"
            }

            #[get("/own")]
            fn own(_guard: Own<$guard>) -> &'static str {
                "ok"
            }

            #[get("/result-of-own")]
            fn result_of_own(guard: Result<Own<$guard>, Error>) -> &'static str {
                code(guard)
            }

            #[get("/option")]
            fn option(guard: Option<$guard>) -> &'static str {
                if guard.is_some() { "ok" } else { "none" }
            }

            #[get("/result")]
            fn result(guard: Result<$guard, Error>) -> &'static str {
                code(guard)
            }

            #[get("/alias")]
            fn alias(guard: rocket_dance::Result<$guard>) -> &'static str {
                code(guard)
            }

            #[get("/outcome")]
            fn outcome(guard: Outcome<$guard, Error>) -> &'static str {
                match guard {
                    Outcome::Success(_) => "ok",
                    Outcome::Error((_, error)) => error.kind().code(),
                    Outcome::Forward(_) => "forwarded",
                }
            }

            #[get("/ranked")]
            fn first(_guard: $guard) -> &'static str {
                "ok"
            }

            #[get("/ranked", rank = 20)]
            fn second() -> &'static str {
                "for visitors"
            }

            pub fn routes() -> Vec<Route> {
                routes![plain, own, result_of_own, option, result, alias, outcome, first, second]
            }
        }
    };
}

routes_with!(oauth, OAuth<Op>);
routes_with!(site, Site<Op2>);
routes_with!(current_user, CurrentUser<i32>);
routes_with!(accounts, Accounts);
routes_with!(visitor, Visitor<i32>);

#[get("/tried")]
fn tried(op: Tried) -> (Status, &'static str) {
    (Status::Unauthorized, op.0)
}

/// A guard of the app whose need for an entry no launch can see.
struct NoEntry;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for NoEntry {
    type Error = Error;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Error> {
        request.guard::<OAuth<Nowhere>>().await.map(|_| NoEntry)
    }
}

#[get("/no-entry")]
fn no_entry(_guard: NoEntry) {}

#[get("/fails/guard")]
fn fails_in_guard(_user: CurrentUser<i32>) {}

#[post("/fails/guard")]
fn posts_in_guard(_user: CurrentUser<i32>) {}

#[get("/fails/handler?<code>")]
fn fails_in_handler(code: &str) -> Result<&'static str> {
    Err(named(code).expect("a known code"))?;
    Ok("never")
}

#[get("/own/<code>")]
fn status_of_the_apps_own(code: u16) -> Status {
    Status::new(code)
}

#[get("/who")]
fn who(visitor: Visitor<i32>) -> String {
    format!("{visitor:?} {:?} {:?}", visitor.user(), visitor.clone().into_user())
}

fn bare(fake: &FakeProvider, dance: DanceFairing) -> Rocket<Build> {
    rocket::custom(figment(fake).merge(("dance.cache", false)))
        .attach(dance.sessions(InHeaders).site_account_admin::<CurrentUser<i32>>("op2"))
        .mount("/oauth", oauth::routes())
        .mount("/site", site::routes())
        .mount("/current_user", current_user::routes())
        .mount("/accounts", accounts::routes())
        .mount("/visitor", visitor::routes())
        .mount(
            "/",
            routes![
                tried,
                no_entry,
                fails_in_guard,
                posts_in_guard,
                fails_in_handler,
                status_of_the_apps_own,
                who
            ],
        )
}

pub struct App {
    pub client: Client,
    off: Arc<AtomicBool>,
    _fake: FakeProvider,
}

impl App {
    pub async fn launch(register: impl FnOnce(Rocket<Build>) -> Rocket<Build>) -> Self {
        let (fake, (storage, off)) = (FakeProvider::start().await, Switched::new());
        let rocket = register(bare(&fake, Dance::fairing().storage(storage)));
        Self { client: Client::tracked(rocket).await.expect("the app launches"), off, _fake: fake }
    }

    pub async fn ask(&self, uri: &str, headers: &[(&'static str, &'static str)]) -> LocalResponse<'_> {
        let mut request = self.client.get(uri.to_owned());
        for (name, value) in headers {
            request.add_header(Header::new(*name, *value));
        }
        request.dispatch().await
    }

    pub async fn text(&self, uri: &str, headers: &[(&'static str, &'static str)]) -> (u16, String) {
        let response = self.ask(uri, headers).await;
        // `Accounts` sets the cookie of its CSRF token.
        let sets_cookie = response.cookies().iter().next().is_some();
        assert!(!sets_cookie || uri.starts_with("/accounts/") && response.status() == Status::Ok, "{uri}");
        (response.status().code, response.into_string().await.unwrap_or_default())
    }
}

pub async fn app() -> App {
    App::launch(|rocket| rocket.register("/", rocket_dance::catchers())).await
}

/// What each way to take a guard answers if the guard fails with `status` and `code`.
async fn assert_fails(
    app: &App,
    guard: &str,
    headers: &[(&'static str, &'static str)],
    status: u16,
    code: &str,
) {
    let json = [headers, &[("Accept", "application/json")]].concat();
    for way in ["plain", "own"] {
        let (answered, body) = app.text(&format!("/{guard}/{way}"), &json).await;
        let body: Value = serde_json::from_str(&body).unwrap_or_default();
        assert_eq!((answered, body["error"]["code"].as_str()), (status, Some(code)), "{guard}/{way} {body}");
    }
    for (way, says) in [("option", "none"), ("result", code), ("alias", code), ("outcome", code)] {
        let answer = app.text(&format!("/{guard}/{way}"), &json).await;
        assert_eq!(answer, (200, says.to_owned()), "{guard}/{way}");
    }
    let ranked = app.text(&format!("/{guard}/ranked"), &json).await;
    match status {
        401 => assert_eq!(ranked, (200, "for visitors".to_owned()), "{guard}"),
        _ => assert_eq!(ranked.0, status, "an outage is no visitor: {guard}"),
    }
}

async fn assert_passes(app: &App, guard: &str, headers: &[(&'static str, &'static str)]) {
    for way in ["plain", "own", "result-of-own", "option", "result", "alias", "outcome", "ranked"] {
        assert_eq!(
            app.text(&format!("/{guard}/{way}"), headers).await,
            (200, "ok".to_owned()),
            "{guard}/{way}"
        );
    }
}

#[rocket::async_test]
async fn a1_a_result_hands_the_error_of_every_guard_to_the_handler() {
    let app = app().await;
    let user = [("X-User", "7")];
    assert_fails(&app, "oauth", &[], 401, "not_signed_in").await;
    assert_fails(&app, "current_user", &[], 401, "not_signed_in").await;
    assert_fails(&app, "oauth", &user, 401, "not_connected").await;
    for headers in [&[][..], &user] {
        assert_fails(&app, "site", headers, 503, "site_not_connected").await;
        assert_passes(&app, "accounts", headers).await;
        assert_passes(&app, "visitor", headers).await;
    }
    assert_passes(&app, "current_user", &user).await;
    for kind in KINDS {
        let headers = [("X-Fail", kind.code())];
        for guard in ["oauth", "current_user", "accounts", "visitor"] {
            assert_fails(&app, guard, &headers, kind.status().code, kind.code()).await;
        }
    }
    app.off.store(true, Ordering::SeqCst);
    for guard in ["oauth", "site", "accounts"] {
        assert_fails(&app, guard, &user, 503, "store_unavailable").await;
    }
    assert_passes(&app, "current_user", &user).await;
}

#[rocket::async_test]
async fn a1_a_visitor_is_a_user_or_none_and_an_outage_is_neither() {
    let app = app().await;
    assert_eq!(app.text("/who", &[]).await, (200, "Visitor None None".into()));
    assert_eq!(app.text("/who", &[("X-User", "7")]).await, (200, "Visitor(7) Some(7) Some(7)".into()));
    let outage = app.ask("/who", &[("X-Fail", "store_unavailable"), ("X-User", "7")]).await;
    assert_eq!(outage.status(), Status::ServiceUnavailable);
    assert!(
        outage.headers().get_one("Retry-After").is_some() && outage.headers().get_one("Location").is_none()
    );
}

#[rocket::async_test]
async fn a1_a_handler_with_the_error_answers_itself() {
    let app = app().await;
    // The handler's own 401 leads to no provider.
    for headers in [&[][..], &[("X-User", "7")]] {
        let response = app.ask("/tried", headers).await;
        assert_eq!((response.status(), response.headers().get_one("Location")), (Status::Unauthorized, None));
        let body = response.into_string().await.unwrap();
        assert!(["not_signed_in", "not_connected"].contains(&&*body), "{body}");
    }
    let (status, body) = app.text("/no-entry", &[("Accept", "application/json"), ("X-User", "7")]).await;
    assert_eq!(status, 500);
    assert!(body.contains("misconfigured") && !body.contains("nowhere"), "{body}");
}

#[rocket::async_test]
async fn a1_the_id_type_of_a_visitor_is_compared_at_launch() {
    #[get("/")]
    fn text(_visitor: Visitor<String>) {}
    let fake = FakeProvider::start().await;
    for routes in [routes![text]] {
        let dance = Dance::fairing().storage(Switched::new().0).sessions(InHeaders);
        let launched = Client::tracked(rocket::custom(figment(&fake)).attach(dance).mount("/", routes)).await;
        assert!(matches!(
            launched
                .map(drop)
                .map_err(|error| matches!(error.kind(), rocket::error::ErrorKind::SentinelAborts(_))),
            Err(true)
        ));
    }
}
