//! `CachedStorage`: a storage with a cache in front of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rocket::figment::Figment;

use super::account_cache::AccountCache;
use super::cached_account::CachedAccount;
use super::generations::Generations;
use super::session_cache::SessionCache;
use crate::error::{ErrorKind, Result};
use crate::link::AuthorizedLogin;
use crate::storage::built_in::Sealed;
use crate::storage::{
    Account, AccountKey, BuiltIn, ChangeListener, ClaimState, Coordination, KeyRing, Linked, Removed,
    SessionStorage, Storage, StoredChange, UserType,
};

/// moka panics from a time to live of a thousand years.
const MAX_TTL: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// A storage with a cache in front of it.
pub(crate) struct CachedStorage {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) accounts: AccountCache,
    pub(super) sessions: SessionCache,
    pub(super) generations: Arc<Generations>,
}

impl CachedStorage {
    /// Caches at most `bytes`, each entry for `ttl` seconds. A quarter of the bytes is for sessions, if the storage keeps
    /// sessions.
    pub(crate) fn new(storage: Arc<dyn Storage>, bytes: u64, ttl: u64) -> Self {
        let for_sessions = if storage.sessions().is_some() { bytes / 4 } else { 0 };
        let ttl = Duration::from_secs(ttl).min(MAX_TTL);
        let generations = Arc::new(Generations::new());
        let accounts = AccountCache::new(bytes - for_sessions, ttl, generations.clone());
        let sessions = SessionCache::new(for_sessions, ttl, generations.clone());
        let (all_accounts, all_sessions, known) = (accounts.clone(), sessions.clone(), generations.clone());
        storage.watch(Arc::new(move |change| match change {
            StoredChange::Key(text) => {
                known.end([text]);
            }
            StoredChange::All => {
                known.end_all();
                all_accounts.forget_all();
                all_sessions.forget_all();
            }
        }));
        Self { storage, accounts, sessions, generations }
    }

    /// Forgets everything.
    #[cfg(feature = "testing")]
    pub(crate) fn forget_all(&self) {
        self.generations.end_all();
        self.accounts.forget_all();
        self.sessions.forget_all();
    }

    /// Returns the account under `key`, from the cache or from the storage.
    pub(crate) async fn find(&self, key: &AccountKey) -> Result<Option<Arc<CachedAccount>>> {
        self.accounts.find(key, async { self.storage.get(key).await }).await
    }

    /// Forgets what a removal of the accounts under `key` has removed, or may have removed: `old` was there before.
    async fn forget_removed(&self, done: &Result<Removed>, old: &[Account], key: AccountKey) {
        self.accounts.forget(keys_of(old));
        self.accounts.forget([key]);
        match done {
            Ok(removed) => {
                self.accounts.forget(keys_of(&removed.accounts));
                self.sessions.forget_ended(&removed.sessions);
            }
            Err(error) if error.kind() == ErrorKind::StoreUnavailable => self.forget_all_sessions(),
            Err(_) => {}
        }
    }
}

fn keys_of<'r>(accounts: impl IntoIterator<Item = &'r Account>) -> Vec<AccountKey> {
    accounts.into_iter().flat_map(Account::keys).collect()
}

/// The keys of the user to whom a merge has moved accounts.
fn new_owner_keys(Linked { moved, user, .. }: &Linked) -> Vec<AccountKey> {
    let owner = |user: &String| moved.iter().map(|moved| AccountKey::owner(&moved.entry, user)).collect();
    user.as_ref().map(owner).unwrap_or_default()
}

// Each write forgets the keys it may have changed after every attempt, failed ones included: a storage that could not answer
// may have written.

#[rocket::async_trait]
impl Storage for CachedStorage {
    async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
        Ok(self.find(key).await?.map(|found| found.account()))
    }

    async fn get_uncached(&self, key: &AccountKey) -> Result<Option<Account>> {
        let generation = self.accounts.generation(key);
        let found = self.storage.get_uncached(key).await?;
        self.accounts.insert(key, generation, found.as_ref());
        Ok(found)
    }

    async fn set(&self, account: &Account) -> Result<()> {
        let old = self.storage.get(&account.key()).await?;
        let done = self.storage.set(account).await;
        self.accounts.forget(keys_of(old.iter().chain([account])));
        done
    }

    async fn delete(&self, key: &AccountKey) -> Result<()> {
        self.remove(key).await.map(drop)
    }

    async fn list(&self, user: Option<&str>, entries: &[&str]) -> Result<Vec<Account>> {
        self.storage.list(user, entries).await
    }

    async fn get_without_identity(&self, user: Option<&str>, entry: &str) -> Result<Option<Account>> {
        self.storage.get_without_identity(user, entry).await
    }

    async fn make_primary(&self, user: &str, entry: &str, account_id: i64) -> Result<bool> {
        let done = self.storage.make_primary(user, entry, account_id).await;
        // The rank of each of them may have changed.
        let accounts = self.storage.list(Some(user), &[entry]).await.unwrap_or_default();
        self.accounts.forget(keys_of(&accounts));
        self.accounts.forget([AccountKey::owner(entry, user)]);
        done
    }

    async fn page(&self, entry: Option<&str>, after: i64, limit: usize) -> Result<Vec<Account>> {
        self.storage.page(entry, after, limit).await
    }

    async fn open(&self, figment: &Figment) -> Result<()> {
        self.storage.open(figment).await
    }

    fn sessions(&self) -> Option<&dyn SessionStorage> {
        self.storage.sessions().is_some().then_some(self as &dyn SessionStorage)
    }

    fn coordination(&self) -> Option<&dyn Coordination> {
        Some(self)
    }

    fn built_in(&self) -> Option<&dyn BuiltIn> {
        Some(self)
    }
}

