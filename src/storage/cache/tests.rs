use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rocket::tokio::spawn;
use rocket::tokio::sync::{Semaphore, watch};
use rocket::tokio::task::JoinSet;

use super::*;
use crate::error::{Error, ErrorKind, Result};
use crate::link::AuthorizedLogin;
use crate::storage::built_in::Sealed;
use crate::storage::suite::{self, in_time};
use crate::storage::{Account, AccountKey, BuiltIn, KeyRing, Linked, MemoryStorage, Removed, Storage};

/// A storage that stops at two points. A load by owner reads and then waits for a permit. A deletion commits and then waits
/// for one.
struct Slow {
    inner: MemoryStorage,
    /// Number of loads that have read.
    loads: watch::Sender<usize>,
    down: AtomicBool,
    load_permits: Semaphore,
    /// Number of deletions that have committed.
    commits: watch::Sender<usize>,
    delete_permits: Semaphore,
}

impl Slow {
    fn new(load_permits: usize) -> Arc<Self> {
        Arc::new(Self {
            inner: MemoryStorage::new(),
            loads: watch::Sender::new(0),
            down: AtomicBool::new(false),
            load_permits: Semaphore::new(load_permits),
            commits: watch::Sender::new(0),
            delete_permits: Semaphore::new(0),
        })
    }

    fn loads(&self) -> usize {
        *self.loads.borrow()
    }

    /// Waits until `count` loads have read.
    async fn wait_for_loads(&self, count: usize) {
        let mut loads = self.loads.subscribe();
        in_time("the load of the storage", loads.wait_for(|loads| *loads >= count)).await.unwrap();
    }

    /// Waits until `count` deletions have committed.
    async fn wait_for_commits(&self, count: usize) {
        let mut commits = self.commits.subscribe();
        in_time("the commit of the deletion", commits.wait_for(|commits| *commits >= count)).await.unwrap();
    }
}

#[rocket::async_trait]
impl Storage for Slow {
    async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
        let found = self.inner.get(key).await;
        self.loads.send_modify(|loads| *loads += 1);
        if matches!(key, AccountKey::Owner { .. }) {
            let _permit = self.load_permits.acquire().await.map_err(Error::app)?;
        }
        if self.down.load(Ordering::SeqCst) { Err(Error::storage("down")) } else { found }
    }

    async fn set(&self, account: &Account) -> Result<()> {
        self.inner.set(account).await
    }

    async fn delete(&self, key: &AccountKey) -> Result<()> {
        self.inner.delete(key).await?;
        self.commits.send_modify(|commits| *commits += 1);
        let _permit = self.delete_permits.acquire().await.map_err(Error::app)?;
        Ok(())
    }
}

#[rocket::async_test]
async fn ca_05_what_is_read_between_the_commit_and_the_forgetting_is_not_stale_afterwards() {
    let slow = Slow::new(1000);
    let cached = Arc::new(CachedStorage::new(slow.clone(), 1 << 20, 60));
    let account = suite::account("github", Some("1"), Some("7"));
    cached.set(&account).await.unwrap();
    assert_eq!(cached.get(&account.key()).await.unwrap().as_ref(), Some(&account));
    // A late load: it reads before the commit and returns after the cache has forgotten the key.
    let owner = AccountKey::owner("github", 7);
    let (late, other) = (cached.clone(), owner.clone());
    slow.load_permits.forget_permits(1000);
    let before = slow.loads();
    let late = spawn(async move { late.get(&other).await.unwrap() });
    slow.wait_for_loads(before + 1).await;
    let (writer, key) = (cached.clone(), account.key());
    let deletion = spawn(async move { writer.delete(&key).await.unwrap() });
    slow.wait_for_commits(1).await;
    // Committed and not forgotten yet: the cached value may be served, and is not kept.
    assert_eq!(cached.get(&account.key()).await.unwrap().as_ref(), Some(&account));
    slow.delete_permits.add_permits(1);
    in_time("the deletion", deletion).await.unwrap();
    slow.load_permits.add_permits(1000);
    let found = in_time("the late load", late).await.unwrap();
    assert_eq!(found.as_ref(), Some(&account), "it read before the commit");
    for key in [owner, account.key()] {
        assert_eq!(cached.get(&key).await.unwrap(), None, "{key}");
    }
}

#[rocket::async_test]
async fn ca_04_a_thousand_misses_are_one_load() {
    let slow = Slow::new(0);
    let cached = Arc::new(CachedStorage::new(slow.clone(), 1 << 20, 60));
    let mut tasks = JoinSet::new();
    for _ in 0..1000 {
        let cached = cached.clone();
        tasks.spawn(async move { cached.get(&AccountKey::owner("github", "7")).await });
    }
    slow.wait_for_loads(1).await;
    slow.load_permits.add_permits(1000);
    while let Some(found) = in_time("the next of a thousand lookups", tasks.join_next()).await {
        assert_eq!(found.unwrap().unwrap(), None);
    }
    assert_eq!(slow.loads(), 1, "absence is remembered");
}

#[rocket::async_test]
async fn ca_04_failures_are_not_remembered() {
    let slow = Slow::new(1000);
    let cached = CachedStorage::new(slow.clone(), 1 << 20, 60);
    let key = AccountKey::owner("github", "7");
    slow.down.store(true, Ordering::SeqCst);
    assert_eq!(cached.get(&key).await.unwrap_err().kind(), ErrorKind::StoreUnavailable);
    slow.down.store(false, Ordering::SeqCst);
    assert_eq!(cached.get(&key).await.unwrap(), None);
}

