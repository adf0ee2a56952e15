//! [`RegisteredClient`]: a client that the provider knows.

use super::client_key::ClientKey;
use crate::secret::Secret;

/// A client that is registered at a [`DemoProvider`](crate::testing::DemoProvider).
///
/// ```
/// use rocket_dance::testing::RegisteredClient;
///
/// let client = RegisteredClient::new("app", "s3cret", "http://localhost:8000/login/demo/authorized");
/// assert_eq!(client.id, "app");
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RegisteredClient {
    /// The `client_id`.
    pub id: String,
    /// The `client_secret`. A client with neither a secret nor a key is public and must use PKCE.
    pub secret: Option<Secret>,
    /// The only redirect URI of the client, compared byte for byte. With `None` the provider accepts any.
    pub redirect_uri: Option<String>,
    /// The key of a client that authenticates with `private_key_jwt`.
    pub(crate) key: Option<ClientKey>,
}

impl RegisteredClient {
    /// Creates a confidential client with exactly one redirect URI.
    pub fn new(id: impl Into<String>, secret: impl Into<Box<str>>, redirect_uri: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            secret: Some(Secret::new(secret)),
            redirect_uri: Some(redirect_uri.into()),
            key: None,
        }
    }

    /// Whether the client has nothing to authenticate with.
    pub(super) fn is_public(&self) -> bool {
        self.secret.is_none() && self.key.is_none()
    }
}
