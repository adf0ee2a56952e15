//! The HTTP client.
//!
//! Every protocol request has a timeout of 10 seconds and a maximum size of the answer of 1 MiB, follows no redirects, and
//! is sent once. Answers may be compressed with gzip, deflate or br; they are unpacked as they arrive, and the maximum size
//! is that of the unpacked answer.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, DATE, LOCATION};
use reqwest::{NoProxy, Proxy};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::document_cache::Fetched;
use super::errors::{bad_answer, request_failed, unexpected_status, with_retry_after};
use super::failed_request::{self, PROXY_VARIABLES};
use super::stand_ins::{RequestKind, StandIns};
use crate::error::{Error, ErrorKind, Result};

/// Timeout for one protocol request, from the first packet to the last byte of the answer.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// Maximum size of a protocol answer, in bytes.
pub(crate) const MAX_ANSWER: usize = 1 << 20;

/// The HTTP client for all providers: rustls on ring without a process-wide crypto provider, no redirects, no cookies.
#[derive(Clone)]
pub(crate) struct Http {
    pub(crate) client: reqwest::Client,
    stand_ins: StandIns,
}

/// An answer with its whole body.
pub(crate) type Response = http::Response<Vec<u8>>;

impl Http {
    /// Creates the client.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if TLS or the proxy of the environment can't be set up.
    pub(super) fn new(stand_ins: StandIns) -> Result<Self> {
        let builder = reqwest::Client::builder().no_proxy();
        match proxy()? {
            Some(proxy) => builder.proxy(proxy),
            None => builder,
        }
        .tls_backend_preconfigured(tls()?)
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(CALL_TIMEOUT)
        .read_timeout(CALL_TIMEOUT)
        .user_agent(concat!("rocket_dance/", env!("CARGO_PKG_VERSION")))
        .build()
        .map(|client| Self { client, stand_ins })
        .map_err(|error| misconfigured(error.to_string()))
    }

    /// Sends one protocol request, once, and reads its answer: within 10 s, at most 1 MiB, no redirects. An answer may have
    /// any other status.
    pub(super) async fn send(&self, mut request: reqwest::Request) -> Result<Response> {
        // A timeout of the request, unlike those of the client, spans connecting, headers and body.
        request.timeout_mut().get_or_insert(CALL_TIMEOUT);
        let url = request.url().clone();
        let failed = |error: reqwest::Error| request_failed(error.with_url(url.clone()));
        let answer = self.stand_ins.answer(request, RequestKind::Protocol, &self.client, failed).await?;
        if answer.status().is_redirection() {
            let target =
                answer.headers().get(LOCATION).and_then(|target| url.join(target.to_str().ok()?).ok());
            let target =
                target.map(|target| format!(" to {}", failed_request::host(&target))).unwrap_or_default();
            let status = answer.status().as_u16();
            let cause = format!("a redirect ({status}){target}, where none is allowed");
            return Err(failed_request::name_host(&url, bad_answer(cause)));
        }
        read_answer(answer, MAX_ANSWER).await
    }

    /// Sends a call of the API of `entry`, and returns the answer as it arrives. `failed` makes the error of a failed request.
    pub(crate) async fn call_api(
        &self,
        entry: &str,
        request: reqwest::Request,
        failed: impl FnOnce(reqwest::Error) -> Error + Send,
    ) -> Result<reqwest::Response> {
        self.stand_ins.answer(request, RequestKind::Api(entry), &self.client, failed).await
    }

    /// Fetches a public JSON document and reads it with `parse`. Errors name it as `what`.
    pub(super) async fn document<T>(
        &self,
        url: &str,
        what: &str,
        parse: impl FnOnce(&[u8]) -> Result<T, String>,
    ) -> Result<Fetched<T>> {
        let request = self.client.get(url).header(ACCEPT, "application/json").build();
        let request = request.map_err(request_failed)?;
        let url = request.url().clone();
        let response = self.send(request).await?;
        if !response.status().is_success() {
            let error = unexpected_status(what, response.status().as_u16());
            return Err(with_retry_after(failed_request::name_host(&url, error), response.headers()));
        }
        let document = parse(response.body())
            .map_err(|cause| failed_request::name_host(&url, bad_answer(format!("{what}: {cause}"))))?;
        Ok(Fetched { document, max_age: max_age(response.headers()) })
    }
}

/// Reads the whole body of an answer, at most `max` bytes after decompression.
///
/// # Errors
/// [`ErrorKind::BadProviderAnswer`] if it is larger.
pub(crate) async fn read_answer(mut answer: reqwest::Response, max: usize) -> Result<Response> {
    let mut body = Vec::new();
    let url = answer.url().clone();
    let failed = |error: reqwest::Error| request_failed(error.with_url(url.clone()));
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if body.len() + chunk.len() > max {
            return Err(failed_request::name_host(
                &url,
                bad_answer(format!("an answer of more than {} MiB", max >> 20)),
            ));
        }
        body.extend_from_slice(&chunk);
    }
    let mut response = Response::new(body);
    *response.status_mut() = answer.status();
    *response.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(response)
}

/// Time for which an answer may be cached, in seconds, if its `Cache-Control` names one (RFC 9111 §5.2.2).
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

/// Returns by how many seconds the clock of this machine, which shows `now`, is ahead of the one that set the `Date` of an
/// answer. `None` if it has no date.
pub(super) fn clock_skew(headers: &HeaderMap, now: i64) -> Option<i64> {
    let date = headers.get(DATE)?.to_str().ok()?;
    // An HTTP date ends in GMT, which RFC 2822 accepts as UTC.
    let theirs = OffsetDateTime::parse(date, &Rfc2822).ok()?;
    Some(now.saturating_sub(theirs.unix_timestamp()))
}

/// Whether certificates can be verified: the system has certificate authorities.
///
/// # Errors
/// The cause, for the operator.
pub(crate) fn check_certificate_authorities() -> Result<(), String> {
    let builder = tls_builder().map_err(|error| error.to_string())?;
    builder.with_platform_verifier().map(drop).map_err(|error| error.to_string())
}

/// The proxy that the environment names, for https only. Plain http is allowed for this machine alone: a proxy could not
/// reach it and would read the tokens.
fn proxy() -> Result<Option<Proxy>> {
    let given =
        PROXY_VARIABLES.iter().find_map(|name| std::env::var(name).ok().filter(|url| !url.is_empty()));
    let Some(url) = given else { return Ok(None) };
    match Proxy::https(url) {
        Ok(proxy) => Ok(Some(proxy.no_proxy(NoProxy::from_env()))),
        // The error's text may hold a password.
        Err(_) => Err(misconfigured("HTTPS_PROXY or ALL_PROXY is not a URL".into())),
    }
}

/// The TLS configuration: ring, and the certificate authorities of the system.
fn tls() -> Result<ClientConfig> {
    let builder = || tls_builder().map_err(|error| misconfigured(error.to_string()));
    Ok(match builder()?.with_platform_verifier() {
        Ok(verified) => verified.with_no_client_auth(),
        // A container without CA certificates. Providers on loopback still work; https handshakes fail.
        Err(error) => {
            log::error!("No https provider can be reached: {error}. Install the system's CA certificates.");
            builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        }
    })
}

fn tls_builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, rustls::Error> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
}

fn misconfigured(cause: String) -> Error {
    Error::new(ErrorKind::Misconfigured, "The HTTP client can't be set up.").with_source(cause)
}

/// Whether the `Content-Type` of a message is this media type, with or without parameters (RFC 9110 §8.3).
pub(super) fn is_of_type(headers: &HeaderMap, media_type: &str) -> bool {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    given.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(media_type)
}
