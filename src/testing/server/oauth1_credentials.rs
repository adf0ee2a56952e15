//! [`OAuth1Credentials`]: the credentials and nonces of OAuth 1.0a.

use std::collections::{HashMap, HashSet};

use super::issued_by_test::{TOKEN_SECRET, open_issued};
use super::sealed::AccessToken;
use crate::secret::Secret;

/// The credentials that the provider has issued, by their token, and the nonces that were used.
#[derive(Default)]
pub(crate) struct OAuth1Credentials {
    pub(super) temporary: HashMap<String, TemporaryCredentials>,
    pub(super) tokens: HashMap<String, TokenCredentials>,
    pub(super) nonces: HashSet<String>,
}

/// Temporary credentials (RFC 5849 §2.1).
pub(super) struct TemporaryCredentials {
    pub(super) secret: Secret,
    pub(super) client_id: String,
    pub(super) callback: String,
    /// Unix time, in seconds.
    pub(super) expires_at: i64,
    pub(super) approval: Option<Approval>,
}

/// The user's approval of temporary credentials.
#[derive(Clone)]
pub(super) struct Approval {
    pub(super) user: String,
    pub(super) verifier: String,
}

/// Token credentials (RFC 5849 §2.3).
pub(super) struct TokenCredentials {
    pub(super) secret: Secret,
    pub(super) user: String,
}

impl OAuth1Credentials {
    /// The secret of temporary credentials that have not expired at `now` (unix seconds).
    pub(super) fn temporary_secret(&self, token: &str, now: i64) -> Option<Secret> {
        let temporary = self.temporary.get(token).filter(|temporary| now < temporary.expires_at)?;
        Some(temporary.secret.clone())
    }

    /// The secret of an access token.
    pub(super) fn token_secret(&self, token: &str) -> Option<Secret> {
        let issued = self.tokens.get(token).map(|token| token.secret.clone());
        issued.or_else(|| open_issued::<AccessToken>(token).map(|_| Secret::new(TOKEN_SECRET)))
    }

    /// Makes every token issued so far invalid.
    pub(crate) fn expire_access_tokens(&mut self) {
        self.tokens.clear();
    }

    /// Revokes every token of `user` issued so far.
    pub(crate) fn revoke(&mut self, user: &str) {
        self.tokens.retain(|_, token| token.user != user);
    }
}
