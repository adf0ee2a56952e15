//! The checks of a callback that need the provider's metadata.

use super::callback::{Callback, CallbackResult};
use super::engine::Engine;
use super::errors::{bad_answer, not_trusted, unavailable};
use crate::config::Entry;
use crate::error::{Error, ErrorKind, Result};

impl Engine {
    /// Checks a callback before its code is used: its `iss` (RFC 9207 §2.4), then whether it is an error.
    ///
    /// # Errors
    /// [`ErrorKind::CallbackNotTrusted`] if the answer is another issuer's; [`ErrorKind::AccessDenied`] if the user
    /// refused; [`ErrorKind::ProviderUnreachable`] and [`ErrorKind::BadProviderAnswer`] for the provider's other errors.
    pub(crate) async fn check_callback(&self, entry: &Entry, callback: &Callback) -> Result<()> {
        let metadata = self.metadata(entry).await?;
        let is_required =
            metadata.is_some_and(|metadata| metadata.authorization_response_iss_parameter_supported);
        match (&callback.iss, &entry.issuer) {
            (Some(iss), Some(issuer)) if !issuer.matches_callback(iss) => {
                return Err(not_trusted("`iss` is another issuer"));
            }
            (None, Some(_)) if is_required => {
                return Err(not_trusted("no `iss`, although the provider's metadata promises it"));
            }
            _ => {}
        }
        match &callback.result {
            CallbackResult::Code(_) => Ok(()),
            CallbackResult::Error { error, description } => {
                Err(provider_error(entry, error, description.as_deref().unwrap_or_default()))
            }
        }
    }
}

/// The error for an error response of the authorization endpoint (RFC 6749 §4.1.2.1).
fn provider_error(entry: &Entry, error: &str, description: &str) -> Error {
    let cause = format!("the provider said `{error}`: {description}");
    match error {
        "access_denied" => Error::new(
            ErrorKind::AccessDenied,
            format!("You did not let this site use your {} account.", entry.title),
        )
        .with_source(cause),
        "temporarily_unavailable" | "server_error" => unavailable(cause),
        _ => bad_answer(cause),
    }
}
