//! `ProviderError`: what a provider said about an error.

/// What a provider said when it answered with an error (RFC 6749 §4.1.2.1 and §5.2; `oauth_problem` with OAuth 1.0a).
///
/// The texts are those of the provider, or of an attacker who changed the callback's URL in the visitor's browser. Control
/// characters are removed, long texts are cut, and a text that quotes a secret is left out. A template must still escape them.
///
/// ```
/// use rocket_dance::Error;
///
/// /// Whether the provider has refused the app's scope.
/// fn is_scope_refused(error: &Error) -> bool {
///     error.provider_error().is_some_and(|said| said.error == "invalid_scope")
/// }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderError {
    /// The error code, for example `access_denied`: at most 64 characters. Empty if the provider sent none.
    pub error: String,
    /// `error_description`, a text for the developer: at most 300 characters.
    pub description: Option<String>,
    /// `error_uri`, a page about the error: an `https` or `http` URL of at most 2,048 bytes.
    pub uri: Option<String>,
}
