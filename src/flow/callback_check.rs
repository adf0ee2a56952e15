//! The checks of a callback that need the provider's metadata.

use super::callback::{Callback, CallbackResult};
use super::engine::Engine;
use super::error_answer::snake_case;
use super::errors::{bad_answer, not_trusted, unavailable};
use crate::config::Entry;
use crate::error::{Error, ErrorKind, ProviderError, Result};
use crate::profile::text::printable;

impl Engine {
    /// Checks a callback before its code is used: its `iss` (RFC 9207 §2.4), then whether it is an error.
    ///
    /// # Errors
    /// [`ErrorKind::CallbackNotTrusted`] if the answer is another issuer's; [`ErrorKind::AccessDenied`] if the user
    /// refused; [`ErrorKind::LoginRequired`] and the like if the provider must show the user a page;
    /// [`ErrorKind::ProviderUnreachable`] and [`ErrorKind::BadProviderAnswer`] for its other errors.
    pub(crate) async fn check_callback(&self, entry: &Entry, callback: &Callback) -> Result<()> {
        let metadata = self.metadata(entry).await?;
        let is_required =
            metadata.is_some_and(|metadata| metadata.authorization_response_iss_parameter_supported);
        match (&callback.iss, &entry.issuer) {
            (Some(iss), Some(issuer)) if !issuer.matches_callback(iss) => {
                return Err(not_trusted(format!(
                    "`iss` is `{}`, and the entry's issuer is `{}`",
                    printable(iss, 300),
                    issuer.in_metadata()
                )));
            }
            (None, Some(_)) if is_required => {
                return Err(not_trusted("no `iss`, although the provider's metadata promises it"));
            }
            _ => {}
        }
        match &callback.result {
            CallbackResult::Code(_) => Ok(()),
            CallbackResult::Error(said) => Err(error_response(entry, said).with_provider_error(said.clone())),
        }
    }
}

/// The error for an error response of the authorization endpoint (RFC 6749 §4.1.2.1, OpenID Connect Core §3.1.2.6).
fn error_response(entry: &Entry, said: &ProviderError) -> Error {
    let ProviderError { error, description, .. } = said;
    let cause = format!("the provider said `{error}`: {}", description.as_deref().unwrap_or_default());
    let title = &entry.title;
    let by_user = |kind, text| Error::new(kind, text).with_entry(&entry.name);
    let refused = |cure: &str| bad_answer(format!("{cause}. Entry `{}`: {cure}", entry.name));
    match &*snake_case(error) {
        "login_required" => {
            by_user(ErrorKind::LoginRequired, format!("Please sign in at {title} first, then try again."))
        }
        "consent_required" => by_user(
            ErrorKind::ConsentRequired,
            format!("{title} needs your consent. Please sign in again and agree there."),
        ),
        "interaction_required" | "unmet_authentication_requirements" => by_user(
            ErrorKind::InteractionRequired,
            format!("{title} must ask you something. Please sign in again and follow its pages."),
        ),
        "account_selection_required" => by_user(
            ErrorKind::AccountSelectionRequired,
            format!("Please sign in again and choose an account at {title}."),
        ),
        name if is_denial(name) => Error::new(
            ErrorKind::AccessDenied,
            format!("You did not let this site use your {title} account."),
        ),
        "temporarily_unavailable" | "server_error" => return unavailable(cause),
        "invalid_scope" => return refused("Correct `scope`, or register the scopes at the provider."),
        "unauthorized_client" | "invalid_client" => {
            return refused("Compare `client_id` and the kind of client with the registration at the provider.");
        }
        "redirect_uri_mismatch" | "invalid_redirect_uri" => {
            return refused(&format!("Register the callback URL {} at the provider.", entry.redirect_uri));
        }
        "invalid_request" | "request_not_supported" | "unsupported_response_type" => {
            return refused(
                "Compare `authorization_params`, `pkce` and `response_mode` with the provider's documentation.",
            );
        }
        _ => return bad_answer(cause),
    }
    .with_source(cause)
}

/// Whether an error code says that the user or the provider has refused: `access_denied`, `user_denied`,
/// LinkedIn's and Apple's `user_cancelled_…`, OAuth 1's `permission_denied` and `user_refused`.
pub(super) fn is_denial(error: &str) -> bool {
    const WORDS: &[&str] =
        &["abort", "cancel", "decline", "denied", "deny", "disallow", "refused", "reject", "not_authorized"];
    let name = snake_case(error);
    WORDS.iter().any(|word| name.contains(word))
}
