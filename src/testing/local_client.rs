//! [`LocalClient`]: the clients of an app under test.

use std::sync::Arc;

use futures::FutureExt;
use rocket::http::{ContentType, Cookie, CookieJar, Method, SameSite, Status};
use rocket::local::{asynchronous, blocking};
use rocket::tokio::runtime;
use rocket::{Orbit, Phase, Rocket};
use url::Url;

use super::browser::{self, AuthorizationResponse};
use super::callback_response::CallbackResponse;
use crate::dance::{Dance, TestCommand, TestSetup};
use crate::flow::{RequestKind, StandIn};

/// A client of an app under test: Rocket's asynchronous or blocking local client, which must be tracked, or a
/// [`Browser`](crate::testing::Browser).
pub trait LocalClient: Sealed {}

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
}

/// What the kit needs of a client. No other crate can implement it.
#[allow(async_fn_in_trait, unreachable_pub, reason = "no other crate can name it")]
pub trait Sealed {
    fn rocket(&self) -> &Rocket<Orbit>;

    /// Sends a request and stores the cookies of the response.
    async fn send(&self, call: LocalCall) -> CallbackResponse;

    /// Requests the authorization URL `url`.
    async fn authorize(&self, url: &str) -> AuthorizationResponse {
        browser::request_authorization(stand_in(self.rocket(), url).as_deref(), url).await
    }

    /// Whether the client has a cookie.
    fn has_cookies(&self) -> bool;
}

/// Sends a call with either of Rocket's clients. Their types share no trait.
macro_rules! send {
    ($client:expr, $call:expr $(, $await:tt)?) => {{
        let LocalCall { method, path, form, callback, command } = $call;
        let kept_back = callback.map(|callback| kept_back(&$client.cookies(), &callback, method));
        let mut request = $client.req(method, path).cookies(kept_back.unwrap_or_default());
        if let Some(form) = form {
            request = request.header(ContentType::Form).body(form);
        }
        if let Some(command) = command {
            request.inner().local_cache(|| command);
        }
        let response = request.dispatch()$(.$await)?;
        let status = response.status();
        let location = response.headers().get_one("Location").map(str::to_owned);
        CallbackResponse { status, location, body: response.into_string()$(.$await)?.unwrap_or_default() }
    }};
}

impl Sealed for asynchronous::Client {
    fn rocket(&self) -> &Rocket<Orbit> {
        asynchronous::Client::rocket(self)
    }

    async fn send(&self, call: LocalCall) -> CallbackResponse {
        send!(self, call, await)
    }

    fn has_cookies(&self) -> bool {
        self.cookies().iter().next().is_some()
    }
}

impl Sealed for blocking::Client {
    fn rocket(&self) -> &Rocket<Orbit> {
        blocking::Client::rocket(self)
    }

    async fn send(&self, call: LocalCall) -> CallbackResponse {
        send!(self, call)
    }

    async fn authorize(&self, url: &str) -> AuthorizationResponse {
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("the operating system gives an I/O driver");
        let stand_in = stand_in(blocking::Client::rocket(self), url);
        runtime.block_on(browser::request_authorization(stand_in.as_deref(), url))
    }

    fn has_cookies(&self) -> bool {
        self.cookies().iter().next().is_some()
    }
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

/// What answers requests to `url` in place of the network.
fn stand_in(rocket: &Rocket<Orbit>, url: &str) -> Option<Arc<dyn StandIn>> {
    let (setup, url) = (rocket.state::<TestSetup>()?, Url::parse(url).ok()?);
    setup.stand_ins().into_iter().find(|stand_in| stand_in.answers(&url, RequestKind::Protocol))
}

/// The cookies that a browser does not send with a callback, which the provider's site sends it to: those with
/// `SameSite=Strict`, and those whose Path or Domain does not cover the callback; if the provider posts a form, all but
/// those with `SameSite=None`. They have no values: a local client sends all of its cookies and cannot leave one out.
fn kept_back(jar: &CookieJar<'_>, callback: &Url, method: Method) -> Vec<Cookie<'static>> {
    let host = callback.host_str().unwrap_or_default();
    let is_sent = |cookie: &Cookie<'_>| {
        let path = cookie.path().unwrap_or("/").trim_end_matches('/');
        let in_path = callback.path().strip_prefix(path);
        let domain = cookie.domain().unwrap_or(host).trim_start_matches('.');
        let in_domain = host.strip_suffix(domain);
        in_path.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            && in_domain.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            && match (method, cookie.same_site()) {
                (_, Some(SameSite::None)) => true,
                (Method::Post, _) => false,
                (_, same_site) => same_site != Some(SameSite::Strict),
            }
    };
    let kept_back = jar.iter().filter(|cookie| !is_sent(cookie));
    kept_back.map(|cookie| Cookie::new(cookie.name().to_owned(), "")).collect()
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
        browser::text(&response.body)
    );
}
