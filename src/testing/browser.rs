//! [`Browser`]: one of several browsers in front of an app.

use std::fmt;
use std::sync::{Mutex, MutexGuard};

use rocket::http::{Cookie, Method};
use rocket::local::asynchronous::{Client, LocalRequest, LocalResponse};
use rocket::{Orbit, Rocket};
use url::Url;

use super::app_response::AppResponse;
use super::browser_cookies::{BrowserCookies, RequestOrigin};
use super::local_client::{ClientCalls, LocalCall, LocalClient, now, send};
use super::sign_in::{base_path, public_url};
use crate::lock::lock;

/// A browser in front of an app, for tests with several people: each browser has cookies of its own.
///
/// It treats cookies as browsers do, in contrast to Rocket's client: `Secure`, `Path`, `Domain`, `SameSite`, the expiry (by the
/// [`Clock`](crate::testing::Clock) of the app) and the prefixes of names.
///
/// ```
/// use rocket::local::asynchronous::Client;
/// use rocket::{get, routes};
/// use rocket_dance::testing::{Browser, sign_in_as};
/// use rocket_dance::{CurrentUser, Dance, storage::MemoryStorage};
///
/// #[get("/me")]
/// fn me(user: CurrentUser<i32>) -> String { user.to_string() }
///
/// # rocket::async_test(async {
/// # let figment = rocket::Config::figment().merge(("oauth.github.client_id", "a")).merge(("oauth.github.client_secret", "b"));
/// # let rocket = rocket::custom(figment).attach(Dance::fairing().storage(MemoryStorage::new())).mount("/", routes![me]);
/// let client = Client::untracked(rocket).await.unwrap();
/// let (ada, grace) = (Browser::new(&client), Browser::new(&client));
/// sign_in_as(&ada, &1).await;
/// sign_in_as(&grace, &2).await;
/// assert_eq!(ada.dispatch(ada.get("/me")).await.into_string().await.unwrap(), "1");
/// assert_eq!(grace.dispatch(grace.get("/me")).await.into_string().await.unwrap(), "2");
/// # });
/// ```
pub struct Browser<'c> {
    client: &'c Client,
    cookies: Mutex<BrowserCookies>,
}

impl<'c> Browser<'c> {
    /// Creates a browser without cookies in front of the app of `client`, which must be untracked.
    pub fn new(client: &'c Client) -> Self {
        Self { client, cookies: Mutex::default() }
    }

    /// Creates a GET request for `path`, with this browser's cookies. Send it with [`dispatch`](Browser::dispatch).
    pub fn get(&self, path: &str) -> LocalRequest<'c> {
        self.req(Method::Get, path)
    }

    /// Creates a POST request for `path`, with this browser's cookies. Send it with [`dispatch`](Browser::dispatch).
    pub fn post(&self, path: &str) -> LocalRequest<'c> {
        self.req(Method::Post, path)
    }

    /// Creates a request for `path`, as a page of the app itself sends it. Send it with [`dispatch`](Browser::dispatch).
    pub fn req(&self, method: Method, path: &str) -> LocalRequest<'c> {
        self.request(method, path, RequestOrigin::SameSite)
    }

    /// Creates a request for `path`, as a page of another site sends it by a link, a redirect or a form: without cookies whose
    /// `SameSite` forbids it. Send it with [`dispatch`](Browser::dispatch).
    pub fn req_from_another_site(&self, method: Method, path: &str) -> LocalRequest<'c> {
        self.request(method, path, RequestOrigin::of_another_site(method))
    }

    /// Sends a request, and stores the cookies of the response.
    ///
    /// # Panics
    /// If the client is a tracked one, whose cookies all browsers would share.
    pub async fn dispatch<'r>(&self, request: LocalRequest<'r>) -> LocalResponse<'r> {
        let url = self.url(&request.inner().uri().to_string());
        let response = request.dispatch().await;
        let (now, mut cookies) = (self.now(), self.cookies());
        for header in response.headers().get("Set-Cookie") {
            cookies.receive(&url, header, now);
        }
        drop(cookies);
        assert!(
            self.client.cookies().iter().next().is_none(),
            "all browsers of a tracked client share its cookies: write `Client::untracked(rocket)`"
        );
        response
    }

    /// Returns the value of the cookie called `name` that the browser sends with a request for `path`, as it is in the header
    /// (Rocket percent-encodes some characters).
    pub fn cookie(&self, path: &str, name: &str) -> Option<String> {
        let sent = self.cookies().sent(&self.url(path), RequestOrigin::SameSite, self.now());
        sent.into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    fn request(&self, method: Method, path: &str, origin: RequestOrigin) -> LocalRequest<'c> {
        let sent = self.cookies().sent(&self.url(path), origin, self.now());
        self.client
            .req(method, path.to_owned())
            .cookies(sent.iter().filter_map(|(name, value)| decoded(name, value)))
    }

    fn cookies(&self) -> MutexGuard<'_, BrowserCookies> {
        lock(&self.cookies)
    }

    /// The URL of `path`, which is as the app sees it, as browsers see it.
    fn url(&self, path: &str) -> Url {
        let public = base_path(self.client.rocket()).public(path);
        let base = public_url(self.client.rocket());
        base.join(&public).unwrap_or(base)
    }

    fn now(&self) -> i64 {
        now(self.client.rocket())
    }
}

/// The cookie as an app reads it from the header `Cookie`: Rocket decodes values there, but not in a [`LocalRequest`].
fn decoded(name: &str, value: &str) -> Option<Cookie<'static>> {
    let mut cookie = Cookie::parse_encoded(format!("value={value}")).ok()?;
    cookie.set_name(name.to_owned());
    Some(cookie)
}

impl LocalClient for Browser<'_> {}

impl ClientCalls for Browser<'_> {
    fn rocket(&self) -> &Rocket<Orbit> {
        self.client.rocket()
    }

    async fn send(&self, call: LocalCall) -> AppResponse {
        let request = self.request(call.method, &call.path, call.origin());
        send!(call, request, |request| self.dispatch(request), await)
    }

    fn has_cookies(&self) -> bool {
        !self.cookies().is_empty()
    }
}

impl fmt::Debug for Browser<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Browser")
    }
}
