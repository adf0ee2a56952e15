//! The client: a provider's API on behalf of one account, with a token that is always fresh.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use reqwest::header::{AUTHORIZATION, HeaderValue, LOCATION};
use reqwest::{Method, StatusCode};
use rocket::tokio;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::config::Entry;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{Engine, LONGEST_REFRESH};
use crate::secret::{KeyRing, Secret};
use crate::storage::{Key, Record, Storage, local::turn};
use crate::token::Token;

/// Seconds that a refresh may hold its lease: longer than its calls take.
const LEASE: i64 = LONGEST_REFRESH.as_secs() as i64 + 5;
const REDIRECTS: usize = 10;

/// What a client reports, after the fact.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Report {
    Refreshed,
    GrantLost,
}

pub(crate) type Reporter = dyn Fn(Report, Record) -> BoxFuture<'static, ()> + Send + Sync;

/// What all clients of a dance share.
pub(crate) struct Workshop {
    pub(crate) engine: Engine,
    pub(crate) keys: KeyRing,
    pub(crate) report: Box<Reporter>,
}

/// A provider's API on behalf of one account.
///
/// Paths are relative to the entry's API base; the access token goes along, is refreshed when it is due and once when
/// the provider answers 401, and never leaves for another host. A clone is cheap and shares the token.
///
/// ```
/// use rocket_dance::{OAuth, Result, provider::GitHub};
/// use rocket::serde::json::{Json, Value};
///
/// #[rocket::post("/star")]
/// async fn star(github: OAuth<GitHub>) -> Result<Json<Value>> {
///     github.put("user/starred/rwf2/Rocket").send().await?;                 // the answer as it is
///     let repositories = github
///         .get("user/starred")
///         .query(&[("per_page", "5")])
///         .json()                                                          // a 4xx is an error
///         .await?;
///     Ok(Json(repositories))
/// }
/// ```
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    entry: Arc<Entry>,
    storage: Arc<dyn Storage>,
    workshop: Arc<Workshop>,
    account: Mutex<Arc<Account>>,
}

/// An account with its token opened.
#[derive(Debug)]
pub(crate) struct Account {
    record: Record,
    token: Token,
}

impl Account {
    /// `record` with its token opened, if that is one of what the entry points to.
    ///
    /// # Errors
    /// [`ErrorKind::Reconnect`] otherwise.
    pub(crate) fn open(entry: &Entry, keys: &KeyRing, record: Record) -> Result<Self> {
        if record.issuer != entry.authority() {
            return Err(lost(entry).because(format!(
                "the account was stored when the entry pointed to `{}`; it points to `{}` now",
                record.issuer,
                entry.authority()
            )));
        }
        let token = record
            .open(keys)
            .map_err(|_| lost(entry).because("no key of `token_keys` opens the stored token"))?;
        Ok(Self { record, token })
    }
}

impl Client {
    pub(crate) fn new(
        entry: Arc<Entry>,
        storage: Arc<dyn Storage>,
        workshop: Arc<Workshop>,
        account: Arc<Account>,
    ) -> Self {
        Self(Arc::new(Inner { entry, storage, workshop, account: Mutex::new(account) }))
    }

    /// A client of `record`.
    ///
    /// # Errors
    /// As [`Account::open`].
    pub(crate) fn open(
        entry: Arc<Entry>,
        storage: Arc<dyn Storage>,
        workshop: Arc<Workshop>,
        record: Record,
    ) -> Result<Self> {
        let account = Account::open(&entry, &workshop.keys, record)?;
        Ok(Self::new(entry, storage, workshop, Arc::new(account)))
    }

