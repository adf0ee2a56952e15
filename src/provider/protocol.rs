//! Protocols, and how a provider sends its answer.

/// The protocol of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// OAuth 2, authorization code flow (RFC 6749 §4.1).
    OAuth2,
    /// OpenID Connect, authorization code flow (Core §3.1), with discovery.
    OpenIdConnect,
    /// OAuth 1.0a: temporary credentials, and a signature on every request (RFC 5849).
    OAuth1,
}

/// How a provider sends its answer to the callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResponseMode {
    /// In the query of a GET request (OAuth 2.0 Multiple Response Type Encoding Practices §2.1).
    Query,
    /// In the form of a POST request (OAuth 2.0 Form Post Response Mode).
    FormPost,
}
