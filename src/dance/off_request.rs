//! Accounts and clients off a request: nightly jobs, imports, admin pages.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use super::Dance;
use crate::client::{Client, RevocationReason};
use crate::config::Entry;
use crate::error::{Error, ErrorKind, Result};
use crate::link::{AuthorizedLogin, Purpose};
use crate::profile::Profile;
use crate::provider::Provider;
use crate::signals::Event;
use crate::storage::{Account, AccountKey, Linked, Storage, StorageBackend};
use crate::token::Token;
use crate::user::UserId;

impl Dance {
    pub(super) fn shared(&self) -> Result<&Arc<dyn Storage>> {
        match &self.store {
            StorageBackend::Shared(storage) => Ok(storage),
            StorageBackend::Browser => Err(Error::new(ErrorKind::Misconfigured, "Accounts are kept in browsers.")
                .with_source("CookieStorage has no accounts off a request: name a storage, `DieselStorage::database(\"…\")` say")),
        }
    }

    /// A client of `user`'s account at `P`; none when there is none.
    ///
    /// # Errors
    /// [`ErrorKind::ReconnectNeeded`] when the stored token can't be used any more; [`ErrorKind::UnknownProvider`] when there
    /// is no entry of `P`'s name; [`ErrorKind::Misconfigured`] with `CookieStorage`; [`ErrorKind::StoreUnavailable`].
    pub async fn client<P: Provider>(&self, provider: P, user: &impl UserId) -> Result<Option<Client>> {
        let _ = provider;
        let storage = self.shared()?.clone();
        self.open(self.entry(P::NAME)?, storage, &AccountKey::owner(P::NAME, user)).await
    }

    /// A client of the account of `provider_user_id` at `P`, of several the one that is meant; none when there is none.
    ///
    /// # Errors
    /// As [`client`](Dance::client).
    pub async fn client_for_account<P: Provider>(
        &self,
        provider: P,
        provider_user_id: &str,
    ) -> Result<Option<Client>> {
        let _ = provider;
        let storage = self.shared()?.clone();
        self.open(self.entry(P::NAME)?, storage, &AccountKey::identity(P::NAME, provider_user_id)).await
    }

    /// All accounts at `P`, one client after the other, read in pages.
    pub fn each<P: Provider>(&self, provider: P) -> AccountClients {
        let _ = provider;
        AccountClients { dance: self.clone(), entry: P::NAME, page: VecDeque::new(), after: 0, done: false }
    }

    /// `user`'s accounts at all entries.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] with `CookieStorage`, [`ErrorKind::StoreUnavailable`].
    pub async fn accounts(&self, user: &impl UserId) -> Result<Vec<Account>> {
        let entries: Vec<&str> = self.entries.keys().map(String::as_str).collect();
        self.shared()?.list(Some(&user.to_string()), &entries).await
    }

    /// The account of `provider_user_id` at `P`.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] with `CookieStorage`, [`ErrorKind::StoreUnavailable`].
    pub async fn account<P: Provider>(&self, provider: P, provider_user_id: &str) -> Result<Option<Account>> {
        let _ = provider;
        self.shared()?.get(&AccountKey::identity(P::NAME, provider_user_id)).await
    }

