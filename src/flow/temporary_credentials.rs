//! The temporary credentials of OAuth 1.

use serde::{Deserialize, Serialize};

use crate::secret::Secret;

/// A temporary token and its secret (RFC 5849 §2.1). Both are serialized in plain and must be sealed, as they are in a
/// flow's cookie.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct TemporaryCredentials(String, String);

impl TemporaryCredentials {
    /// Creates the credentials of a provider's answer.
    pub(super) fn new(token: &Secret, secret: &Secret) -> Self {
        Self(token.expose().to_owned(), secret.expose().to_owned())
    }

    /// The temporary token, which takes the place of the state.
    pub(super) fn token(&self) -> Secret {
        Secret::new(self.0.as_str())
    }

    /// Its secret, which signs the request for the token.
    pub(super) fn secret(&self) -> Secret {
        Secret::new(self.1.as_str())
    }
}
