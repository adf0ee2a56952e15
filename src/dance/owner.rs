//! Whose accounts a request has: those of its user, or without a user those of the browser.

use std::collections::BTreeMap;
use std::sync::Arc;

use rocket::Request;
use rocket::http::Cookie;

use super::handle::Dance;
use crate::client::Client;
use crate::config::Entry;
use crate::error::{Error, ErrorKind, Result};
use crate::session::SessionOrigin;
use crate::storage::{Account, AccountKey, Session};

impl Dance {
    /// The key of the account of `request` at `entry`: of its user, or of its browser. `None` if it can have none before a user has
    /// signed in. An account that is found under an identity must have no user: see [`is_visitors`].
    pub(crate) async fn owner_key(&self, request: &Request<'_>, entry: &str) -> Result<Option<AccountKey>> {
        Ok(self.account_place(request, entry).await?.map(|place| place.key))
    }

    /// Returns the API client of the account of `request` at `entry`.
    ///
    /// # Errors
    /// [`ErrorKind::NotSignedIn`], [`ErrorKind::NotConnected`], and those of [`open_client`](Dance::open_client).
    pub(crate) async fn client_of_request(
        &self,
        request: &Request<'_>,
        entry: &Arc<Entry>,
    ) -> Result<Client> {
        let not_signed_in = || Error::new(ErrorKind::NotSignedIn, "Please sign in.");
        let Some(AccountPlace { key, found }) = self.account_place(request, &entry.name).await? else {
            return Err(not_signed_in());
        };
        let storage = self.storage(request);
        let client = match found {
            Some(account) => Some(Client::open(entry.clone(), storage, self.context().clone(), account)?),
            None => self.open_client(entry, storage, &key).await?,
        };
        // Under an identity only a visitor's own account, which has no user.
        let is_theirs =
            |client: &Client| matches!(key, AccountKey::Owner { .. }) || is_visitors(&client.account());
        client.filter(is_theirs).ok_or_else(|| match key.user() {
            Some(_) => Error::new(ErrorKind::NotConnected, "Please connect your account."),
            None => not_signed_in(),
        })
    }

    /// The place of the account of `request` at `entry`. `None` if it can have none before a user has signed in.
    async fn account_place(&self, request: &Request<'_>, entry: &str) -> Result<Option<AccountPlace>> {
        match self.request_owner(request, &[entry]).await? {
            RequestOwner::Stored(user, found) => {
                let key = AccountKey::Owner { entry: entry.into(), user: user.map(str::to_owned) };
                Ok(Some(AccountPlace { key, found: found.and_then(|found| found.into_iter().next()) }))
            }
            RequestOwner::Visitor => {
                let key = self.kept_sessions().key(request, entry).await?;
                Ok(key.map(|key| AccountPlace { key, found: None }))
            }
        }
    }

    /// Whether `request` can have accounts.
    pub(super) async fn can_have_accounts(&self, request: &Request<'_>) -> Result<bool> {
        match self.request_owner(request, &[]).await? {
            RequestOwner::Stored(..) => Ok(true),
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
        let names = self.entries().keys().map(String::as_str);
        let entries: Vec<&str> = names.filter(|entry| !self.is_site(entry)).collect();
        let all = match self.request_owner(request, &entries).await? {
            RequestOwner::Stored(_, Some(found)) => found,
            RequestOwner::Stored(user, None) => storage.list(user, &entries).await?,
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

    /// Returns whose accounts `request` has, and perhaps those at `entries`. If a user is signed in, it ends the browser's sessions
    /// of accounts without a user: an app may sign its users in itself, and the next visitor must not find the accounts of the one
    /// before.
    async fn request_owner<'r>(
        &self,
        request: &'r Request<'_>,
        entries: &[&str],
    ) -> Result<RequestOwner<'r>> {
        let (user, found) = self.user_with_accounts(request, entries).await?;
        if user.is_some() {
            self.end_kept_sessions(request).await?;
        }
        Ok(match user.is_some() || self.keeps_visitors_accounts() {
            true => RequestOwner::Stored(user, found),
            false => RequestOwner::Visitor,
        })
    }
}

/// Whose accounts a request has.
enum RequestOwner<'r> {
    /// Those that the storage has under this owner: a user, or with `CookieStorage` the browser, which is no user. The accounts are
    /// here if the look-up of the user has found them, too.
    Stored(Option<&'r str>, Option<Vec<Account>>),
    /// Those without a user of which the browser has a session.
    Visitor,
}

/// Where an account is stored, and the account if it was read already.
struct AccountPlace {
    key: AccountKey,
    found: Option<Account>,
}

/// Whether a visitor who has a session of `account` may use it: it has no user, and is not the site's.
fn is_visitors(account: &Account) -> bool {
    account.user_id.is_none() && !account.is_sites()
}
