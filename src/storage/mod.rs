//! Storages: where accounts are kept, sealed.
//!
//! | | linking | off-request | refresh once | several accounts | for |
//! |---|---|---|---|---|---|
//! | [`DieselStorage`] | policy in the transaction | yes | over all processes | yes | apps |
//! | [`MemoryStorage`], [`NullStorage`] | the app's signed-in user | yes | in the process | yes | tests |
//! | [`CookieStorage`] (the default) | none: the browser's own | no | in the process | one per entry | trying out |
//! | your own [`Storage`] | the app's signed-in user | yes | as it says | as it says | Redis, … |

mod cached;
mod cookie;
pub(crate) mod local;
mod memory;
mod null;
mod packed;
mod account;
mod session;
mod session_cache;
#[cfg(feature = "_sql")]
#[cfg_attr(docsrs, doc(cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))))]
mod sql;
#[cfg(test)]
pub(crate) mod suite;

use std::any::TypeId;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use rocket::figment::Figment;

use crate::error::{Error, ErrorKind, Result};
use crate::link::{AuthorizedLogin, Found, Login, Purpose, Verdict, decide};
pub use crate::secret::{KeyRing, UnsealError};
pub use account::{Account, AccountKey};
pub(crate) use cached::{Cached, Held};
pub use cookie::CookieStorage;
pub(crate) use cookie::{Browser, TTL as ACCOUNT_TTL};
pub use memory::MemoryStorage;
pub use null::NullStorage;
pub use session::{Session, SessionSelection, SessionStorage};
#[cfg(feature = "_sql")]
#[cfg_attr(docsrs, doc(cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))))]
pub use sql::{DieselStorage, Migrations, PolicyConnection, schema};

