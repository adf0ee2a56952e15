//! Whose accounts a request has: those of its user, or without a user those of the browser.

use std::collections::BTreeMap;

use rocket::Request;
use rocket::http::Cookie;

use super::handle::Dance;
use crate::error::Result;
use crate::session::SessionOrigin;
use crate::storage::{Account, AccountKey, Session};

impl Dance {
    /// The key of the account of `request` at `entry`: of its user, or of its browser. `None` if it can have none before a user has
    /// signed in. An account that is found under an identity must have no user: see [`is_visitors`].
    pub(crate) async fn owner_key(&self, request: &Request<'_>, entry: &str) -> Result<Option<AccountKey>> {
        match self.request_owner(request).await? {
            RequestOwner::Stored(user) => {
                Ok(Some(AccountKey::Owner { entry: entry.into(), user: user.map(str::to_owned) }))
            }
            RequestOwner::Visitor => self.kept_sessions().key(request, entry).await,
        }
    }

    /// Whether `request` can have accounts.
    pub(super) async fn can_have_accounts(&self, request: &Request<'_>) -> Result<bool> {
        match self.request_owner(request).await? {
            RequestOwner::Stored(_) => Ok(true),
            RequestOwner::Visitor => Ok(!self.kept_sessions().keys(request).await?.is_empty()),
        }
    }

    /// The accounts of `request`, by entry, the primary one of each entry first. The site's are left out.
    ///
    /// # Errors
    /// If the storage can't be reached.
    pub(crate) async fn accounts_by_entry(
        &self,
        request: &Request<'_>,
    ) -> Result<BTreeMap<String, Vec<Account>>> {
        let storage = self.storage(request);
        let all = match self.request_owner(request).await? {
            RequestOwner::Stored(user) => {
                let names = self.entries().keys().map(String::as_str);
                let entries: Vec<&str> = names.filter(|entry| !self.is_site(entry)).collect();
                storage.list(user, &entries).await?
            }
            RequestOwner::Visitor => {
                let mut kept = Vec::new();
                for key in self.kept_sessions().keys(request).await? {
                    kept.extend(storage.get(&key).await?.filter(is_visitors));
                }
                kept
            }
        };
        let mut accounts: BTreeMap<String, Vec<Account>> = BTreeMap::new();
        for account in all {
            accounts.entry(account.entry.clone()).or_default().push(account);
        }
        Ok(accounts)
    }

    /// The account without a user at `entry` of which the browser has a session, past the cache.
    pub(super) async fn kept_account(&self, request: &Request<'_>, entry: &str) -> Result<Option<Account>> {
        match self.kept_sessions().key(request, entry).await? {
            Some(key) => Ok(self.storage(request).get_uncached(&key).await?.filter(is_visitors)),
            None => Ok(None),
        }
    }

    /// Begins a session of the account of `origin`, which has no user.
    pub(super) async fn begin_kept_session(
        &self,
        request: &Request<'_>,
        origin: &SessionOrigin<'_>,
    ) -> Result<()> {
        let cookies = self.kept_sessions().begin(request, origin).await?;
        cookies.into_iter().for_each(|cookie| request.cookies().add(cookie));
        Ok(())
    }

    /// Ends the browser's session of the account without a user at `entry`.
    pub(super) async fn end_kept_session(&self, request: &Request<'_>, entry: &str) -> Result<()> {
        let removal = self.kept_sessions().end(request, entry).await?;
        removal.into_iter().for_each(|cookie| request.cookies().add(cookie));
        Ok(())
    }

    /// Ends the browser's sessions of accounts without a user: the visitor signs out. Returns those that existed, the newest first.
    pub(super) async fn end_kept_sessions(&self, request: &Request<'_>) -> Result<Vec<Session>> {
        let ended = self.kept_sessions().end_all(request).await?;
        ended.removals.into_iter().for_each(|cookie| request.cookies().add(cookie));
        Ok(ended.sessions)
    }

    /// Ends the browser's sessions of accounts without a user, after a user has signed in. Returns the cookies that remove these sessions'
    /// cookies. An error is logged and does not undo the sign-in: the user's next request ends the sessions.
    pub(super) async fn end_kept_sessions_after_sign_in(
        &self,
        request: &Request<'_>,
    ) -> Vec<Cookie<'static>> {
        match self.kept_sessions().end_all(request).await {
            Ok(ended) => ended.removals,
            Err(error) => {
                self.log_error("", None, &error);
                Vec::new()
            }
        }
    }

    /// Returns whose accounts `request` has. If a user is signed in, it ends the browser's sessions of accounts without a user: an
    /// app may sign its users in itself, and the next visitor must not find the accounts of the one before.
    async fn request_owner<'r>(&self, request: &'r Request<'_>) -> Result<RequestOwner<'r>> {
        let user = self.user(request).await?;
        if user.is_some() {
            self.end_kept_sessions(request).await?;
        }
        Ok(match user.is_some() || self.keeps_visitors_accounts() {
            true => RequestOwner::Stored(user),
            false => RequestOwner::Visitor,
        })
    }
}

/// Whose accounts a request has.
enum RequestOwner<'r> {
    /// Those that the storage has under this owner: a user, or with `CookieStorage` the browser, which is no user.
    Stored(Option<&'r str>),
    /// Those without a user of which the browser has a session.
    Visitor,
}

/// Whether a visitor who has a session of `account` may use it: it has no user, and is not the site's.
pub(crate) fn is_visitors(account: &Account) -> bool {
    account.user_id.is_none() && !account.is_sites()
}
