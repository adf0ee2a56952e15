//! `POST /login/<name>/disconnect`: removes an account.

use rocket::Request;

use super::Dance;
use super::reply::Reply;
use super::route::Form;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Account, SessionSelection};

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
        let sessions = self.end_sessions_by(request, &removed).await;
        self.removed(&storage, removed).await;
        sessions?;
        Ok(Reply::SeeOther(self.path("/accounts")))
    }

    /// Ends the sessions that began with accounts which are removed now: who came in with one that was never the user's
    /// would stay in, and connect it again. Whoever is here stays, in a session of another id.
    async fn end_sessions_by(&self, request: &Request<'_>, removed: &[Account]) -> Result<()> {
        let Some(here) = self.sessions.id(request) else { return Ok(()) };
        for account in removed.iter().filter(|account| account.provider_user_id.is_some()) {
            let Account { entry, issuer, provider_user_id, .. } = account.clone();
            let ended = self
                .end_sessions(&SessionSelection::ProviderSession {
                    entry,
                    issuer,
                    provider_user_id,
                    sid: None,
                })
                .await?;
            if let Some(mine) = ended.iter().find(|session| session.id == here) {
                self.sessions.begin_again(request, &mine.user_id).await?;
            }
        }
        Ok(())
    }
}
