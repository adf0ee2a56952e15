//! `POST /login/<name>/primary`: which of several accounts of an entry is the one that is used.

use rocket::Request;

use super::Dance;
use super::reply::Reply;
use super::route::Form;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Account, Storage};

impl Dance {
    /// Makes `account` the primary one of its user's at its entry: the one that [`Dance::client`],
    /// [`OAuth`](crate::OAuth) and [`Accounts`](crate::Accounts) take. The others keep their order.
    ///
    /// # Errors
    /// [`ErrorKind::NotConnected`] when it is no longer its user's; [`ErrorKind::Misconfigured`] when it is nobody's, and with
    /// `CookieStorage`; [`ErrorKind::StoreUnavailable`].
    pub async fn make_primary(&self, account: &Account) -> Result<()> {
        let Some(user) = &account.user_id else {
            return Err(Error::new(
                ErrorKind::Misconfigured,
                "This account is nobody's: it has no others beside it.",
            ));
        };
        self.first(&**self.shared()?, user, &account.entry, account.id).await
    }

    async fn first(&self, storage: &dyn Storage, user: &str, entry: &str, account: i64) -> Result<()> {
        match storage.make_primary(user, entry, account).await? {
            true => Ok(()),
            false => Err(Error::new(ErrorKind::NotConnected, "This account is not connected any more.")
                .with_entry(entry)),
        }
    }

    pub(super) async fn post_primary(&self, request: &Request<'_>, name: &str, form: &Form) -> Result<Reply> {
        let entry = self.entry(name)?;
        self.check_csrf(request, form.get("csrf").as_deref()).await?;
        let account = form.get("account").and_then(|id| id.parse().ok());
        let account =
            account.ok_or_else(|| Error::new(ErrorKind::BadRequest, "There is no such account."))?;
        let user = self.user(request).await?;
        if !self.may_own(user) || self.is_site(&entry.name) {
            return Err(Error::new(ErrorKind::NotSignedIn, "Please sign in."));
        }
        // In a browser's own cookies there is one account per entry. One that is not hers, or is gone, changes nothing,
        // as in the form beside it: the page shows what is there.
        if let Some(user) = user {
            self.storage(request).make_primary(user, &entry.name, account).await?;
        }
        Ok(Reply::SeeOther(self.path("/accounts")))
    }
}
