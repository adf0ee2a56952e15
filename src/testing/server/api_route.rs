//! [`ApiRoute`]: a method and a path of a fake provider's API, with the answers of a test.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use rocket::http::Method;
use serde_json::Value;

use super::fake_response::FakeResponse;
use super::http_request::HttpRequest;
use super::provider_endpoint::ProviderEndpoint;
use super::recorded_request::RecordedRequest;
use crate::lock::lock;

/// The path of the API base.
const API: &str = "/api/";

/// A method and a path of the API of a [`FakeProvider`](crate::testing::FakeProvider), with its answers and the calls that it
/// has received. [`FakeProvider::api`](crate::testing::FakeProvider::api) returns it.
///
/// ```
/// use rocket::http::Method;
/// use rocket::local::asynchronous::Client;
/// use rocket::{get, routes};
/// use rocket_dance::provider::GitHub;
/// use rocket_dance::storage::MemoryStorage;
/// use rocket_dance::testing::{FakeProvider, TestAccount, connect, sign_in_as};
/// use rocket_dance::{Dance, OAuth, Result};
/// use serde_json::json;
///
/// #[get("/star")]
/// async fn star(github: OAuth<GitHub>) -> Result<&'static str> {
///     github.put("user/starred/rwf2/Rocket").json_body(&json!({ "private": true })).send().await?;
///     Ok("starred")
/// }
///
/// # rocket::async_test(async {
/// let fake = FakeProvider::new();
/// let stars = fake.api(Method::Put, "/user/starred/rwf2/Rocket").respond(json!({}));
/// # let rocket = rocket::build().attach(Dance::fairing().storage(MemoryStorage::new())).mount("/", routes![star]);
/// let client = Client::tracked(fake.stand_in(rocket, "github")).await.unwrap();
/// connect(&client, &1, GitHub, TestAccount::valid()).await;
/// sign_in_as(&client, &1).await;
///
/// client.get("/star").dispatch().await;
/// assert_eq!(stars.only_call().json()["private"], true);       // called once, with this body
/// # });
/// ```
#[derive(Clone)]
pub struct ApiRoute {
    method: Method,
    /// Relative to the API base.
    path: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    once: VecDeque<FakeResponse>,
    always: Option<FakeResponse>,
    calls: Vec<RecordedRequest>,
}

impl ApiRoute {
    fn new(method: Method, path: &str) -> Self {
        Self { method, path: path.trim_start_matches('/').to_owned(), state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Answers every call with `response`: JSON, or a [`FakeResponse`].
    pub fn respond(self, response: impl Into<FakeResponse>) -> Self {
        self.state().always = Some(response.into());
        self
    }

    /// Answers the next call with `response`. Several calls queue up, before the answer of [`respond`](ApiRoute::respond).
    pub fn respond_once(self, response: impl Into<FakeResponse>) -> Self {
        self.state().once.push_back(response.into());
        self
    }

    /// The calls so far.
    pub fn calls(&self) -> Vec<RecordedRequest> {
        self.state().calls.clone()
    }

    /// The only call so far.
    ///
    /// # Panics
    /// If there was none, or more than one.
    #[track_caller]
    pub fn only_call(&self) -> RecordedRequest {
        self.assert_calls(1);
        self.state().calls[0].clone()
    }

    /// Checks how many calls there were.
    ///
    /// # Panics
    /// If there were more or fewer.
    #[track_caller]
    pub fn assert_calls(&self, expected: usize) {
        let calls = self.calls();
        let came: Vec<String> = calls.iter().map(|call| format!("\n  {}", call.summary())).collect();
        assert!(
            calls.len() == expected,
            "{self}: {expected} {} expected, {} came{}",
            if expected == 1 { "call" } else { "calls" },
            calls.len(),
            came.concat()
        );
    }
}

impl fmt::Display for ApiRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} /{}", self.method, self.path)
    }
}

impl fmt::Debug for ApiRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiRoute({self}, {} calls)", self.state().calls.len())
    }
}

/// The routes of one API, and the calls that none of them answers.
#[derive(Debug, Default)]
pub(crate) struct ApiRoutes {
    routes: Vec<ApiRoute>,
    /// One line for each call.
    unexpected: Vec<String>,
}

impl ApiRoutes {
    /// Returns the route of `method` and `path`, which is relative to the API base. A new one is added.
    pub(crate) fn route(&mut self, method: Method, path: &str) -> ApiRoute {
        let new = ApiRoute::new(method, path);
        let is_same = |known: &&ApiRoute| (known.method, &known.path) == (method, &new.path);
        if let Some(known) = self.routes.iter().find(is_same) {
            return known.clone();
        }
        self.routes.push(new.clone());
        new
    }

    /// Returns the answer to a call. `None` if the provider answers itself: there are no routes, or `endpoint` has an answer of
    /// its own.
    pub(super) fn answer(
        &mut self,
        endpoint: ProviderEndpoint,
        request: &HttpRequest,
    ) -> Option<FakeResponse> {
        let path = request.path.strip_prefix(API).filter(|_| !self.routes.is_empty())?;
        let is_called = |route: &&ApiRoute| route.method.as_str() == request.method && route.path == path;
        if let Some(route) = self.routes.iter().find(is_called) {
            let mut state = route.state();
            state.calls.push(RecordedRequest::new(endpoint, request));
            let answer = state.once.pop_front().or_else(|| state.always.clone());
            drop(state);
            let why = format!("{route} has no answer: write `.respond(json!(…))`");
            return Some(answer.unwrap_or_else(|| self.refuse(request, &why)));
        }
        if endpoint != ProviderEndpoint::Api || path == "me" {
            return None;
        }
        let known: Vec<String> = self.routes.iter().map(ToString::to_string).collect();
        let why = format!(
            "this test answers {}, and nothing else. To answer it: `fake.api(Method::{}, \"/{path}\").respond(json!(…))`",
            known.join(", "),
            method_name(&request.method),
        );
        Some(self.refuse(request, &why))
    }

    /// The calls that no route has answered, one line for each.
    pub(crate) fn unexpected(&self) -> &[String] {
        &self.unexpected
    }

    /// Remembers a call that has no answer, and returns the response that says so.
    fn refuse(&mut self, request: &HttpRequest, why: &str) -> FakeResponse {
        let fault = format!("the API was called with {} {}: {why}", request.method, request.path);
        self.unexpected.push(fault.clone());
        FakeResponse::json(Value::from(fault)).with_status(501)
    }
}

/// The variant of [`Method`] for `method`.
fn method_name(method: &str) -> String {
    let (first, rest) = method.split_at(1.min(method.len()));
    format!("{first}{}", rest.to_ascii_lowercase())
}