#[rocket::async_trait]
impl Coordination for CachedStorage {
    async fn claim(&self, id: &str, now: i64, until: i64) -> Result<ClaimState> {
        self.storage.claim(id, now, until).await
    }

    async fn settle(&self, id: &str, outcome: &str) -> Result<()> {
        self.storage.settle(id, outcome).await
    }

    async fn settled(&self, id: &str) -> Result<ClaimState> {
        self.storage.settled(id).await
    }

    async fn lease(&self, account: &Account, now: i64, until: i64) -> Result<bool> {
        self.storage.lease(account, now, until).await
    }

    async fn release(&self, account: &Account) -> Result<()> {
        self.storage.release(account).await
    }

    async fn renew(&self, account: &Account, renewed: &Account) -> Result<bool> {
        let done = self.storage.renew(account, renewed).await;
        self.accounts.forget(keys_of([account, renewed]));
        done
    }

    async fn reseal(&self, account: &Account, sealed: &str) -> Result<bool> {
        let done = self.storage.reseal(account, sealed).await;
        self.accounts.forget(account.keys());
        done
    }

    fn watch(&self, changed: ChangeListener) {
        self.storage.watch(changed);
    }
}

impl Sealed for CachedStorage {}

#[rocket::async_trait]
impl BuiltIn for CachedStorage {
    async fn link(&self, login: &AuthorizedLogin, keys: &KeyRing) -> Result<Linked> {
        let done = self.storage.link(login, keys).await;
        match &done {
            Ok(linked) => {
                let Linked { account, previous, moved, replaced, .. } = linked;
                let changed = previous.iter().chain([account]).chain(moved).chain(replaced);
                self.accounts.forget(keys_of(changed));
                self.accounts.forget(new_owner_keys(linked));
                self.sessions.forget_ended(&linked.ended);
            }
            Err(error) => {
                let mut keys: Vec<AccountKey> = AccountKey::of(login).into_iter().collect();
                if error.kind() == ErrorKind::StoreUnavailable {
                    // The account may be stored, also under the key of its owner.
                    let found = match keys.first() {
                        Some(key) => self.storage.get_uncached(key).await.ok().flatten(),
                        None => None,
                    };
                    keys.extend(login.visitor().map(|user| AccountKey::owner(&login.entry, user)));
                    keys.extend(keys_of(&found));
                    // A merge may have ended sessions, and moved accounts.
                    self.forget_all_sessions();
                    if login.merged_user.is_some() {
                        self.generations.end_all();
                        self.accounts.forget_all();
                    }
                }
                self.accounts.forget(keys);
            }
        }
        done
    }

    async fn unlink(
        &self,
        user: Option<&str>,
        entry: &str,
        account_id: Option<i64>,
        entries: &[&str],
        keep: Option<&str>,
    ) -> Result<Removed> {
        // Many visitors may have an account without a user there.
        let old = match user {
            Some(_) => self.storage.list(user, &[entry]).await?,
            None => Vec::new(),
        };
        let done = self.storage.unlink(user, entry, account_id, entries, keep).await;
        if user.is_none() && done.is_err() {
            self.generations.end_all();
            self.accounts.forget_all();
        }
        let owner = AccountKey::Owner { entry: entry.to_owned(), user: user.map(str::to_owned) };
        self.forget_removed(&done, &old, owner).await;
        done
    }

    async fn remove(&self, key: &AccountKey) -> Result<Removed> {
        let mut old: Vec<Account> = self.storage.get(key).await?.into_iter().collect();
        if let AccountKey::Owner { entry, user } = key {
            old.extend(self.storage.list(user.as_deref(), &[entry]).await?);
        }
        let done = self.storage.remove(key).await;
        self.forget_removed(&done, &old, key.clone()).await;
        done
    }

    fn user_type(&self) -> Option<UserType> {
        self.storage.user_type()
    }

    fn key_file(&self, figment: &Figment) -> Option<PathBuf> {
        self.storage.key_file(figment)
    }

    async fn sealed_by(&self) -> Result<BTreeMap<String, u64>> {
        self.storage.sealed_by().await
    }
}
