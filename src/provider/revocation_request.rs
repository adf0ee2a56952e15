//! How tokens are revoked.

/// How a token is revoked at the revocation endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationRequest {
    /// RFC 7009: a form with `token` and `token_type_hint`, and the client's authentication.
    Standard,
    /// A form with these fields, and the client's authentication. One request ends the grant.
    Form(&'static [(&'static str, &'static str)]),
    /// A form with these fields only.
    PlainForm(&'static [(&'static str, &'static str)]),
    /// A POST with the access token, as an API request has it, and a form with these fields, if there are any.
    AuthorizedPost(&'static [(&'static str, &'static str)]),
    /// A DELETE with the access token, as an API request has it.
    AuthorizedDelete,
}