/// Where accounts are kept.
///
/// Three methods are required, and a key-value store needs no more. What a storage gets is a [`Account`]: its token is
/// sealed already, so that a storage never sees one. All other methods have a working default that holds within one
/// process; a storage that several processes share overrides [`claim`](Storage::claim), [`settle`](Storage::settle),
/// [`settled`](Storage::settled), [`lease`](Storage::lease), [`release`](Storage::release), [`renew`](Storage::renew)
/// and [`reseal`](Storage::reseal).
///
/// ```
/// # use std::{collections::HashMap, sync::Mutex};
/// # struct Redis(Mutex<HashMap<String, String>>);
/// # impl Redis {
/// #     async fn get(&self, key: String) -> std::io::Result<Option<String>> { Ok(self.0.lock().unwrap().get(&key).cloned()) }
/// #     async fn set(&self, key: String, value: String) -> std::io::Result<()> { self.0.lock().unwrap().insert(key, value); Ok(()) }
/// #     async fn del(&self, key: String) -> std::io::Result<()> { self.0.lock().unwrap().remove(&key); Ok(()) }
/// # }
/// use rocket_dance::{Error, Result};
/// use rocket_dance::storage::{AccountKey, Account, Storage};
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
    /// The account under `key`: an owner's primary one where there are several.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`] when the store can't be asked: never "none".
    async fn get(&self, key: &AccountKey) -> Result<Option<Account>>;

    /// The account under `key` as the store has it now, past any cache.
    ///
    /// # Errors
    /// As [`get`](Storage::get).
    async fn get_uncached(&self, key: &AccountKey) -> Result<Option<Account>> {
        self.get(key).await
    }

    /// Stores `account` under all its [keys](Account::keys), in place of what was there.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`]; then nothing has changed.
    async fn set(&self, account: &Account) -> Result<()>;

    /// Removes what is under `key`: the one account of an identity, all of an owner's at the entry. Nothing there is
    /// no error.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`]; then nothing has changed.
    async fn delete(&self, key: &AccountKey) -> Result<()>;

    /// The accounts of `user` (none: those without a user) at these `entries`.
    async fn list(&self, user: Option<&str>, entries: &[&str]) -> Result<Vec<Account>> {
        let mut accounts = Vec::new();
        for entry in entries {
            let key = AccountKey::Owner { entry: (*entry).into(), user: user.map(Into::into) };
            accounts.extend(self.get(&key).await?);
        }
        Ok(accounts)
    }

    /// Makes the account with the id `account_id` the primary one of `user`'s at `entry`; the others keep their order. Says
    /// whether it is one of them. The [version](Account::version) stays: a refresh under way goes on.
    async fn make_primary(&self, user: &str, entry: &str, account_id: i64) -> Result<bool> {
        let mut mine = self.list(Some(user), &[entry]).await?;
        let Some(at) = mine.iter().position(|account| account.id == account_id) else { return Ok(false) };
        mine[..=at].rotate_right(1);
        for (account, rank) in mine.iter().zip(0..) {
            let _turn = local::turn(&turn_of(account)).await;
            match same(self, account, self.get(&account.key()).await?).await? {
                Some(now) if now.id == account.id && now.user_id == account.user_id && now.rank != rank => {
                    self.set(&Account { rank, ..now }).await?;
                }
                _ => {}
            }
        }
        Ok(true)
    }

    /// The next accounts of `entry`, or of all of them, in the order of their ids, `limit` at most, after the id `after`:
    /// what [`Dance::each`](crate::Dance::each) and [`Dance::reseal`](crate::Dance::reseal) walk.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] where the storage can't walk its accounts.
    async fn page(&self, entry: Option<&str>, after: i64, limit: usize) -> Result<Vec<Account>> {
        let _ = (entry, after, limit);
        Err(Error::new(ErrorKind::Misconfigured, "this storage can't walk its accounts: use DieselStorage"))
    }

    /// Claims the callback `id` until `until` (unix seconds), so that it is used once. The default holds within this
    /// process.
    async fn claim(&self, id: &str, now: i64, until: i64) -> Result<ClaimState> {
        Ok(local::claim(id, now, until))
    }

    /// Notes the outcome of the callback `id`, for repeats of it.
    async fn settle(&self, id: &str, outcome: &str) -> Result<()> {
        local::settle(id, outcome);
        Ok(())
    }

    /// What came of the callback `id`, asked again and again by its repeats; [`ClaimState::First`] where nobody has claimed it.
    /// It only reads. Who overrides [`claim`](Storage::claim) overrides this, too.
    async fn settled(&self, id: &str) -> Result<ClaimState> {
        Ok(local::settled(id))
    }

    /// Whether this process may refresh `account`'s token now, for at most `until` (unix seconds). One refresh at a
    /// time is let through per process before this is asked; a store that several processes share answers for all
    /// of them, and answers no when `account` is no longer what is stored.
    async fn lease(&self, account: &Account, now: i64, until: i64) -> Result<bool> {
        let _ = (account, now, until);
        Ok(true)
    }

    /// Gives a lease back before its time, after a refresh that failed.
    async fn release(&self, account: &Account) -> Result<()> {
        let _ = account;
        Ok(())
    }

    /// Replaces the token of `account` by a refreshed one, if `account` is still what is stored; says whether it was.
    /// This ends the lease.
    async fn renew(&self, account: &Account, renewed: &Account) -> Result<bool> {
        let _turn = local::turn(&turn_of(account)).await;
        match same(self, account, self.get(&account.key()).await?).await? {
            // The id too: an account that was removed and connected anew begins to count anew.
            Some(stored)
                if (stored.id, stored.version) == (account.id, account.version)
                    && stored.user_id == account.user_id =>
            {
                // It may have been moved meanwhile.
                self.set(&Account { rank: stored.rank, ..renewed.clone() }).await.map(|()| true)
            }
            _ => Ok(false),
        }
    }

    /// Puts `sealed`, the token of `account` under another key, in the place of the sealed text of `account`, if that is
    /// what is stored still; says whether it was. The [version](Account::version) stays: a refresh under way goes on.
    async fn reseal(&self, account: &Account, sealed: &str) -> Result<bool> {
        let _turn = local::turn(&turn_of(account)).await;
        match same(self, account, self.get(&account.key()).await?).await? {
            Some(stored) if (stored.id, &stored.token) == (account.id, &account.token) => {
                self.set(&Account { token: sealed.to_owned(), ..stored }).await.map(|()| true)
            }
            _ => Ok(false),
        }
    }

    /// How many accounts each key has sealed, by the key's id as it stands in the sealed texts: asked at launch, beside
    /// everything else. Empty where the storage doesn't know.
    async fn sealed_by(&self) -> Result<BTreeMap<String, u64>> {
        Ok(BTreeMap::new())
    }

    /// Stores a finished dance: finds whose account it is, decides, writes. Without a policy, a login goes to the
    /// user who is signed in ([`Login::default_verdict`](crate::Login::default_verdict)).
    ///
    /// # Errors
    /// What the decision refuses, and [`ErrorKind::StoreUnavailable`]; then nothing is stored.
    // The engine's own: whoever overrides it would skip the check of verdicts.
    #[doc(hidden)]
    async fn link(&self, login: &AuthorizedLogin, keys: &KeyRing) -> Result<Linked> {
        link_by(self, login, keys, |asked| Ok(asked.default_verdict())).await
    }

    /// Removes accounts of `user` at `entry`, the one with the id `account_id` or all, and says which. `entries` are all
    /// of the app's entries with which one can sign in. The default removes a last one, too: without a policy users
    /// have another way to come in.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`]; where a policy knows of no other way to sign in, [`ErrorKind::LastLogin`], and nothing has
    /// changed.
    // The engine's own: only a storage that asks a policy has more to do.
    #[doc(hidden)]
    async fn unlink(
        &self,
        user: Option<&str>,
        entry: &str,
        account_id: Option<i64>,
        entries: &[&str],
    ) -> Result<Vec<Account>> {
        let _ = entries;
        let mine = self.list(user, &[entry]).await?;
        let (removed, kept): (Vec<_>, Vec<_>) =
            mine.into_iter().partition(|account| account_id.is_none_or(|id| account.id == id));
        for account in &removed {
            self.delete(&account.key()).await?;
        }
        // An owner's key, all that an account without an identity has, takes along the others.
        for account in
            kept.iter().filter(|_| removed.iter().any(|account| account.provider_user_id.is_none()))
        {
            self.set(account).await?;
        }
        Ok(removed)
    }

    /// Where sessions are kept, so that signing out ends them on the server. The default keeps none: a session is its
    /// cookie alone then.
    fn sessions(&self) -> Option<&dyn SessionStorage> {
        None
    }

    /// Gets ready at launch: reads its configuration, connects, migrates.
    ///
    /// # Errors
    /// Stops the launch with this error's message.
    async fn open(&self, figment: &Figment) -> Result<()> {
        let _ = figment;
        Ok(())
    }

    /// From now on tells `changed` what others write, other processes above all: the cache before the storage forgets it.
    /// The default tells nothing; then what others write is seen after the cache's time to live.
    fn watch(&self, changed: ChangeListener) {
        let _ = changed;
    }

    /// The type of the app's user ids, where the storage knows it: to compare it with the session's at launch.
    fn user_type(&self) -> Option<UserType> {
        None
    }

    /// Where a key file may lie beside the data, in debug, when the app names no key.
    // The engine's own: where DieselStorage's file is.
    #[doc(hidden)]
    fn key_file(&self, figment: &Figment) -> Option<PathBuf> {
        let _ = figment;
        None
    }
}

