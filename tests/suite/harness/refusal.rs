//! [`assert_refused`]: what holds for every refused request.

use rocket::http::{Method, Status};

use super::browser::Browser;
use super::request::TestRequest;
use super::response::TestResponse;
use super::uri::query_parameter;
use super::{PENDING, SESSION, captured_log};

/// How a request must be refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    pub(crate) status: Status,
    pub(crate) code: &'static str,
    /// How many token requests the refusal costs.
    pub(crate) token_calls: usize,
}

pub(crate) const NOT_TRUSTED: Refusal =
    Refusal { status: Status::BadRequest, code: "callback_not_trusted", token_calls: 0 };

impl Refusal {
    /// The same refusal, after one token request.
    pub(crate) const fn after_exchange(self) -> Self {
        Self { token_calls: 1, ..self }
    }

    pub(crate) const fn new(status: Status, code: &'static str) -> Self {
        Self { status, code, token_calls: 0 }
    }
}

/// Sends a request and asserts that it is refused as `expected`: nothing is stored, no session changes, no secret is shown.
pub(crate) async fn assert_refused(
    browser: &mut Browser,
    ask: &TestRequest,
    expected: Refusal,
) -> TestResponse {
    let app = browser.app.clone();
    let (rows, calls, user) = (app.rows(), app.token_calls(), browser.user().await);
    let session = browser.jar.get(SESSION).cloned();

    let answer = browser.ask(ask).await;

    // A method that a path does not serve has no route, unless another path of the library has one.
    let is_unrouted = expected.code == "method_not_allowed" && answer.status == Status::NotFound;
    if !is_unrouted {
        assert_eq!(answer.status, expected.status, "{ask:?}: {answer:?}");
        assert_guarded(&answer);
    }
    assert!(!answer.sets(SESSION), "the session cookie must not change: {ask:?}: {answer:?}");
    assert_eq!(browser.jar.get(SESSION), session.as_ref());
    assert_eq!(browser.user().await, user, "the signed-in user must not change: {ask:?}");
    assert_eq!(app.rows(), rows, "the database must not change: {ask:?}");
    assert_eq!(app.token_calls() - calls, expected.token_calls, "token calls: {ask:?}");

    let own = ["state", "code", "oauth_token", "oauth_verifier", "denied"].into_iter().flat_map(|name| {
        let values = [query_parameter(&ask.uri, name), Some(ask.field(name))];
        values.into_iter().flatten().map(move |value| (name, value))
    });
    let own: Vec<_> = own.collect();
    app.assert_no_secret("an answer", &format!("{answer:?}"), &own);
    if let Some(log) = captured_log() {
        app.assert_no_secret("the log", &log, &own);
    }

    let is_head = ask.form.as_ref().is_some_and(|form| form.starts_with("_method=head"));
    if ask.method != Method::Head && !is_head && !is_unrouted {
        assert!(answer.body.contains(expected.code), "{ask:?}: {answer:?}");
    }
    if answer.body.contains("You are no longer signed in") {
        assert_eq!(user, None, "only a user who is signed out is told so: {ask:?}");
    } else if answer.body.contains("Start again") {
        let began = !browser.flows().is_empty() || browser.jar.contains_key(PENDING);
        assert!(began, "only the browser that began the flow begins it again: {ask:?}");
    } else if expected.code == NOT_TRUSTED.code && !answer.body.starts_with('{') {
        // All other causes give the same page, so that an attacker learns nothing from it.
        let mut any = app.browser().peek(&TestRequest::get("/login/op/authorized")).await;
        if [Status::MethodNotAllowed, Status::NotFound].contains(&any.status) {
            any = app.browser().peek(&TestRequest::post("/login/op/authorized", &[])).await;
        }
        assert_eq!((any.status, any.body), (answer.status, answer.body.clone()), "{ask:?}");
    }
    answer
}

/// Asserts that a response has the headers that every page of the library has.
pub(crate) fn assert_guarded(answer: &TestResponse) {
    assert_eq!(answer.header("Cache-Control"), Some("no-store"), "{answer:?}");
    assert_eq!(answer.header("Referrer-Policy"), Some("no-referrer"), "{answer:?}");
    assert_eq!(answer.header("X-Frame-Options"), Some("DENY"), "{answer:?}");
    assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"), "{answer:?}");
    let vary = answer.header("Vary").unwrap_or_default();
    assert!(vary.contains("Cookie") && vary.contains("Accept"), "{answer:?}");
    let policy = answer.header("Content-Security-Policy").unwrap_or_default();
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"), "{answer:?}");
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{answer:?}");
}
