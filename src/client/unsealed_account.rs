//! An account with its token unsealed.

use crate::config::Entry;
use crate::error::Result;
use crate::flow::reconnect_needed;
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
    /// [`ErrorKind::ReconnectNeeded`](crate::ErrorKind::ReconnectNeeded) if the entry points to another provider than the one that
    /// granted the token, or if no key opens it.
    pub(super) fn open(entry: &Entry, keys: &KeyRing, account: Account) -> Result<Self> {
        if account.issuer != entry.authority() {
            let cause = format!(
                "the account was stored when the entry pointed to `{}`; it points to `{}` now",
                account.issuer,
                entry.authority()
            );
            return Err(reconnect_needed(entry, cause));
        }
        let token = open_token(entry, keys, &account)?;
        Ok(Self { account, token })
    }
}

/// Unseals the token of `account` at `entry`.
///
/// # Errors
/// [`ErrorKind::ReconnectNeeded`](crate::ErrorKind::ReconnectNeeded) if no key opens it.
pub(super) fn open_token(entry: &Entry, keys: &KeyRing, account: &Account) -> Result<Token> {
    account.open(keys).map_err(|_| reconnect_needed(entry, "no key of `token_keys` opens the stored token"))
}
