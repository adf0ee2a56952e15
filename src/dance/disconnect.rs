//! `POST /login/<name>/disconnect`: removes an account.

use rocket::Request;

use super::Dance;
use super::reply::Reply;
use super::route::Form;
use crate::error::{Error, ErrorKind, Result};
use crate::signals::Event;
use crate::storage::Place;

impl Dance {
    pub(super) async fn post_disconnect(
        &self,
        request: &Request<'_>,
        name: &str,
        form: &Form,
    ) -> Result<Reply> {
        let entry = self.entry(name)?;
        self.check_csrf(request, form.get("csrf").as_deref()).await?;
        let account = form
            .get("account")
            .map(|id| id.parse().map_err(|_| Error::new(ErrorKind::BadRequest, "There is no such account.")))
            .transpose()?;
        let user = self.user(request).await?;
        if (user.is_none() && !matches!(self.store, Place::Browser)) || self.is_site(&entry.name) {
            return Err(Error::new(ErrorKind::NotSignedIn, "Please sign in."));
        }
        let removed = self.storage(request).unlink(user, &entry.name, account, &self.logins()).await?;
        for record in removed {
            let event = Event::AccountRemoved {
                entry: record.entry,
                provider_user_id: record.provider_user_id,
                user: record.user_id,
            };
            self.signals.event(event).await;
        }
        Ok(Reply::SeeOther(self.path("/accounts")))
    }
}
