//! The one HTTP client.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use reqwest::{NoProxy, Proxy};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::document::Fetched;
use crate::error::{Error, ErrorKind, Result};

/// How long one protocol request may take, from the first packet to the last byte of the answer.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);
/// How large a protocol answer may be, in bytes.
const CAP: usize = 1 << 20;

/// The longest wait that is passed on, in seconds.
const LONGEST_WAIT: i64 = 3600;

/// One reqwest client for everything: rustls on ring without a process-wide provider, no redirects, no cookies.
#[derive(Clone, Debug)]
pub(crate) struct Http(pub(crate) reqwest::Client);

/// An answer, read whole.
pub(crate) type Response = http::Response<Vec<u8>>;

impl Http {
    pub(crate) fn new() -> Result<Self> {
        let builder = reqwest::Client::builder().no_proxy();
        match proxy()? {
            Some(proxy) => builder.proxy(proxy),
            None => builder,
        }
        .tls_backend_preconfigured(tls()?)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(DEADLINE)
        .read_timeout(DEADLINE)
        .user_agent(concat!("rocket_dance/", env!("CARGO_PKG_VERSION")))
        .build()
        .map(Self)
        .map_err(|error| misconfigured(error.to_string()))
    }

    /// Sends one protocol request, once, and reads its answer: 10 s, 1 MiB, no redirects. A status of 5xx is an
    /// answer; whoever asked reads it.
    pub(crate) async fn send(&self, mut request: reqwest::Request) -> Result<Response> {
        // Set on the request, reqwest's timeout spans connecting, headers and body.
        request.timeout_mut().get_or_insert(DEADLINE);
        let answer = self.0.execute(request).await.map_err(unreachable)?;
        if answer.status().is_redirection() {
            return Err(bad_answer(format!("a redirect ({}) where none may be", answer.status().as_u16())));
        }
        read(answer).await
    }
    /// GETs a public JSON document, which `read` understands.
    pub(crate) async fn document<T>(
        &self,
        url: &str,
        what: &str,
        read: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Result<Fetched<T>> {
        let request = self.0.get(url).header("accept", "application/json").build();
        let response = self.send(request.map_err(unreachable)?).await?;
        if response.status().as_u16() != 200 {
            return Err(hinted(failed(what, response.status().as_u16()), &response));
        }
        let document = read(response.body()).map_err(|cause| bad_answer(format!("{what}: {cause}")))?;
        Ok(Fetched { document, max_age: max_age(response.headers()) })
    }
}

/// Reads an answer whole: 1 MiB at most.
pub(crate) async fn read(mut answer: reqwest::Response) -> Result<Response> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > CAP {
            return Err(bad_answer("an answer of more than 1 MiB"));
        }
        body.extend_from_slice(&chunk);
    }
    let mut response = Response::new(body);
    *response.status_mut() = answer.status();
    *response.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(response)
}

/// How long an answer may be kept, in seconds, where it says so (RFC 9111 §5.2.2).
fn max_age(headers: &HeaderMap) -> Option<i64> {
    let lines = headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
    let directives =
        lines.flat_map(|line| line.split(',')).map(|directive| directive.trim().to_ascii_lowercase());
    directives
        .filter_map(|directive| match directive.split_once('=') {
            Some(("max-age", seconds)) => seconds.trim_matches('"').parse::<u32>().ok().map(i64::from),
            None if ["no-store", "no-cache"].contains(&&*directive) => Some(0),
            _ => None,
        })
        .min()
}

/// The environment's proxy, for https alone. What is http is on this machine: a proxy could not reach it, and would read
/// the tokens.
fn proxy() -> Result<Option<Proxy>> {
    let variables = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
    let given = variables.iter().find_map(|name| std::env::var(name).ok().filter(|url| !url.is_empty()));
    let Some(url) = given else { return Ok(None) };
    match Proxy::https(url) {
        Ok(proxy) => Ok(Some(proxy.no_proxy(NoProxy::from_env()))),
        // Its text may hold a password.
        Err(_) => Err(misconfigured("HTTPS_PROXY or ALL_PROXY is not a URL".into())),
    }
}

fn tls() -> Result<ClientConfig> {
    let builder = || {
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| misconfigured(error.to_string()))
    };
    Ok(match builder()?.with_platform_verifier() {
        Ok(verified) => verified.with_no_client_auth(),
        // A bare container: providers on loopback still work, every https one fails its handshake.
        Err(error) => {
            log::error!("No https provider can be reached: {error}. Install the system's CA certificates.");
            builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        }
    })
}

fn misconfigured(cause: String) -> Error {
    Error::new(ErrorKind::Misconfigured, "The HTTP client can't be set up.").with_source(cause)
}

/// A request that got no answer. Never prints the URL: it may hold secrets.
pub(crate) fn unreachable(error: reqwest::Error) -> Error {
    let error = error.without_url();
    if error.is_timeout() {
        return Error::new(
            ErrorKind::ProviderTimeout,
            "The provider did not answer in time. Please try again.",
        )
        .with_source(error);
    }
    if error.is_builder() {
        return Error::new(ErrorKind::Misconfigured, "A request to the provider can't be built.")
            .with_source(error);
    }
    unavailable("").with_source(error)
}

/// A provider that is down, or says so.
pub(crate) fn unavailable(cause: impl Into<String>) -> Error {
    Error::new(
        ErrorKind::ProviderUnreachable,
        "The provider can't be reached at the moment. Please try again.",
    )
    .with_source(cause.into())
}

/// A provider's answer that fails a check. The cause names the check, never the values.
pub(crate) fn bad_answer(cause: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadProviderAnswer, "The provider's answer can't be used. Please try again later.")
        .with_source(cause.into())
}

/// An answer to `what` of this status, which is not a success.
pub(crate) fn failed(what: &str, status: u16) -> Error {
    let cause = format!("{what} was answered with {status}");
    if status >= 500 || status == 429 { unavailable(cause) } else { bad_answer(cause) }
}

/// `error`, with how long to wait where the provider is busy and `answer` says so (RFC 9110 §10.2.3).
pub(crate) fn hinted(error: Error, answer: &Response) -> Error {
    let text = answer.headers().get(RETRY_AFTER).and_then(|after| after.to_str().ok());
    let date = |text: &str| OffsetDateTime::parse(text, &Rfc2822).ok();
    let seconds = |text: &str| match text.trim().parse::<u32>() {
        Ok(seconds) => Some(i64::from(seconds)),
        Err(_) => date(text.trim()).map(|at| (at - OffsetDateTime::now_utc()).whole_seconds()),
    };
    match text.and_then(seconds) {
        Some(seconds) if error.kind() == ErrorKind::ProviderUnreachable => {
            error.retry_after_seconds(seconds.clamp(1, LONGEST_WAIT).unsigned_abs())
        }
        _ => error,
    }
}

/// Whether `answer` says that it is of this media type.
pub(crate) fn is_of_type(answer: &Response, media_type: &str) -> bool {
    let given = answer.headers().get(CONTENT_TYPE).and_then(|given| given.to_str().ok()).unwrap_or_default();
    given.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media_type)
}
