//! `POST /login/logout`: signs the local user out.

use rocket::Request;

use super::Dance;
use super::reply::Reply;
use super::route::Form;
use crate::error::Result;
use crate::storage::Place;

impl Dance {
    pub(super) async fn post_logout(&self, request: &Request<'_>, form: &Form) -> Result<Reply> {
        self.check_csrf(request, form.get("csrf").as_deref()).await?;
        if matches!(self.store, Place::Browser) {
            self.browser(request).clear();
        }
        self.forget_pending(request).await;
        self.sessions.sign_out(request).await?;
        Ok(Reply::SeeOther(self.settings.after_logout.clone()))
    }
}
