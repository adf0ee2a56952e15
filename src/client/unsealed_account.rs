//! An account with its token unsealed.

use crate::config::Entry;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::KeyRing;
use crate::storage::Account;
use crate::token::Token;

/// An account with its token unsealed.
#[derive(Debug)]
pub(super) struct UnsealedAccount {
    pub(super) account: Account,
    pub(super) token: Token,
}

impl UnsealedAccount {
    /// Unseals the token of `account`.
    ///
    /// # Errors
    /// [`ErrorKind::ReconnectNeeded`] if the entry points to another provider than the one that granted the token, or if no
    /// key opens it.
    pub(super) fn open(entry: &Entry, keys: &KeyRing, account: Account) -> Result<Self> {
        if account.issuer != entry.authority() {
            return Err(reconnect_needed(entry).with_source(format!(
                "the account was stored when the entry pointed to `{}`; it points to `{}` now",
                account.issuer,
                entry.authority()
            )));
        }
        let token = account.open(keys).map_err(|_| {
            reconnect_needed(entry).with_source("no key of `token_keys` opens the stored token")
        })?;
        Ok(Self { account, token })
    }
}

/// The error of an account at `entry` whose user must connect it again.
pub(super) fn reconnect_needed(entry: &Entry) -> Error {
    Error::new(ErrorKind::ReconnectNeeded, format!("Please connect {} again.", entry.title))
        .with_entry(&entry.name)
}
