//! `Storage`: the trait of all storages.

use rocket::figment::Figment;

use super::local::turn;
use super::{Account, AccountKey, BuiltIn, Coordination, Session, SessionStorage};
use crate::error::{Error, ErrorKind, Result};

/// Stores accounts.
///
/// Three methods are required: [`get`](Storage::get), [`set`](Storage::set) and [`delete`](Storage::delete). A key-value
/// store needs no more. A storage receives each [`Account`] with its token sealed, so it never sees a token.
///
/// | to offer | override |
/// |---|---|
/// | several accounts of one user at one entry | [`list`](Storage::list), [`make_primary`](Storage::make_primary) |
/// | [`Dance::each`](crate::Dance::each), [`Dance::reseal`](crate::Dance::reseal) | [`page`](Storage::page) |
/// | sessions that the server can end | [`sessions`](Storage::sessions) |
/// | one look-up per request without a cache, instead of two | [`session_with_accounts`](Storage::session_with_accounts) |
/// | one refresh and one use of a callback over all processes, not only in each of them | [`coordination`](Storage::coordination) |
/// | a check and a connection at launch | [`open`](Storage::open) |
///
/// `rocket_dance::testing::storage_suite` checks the rules of these methods in an app's own test. The module
/// [`storage`](crate::storage#a-storage-of-an-apps-own) says what rocket_dance does on a store without transactions.
///
/// A cache is in front of the storage unless `cache = false` is set: see `cache` in [the settings](crate#settings).
///
/// # Errors
/// A storage that cannot be reached fails with [`ErrorKind::StoreUnavailable`], which
/// [`Error::storage`](crate::Error::storage) makes of any error. It never answers "there is none" in that case: the user would
/// be asked to sign in again.
///
/// # Example
/// ```
/// # use std::{collections::HashMap, sync::Mutex};
/// # struct Redis(Mutex<HashMap<String, String>>);
/// # impl Redis {
/// #     async fn get(&self, key: String) -> std::io::Result<Option<String>> { Ok(self.0.lock().unwrap().get(&key).cloned()) }
/// #     async fn set(&self, key: String, value: String) -> std::io::Result<()> { self.0.lock().unwrap().insert(key, value); Ok(()) }
/// #     async fn del(&self, key: String) -> std::io::Result<()> { self.0.lock().unwrap().remove(&key); Ok(()) }
/// # }
/// use rocket_dance::{Error, Result};
/// use rocket_dance::storage::{Account, AccountKey, Storage};
///
/// struct RedisStorage(Redis);
///
/// #[rocket::async_trait]
/// impl Storage for RedisStorage {
///     async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
///         let json = self.0.get(key.to_string()).await.map_err(Error::storage)?;
///         json.map(|json| serde_json::from_str(&json).map_err(Error::storage)).transpose()
///     }
///
///     async fn set(&self, account: &Account) -> Result<()> {
///         let json = serde_json::to_string(account).map_err(Error::storage)?;
///         for key in account.keys() {
///             self.0.set(key.to_string(), json.clone()).await.map_err(Error::storage)?;
///         }
///         Ok(())
///     }
///
///     async fn delete(&self, key: &AccountKey) -> Result<()> {
///         let Some(account) = self.get(key).await? else { return Ok(()) };
///         for key in account.keys() {
///             self.0.del(key.to_string()).await.map_err(Error::storage)?;
///         }
///         Ok(())
///     }
/// }
/// # rocket::async_test(async {
/// #     let storage = RedisStorage(Redis(Mutex::default()));
/// #     assert!(storage.get(&AccountKey::owner("github", "7")).await.unwrap().is_none());
/// # });
/// ```
#[rocket::async_trait]
pub trait Storage: Send + Sync + 'static {
    /// Returns the account under `key`. If an owner has several accounts at the entry, it returns the primary one.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`].
    async fn get(&self, key: &AccountKey) -> Result<Option<Account>>;

    /// Stores `account` under all its [keys](Account::keys) and replaces what was there. A storage that stores one account per
    /// owner need not delete the other key of a replaced account: rocket_dance does so.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`]; nothing has changed then.
    async fn set(&self, account: &Account) -> Result<()>;

    /// Removes the accounts under `key`: the one account of an identity, or all accounts of an owner at the entry. It
    /// succeeds if there are none.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`]; nothing has changed then.
    async fn delete(&self, key: &AccountKey) -> Result<()>;

    /// Returns the same as [`get`](Storage::get) and bypasses every cache.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`].
    async fn get_uncached(&self, key: &AccountKey) -> Result<Option<Account>> {
        self.get(key).await
    }

    /// Returns the accounts of `user` at these `entries`, ordered by entry and then by [rank](Account::rank). Without a
    /// `user` it returns those that have none. The default returns one account per entry.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`].
    async fn list(&self, user: Option<&str>, entries: &[&str]) -> Result<Vec<Account>> {
        let mut accounts = Vec::new();
        for entry in entries {
            let key = AccountKey::Owner { entry: (*entry).into(), user: user.map(Into::into) };
            accounts.extend(self.get(&key).await?);
        }
        Ok(accounts)
    }

    /// Returns the account of `user` at `entry` that has no identity. Without a `user` it returns the one that has neither. The
    /// default searches the [`list`](Storage::list) of that owner. Override it if many accounts may have no user.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`].
    async fn get_without_identity(&self, user: Option<&str>, entry: &str) -> Result<Option<Account>> {
        let owned = self.list(user, &[entry]).await?;
        Ok(owned.into_iter().find(|account| account.provider_user_id.is_none()))
    }

    /// Makes the account with the id `account_id` the primary one of `user` at `entry`. The other accounts keep their
    /// order. Returns whether the user has such an account there. The [version](Account::version) of each account stays,
    /// so that a refresh in progress succeeds.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`].
    async fn make_primary(&self, user: &str, entry: &str, account_id: i64) -> Result<bool> {
        let mut accounts = self.list(Some(user), &[entry]).await?;
        let Some(at) = accounts.iter().position(|account| account.id == account_id) else { return Ok(false) };
        accounts[..=at].rotate_right(1);
        for (account, rank) in accounts.iter().zip(0..) {
            let _turn = turn(&account.turn_name()).await;
            match same_account(self, account, self.get(&account.key()).await?).await? {
                Some(now) if now.id == account.id && now.user_id == account.user_id && now.rank != rank => {
                    self.set(&Account { rank, ..now }).await?;
                }
                _ => {}
            }
        }
        Ok(true)
    }

    /// Returns the next accounts of `entry`, or of all entries, in the order of their ids: those with an id greater than
    /// `after`, at most `limit` of them. [`Dance::each`](crate::Dance::each) and
    /// [`Dance::reseal`](crate::Dance::reseal) use it.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the storage cannot list all its accounts, which is the default;
    /// [`ErrorKind::StoreUnavailable`].
    async fn page(&self, entry: Option<&str>, after: i64, limit: usize) -> Result<Vec<Account>> {
        let _ = (entry, after, limit);
        Err(Error::new(
            ErrorKind::Misconfigured,
            "this storage can't list all its accounts: use DieselStorage, or implement `Storage::page`",
        ))
    }

    /// Prepares the storage at launch: it reads its configuration from `figment`, connects and migrates.
    ///
    /// # Errors
    /// Any error stops the launch, with its message.
    async fn open(&self, figment: &Figment) -> Result<()> {
        let _ = figment;
        Ok(())
    }

    /// Returns the storage of sessions, so that the server can end a session. Without one, which is the default, a session
    /// exists only in its cookie.
    fn sessions(&self) -> Option<&dyn SessionStorage> {
        None
    }

    /// Returns the session with this id, also if it has expired, with the accounts of its user at these `entries`, ordered as
    /// [`list`](Storage::list) orders them; a session without a user has none. The default asks the [`sessions`](Storage::sessions)
    /// and then `list`. rocket_dance calls it if `cache = false` is set.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`].
    async fn session_with_accounts(
        &self,
        id: &str,
        entries: &[&str],
    ) -> Result<Option<(Session, Vec<Account>)>> {
        let Some(sessions) = self.sessions() else { return Ok(None) };
        let Some(session) = sessions.session(id).await? else { return Ok(None) };
        let accounts = match session.user() {
            Some(user) => self.list(Some(user), entries).await?,
            None => Vec::new(),
        };
        Ok(Some((session, accounts)))
    }

    /// Returns what coordinates several processes that share this storage. Without it, which is the default, each process
    /// coordinates its own requests: see [`Coordination`].
    fn coordination(&self) -> Option<&dyn Coordination> {
        None
    }

    /// Returns the hooks that only the storages of this crate have. A storage of an app that wraps one of them returns
    /// the hooks of the wrapped storage here; other storages have none.
    fn built_in(&self) -> Option<&dyn BuiltIn> {
        None
    }
}

