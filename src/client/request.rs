//! One request to a provider's API.

use std::fmt;
use std::time::Duration;

use reqwest::header::LOCATION;
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::{Client, lost};
use crate::error::{Error, ErrorKind, Result};
use crate::token::Token;

const REDIRECTS: usize = 10;

/// A request to a provider's API, not yet sent.
#[must_use = "a request does nothing until it is sent"]
pub struct ApiRequest {
    client: Client,
    request: Result<reqwest::RequestBuilder>,
}

impl ApiRequest {
    pub(super) fn new(client: &Client, method: Method, url: Result<Url>) -> Self {
        let request = url.map(|url| {
            let start = client.0.context.engine.http.0.request(method, url);
            client
                .0
                .entry
                .additions
                .headers
                .iter()
                .fold(start, |request, (name, value)| request.header(name, value))
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
    /// As [`Client::access_token`]; [`ErrorKind::ProviderUnreachable`] and [`ErrorKind::ProviderTimeout`] when no answer
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

    /// Sends the request; a status from 400 on is an error.
    pub(super) async fn checked(self) -> Result<reqwest::Response> {
        let (response, client) = self.dispatch().await?;
        match response.status() {
            StatusCode::UNAUTHORIZED => {
                Err(lost(&client.0.entry).with_source("the API answers 401 to a fresh token"))
            }
            status if status.is_client_error() || status.is_server_error() => Err(Error::new(
                ErrorKind::ApiError(status.as_u16()),
                format!("{} answered with status {}.", client.0.entry.title, status.as_u16()),
            )),
            _ => Ok(response),
        }
    }

    /// Sends the request and reads the answer's JSON.
    ///
    /// # Errors
    /// As [`send`](ApiRequest::send); [`ErrorKind::ApiError`] for a status from 400 on, [`ErrorKind::ReconnectNeeded`] for a 401
    /// that a refresh doesn't cure, [`ErrorKind::BadProviderAnswer`] for an answer that isn't such JSON.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        let body = self.checked().await?.bytes().await.map_err(broken)?;
        // The error names a line and a column, never the value.
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
        for _ in 0..REDIRECTS {
            // Each time: a signature is good for one URL, once.
            let authorized = self.0.context.engine.authorize_request(&self.0.entry, &mut request, token);
            authorized.map_err(|error| error.with_entry(&self.0.entry.name))?;
            let (url, again) = (request.url().clone(), request.try_clone());
            let response = self.0.context.engine.http.0.execute(request).await.map_err(broken)?;
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
        Err(Error::new(ErrorKind::BadProviderAnswer, "The provider's answer leads in circles."))
    }
}

fn broken(error: reqwest::Error) -> Error {
    // A URL may hold what must not reach a log.
    let error = error.without_url();
    if error.is_timeout() {
        Error::new(ErrorKind::ProviderTimeout, "The provider did not answer in time.").with_source(error)
    } else if error.is_builder() {
        Error::new(ErrorKind::AppError, "This app could not make the request.").with_source(error)
    } else {
        Error::new(ErrorKind::ProviderUnreachable, "The provider can't be reached at the moment.")
            .with_source(error)
    }
}
