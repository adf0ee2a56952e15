//! [`LocalClient`]: the clients of an app under test.

use std::sync::Arc;

use futures::FutureExt;
use rocket::http::{Cookie, CookieJar, Method, Status};
use rocket::local::{asynchronous, blocking};
use rocket::tokio::runtime;
use rocket::{Orbit, Phase, Rocket};
use url::Url;

use super::app_response::AppResponse;
use super::authorization_response::{AuthorizationResponse, request_authorization};
use super::browser_cookies::{RequestOrigin, is_sent};
use super::html_page::HtmlPage;
use crate::clock::Clock;
use crate::dance::{Dance, TestCommand, TestSetup};
use crate::flow::{RequestKind, StandIn};

/// A client of an app under test: Rocket's asynchronous or blocking local client, which must be tracked, or a
/// [`Browser`](crate::testing::Browser).
pub trait LocalClient: ClientCalls {}

impl LocalClient for asynchronous::Client {}
impl LocalClient for blocking::Client {}

/// A request that the test kit sends.
#[allow(missing_debug_implementations, unreachable_pub, reason = "no other crate can name it")]
pub struct LocalCall {
    pub(super) method: Method,
    /// As the app sees it.
    pub(super) path: String,
    pub(super) form: Option<String>,
    /// The callback URL, if the request comes from the provider's site.
    pub(super) callback: Option<Url>,
    pub(super) command: Option<TestCommand>,
}

impl LocalCall {
    pub(super) fn get(path: &str) -> Self {
        Self { method: Method::Get, path: path.to_owned(), form: None, callback: None, command: None }
    }

    pub(super) fn post(path: &str, form: String) -> Self {
        Self { method: Method::Post, form: Some(form), ..Self::get(path) }
    }

    pub(super) fn origin(&self) -> RequestOrigin {
        match self.callback {
            Some(_) => RequestOrigin::of_another_site(self.method),
            None => RequestOrigin::SameSite,
        }
    }
}

/// The calls that the kit makes with a client. No other crate can implement it.
#[allow(async_fn_in_trait, unreachable_pub, reason = "no other crate can name it")]
pub trait ClientCalls {
    fn rocket(&self) -> &Rocket<Orbit>;

    /// Sends a request and stores the cookies of the response.
    async fn send(&self, call: LocalCall) -> AppResponse;

    /// Requests the authorization URL `url`.
    async fn authorize(&self, url: &str) -> AuthorizationResponse {
        request_authorization(stand_in(self.rocket(), url).as_deref(), url).await
    }

    /// Whether the client has a cookie.
    fn has_cookies(&self) -> bool;
}

/// Sends a call as `request`, which has its method, path and cookies. The types of Rocket's clients share no trait.
macro_rules! send {
    ($call:expr, $request:expr, $dispatch:expr $(, $await:tt)?) => {{
        let (mut request, call): (_, LocalCall) = ($request, $call);
        if let Some(form) = call.form {
            request = request.header(rocket::http::ContentType::Form).body(form);
        }
        if let Some(command) = call.command {
            request.inner().local_cache(|| command);
        }
        let response = $dispatch(request)$(.$await)?;
        let status = response.status();
        let location = response.headers().get_one("Location").map(str::to_owned);
        AppResponse { status, location, body: response.into_string()$(.$await)?.unwrap_or_default() }
    }};
}
pub(super) use send;

impl ClientCalls for asynchronous::Client {
    fn rocket(&self) -> &Rocket<Orbit> {
        asynchronous::Client::rocket(self)
    }

    async fn send(&self, call: LocalCall) -> AppResponse {
        let withheld = withheld(asynchronous::Client::rocket(self), &self.cookies(), &call);
        let request = self.req(call.method, call.path.clone()).cookies(withheld);
        send!(call, request, asynchronous::LocalRequest::dispatch, await)
    }

    fn has_cookies(&self) -> bool {
        self.cookies().iter().next().is_some()
    }
}

impl ClientCalls for blocking::Client {
    fn rocket(&self) -> &Rocket<Orbit> {
        blocking::Client::rocket(self)
    }

    async fn send(&self, call: LocalCall) -> AppResponse {
        let withheld = withheld(blocking::Client::rocket(self), &self.cookies(), &call);
        let request = self.req(call.method, call.path.clone()).cookies(withheld);
        send!(call, request, blocking::LocalRequest::dispatch)
    }

    async fn authorize(&self, url: &str) -> AuthorizationResponse {
        let stand_in = stand_in(blocking::Client::rocket(self), url);
        block_on(request_authorization(stand_in.as_deref(), url))
    }

    fn has_cookies(&self) -> bool {
        self.cookies().iter().next().is_some()
    }
}

/// Runs `future`, which needs I/O, for a blocking client, whose own runtime cannot be reached.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("the operating system gives an I/O driver").block_on(future)
}

/// Runs `future`, which uses a blocking client: it is ready at once.
pub(super) fn ready<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("a blocking client does not wait")
}

/// The handle of an app.
#[track_caller]
pub(super) fn dance<P: Phase>(rocket: &Rocket<P>) -> &Dance {
    Dance::fetch(rocket).unwrap_or_else(|| {
        panic!("this app has no `Dance`: attach `Dance::fairing()`, and launch it (`Client::tracked(rocket)`) or ignite it")
    })
}

/// The time of an app, in unix seconds.
pub(super) fn now(rocket: &Rocket<Orbit>) -> i64 {
    Dance::fetch(rocket).map_or_else(|| Clock::default().now(), |dance| dance.clock().now())
}

/// What answers requests to `url` in place of the network.
fn stand_in(rocket: &Rocket<Orbit>, url: &str) -> Option<Arc<dyn StandIn>> {
    let (setup, url) = (rocket.state::<TestSetup>()?, Url::parse(url).ok()?);
    setup.stand_ins().into_iter().find(|stand_in| stand_in.answers(&url, RequestKind::Protocol))
}

/// The cookies in `jar` that a browser does not send with a callback. They have no values: a local client sends all of its
/// cookies and cannot leave one out. With other requests it sends them all.
fn withheld(rocket: &Rocket<Orbit>, jar: &CookieJar<'_>, call: &LocalCall) -> Vec<Cookie<'static>> {
    let Some(callback) = &call.callback else { return Vec::new() };
    let now = now(rocket);
    let withheld = jar.iter().filter(|cookie| !is_sent(cookie, callback, call.origin(), now));
    withheld.map(|cookie| Cookie::new(cookie.name().to_owned(), "")).collect()
}

/// Runs `command` in a request of `client`, to a page of ours that changes nothing.
///
/// # Panics
/// If the request fails.
pub(super) async fn run_in_request(client: &impl LocalClient, command: TestCommand) {
    let path = dance(client.rocket()).paths().to(crate::paths::Path::Me);
    let response = client.send(LocalCall { command: Some(command), ..LocalCall::get(&path) }).await;
    assert!(
        response.status == Status::Ok,
        "{path} answered {}: {}",
        response.status,
        HtmlPage(&response.body).text()
    );
}
