//! The errors of the flow. Each function names one cause.

use std::error::Error as _;

use http::HeaderMap;
use http::header::RETRY_AFTER;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;

use super::failed_request;
use crate::config::Entry;
use crate::error::{Error, ErrorKind};
use crate::redirect_target::RedirectTarget;

/// Maximum wait that is passed on from a provider's `Retry-After`, in seconds.
const MAX_RETRY_AFTER: i64 = 3600;

/// A callback that is not the answer to a flow that this browser began. The user sees one sentence for all causes.
pub(crate) fn not_trusted(cause: impl Into<String>) -> Error {
    Error::new(ErrorKind::CallbackNotTrusted, "This sign-in can't be trusted any more. Please start again.")
        .with_source(cause.into())
}

/// A sign-in at `entry` that began too long ago, for example because the user first registered at the provider. The user can
/// begin again at the same entry, to get to the same page.
pub(crate) fn begun_too_long_ago(cause: &str, entry: &str, next: Option<&RedirectTarget>) -> Error {
    Error::new(
        ErrorKind::CallbackNotTrusted,
        "This sign-in began too long ago. Nothing was changed. Please start again.",
    )
    .with_source(cause)
    .begin_again_at(Some(entry))
    .with_next(next.map(ToString::to_string))
}

/// A request that got no answer, or none that can be read. The error prints only the host of the URL, because a URL may hold
/// secrets.
pub(crate) fn request_failed(error: reqwest::Error) -> Error {
    let (is_timeout, is_builder, is_corrupt) = (error.is_timeout(), error.is_builder(), is_corrupt(&error));
    let cause = failed_request::describe(error);
    if is_timeout {
        return provider_timeout(cause);
    }
    if is_builder {
        return Error::new(ErrorKind::Misconfigured, "A request to the provider can't be built.")
            .with_source(cause);
    }
    if is_corrupt {
        return bad_answer(cause);
    }
    unavailable(cause)
}

/// Whether the answer arrived, and can't be decompressed. A broken connection has an error of the HTTP library among its causes.
fn is_corrupt(error: &reqwest::Error) -> bool {
    let mut causes = std::iter::successors(error.source(), |&cause| cause.source());
    error.is_decode() && causes.all(|cause| cause.is::<reqwest::Error>() || cause.is::<std::io::Error>())
}

/// A provider that did not answer in time.
pub(crate) fn provider_timeout(cause: impl Into<String>) -> Error {
    Error::new(ErrorKind::ProviderTimeout, "The provider did not answer in time. Please try again.")
        .with_source(cause.into())
}

/// A provider that cannot be reached, or that reports an outage.
pub(crate) fn unavailable(cause: impl Into<String>) -> Error {
    Error::new(
        ErrorKind::ProviderUnreachable,
        "The provider can't be reached at the moment. Please try again.",
    )
    .with_source(cause.into())
}

/// A provider's answer that fails a check. `cause` names the check, never the values.
pub(super) fn bad_answer(cause: impl Into<String>) -> Error {
    Error::new(ErrorKind::BadProviderAnswer, "The provider's answer can't be used. Please try again later.")
        .with_source(cause.into())
}

/// An answer to the request `what` with this HTTP status, which is not a success.
pub(super) fn unexpected_status(what: &str, status: u16) -> Error {
    let cause = format!("{what} was answered with {status}");
    if status >= 500 || status == 429 { unavailable(cause) } else { bad_answer(cause) }
}

/// A grant that the provider no longer accepts: the user must connect the account again.
pub(crate) fn reconnect_needed(entry: &Entry, cause: impl Into<String>) -> Error {
    Error::new(ErrorKind::ReconnectNeeded, format!("Please connect {} again.", entry.title))
        .with_entry(&entry.name)
        .with_source(cause.into())
}

/// Returns the wait that an answer with these `headers` asks for (`Retry-After`, RFC 9110 §10.2.3), in seconds: at most
/// [`MAX_RETRY_AFTER`].
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<u64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let seconds = match text.parse::<u32>() {
        Ok(seconds) => i64::from(seconds),
        Err(_) => (OffsetDateTime::parse(text, &Rfc2822).ok()? - OffsetDateTime::now_utc()).whole_seconds(),
    };
    Some(seconds.clamp(1, MAX_RETRY_AFTER).unsigned_abs())
}

/// Adds the wait that an answer with these `headers` asks for to the error of a provider that can't be reached.
pub(super) fn with_retry_after(error: Error, headers: &HeaderMap) -> Error {
    match retry_after(headers) {
        Some(seconds) if error.kind() == ErrorKind::ProviderUnreachable => error.retry_after_seconds(seconds),
        _ => error,
    }
}
