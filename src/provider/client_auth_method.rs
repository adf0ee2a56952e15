//! Methods of client authentication.

/// How the client authenticates at the token, revocation and pushed authorization request endpoints, with the names of
/// the registry (RFC 7591 §2).
///
/// In Rocket.toml the key `token_endpoint_auth_method` has that name: `"client_secret_post"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ClientAuthMethod {
    /// `client_secret_basic`: HTTP Basic, with a form-encoded id and secret (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// `client_secret_post`: id and secret in the form.
    ClientSecretPost,
    /// `client_secret_basic`, unless the provider's metadata accepts `client_secret_post` only.
    FromMetadata,
    /// `private_key_jwt`: a JWT that the client signs with its own key (RFC 7523 §3, OpenID Connect Core §9).
    PrivateKeyJwt,
    /// `none`: a public client, which sends only its id.
    None,
}

impl ClientAuthMethod {
    pub(crate) const ALL: [Self; 4] =
        [Self::ClientSecretBasic, Self::ClientSecretPost, Self::PrivateKeyJwt, Self::None];

    /// The name in the registry, as `token_endpoint_auth_method` has it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ClientSecretBasic | Self::FromMetadata => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
            Self::None => "none",
        }
    }
}
