//! `CachedAccount`: an account in the cache.

use std::sync::{Arc, OnceLock};

use super::packed_account::PackedAccount;
use crate::storage::Account;

/// An account in the cache, its token sealed.
pub(crate) struct CachedAccount {
    packed: PackedAccount,
    /// Unix time in seconds until which the token can be used. It is known once the token has been unsealed.
    usable_until: OnceLock<i64>,
}

impl CachedAccount {
    /// Makes what the cache holds of `account`; none stays none, so that absence is cached, too.
    pub(super) fn new(account: Option<&Account>) -> Option<Arc<Self>> {
        account.map(|account| {
            Arc::new(Self { packed: PackedAccount::new(account), usable_until: OnceLock::new() })
        })
    }

    /// Returns the account.
    pub(crate) fn account(&self) -> Account {
        self.packed.unpack()
    }

    /// Returns the unix time until which the token can be used as it is; `None` if the token was never unsealed.
    pub(crate) fn usable_until(&self) -> Option<i64> {
        self.usable_until.get().copied()
    }

    /// Stores that the token was unsealed, and that it can be used until this unix time.
    pub(crate) fn opened(&self, usable_until: i64) {
        self.usable_until.get_or_init(|| usable_until);
    }

    /// Size of the account in memory, in bytes.
    pub(super) fn len(&self) -> usize {
        self.packed.len()
    }

    #[cfg(test)]
    pub(super) fn contains(&self, bytes: &[u8]) -> bool {
        self.packed.contains(bytes)
    }
}
