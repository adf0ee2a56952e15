//! `POST /login/<name>/disconnect`: removes an account.

use rocket::Request;

use super::Dance;
use super::reply::Reply;
use super::route::Form;
use crate::error::{Error, ErrorKind, Result};

impl Dance {
    pub(super) async fn post_disconnect(
        &self,
        request: &Request<'_>,
        name: &str,
        form: &Form,
    ) -> Result<Reply> {
        let entry = self.entry(name)?;
        self.check_csrf(request, form.get("csrf").as_deref()).await?;
        // Only an absent `account` means all of them: an empty one is a mistake of the page's.
        let account = form
            .get("account")
            .map(|id| id.parse().map_err(|_| Error::new(ErrorKind::BadRequest, "There is no such account.")))
            .transpose()?;
        let user = self.user(request).await?;
        if !self.may_own(user) || self.is_site(&entry.name) {
            return Err(Error::new(ErrorKind::NotSignedIn, "Please sign in."));
        }
        let storage = self.storage(request);
        let removed = storage.unlink(user, &entry.name, account, &self.logins()).await?;
        self.removed(&storage, removed).await;
        Ok(Reply::SeeOther(self.path("/accounts")))
    }
}
