//! How tokens are revoked.

use super::wire_format::RequestBody;

/// How a token is revoked at the revocation endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationRequest {
    /// RFC 7009: a form with `token` and `token_type_hint`, and the client's authentication; one request per token.
    Standard,
    /// A token request with these fields instead: in the format and with the authentication of the token endpoint. One
    /// request ends the grant.
    TokenRequest(&'static [(&'static str, &'static str)]),
    /// A POST that ends the grant.
    Post(RequestAuthorization, RequestBody),
    /// A DELETE that ends the grant.
    Delete(RequestAuthorization, RequestBody),
}

/// What a request has in its header `Authorization`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestAuthorization {
    /// Nothing.
    None,
    /// The client id and the client secret (HTTP Basic).
    Client,
    /// The access token, where an API request has it.
    AccessToken,
}