/// `found`, under the key of `account`, if it is the same account; else the one among its owner's that is. Without an
/// identity an account has only its owner's key, and under that one is whichever is the primary one.
pub(crate) async fn same<S: Storage + ?Sized>(
    storage: &S,
    account: &Account,
    found: Option<Account>,
) -> Result<Option<Account>> {
    let same = |found: &Account| found.provider_user_id == account.provider_user_id;
    if found.as_ref().is_none_or(same) {
        return Ok(found);
    }
    Ok(storage.list(account.user_id.as_deref(), &[&account.entry]).await?.into_iter().find(same))
}

/// Writes to one account take turns within this process.
fn turn_at(entry: &str, provider_user_id: Option<&str>) -> String {
    format!("account {entry} {provider_user_id:?}")
}

fn turn_of(account: &Account) -> String {
    turn_at(&account.entry, account.provider_user_id.as_deref())
}

/// Stores a finished dance in a storage without transactions, asking `ask`.
async fn link_by<S: Storage + ?Sized>(
    storage: &S,
    login: &AuthorizedLogin,
    keys: &KeyRing,
    ask: impl FnOnce(Login<String>) -> Result<Verdict<String>> + Send,
) -> Result<Linked> {
    login.check()?;
    let _turn = local::turn(&turn_at(&login.entry, login.profile.id.as_deref())).await;
    let found = match AccountKey::of(login) {
        Some(key @ AccountKey::Identity { .. }) => storage.get(&key).await?,
        // Of this user's accounts the one without an identity: another is somebody's whom this token may not be.
        Some(AccountKey::Owner { entry, user }) => {
            let mine = storage.list(user.as_deref(), &[&entry]).await?;
            mine.into_iter().find(|account| account.provider_user_id.is_none())
        }
        None => None,
    };
    let site = match login.purpose {
        Purpose::Site => storage.get(&AccountKey::Owner { entry: login.entry.clone(), user: None }).await?,
        _ => None,
    };
    let decision = decide(login, &Found::of(found.as_ref(), site.as_ref()), ask)?;
    let mut account = Account::of(login, decision.user.as_deref(), found.as_ref(), keys)?;
    if account.is_new_to_its_user(found.as_ref()) {
        let mine = storage.list(decision.user.as_deref(), &[&login.entry]).await?;
        account.rank = Account::rank_after(mine.iter().map(|account| account.rank));
    }
    storage.set(&account).await?;
    Ok(Linked { account, previous: found, user: decision.user, merged: decision.merged, ended: Vec::new() })
}

