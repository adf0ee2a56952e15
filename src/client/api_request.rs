//! One request to a provider's API.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::LOCATION;
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::live_account::LiveAccount;
use super::refresh::{refresh, usable};
use super::unsealed_account::reconnect_needed;
use crate::error::{Error, ErrorKind, Result};
use crate::token::Token;

/// Maximum number of redirects that a request follows.
const MAX_REDIRECTS: usize = 10;

/// A request to a provider's API that is not sent yet. The methods of [`Client`](crate::Client) create it.
///
/// ```
/// use rocket_dance::{Client, Result};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Issue {
///     title: String,
/// }
///
/// async fn titles(github: &Client) -> Result<Vec<String>> {
///     let issues: Vec<Issue> = github.get("issues").query(&[("filter", "assigned")]).json().await?;
///     Ok(issues.into_iter().map(|issue| issue.title).collect())
/// }
/// ```
#[must_use = "a request does nothing until it is sent"]
pub struct ApiRequest {
    live: Arc<LiveAccount>,
    request: Result<reqwest::RequestBuilder>,
}

impl ApiRequest {
    pub(super) fn new(live: &Arc<LiveAccount>, method: Method, url: Result<Url>) -> Self {
        let request = url.map(|url| {
            let start = live.context.engine.http.0.request(method, url);
            let headers = live.entry.additions.headers.iter();
            headers.fold(start, |request, (name, value)| request.header(name, value))
        });
        Self { live: live.clone(), request }
    }

    pub(super) fn map(
        mut self,
        change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder,
    ) -> Self {
        self.request = self.request.map(change);
        self
    }

    /// Adds query parameters: a struct, a map or a list of pairs.
    pub fn query(self, query: &(impl Serialize + ?Sized)) -> Self {
        self.map(|request| request.query(query))
    }

    /// Adds a header.
    pub fn header(self, name: &str, value: &str) -> Self {
        self.map(|request| request.header(name, value))
    }

    /// Sets the body to a form (`application/x-www-form-urlencoded`).
    pub fn form(self, form: &(impl Serialize + ?Sized)) -> Self {
        self.map(|request| request.form(form))
    }

    /// Sets the body to JSON.
    pub fn json_body(self, body: &(impl Serialize + ?Sized)) -> Self {
        self.map(|request| request.json(body))
    }

    /// Sets the body to a multipart form. Such a request can be sent only once: it is not repeated after a 401, and follows
    /// no redirect.
    pub fn multipart(self, form: reqwest::multipart::Form) -> Self {
        self.map(|request| request.multipart(form))
    }

    /// Sets the body: bytes, a text or a stream.
    pub fn body(self, body: impl Into<reqwest::Body>) -> Self {
        self.map(|request| request.body(body))
    }

    /// Sets the timeout of the whole call. Without it, the timeout is 10 seconds between any two bytes.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.map(|request| request.timeout(timeout))
    }

    /// Sends the request and returns the response as it is, whatever its status. For streams, and for answers that are not
    /// JSON.
    ///
    /// # Errors
    /// As [`Client::access_token`](crate::Client::access_token). [`ErrorKind::ProviderUnreachable`] and
    /// [`ErrorKind::ProviderTimeout`] if there is no response. [`ErrorKind::AppError`] if the request is malformed.
    pub async fn send(self) -> Result<reqwest::Response> {
        let live = self.live;
        let request = self.request?.build().map_err(transport_error)?;
        let account = usable(&live).await?;
        let copy = request.try_clone();
        let response = send_with_token(&live, request, &account.token).await?;
        if response.status() == StatusCode::UNAUTHORIZED
            && account.token.refresh_token.is_some()
            && let Some(request) = copy
        {
            let account = refresh(&live, account.account.version).await?;
            return send_with_token(&live, request, &account.token).await;
        }
        Ok(response)
    }

    /// Sends the request. A status from 400 is an error.
    pub(super) async fn send_checked(self) -> Result<reqwest::Response> {
        let entry = self.live.entry.clone();
        let response = self.send().await?;
        match response.status() {
            StatusCode::UNAUTHORIZED => {
                Err(reconnect_needed(&entry).with_source("the API answers 401 to a usable token"))
            }
            status if status.is_client_error() || status.is_server_error() => Err(Error::new(
                ErrorKind::ApiError(status.as_u16()),
                format!("{} answered with status {}.", entry.title, status.as_u16()),
            )),
            _ => Ok(response),
        }
    }

    /// Sends the request and reads the response as JSON.
    ///
    /// # Errors
    /// As [`send`](ApiRequest::send). [`ErrorKind::ApiError`] for a status from 400. [`ErrorKind::ReconnectNeeded`] for a 401
    /// that a refresh does not resolve. [`ErrorKind::BadProviderAnswer`] if the response is not JSON of the type `T`.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        let body = self.send_checked().await?.bytes().await.map_err(transport_error)?;
        // serde_json's own message may quote a value: only the position is logged.
        serde_json::from_slice(&body).map_err(|error| {
            Error::new(ErrorKind::BadProviderAnswer, "The provider's answer is not what was expected.")
                .with_source(format!(
                    "{:?} error at line {} column {} of the answer's JSON",
                    error.classify(),
                    error.line(),
                    error.column()
                ))
        })
    }

    /// Sends the request and reads the response as text.
    ///
    /// # Errors
    /// As [`json`](ApiRequest::json).
    pub async fn text(self) -> Result<String> {
        self.send_checked().await?.text().await.map_err(transport_error)
    }
}

impl fmt::Debug for ApiRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiRequest").field("account", &self.live).finish_non_exhaustive()
    }
}

/// Sends `request` with `token`, and follows redirects on the same origin.
async fn send_with_token(
    live: &LiveAccount,
    mut request: reqwest::Request,
    token: &Token,
) -> Result<reqwest::Response> {
    let engine = &live.context.engine;
    for _ in 0..MAX_REDIRECTS {
        // For each redirect again: an OAuth 1 signature is valid for one URL, once.
        let authorized = engine.authorize_request(&live.entry, &mut request, token);
        authorized.map_err(|error| error.with_entry(&live.entry.name))?;
        let (url, copy) = (request.url().clone(), request.try_clone());
        let response = engine.http.0.execute(request).await.map_err(transport_error)?;
        let target = match response.status().as_u16() {
            301 | 302 | 303 | 307 | 308 => response.headers().get(LOCATION).and_then(|to| to.to_str().ok()),
            _ => None,
        };
        match (target.and_then(|to| url.join(to).ok()), copy) {
            (Some(to), Some(mut next))
                if to.origin() == url.origin() && [Method::GET, Method::HEAD].contains(next.method()) =>
            {
                *next.url_mut() = to;
                request = next;
            }
            _ => return Ok(response),
        }
    }
    Err(Error::new(ErrorKind::BadProviderAnswer, "The provider redirected a request too many times."))
}

fn transport_error(error: reqwest::Error) -> Error {
    // The URL may contain secrets, which must not be logged.
    let error = error.without_url();
    if error.is_timeout() {
        Error::new(ErrorKind::ProviderTimeout, "The provider did not answer in time. Please try again.")
            .with_source(error)
    } else if error.is_builder() {
        Error::new(ErrorKind::AppError, "This app could not make the request.").with_source(error)
    } else {
        Error::new(
            ErrorKind::ProviderUnreachable,
            "The provider can't be reached at the moment. Please try again.",
        )
        .with_source(error)
    }
}
