//! `GET` and `POST /login/confirm`: an account that waits for its user.
//!
//! The policy has answered `SignInFirst`. The person proves to be that user by signing in as before, in the same browser,
//! and then says yes: signing in alone is no yes, for somebody else may have begun this dance here, with an account of his
//! own.

use rocket::Request;
use serde_json::json;

use super::Dance;
use super::reply::{Reply, wants_json};
use super::route::Form;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::not_trusted;
use crate::storage::Linked;

impl Dance {
    /// Where what waits in a browser is shown.
    pub(super) fn confirm_path(&self) -> String {
        self.path("/confirm")
    }

    pub(super) async fn get_confirm(&self, request: &Request<'_>) -> Result<Reply> {
        let pending = self.pending(request).await?.ok_or_else(nothing)?;
        let entry = self.entry(&pending.entry)?;
        let account = json!({
            "display_name": pending.profile.display_name(),
            "username": pending.profile.username,
            "id": pending.profile.id,
            // AL-01: anybody may claim hers at a provider that nobody trusts to verify it.
            "email": entry.trusted_email(&pending.profile),
        });
        match self.user(request).await? {
            Some(user) if user == pending.user => {
                let context = json!({
                    "title": entry.title,
                    "account": account,
                    "action": self.confirm_path(),
                    "csrf": self.csrf(request).await?,
                });
                self.page(request, "connect.html", context)
            }
            Some(_) => self.somebody_else(request).await,
            None if wants_json(request) => Err(Error::sign_in_first(pending.user)),
            None => {
                // All ways but this one, not this user's: what she has connected is nobody else's to know.
                let ways = self.logins().into_iter().filter(|name| *name != entry.name).map(|name| {
                    json!({ "title": self.entries[name].title, "action": self.path(&format!("/{name}")) })
                });
                let context = json!({
                    "title": entry.title,
                    "account": account,
                    "entries": ways.collect::<Vec<_>>(),
                    "next": self.confirm_path(),
                    "sign_in_page": self.sign_in_page(Some(&self.confirm_path())),
                });
                self.page(request, "sign_in_first.html", context)
            }
        }
    }

    pub(super) async fn post_confirm(&self, request: &Request<'_>, form: &Form) -> Result<Reply> {
        self.check_csrf(request, form.get("csrf").as_deref()).await?;
        let pending = self.pending(request).await?.ok_or_else(nothing)?;
        match self.user(request).await? {
            Some(user) if user == pending.user => {}
            Some(_) => return self.somebody_else(request).await,
            None => return Err(Error::sign_in_first(pending.user)),
        }
        // RD-04: checked again, since the configuration may have changed meanwhile.
        let next =
            Some(&pending.next).filter(|next| self.may_go_to(next)).unwrap_or(&self.settings.after_login);
        let next = Reply::SeeOther(next.to_string());
        if form.get("cancel").is_some() {
            self.forget_pending(request).await;
            return Ok(next);
        }
        let entry = self.entry(&pending.entry)?.clone();
        let mut login = pending.into_login(self.clock().now()).ok_or_else(nothing)?;
        login.session = self.sessions.id(request);
        if login.issuer != entry.authority() || self.is_site(&entry.name) {
            return Err(not_trusted("the entry has been pointed elsewhere since the dance"));
        }
        if !self.use_up_pending(request).await? {
            return Err(nothing());
        }
        // The policy is asked again: to it the user has pressed "Connect".
        match self.storage(request).link(&login, self.keys()).await {
            Ok(Linked { account, previous, .. }) => {
                self.tell_stored(&account, previous.is_none()).await;
                self.sessions.rotate(request).await?;
                Ok(next)
            }
            Err(error) => {
                if error.kind() == ErrorKind::Refused {
                    self.refused(&login).await;
                }
                Err(error)
            }
        }
    }

    async fn somebody_else(&self, request: &Request<'_>) -> Result<Reply> {
        self.forget_pending(request).await;
        Err(Error::refused("You are signed in as somebody else: nothing was connected."))
    }

    /// The app's own sign-in form, and how it leads to `next`.
    pub(super) fn sign_in_page(&self, next: Option<&str>) -> Option<String> {
        let page = self.settings.sign_in_page.as_ref()?.as_str();
        let Some(next) = next else { return Some(page.to_owned()) };
        let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
        let joint = if page.contains('?') { '&' } else { '?' };
        Some(format!("{page}{joint}{query}"))
    }
}

fn nothing() -> Error {
    not_trusted("no account waits in this browser")
}