impl<'a> Found<'a> {
    fn of(account: Option<&'a Account>, site: Option<&'a Account>) -> Self {
        Self {
            account: account.map(|account| (account.issuer.as_str(), account.user_id.as_deref())),
            site: site
                .filter(|account| account.is_sites())
                .map(|account| account.provider_user_id.as_deref()),
        }
    }
}

/// The type of the app's user ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserType {
    id: TypeId,
    name: &'static str,
}

impl UserType {
    /// The type `U`.
    pub fn of<U: 'static>() -> Self {
        Self { id: TypeId::of::<U>(), name: std::any::type_name::<U>() }
    }

    /// The type's name, for messages.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

/// What others have written: see [`Storage::watch`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoredChange<'c> {
    /// What is under the [`AccountKey`] of this text; or, where it begins with `session:`, the session with the id behind it.
    AccountKey(&'c str),
    /// Nobody knows what: everything, perhaps.
    All,
}

/// Hears of a [`StoredChange`]. It is quick, and may be called from any thread.
pub type ChangeListener = Arc<dyn Fn(StoredChange<'_>) + Send + Sync>;

/// What came of claiming a callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClaimState {
    /// It is ours: exchange it.
    First,
    /// Another request is at it.
    Pending,
    /// It has been used, with this outcome.
    Settled(String),
}

/// A stored dance.
#[derive(Debug)]
pub struct Linked {
    /// The account as it is now.
    pub account: Account,
    /// The account as it was, where it existed.
    pub previous: Option<Account>,
    /// The user to sign in.
    pub user: Option<String>,
    /// Whether it was a stranger's, and is somebody's who was there before.
    pub merged: bool,
    /// That user's sessions, which ended with the merge.
    pub ended: Vec<Session>,
}

/// The storage of a dance: one that all requests share, or each browser's own. Every [`Storage`] becomes one, and
/// [`CookieStorage`].
#[allow(missing_debug_implementations)]
pub struct Store(pub(crate) StorageBackend);

/// Where accounts are stored: in each browser's cookies, or in one storage that all requests share.
pub(crate) enum StorageBackend {
    Browser,
    Shared(Arc<dyn Storage>),
}

impl StorageBackend {
    pub(crate) fn keeps_sessions(&self) -> bool {
        match self {
            StorageBackend::Browser => false,
            StorageBackend::Shared(storage) => storage.sessions().is_some(),
        }
    }
}

impl<S: Storage> From<S> for Store {
    fn from(storage: S) -> Self {
        Store(StorageBackend::Shared(Arc::new(storage)))
    }
}

impl From<CookieStorage> for Store {
    fn from(_: CookieStorage) -> Self {
        Store(StorageBackend::Browser)
    }
}
