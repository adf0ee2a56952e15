//! Accounts and API clients outside of a request: for nightly jobs, imports, admin pages.

use std::sync::Arc;

use super::events::{report_linked, report_removed};
use crate::client::Client;
use crate::dance::handle::Dance;
use crate::error::Result;
use crate::link::AuthorizedLogin;
use crate::profile::Profile;
use crate::provider::Provider;
use crate::storage::{Account, AccountKey, Storage};
use crate::token::Token;
use crate::user::UserId;

impl Dance {
    /// Returns an API client of `user`'s primary account at `P`; `None` if the user has none.
    ///
    /// ```
    /// use rocket_dance::{Dance, Result, provider::GitHub};
    ///
    /// async fn starred(dance: &Dance, user: i32) -> Result<Option<String>> {
    ///     match dance.client(GitHub, &user).await? {
    ///         Some(github) => github.get("user/starred").text().await.map(Some),
    ///         None => Ok(None),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::ReconnectNeeded`](crate::ErrorKind::ReconnectNeeded) if the stored token can't be used any more;
    /// [`ErrorKind::UnknownProvider`](crate::ErrorKind::UnknownProvider) if there is no entry of `P`'s name;
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) with `CookieStorage`;
    /// [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable).
    pub async fn client<P: Provider>(&self, provider: P, user: &impl UserId) -> Result<Option<Client>> {
        let _ = provider;
        let storage = self.shared_storage()?.clone();
        self.open_client(self.required_entry(P::NAME)?, storage, &AccountKey::owner(P::NAME, user)).await
    }

    /// Returns an API client of the account at `P` with this id at the provider; `None` if there is no such account.
    ///
    /// ```
    /// use rocket_dance::{Dance, Result, provider::GitHub};
    ///
    /// async fn is_usable(dance: &Dance, github_id: &str) -> Result<bool> {
    ///     Ok(dance.client_for_account(GitHub, github_id).await?.is_some())
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`client`](Dance::client).
    pub async fn client_for_account<P: Provider>(
        &self,
        provider: P,
        provider_user_id: &str,
    ) -> Result<Option<Client>> {
        let _ = provider;
        let storage = self.shared_storage()?.clone();
        let key = AccountKey::identity(P::NAME, provider_user_id);
        self.open_client(self.required_entry(P::NAME)?, storage, &key).await
    }

    /// Returns `user`'s accounts at all entries.
    ///
    /// ```
    /// use rocket_dance::{Dance, Result};
    ///
    /// async fn print_accounts(dance: &Dance, user: i32) -> Result<()> {
    ///     for account in dance.accounts(&user).await? {
    ///         println!("{}: {:?}", account.entry, account.display_name);
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) with `CookieStorage`;
    /// [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable).
    pub async fn accounts(&self, user: &impl UserId) -> Result<Vec<Account>> {
        let entries: Vec<&str> = self.entries().keys().map(String::as_str).collect();
        self.shared_storage()?.list(Some(&user.to_string()), &entries).await
    }

    /// Returns the account at `P` with this id at the provider; `None` if there is no such account.
    ///
    /// ```
    /// use rocket_dance::{Dance, Result, provider::GitHub};
    ///
    /// async fn local_user(dance: &Dance, github_id: &str) -> Result<Option<String>> {
    ///     Ok(dance.account(GitHub, github_id).await?.and_then(|account| account.user_id))
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) with `CookieStorage`;
    /// [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable).
    pub async fn account<P: Provider>(&self, provider: P, provider_user_id: &str) -> Result<Option<Account>> {
        let _ = provider;
        self.shared_storage()?.get(&AccountKey::identity(P::NAME, provider_user_id)).await
    }

    /// Stores an account that comes from elsewhere, for example from another library, as if `user` connected it.
    ///
    /// It replaces an account that is stored already, which must belong to `user`. The storage's policy decides (`may_sign_in`
    /// included), and signals get [`Event::AccountCreated`](crate::Event::AccountCreated) or
    /// [`Event::AccountUpdated`](crate::Event::AccountUpdated).
    ///
    /// ```
    /// use rocket_dance::{Dance, Profile, Result, Token, provider::GitHub};
    ///
    /// async fn import_row(dance: &Dance, user: i32, github_id: &str, access_token: &str) -> Result<()> {
    ///     let mut profile = Profile::default();
    ///     profile.id = Some(github_id.to_owned());
    ///     dance.import(GitHub, &user, profile, Token::new(access_token)).await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) if the account belongs to another user, or the policy refuses
    /// it; [`ErrorKind::UnknownProvider`](crate::ErrorKind::UnknownProvider) if there is no entry of `P`'s name;
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) with `CookieStorage`, and if the account was stored
    /// while the entry pointed to another server; [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable).
    pub async fn import<P: Provider>(
        &self,
        provider: P,
        user: &impl UserId,
        profile: Profile,
        token: Token,
    ) -> Result<Account> {
        let _ = provider;
        self.import_at(P::NAME, &user.to_string(), profile, token).await
    }

    /// The same at the entry called `entry`.
    pub(crate) async fn import_at(
        &self,
        entry: &str,
        user: &str,
        profile: Profile,
        token: Token,
    ) -> Result<Account> {
        let entry = self.required_entry(entry)?;
        let (name, issuer, user) = (entry.name.clone(), entry.authority().to_owned(), user.to_owned());
        let now = self.clock().now();
        let login = AuthorizedLogin::connecting(name, issuer, Some(user), profile, token, now);
        let storage = self.shared_storage()?;
        let linked = storage.link(&login, self.keys()).await?;
        report_linked(self, None, storage, &linked).await;
        Ok(linked.account)
    }

    /// Deletes the account under `key`: one by its identity, or all of a user's accounts at an entry.
    ///
    /// It is no error if there is no such account. The method does not check whether the user can still sign in. The
    /// sessions that began with these accounts end in the same transaction. The tokens are revoked at the provider in the
    /// background ([`wait_for_revocations`](Dance::wait_for_revocations)), and signals get
    /// [`Event::AccountRemoved`](crate::Event::AccountRemoved).
    ///
    /// ```
    /// use rocket_dance::{Dance, Result, storage::AccountKey};
    ///
    /// async fn delete_github_account(dance: &Dance, github_id: &str) -> Result<()> {
    ///     dance.delete(&AccountKey::identity("github", github_id)).await
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) with `CookieStorage`;
    /// [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable).
    pub async fn delete(&self, key: &AccountKey) -> Result<()> {
        delete_in(self, self.shared_storage()?, key).await
    }

    /// Waits until the tokens of removed accounts are revoked at their providers (RFC 7009), or two attempts have failed.
    ///
    /// A program that removes accounts and then ends should call it. A server does so when it shuts down, for two
    /// seconds.
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
        self.context().revocations.wait_until_done().await;
    }

    /// Moves the clock by `seconds`, for [`testing::Clock`](crate::testing::Clock). What is cached of the storage, and of failed
    /// refreshes, is forgotten.
    #[cfg(feature = "testing")]
    #[doc(hidden)]
    pub fn advance_clock(&self, seconds: i64) {
        self.clock().advance(seconds);
        self.forget_cached();
        self.context().refreshes.forget_failures();
    }
}

/// Deletes the accounts under `key` in `storage`, with the sessions that began with them, and reports it.
///
/// # Errors
/// If the storage can't be reached.
pub(super) async fn delete_in(dance: &Dance, storage: &Arc<dyn Storage>, key: &AccountKey) -> Result<()> {
    let removed = storage.remove(key).await?;
    report_removed(dance, None, storage, removed).await;
    Ok(())
}
