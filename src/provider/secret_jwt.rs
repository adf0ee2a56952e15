//! Client secrets that are JWTs.

/// A client secret that the client makes itself for each request: a JWT that it signs with its private key (ES256). `sub`
/// is the client id. The key `private_key` or `private_key_file` takes the place of `client_secret`.
///
/// The texts can contain the `{key}` of a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretJwt {
    /// `iss` of the JWT.
    pub issuer: &'static str,
    /// `aud` of the JWT.
    pub audience: &'static str,
    /// `kid` in the header of the JWT.
    pub key_id: &'static str,
}