#[rocket::async_test]
async fn a_load_that_began_before_a_write_leaves_nothing_stale() {
    let slow = Slow::new(0);
    let cached = Arc::new(CachedStorage::new(slow.clone(), 1 << 20, 60));
    let account = suite::account("github", Some("1"), Some("7"));
    let late = {
        let cached = cached.clone();
        spawn(async move { cached.get(&AccountKey::owner("github", "7")).await.unwrap() })
    };
    slow.wait_for_loads(1).await;
    slow.inner.set(&account).await.unwrap();
    cached.accounts.forget(account.keys());
    slow.load_permits.add_permits(1000);
    let found = in_time("the load that began before", late).await.unwrap();
    assert_eq!(found, None, "the load read before the write");
    assert_eq!(cached.get(&AccountKey::owner("github", "7")).await.unwrap(), Some(account));
}

/// A storage that writes and then fails, as if the connection was lost during the commit.
struct InDoubt(MemoryStorage);

#[rocket::async_trait]
impl Storage for InDoubt {
    async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
        self.0.get(key).await
    }

    async fn set(&self, account: &Account) -> Result<()> {
        self.0.set(account).await
    }

    async fn delete(&self, key: &AccountKey) -> Result<()> {
        self.0.delete(key).await
    }

    async fn list(&self, user: Option<&str>, entries: &[&str]) -> Result<Vec<Account>> {
        self.0.list(user, entries).await
    }

    fn built_in(&self) -> Option<&dyn BuiltIn> {
        Some(self)
    }
}

impl Sealed for InDoubt {}

#[rocket::async_trait]
impl BuiltIn for InDoubt {
    async fn link(&self, login: &AuthorizedLogin, keys: &KeyRing) -> Result<Linked> {
        self.0.link(login, keys).await?;
        Err(Error::storage("the connection was lost during the commit"))
    }

    async fn unlink(
        &self,
        user: Option<&str>,
        entry: &str,
        account_id: Option<i64>,
        entries: &[&str],
        keep: Option<&str>,
    ) -> Result<Removed> {
        self.0.unlink(user, entry, account_id, entries, keep).await?;
        Err(Error::storage("the connection was lost during the commit"))
    }

    async fn remove(&self, key: &AccountKey) -> Result<Removed> {
        self.0.remove(key).await?;
        Err(Error::storage("the connection was lost during the commit"))
    }
}

#[rocket::async_test]
async fn ca_01_a_commit_in_doubt_leaves_nothing_stale() {
    let cached = CachedStorage::new(Arc::new(InDoubt(MemoryStorage::new())), 1 << 20, 60);
    let (owner, identity) = (AccountKey::owner("github", "7"), AccountKey::identity("github", "1"));
    for key in [&owner, &identity] {
        assert_eq!(cached.get(key).await.unwrap(), None);
    }
    let login = suite::login("github", Some("1"), Some("7"));
    cached.link(&login, &suite::keys()).await.unwrap_err();
    for key in [&owner, &identity] {
        assert!(cached.get(key).await.unwrap().is_some(), "{key}");
    }
    // No user is signed in: only the storage knows the owner.
    cached.link(&suite::login("github", Some("1"), None), &suite::keys()).await.unwrap_err();
    assert_eq!(cached.get(&owner).await.unwrap().map(|account| account.version), Some(2));
    cached.unlink(Some("7"), "github", None, &["github"], None).await.unwrap_err();
    for key in [&owner, &identity] {
        assert_eq!(cached.get(key).await.unwrap(), None, "{key}");
    }
}

#[rocket::async_test]
async fn hits_do_not_load_and_fresh_does() {
    let slow = Slow::new(1000);
    let cached = CachedStorage::new(slow.clone(), 1 << 20, 60);
    let account = suite::account("github", Some("1"), Some("7"));
    cached.set(&account).await.unwrap();
    let before = slow.loads();
    for _ in 0..10 {
        assert_eq!(cached.get(&account.key()).await.unwrap().as_ref(), Some(&account));
    }
    assert_eq!(slow.loads(), before + 1);
    // A write of another process.
    let newer = Account { version: 9, ..account.clone() };
    slow.inner.set(&newer).await.unwrap();
    assert_eq!(cached.get(&account.key()).await.unwrap(), Some(account.clone()));
    assert_eq!(cached.get_uncached(&account.key()).await.unwrap(), Some(newer.clone()));
    assert_eq!(cached.get(&account.key()).await.unwrap(), Some(newer));
}

/// CA-07, too: cached values cannot be printed.
#[rocket::async_test]
async fn ca_06_tokens_are_sealed_in_the_cache() {
    let cached = CachedStorage::new(Arc::new(MemoryStorage::new()), 1 << 20, 60);
    let account = suite::account("github", Some("1"), Some("7"));
    cached.set(&account).await.unwrap();
    let token = account.open(&suite::keys()).unwrap();
    let held = cached.find(&account.key()).await.unwrap().unwrap();
    assert_eq!(held.account(), account);
    let lies = |text: &str| held.contains(text.as_bytes());
    assert!(lies("github") && !lies(token.access_token.expose()));
}

#[rocket::async_test]
async fn ca_06_bytes_are_bounded() {
    let cached = CachedStorage::new(Arc::new(MemoryStorage::new()), 20_000, 60);
    for n in 0..200 {
        cached.set(&suite::account("github", Some(&n.to_string()), Some("7"))).await.unwrap();
        cached.get(&AccountKey::identity("github", n.to_string())).await.unwrap();
    }
    cached.accounts.cache.run_pending_tasks();
    assert!(cached.accounts.cache.weighted_size() <= 20_000 && cached.accounts.cache.entry_count() > 5);
}
