//! One request to a provider's API.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::WWW_AUTHENTICATE;
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::live_account::LiveAccount;
use super::refresh::{is_due, refresh, stored_newer, usable};
use super::sent_request::SentRequest;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{describe_failure, json, read_answer, reconnect_needed, request_failed, retry_after};
use crate::token::Token;

/// Maximum number of redirects that a request follows.
const MAX_REDIRECTS: usize = 10;
/// Maximum size of an answer that is read as JSON or text, in bytes after decompression: a small compressed answer can expand
/// to a very large one.
const MAX_ANSWER: usize = 16 << 20;

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
            let start = live.context.engine.http.client.request(method, url);
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
    /// no redirect that repeats the body (307, 308).
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
    /// JSON. Its size has no limit.
    ///
    /// # Errors
    /// As [`Client::access_token`](crate::Client::access_token). [`ErrorKind::ProviderUnreachable`] and
    /// [`ErrorKind::ProviderTimeout`] if there is no response. [`ErrorKind::AppError`] if the request is malformed.
    pub async fn send(self) -> Result<reqwest::Response> {
        let entry = self.live.entry.clone();
        self.send_once_or_twice().await.map_err(|error| error.with_entry(&entry.name))
    }

    /// Sends the request, and once again with a newer token if the API refuses this one.
    async fn send_once_or_twice(self) -> Result<reqwest::Response> {
        let live = self.live;
        let request = self.request?.build().map_err(api_call_failed)?;
        let account = usable(&live).await?;
        let copy = request.try_clone();
        let response = send_with_token(&live, request, &account.token).await?;
        let Some(request) = copy.filter(|_| is_token_refused(&response)) else { return Ok(response) };
        let now = live.context.engine.clock.now();
        // A refresh a moment ago did not help, unless its token has expired since: the refresh before this request may have failed.
        // Another process may have stored a newer token.
        let can_refresh = account.token.refresh_token.is_some()
            && (is_due(&account.token, now) || !account.token.was_refreshed_lately(now));
        let newer = match can_refresh {
            true => Some(refresh(&live, account.account.version).await?),
            false => stored_newer(&live, &account).await?,
        };
        match newer {
            Some(newer) => send_with_token(&live, request, &newer.token).await,
            None => Ok(response),
        }
    }

    /// Sends the request. A status from 400 is an error. The caller adds the entry to an error.
    pub(super) async fn send_checked(self) -> Result<reqwest::Response> {
        let entry = self.live.entry.clone();
        let response = self.send_once_or_twice().await?;
        let status = response.status();
        if !status.is_client_error() && !status.is_server_error() {
            return Ok(response);
        }
        if is_token_refused(&response) {
            return Err(reconnect_needed(&entry, "the API answers 401 to a usable token"));
        }
        let error = Error::new(
            ErrorKind::ApiError(status.as_u16()),
            format!("{} answered with status {}.", entry.title, status.as_u16()),
        );
        let is_busy = [StatusCode::TOO_MANY_REQUESTS, StatusCode::SERVICE_UNAVAILABLE].contains(&status);
        Err(match retry_after(response.headers()).filter(|_| is_busy) {
            Some(seconds) => error.retry_after_seconds(seconds),
            None => error,
        })
    }

    /// Sends the request and reads the response as JSON, at most 16 MiB.
    ///
    /// # Errors
    /// As [`send`](ApiRequest::send). [`ErrorKind::ApiError`] for a status from 400; with 429 and 503,
    /// [`Error::retry_after`] is the API's `Retry-After`, at most an hour. [`ErrorKind::ReconnectNeeded`] for a 401 that a
    /// refresh does not resolve. [`ErrorKind::BadProviderAnswer`] if the response is not JSON of the type `T`, or larger.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        let entry = self.live.entry.clone();
        let value = async {
            let answer = read_answer(self.send_checked().await?, MAX_ANSWER).await?;
            let body = answer.body();
            // What is odd in a text keeps no answer out, as in every other answer of the provider.
            serde_json::from_slice(body)
                .or_else(|error| match json::value(body) {
                    Ok(value) => serde_json::from_value(value),
                    Err(_) => Err(error),
                })
                .map_err(unexpected_json)
        };
        value.await.map_err(|error| error.with_entry(&entry.name))
    }

    /// Sends the request and reads the response as text, at most 16 MiB.
    ///
    /// # Errors
    /// As [`json`](ApiRequest::json).
    pub async fn text(self) -> Result<String> {
        let entry = self.live.entry.clone();
        let text = async {
            let answer = read_answer(self.send_checked().await?, MAX_ANSWER).await?;
            // Decodes it by its charset.
            reqwest::Response::from(answer).text().await.map_err(api_call_failed)
        };
        text.await.map_err(|error| error.with_entry(&entry.name))
    }
}

impl fmt::Debug for ApiRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiRequest").field("account", &self.live).finish_non_exhaustive()
    }
}

/// Whether an API refuses the token of a request. Another token is of the same grant: it can't help if the scope does not
/// suffice (RFC 6750 §3.1), or the way in which the user has signed in (RFC 9470 §3).
fn is_token_refused(response: &reqwest::Response) -> bool {
    let mut challenges =
        response.headers().get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    response.status() == StatusCode::UNAUTHORIZED
        && !challenges.any(|challenge| {
            ["insufficient_scope", "insufficient_user_authentication"]
                .iter()
                .any(|code| challenge.contains(code))
        })
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
        engine.authorize_request(&live.entry, &mut request, token)?;
        let sent = SentRequest::new(&request);
        let response = engine.http.call_api(&live.entry.name, request, api_call_failed).await?;
        match sent.redirected(&response) {
            Some(next) => request = next,
            None => return Ok(response),
        }
    }
    Err(Error::new(ErrorKind::BadProviderAnswer, "The provider redirected a request too many times."))
}

// serde_json's own message may quote a value: only the position is logged.
fn unexpected_json(error: serde_json::Error) -> Error {
    let cause = format!(
        "{:?} error at line {} column {} of the answer's JSON",
        error.classify(),
        error.line(),
        error.column()
    );
    Error::new(ErrorKind::BadProviderAnswer, "The provider's answer is not what was expected.")
        .with_source(cause)
}

/// A request that got no answer, or none that can be read. One that can't be built is a mistake of the app.
fn api_call_failed(error: reqwest::Error) -> Error {
    match error.is_builder() {
        true => Error::new(ErrorKind::AppError, "This app could not make the request.")
            .with_source(describe_failure(error)),
        false => request_failed(error),
    }
}
