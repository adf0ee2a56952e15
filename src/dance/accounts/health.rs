//! Whether a connected account can be used.

use crate::config::Entry;
use crate::secret::KeyRing;
use crate::storage::Account;

/// Whether the token of a connected account can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// The access token can be used.
    Working,
    /// The access token has expired. The next use renews it.
    Expired,
    /// The user must connect the account again.
    ReconnectNeeded,
}

impl Health {
    /// The health of `account` at `now` (unix time, in seconds), as far as it is known without a request to the provider.
    pub(crate) fn of(account: &Account, entry: &Entry, keys: &KeyRing, now: i64) -> Self {
        if account.issuer != entry.authority() {
            return Self::ReconnectNeeded;
        }
        match account.open(keys) {
            Err(_) => Self::ReconnectNeeded,
            Ok(token) if !token.is_expired(now) => Self::Working,
            Ok(token) if token.refresh_token.is_some() => Self::Expired,
            Ok(_) => Self::ReconnectNeeded,
        }
    }

    /// The word for templates and JSON.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::Expired => "expired",
            Self::ReconnectNeeded => "reconnect_needed",
        }
    }
}
