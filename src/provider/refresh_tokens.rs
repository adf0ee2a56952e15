//! How providers grant refresh tokens.

/// How a provider grants refresh tokens. All but [`Unknown`](RefreshTokens::Unknown) and [`Never`](RefreshTokens::Never)
/// give the entry the key `offline`: with `offline = true` it asks for a refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefreshTokens {
    /// Nothing is known: the entry asks for them by `scope` or `authorization_params`.
    Unknown,
    /// The provider has none.
    Never,
    /// Every token has one. `offline` changes nothing.
    Always,
    /// If this scope is granted.
    WithScope(&'static str),
    /// If the authorization request has this parameter: its name and value.
    WithParam(&'static str, &'static str),
    /// If the token request has this parameter: its name and value.
    WithTokenParam(&'static str, &'static str),
}
