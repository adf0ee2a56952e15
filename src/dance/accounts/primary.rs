//! Which of several accounts of an entry is the primary one.

use crate::dance::handle::Dance;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::Account;

impl Dance {
    /// Makes `account` the primary one of its user's accounts at its entry: the one that [`Dance::client`],
    /// [`OAuth`](crate::OAuth) and [`Accounts`](crate::Accounts) use. The other accounts keep their order.
    ///
    /// ```
    /// use rocket_dance::{Dance, Result, provider::GitHub};
    ///
    /// async fn use_work_account(dance: &Dance) -> Result<()> {
    ///     if let Some(work) = dance.account(GitHub, "583231").await? {
    ///         dance.make_primary(&work).await?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::NotConnected`] if the account no longer belongs to its user; [`ErrorKind::Misconfigured`] if it has
    /// no user, and with `CookieStorage`; [`ErrorKind::StoreUnavailable`].
    pub async fn make_primary(&self, account: &Account) -> Result<()> {
        let Some(user) = &account.user_id else {
            return Err(Error::new(
                ErrorKind::Misconfigured,
                "This account has no user, so it can't be the primary one of several.",
            ));
        };
        match self.shared_storage()?.make_primary(user, &account.entry, account.id).await? {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::NotConnected, "This account is not connected any more.")
                .with_entry(&account.entry)),
        }
    }
}