    /// Stores an account that came from elsewhere: another app, another library. An account that is there already is
    /// replaced; it must be `user`'s. It is linked as if `user` connected it: the storage's policy is asked, with what
    /// stands around it ([`Domain`](crate::Domain), `may_sign_in`), and signals hear of it
    /// ([`Event::AccountCreated`], [`Event::AccountUpdated`]).
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] when it is somebody else's, or the policy says no; [`ErrorKind::UnknownProvider`] when
    /// there is no entry of `P`'s name; [`ErrorKind::Misconfigured`] with `CookieStorage`, and when the account was stored
    /// while the entry pointed to another server; [`ErrorKind::StoreUnavailable`].
    pub async fn import<P: Provider>(
        &self,
        provider: P,
        user: &impl UserId,
        profile: Profile,
        token: Token,
    ) -> Result<Account> {
        let _ = provider;
        let entry = self.entry(P::NAME)?;
        let login = AuthorizedLogin {
            entry: entry.name.clone(),
            issuer: entry.authority().to_owned(),
            purpose: Purpose::Connect,
            profile,
            token,
            visitor: Some(user.to_string()),
            session: None,
            user_required: true,
            trusted_email: None,
            present: None,
            account: None,
            admitted: false,
            now: self.clock().now(),
            notes: Default::default(),
        };
        let Linked { account, previous, .. } = self.shared()?.link(&login, self.keys()).await?;
        self.tell_stored(&account, previous.is_none()).await;
        Ok(account)
    }

    /// Deletes what is under `key`: one account by its identity, or all of a user's at an entry. Nothing there is no
    /// error; whether the user can still sign in is the caller's business. Its tokens are revoked at the provider in the
    /// background: [`revoked`](Dance::wait_for_revocations) waits for that. Signals hear of it ([`Event::AccountRemoved`]).
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] with `CookieStorage`, [`ErrorKind::StoreUnavailable`].
    pub async fn delete(&self, key: &AccountKey) -> Result<()> {
        self.delete_in(self.shared()?, key).await
    }

    pub(super) async fn delete_in(&self, storage: &Arc<dyn Storage>, key: &AccountKey) -> Result<()> {
        let removed = match key {
            AccountKey::Owner { entry, user } => storage.list(user.as_deref(), &[entry]).await?,
            AccountKey::Identity { .. } => storage.get_uncached(key).await?.into_iter().collect(),
        };
        storage.delete(key).await?;
        self.removed(storage, removed).await;
        Ok(())
    }

    /// Signals hear that `account` was stored: for the first time, or again.
    pub(super) async fn tell_stored(&self, account: &Account, new: bool) {
        let event = match new {
            true => Event::AccountCreated(account.into()),
            false => Event::AccountUpdated(account.into()),
        };
        self.signals.event(event).await;
    }

    /// Signals hear that these accounts were removed, and their tokens end at their providers (RF-06).
    pub(super) async fn removed(&self, storage: &Arc<dyn Storage>, removed: Vec<Account>) {
        for account in removed {
            let event = Event::AccountRemoved((&account).into());
            self.context.revoke(storage, account, RevocationReason::AccountRemoved);
            self.signals.event(event).await;
        }
    }

    /// Waits until the tokens of removed accounts are revoked at their providers (RFC 7009), or that has failed twice:
    /// for a program that removes accounts and then ends. A server does so by itself, for two seconds.
    ///
    /// ```
    /// # use rocket_dance::{Dance, Result, storage::AccountKey};
    /// async fn forget(dance: &Dance, user: i32) -> Result<()> {
    ///     dance.delete(&AccountKey::owner("gitlab", user)).await?;
    ///     dance.wait_for_revocations().await;
    ///     Ok(())
    /// }
    /// ```
    pub async fn wait_for_revocations(&self) {
        self.context.revocations.done().await;
    }

    #[cfg(feature = "testing")]
    /// Moves the dance's clock on, for tests: flows and tokens grow old by `seconds`.
    pub fn advance(&self, seconds: i64) {
        self.clock().advance(seconds);
    }
}

/// How many accounts are read at a time.
const PAGE: usize = 100;

/// The accounts of an entry, one client after the other: [`Dance::each`].
pub struct AccountClients {
    dance: Dance,
    entry: &'static str,
    page: VecDeque<Account>,
    after: i64,
    done: bool,
}

impl AccountClients {
    /// The next client. An account whose token can't be opened any more is reported in the log and passed over; one
    /// whose grant is dead answers its first call with [`ErrorKind::ReconnectNeeded`].
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`]; the next call tries the same page again. [`ErrorKind::UnknownProvider`] when there is no
    /// entry of `P`'s name; [`ErrorKind::Misconfigured`] with a storage that can't walk its accounts, `CookieStorage` say.
    pub async fn next(&mut self) -> Result<Option<Client>> {
        let storage = self.dance.shared()?.clone();
        let entry: Arc<Entry> = self.dance.entry(self.entry)?.clone();
        loop {
            while let Some(account) = self.page.pop_front() {
                let id = account.id;
                match Client::open(entry.clone(), storage.clone(), self.dance.context.clone(), account) {
                    Ok(client) => return Ok(Some(client)),
                    Err(error) => {
                        log::warn!("oauth: `{}`: account {id} is passed over: {error:?}", self.entry)
                    }
                }
            }
            if self.done {
                return Ok(None);
            }
            let page = storage.page(Some(self.entry), self.after, PAGE).await?;
            self.done = page.len() < PAGE;
            self.after = page.last().map_or(self.after, |account| account.id);
            self.page = page.into();
        }
    }
}

impl fmt::Debug for AccountClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountClients")
            .field("entry", &self.entry)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}