    fn account_now(&self) -> Arc<Account> {
        self.0.account.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The account, as it was last read.
    pub fn account(&self) -> Record {
        self.account_now().record.clone()
    }

    /// The entry's name.
    pub fn entry(&self) -> &str {
        &self.0.entry.name
    }

    /// The access token, fresh: for another SDK. Handle with care.
    ///
    /// # Errors
    /// [`ErrorKind::Reconnect`] when the grant is dead, [`ErrorKind::ProviderUnreachable`] and
    /// [`ErrorKind::Deadline`] when the provider can't refresh an expired token now, [`ErrorKind::Store`].
    pub async fn access_token(&self) -> Result<Secret> {
        Ok(self.ready().await?.token.access_token.clone())
    }

    /// The account, its token refreshed if it is due.
    pub(crate) async fn ready(&self) -> Result<Arc<Account>> {
        let account = self.account_now();
        let now = self.0.workshop.engine.clock.now();
        if !wants_refresh(&account.token, now) {
            return Ok(account);
        }
        match self.renewed(account.record.version).await {
            Ok(account) => Ok(account),
            // Ahead of expiry a failed refresh costs nothing yet.
            Err(error) if !account.token.is_expired(now) && error.kind() != ErrorKind::NotConnected => {
                log::warn!("oauth: `{}`: refreshing ahead of expiry failed: {error:?}", self.0.entry.name);
                Ok(account)
            }
            Err(error) => Err(error),
        }
    }

    /// A newer token than that of `version`: whoever gets there first refreshes, the others take what came.
    async fn renewed(&self, version: i64) -> Result<Arc<Account>> {
        let client = self.clone();
        // On a task of its own: a caller that gives up must not lose a rotated refresh token between the answer and
        // the commit.
        let refresh = tokio::spawn(async move {
            let account = Arc::new(client.refresh(version).await?);
            *client.0.account.lock().unwrap_or_else(PoisonError::into_inner) = account.clone();
            Ok(account)
        });
        refresh.await.unwrap_or_else(|error| Err(Error::app(error)))
    }

    async fn refresh(&self, version: i64) -> Result<Account> {
        let key = self.account_now().record.key();
        let Workshop { engine, keys, report } = &*self.0.workshop;
        let _turn = turn(&format!("refresh {key}")).await;
        let give_up = engine.clock.now() + LEASE;
        loop {
            let record = self.stored(&key).await?;
            let token = record.open(keys).map_err(|_| lost(&self.0.entry))?;
            let now = engine.clock.now();
            if record.version != version && !wants_refresh(&token, now) {
                return Ok(Account { record, token });
            }
            if token.refresh_token.is_none() {
                return Err(
                    lost(&self.0.entry).because("the token has expired, and there is no refresh token")
                );
            }
            if !self.0.storage.lease(&record, now, now + LEASE).await? {
                if now >= give_up {
                    return Err(Error::new(
                        ErrorKind::Deadline,
                        "The sign-in is being renewed. Please try again.",
                    ));
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
            match engine.refresh(&self.0.entry, &token, record.provider_user_id.as_deref()).await {
                Ok(next) => {
                    let renewed = record.with(&next, engine.clock.now(), keys)?;
                    if self.0.storage.renew(&record, &renewed).await? {
                        report(Report::Refreshed, renewed.clone()).await;
                        return Ok(Account { record: renewed, token: next });
                    }
                    // Somebody disconnected or connected anew meanwhile: what is stored is newer than our answer.
                }
                Err(error) if error.kind() == ErrorKind::Reconnect => {
                    // RR-03: a holder that was killed after the answer has rotated the token under us.
                    if self.stored(&key).await?.version != record.version {
                        continue;
                    }
                    let dead = Token { refresh_token: None, ..token };
                    let renewed = record.with(&dead, engine.clock.now(), keys)?;
                    if self.0.storage.renew(&record, &renewed).await? {
                        report(Report::GrantLost, renewed).await;
                    }
                    return Err(error.at(&self.0.entry.name));
                }
                Err(error) => {
                    if let Err(failed) = self.0.storage.release(&record).await {
                        // It ends by itself; what the caller should hear of is the refresh.
                        log::warn!("oauth: `{}`: a lease was not given back: {failed:?}", self.0.entry.name);
                    }
                    return Err(error);
                }
            }
        }
    }

    async fn stored(&self, key: &Key) -> Result<Record> {
        let account = self.account_now();
        self.0.storage.fresh(key).await?.filter(|record| record.user_id == account.record.user_id).ok_or_else(
            || {
                Error::new(
                    ErrorKind::NotConnected,
                    format!("{} is not connected any more.", self.0.entry.title),
                )
                .at(&self.0.entry.name)
            },
        )
    }

    /// A GET request for `path`, relative to the API base; a leading `/` makes no difference.
    pub fn get(&self, path: &str) -> ApiRequest {
        self.request(Method::GET, path)
    }

    /// A HEAD request.
    pub fn head(&self, path: &str) -> ApiRequest {
        self.request(Method::HEAD, path)
    }

    /// A POST request.
    pub fn post(&self, path: &str) -> ApiRequest {
        self.request(Method::POST, path)
    }

    /// A PUT request.
    pub fn put(&self, path: &str) -> ApiRequest {
        self.request(Method::PUT, path)
    }

    /// A PATCH request.
    pub fn patch(&self, path: &str) -> ApiRequest {
        self.request(Method::PATCH, path)
    }

    /// A DELETE request.
    pub fn delete(&self, path: &str) -> ApiRequest {
        self.request(Method::DELETE, path)
    }

    /// A request for `path`, relative to the API base. A whole URL must be of the API's own host.
    pub fn request(&self, method: Method, path: &str) -> ApiRequest {
        ApiRequest::new(self, method, self.resolve(path))
    }

    /// What the provider says about the person now: a GET of the userinfo URL.
    ///
    /// # Errors
    /// As [`ApiRequest::json`]; [`ErrorKind::Config`] where the entry has no userinfo URL.
    pub async fn userinfo(&self) -> Result<Value> {
        let url = self.0.workshop.engine.userinfo_url(&self.0.entry).await?;
        ApiRequest::new(self, Method::GET, Ok(url)).json().await
    }

    fn resolve(&self, path: &str) -> Result<Url> {
        let base = self.0.entry.need(self.0.entry.api_base_url.as_ref(), "api_base_url")?;
        let url = match Url::parse(path) {
            Ok(url) => url,
            Err(_) => base
                .join(&format!("./{}", path.trim_start_matches('/')))
                .map_err(|error| Error::app(format!("the client can't call this path: {error}")))?,
        };
        if url.origin() == base.origin() {
            Ok(url)
        } else {
            // The token is the provider's: no other host may see it.
            Err(self.0.entry.misconfigured(format!(
                "the client calls only {}: a URL of another host was asked for",
                base.origin().ascii_serialization()
            )))
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let account = self.account_now();
        f.debug_struct("Client")
            .field("entry", &self.0.entry.name)
            .field("user_id", &account.record.user_id)
            .field("token", &account.token)
            .finish_non_exhaustive()
    }
}

/// Whether `token` can't be used as it is: from when it is due where it can be refreshed, else from its expiry.
fn wants_refresh(token: &Token, now: i64) -> bool {
    match token.refresh_token {
        Some(_) => token.is_due(now),
        None => token.is_expired(now),
    }
}

fn lost(entry: &Entry) -> Error {
    Error::new(ErrorKind::Reconnect, format!("Please connect {} again.", entry.title)).at(&entry.name)
}

/// A request to a provider's API, not yet sent.
#[must_use = "a request does nothing until it is sent"]
pub struct ApiRequest {
    client: Client,
    request: Result<reqwest::RequestBuilder>,
}

impl ApiRequest {
    fn new(client: &Client, method: Method, url: Result<Url>) -> Self {
        let request = url.map(|url| {
            let start = client.0.workshop.engine.http.0.request(method, url);
            client.0.entry.headers.iter().fold(start, |request, (name, value)| request.header(name, value))
        });
        Self { client: client.clone(), request }
    }

    fn map(mut self, change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder) -> Self {
        self.request = self.request.map(change);
        self
    }

    /// Adds query parameters: a struct, a map or a list of pairs.
    pub fn query(self, query: &(impl Serialize + ?Sized)) -> Self {
        self.map(|request| request.query(query))
    }

    /// Sets a header.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.map(|request| request.header(name, value))
    }

    /// Sends a form.
    pub fn form(self, form: &(impl Serialize + ?Sized)) -> Self {
        self.map(|request| request.form(form))
    }

    /// Sends JSON.
    pub fn json_body(self, body: &(impl Serialize + ?Sized)) -> Self {
        self.map(|request| request.json(body))
    }

    /// Sends a multipart form. It can be sent only once: a 401 is not retried, a redirect not followed.
    pub fn multipart(self, form: reqwest::multipart::Form) -> Self {
        self.map(|request| request.multipart(form))
    }

    /// Sends this body: bytes, a text, or a stream.
    pub fn body(self, body: impl Into<reqwest::Body>) -> Self {
        self.map(|request| request.body(body))
    }

    /// How long the whole call may take; without it, 10 seconds between any two bytes.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.map(|request| request.timeout(timeout))
    }

    /// Sends the request and gives the answer as it is, whatever its status: the door out, for streams and for
    /// answers that aren't JSON.
    ///
    /// # Errors
    /// As [`Client::access_token`]; [`ErrorKind::ProviderUnreachable`] and [`ErrorKind::Deadline`] when no answer
    /// comes.
    pub async fn send(self) -> Result<reqwest::Response> {
        self.dispatch().await.map(|(response, _)| response)
    }

    async fn dispatch(self) -> Result<(reqwest::Response, Client)> {
        let client = self.client;
        let request = self.request?.build().map_err(broken)?;
        let account = client.ready().await?;
        let again = request.try_clone();
        let response = client.follow(request, &account.token).await?;
        if response.status() == StatusCode::UNAUTHORIZED
            && account.token.refresh_token.is_some()
            && let Some(request) = again
        {
            let account = client.renewed(account.record.version).await?;
            let response = client.follow(request, &account.token).await?;
            return Ok((response, client));
        }
        Ok((response, client))
    }

    async fn checked(self) -> Result<reqwest::Response> {
        let (response, client) = self.dispatch().await?;
        match response.status() {
            StatusCode::UNAUTHORIZED => {
                Err(lost(&client.0.entry).because("the API answers 401 to a fresh token"))
            }
            status if status.is_client_error() || status.is_server_error() => Err(Error::new(
                ErrorKind::Api(status.as_u16()),
                format!("{} answered with status {}.", client.0.entry.title, status.as_u16()),
            )),
            _ => Ok(response),
        }
    }

    /// Sends the request and reads the answer's JSON.
    ///
    /// # Errors
    /// As [`send`](ApiRequest::send); [`ErrorKind::Api`] for a status from 400 on, [`ErrorKind::Reconnect`] for a 401
    /// that a refresh doesn't cure, [`ErrorKind::ProviderAnswer`] for an answer that isn't such JSON.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        let body = self.checked().await?.bytes().await.map_err(broken)?;
        // The error names a line and a column, never the value.
        serde_json::from_slice(&body).map_err(|error| {
            Error::new(ErrorKind::ProviderAnswer, "The provider's answer is not what was expected.").because(
                format!(
                    "{:?} error at line {} column {} of the answer's JSON",
                    error.classify(),
                    error.line(),
                    error.column()
                ),
            )
        })
    }

    /// Sends the request and reads the answer as text.
    ///
    /// # Errors
    /// As [`json`](ApiRequest::json).
    pub async fn text(self) -> Result<String> {
        self.checked().await?.text().await.map_err(broken)
    }
}

impl fmt::Debug for ApiRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiRequest").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Client {
    /// Sends `request` with `token`, and goes where it is sent on the same origin.
    async fn follow(&self, mut request: reqwest::Request, token: &Token) -> Result<reqwest::Response> {
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.access_token.expose()))
            .map_err(|_| lost(&self.0.entry).because("the access token does not fit into a header"))?;
        bearer.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, bearer);
        for _ in 0..REDIRECTS {
            let (url, again) = (request.url().clone(), request.try_clone());
            let response = self.0.workshop.engine.http.0.execute(request).await.map_err(broken)?;
            let target = match response.status().as_u16() {
                301 | 302 | 303 | 307 | 308 => {
                    response.headers().get(LOCATION).and_then(|to| to.to_str().ok())
                }
                _ => None,
            };
            match (target.and_then(|to| url.join(to).ok()), again) {
                (Some(to), Some(mut next))
                    if to.origin() == url.origin() && [Method::GET, Method::HEAD].contains(next.method()) =>
                {
                    *next.url_mut() = to;
                    request = next;
                }
                _ => return Ok(response),
            }
        }
        Err(Error::new(ErrorKind::ProviderAnswer, "The provider's answer leads in circles."))
    }
}

fn broken(error: reqwest::Error) -> Error {
    // A URL may hold what must not reach a log.
    let error = error.without_url();
    if error.is_timeout() {
        Error::new(ErrorKind::Deadline, "The provider did not answer in time.").because(error)
    } else if error.is_builder() {
        Error::new(ErrorKind::App, "This app could not make the request.").because(error)
    } else {
        Error::new(ErrorKind::ProviderUnreachable, "The provider can't be reached at the moment.")
            .because(error)
    }
}