/// Returns `found`, which was stored under a key of `account`, if it is [the same account](Account::is_same_as). Otherwise
/// it searches the accounts of the owner. An account without an identity has only the key of its owner, under which another
/// account of that owner may be the primary one.
pub(crate) async fn same_account<S: Storage + ?Sized>(
    storage: &S,
    account: &Account,
    found: Option<Account>,
) -> Result<Option<Account>> {
    if found.as_ref().is_none_or(|found| found.is_same_as(account)) {
        return Ok(found);
    }
    if account.provider_user_id.is_some() {
        let found = storage.get_uncached(&account.key()).await?;
        return Ok(found.filter(|found| found.user_id == account.user_id));
    }
    match storage.get_without_identity(account.user_id.as_deref(), &account.entry).await? {
        Some(found) => Ok(Some(found)),
        // It may have got an identity.
        None => reload_by_id(storage, account).await,
    }
}

/// Returns the account that has the id of `account`, if it has the same owner.
pub(crate) async fn reload_by_id<S: Storage + ?Sized>(
    storage: &S,
    account: &Account,
) -> Result<Option<Account>> {
    let Account { entry, user_id: user, .. } = account;
    let found = match user {
        Some(user) => storage.list(Some(user), &[entry]).await?,
        // Many visitors may have an account without a user there.
        None => match storage.page(Some(entry), account.id.saturating_sub(1), 1).await {
            Err(error) if error.kind() == ErrorKind::Misconfigured => storage.list(None, &[entry]).await?,
            found => found?,
        },
    };
    Ok(found.into_iter().find(|found| found.id == account.id && found.user_id == *user))
}
