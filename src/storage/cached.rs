//! A moka cache before another storage.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use moka::Equivalent;
use moka::future::Cache;
use rocket::figment::Figment;

use super::packed::Packed;
use super::session_cache::SessionCache;
use super::{
    Account, AccountKey, ChangeListener, ClaimState, KeyRing, Linked, SessionStorage, Storage, StoredChange,
    UserType,
};
use crate::error::{ErrorKind, Result};
use crate::link::AuthorizedLogin;

/// Counts of writes, shared by all keys: by the hash of a key's text, which other processes can tell as well.
pub(super) struct Generations([AtomicU64; Self::COUNT]);

impl Generations {
    const COUNT: usize = 1024;

    fn new() -> Self {
        Self([const { AtomicU64::new(0) }; Self::COUNT])
    }

    pub(super) fn of<'t>(&self, parts: impl IntoIterator<Item = &'t str>) -> &AtomicU64 {
        // FNV-1a: the same for a text as for its parts. Whoever makes keys collide loses some hits.
        let hash = parts.into_iter().flat_map(str::bytes).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        &self.0[(hash ^ (hash >> 32)) as usize % Self::COUNT]
    }

    pub(super) fn end_all(&self) {
        self.0.iter().for_each(|generation| {
            generation.fetch_add(1, Ordering::SeqCst);
        });
    }
}

const YEAR: u64 = 365 * 24 * 60 * 60;

/// A storage before another: answers from memory for a few seconds, absence included, failures never.
///
/// A key is looked up together with its generation, which every write to it ends. So a load that began before a write
/// lands where nobody looks any more, and nobody who comes after the write joins it. Writes by others end generations,
/// too, as far as the storage [tells](Storage::watch); for the rest the time to live is the bound.
///
/// Tokens lie here as they lie in the storage: sealed.
pub(crate) struct Cached {
    pub(super) storage: Arc<dyn Storage>,
    cache: Cache<Place, Option<Arc<Held>>>,
    pub(super) sessions: Arc<SessionCache>,
    pub(super) generations: Arc<Generations>,
}

/// Where the cache has what is under a key: its text, and its generation.
#[derive(PartialEq, Eq)]
struct Place(Box<str>, u64);

impl Place {
    fn of(key: &AccountKey, generation: u64) -> Self {
        Self(Seek(key, generation).texts().concat().into(), generation)
    }
}

impl Hash for Place {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write(self.0.as_bytes());
        state.write_u64(self.1);
    }
}

/// A place to look at: a hit copies no text.
struct Seek<'k>(&'k AccountKey, u64);

impl<'k> Seek<'k> {
    fn texts(&self) -> [&'k str; 3] {
        let [_, entry, kind, id] = self.0.parts();
        [entry, kind, id]
    }
}

impl Hash for Seek<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.texts().into_iter().for_each(|text| state.write(text.as_bytes()));
        state.write_u64(self.1);
    }
}

impl Equivalent<Place> for Seek<'_> {
    fn equivalent(&self, Place(text, generation): &Place) -> bool {
        let rest = self.texts().into_iter().try_fold(&**text, |rest, text| rest.strip_prefix(text));
        rest == Some("") && self.1 == *generation
    }
}

/// An account that was found.
pub(crate) struct Held {
    account: Packed,
    /// Until when the token can be used, in unix seconds, once it has been opened: then it can be opened again.
    usable_until: OnceLock<i64>,
}

impl Held {
    fn new(account: Option<&Account>) -> Option<Arc<Self>> {
        account.map(|account| Arc::new(Self { account: Packed::new(account), usable_until: OnceLock::new() }))
    }

    pub(crate) fn account(&self) -> Account {
        self.account.unpack()
    }

    /// Until when the token can be used as it is; none as long as it was never opened.
    pub(crate) fn usable_until(&self) -> Option<i64> {
        self.usable_until.get().copied()
    }

    /// The token was opened, and can be used until then.
    pub(crate) fn opened(&self, usable_until: i64) {
        self.usable_until.get_or_init(|| usable_until);
    }
}

/// What an entry takes besides its bytes, in moka's lists and maps and in the allocator's: `cached memory` in `bench`
/// measures it.
const OVERHEAD: usize = 560;

impl Cached {
    /// `ttl` in seconds, `bytes` at most: a quarter of them for sessions, where the storage keeps any.
    pub(crate) fn new(storage: Arc<dyn Storage>, bytes: u64, ttl: u64) -> Self {
        let for_sessions = if storage.sessions().is_some() { bytes / 4 } else { 0 };
        // moka panics from a thousand years on.
        let ttl = Duration::from_secs(ttl.min(YEAR));
        let cache = Cache::builder()
            .max_capacity(bytes - for_sessions)
            .weigher(|Place(text, _), found: &Option<Arc<Held>>| {
                u32::try_from(OVERHEAD + text.len() + found.as_ref().map_or(0, |found| found.account.len()))
                    .unwrap_or(u32::MAX)
            })
            .time_to_live(ttl)
            .build();
        let generations = Arc::new(Generations::new());
        let sessions = Arc::new(SessionCache::new(for_sessions, ttl, generations.clone()));
        let (all, all_sessions, known) = (cache.clone(), sessions.clone(), generations.clone());
        storage.watch(Arc::new(move |change| match change {
            StoredChange::AccountKey(text) => {
                known.of([text]).fetch_add(1, Ordering::SeqCst);
            }
            StoredChange::All => {
                known.end_all();
                all.invalidate_all();
                all_sessions.forget_all();
            }
        }));
        Self { storage, cache, sessions, generations }
    }

    /// What is under `key`: from memory, else from the storage.
    pub(crate) async fn find(&self, key: &AccountKey) -> Result<Option<Arc<Held>>> {
        let generation = self.generation(key).load(Ordering::SeqCst);
        if let Some(found) = self.cache.get(&Seek(key, generation)).await {
            return Ok(found);
        }
        let load = async { self.storage.get(key).await.map(|account| Held::new(account.as_ref())) };
        self.cache.try_get_with(Place::of(key, generation), load).await.map_err(|error| error.copy())
    }

    fn generation(&self, key: &AccountKey) -> &AtomicU64 {
        self.generations.of(key.parts())
    }

    /// Ends what is remembered of `keys`. Called after every attempt to write, failed ones too: a store that could not
    /// answer may have written.
    async fn forget(&self, keys: Vec<AccountKey>) {
        for key in keys {
            let ended = self.generation(&key).fetch_add(1, Ordering::SeqCst);
            self.cache.invalidate(&Seek(&key, ended)).await;
        }
    }
}

fn keys_of<'r>(accounts: impl IntoIterator<Item = &'r Account>) -> Vec<AccountKey> {
    accounts.into_iter().flat_map(Account::keys).collect()
}

#[rocket::async_trait]
impl Storage for Cached {
    async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
        Ok(self.find(key).await?.map(|found| found.account()))
    }

    async fn get_uncached(&self, key: &AccountKey) -> Result<Option<Account>> {
        let generation = self.generation(key).load(Ordering::SeqCst);
        let found = self.storage.get_uncached(key).await?;
        self.cache.insert(Place::of(key, generation), Held::new(found.as_ref())).await;
        Ok(found)
    }

    async fn set(&self, account: &Account) -> Result<()> {
        let old = self.storage.get(&account.key()).await?;
        let done = self.storage.set(account).await;
        self.forget(keys_of(old.iter().chain([account]))).await;
        done
    }

    async fn delete(&self, key: &AccountKey) -> Result<()> {
        let mut old: Vec<Account> = self.storage.get(key).await?.into_iter().collect();
        if let AccountKey::Owner { entry, user } = key {
            old.extend(self.storage.list(user.as_deref(), &[entry]).await?);
        }
        let done = self.storage.delete(key).await;
        self.forget(keys_of(&old)).await;
        self.forget(vec![key.clone()]).await;
        done
    }

    async fn list(&self, user: Option<&str>, entries: &[&str]) -> Result<Vec<Account>> {
        self.storage.list(user, entries).await
    }

    async fn make_primary(&self, user: &str, entry: &str, account_id: i64) -> Result<bool> {
        let done = self.storage.make_primary(user, entry, account_id).await;
        // Each of them may have another rank now.
        let mine = self.storage.list(Some(user), &[entry]).await.unwrap_or_default();
        self.forget(keys_of(&mine)).await;
        self.forget(vec![AccountKey::owner(entry, user)]).await;
        done
    }

    async fn page(&self, entry: Option<&str>, after: i64, limit: usize) -> Result<Vec<Account>> {
        self.storage.page(entry, after, limit).await
    }

    async fn reseal(&self, account: &Account, sealed: &str) -> Result<bool> {
        let done = self.storage.reseal(account, sealed).await;
        self.forget(account.keys()).await;
        done
    }

    async fn sealed_by(&self) -> Result<BTreeMap<String, u64>> {
        self.storage.sealed_by().await
    }

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
        self.forget(keys_of([account, renewed])).await;
        done
    }

    async fn link(&self, login: &AuthorizedLogin, keys: &KeyRing) -> Result<Linked> {
        let done = self.storage.link(login, keys).await;
        match &done {
            Ok(linked) => {
                self.forget(keys_of(linked.previous.iter().chain([&linked.account]))).await;
                self.sessions.forget_ended(&linked.ended).await;
            }
            Err(error) => {
                let mut keys: Vec<AccountKey> = AccountKey::of(login).into_iter().collect();
                if error.kind() == ErrorKind::StoreUnavailable {
                    // It may be stored, and then it is its owner's, too.
                    let owner = |user: &str| AccountKey::owner(&login.entry, user);
                    let found = match keys.first() {
                        Some(key) => self.storage.get_uncached(key).await.ok().flatten(),
                        None => None,
                    };
                    keys.extend(login.visitor().map(owner));
                    keys.extend(keys_of(&found));
                }
                self.forget(keys).await;
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
    ) -> Result<Vec<Account>> {
        let old = self.storage.list(user, &[entry]).await?;
        let done = self.storage.unlink(user, entry, account_id, entries).await;
        self.forget(keys_of(old.iter().chain(done.iter().flatten()))).await;
        self.forget(vec![AccountKey::Owner { entry: entry.to_owned(), user: user.map(str::to_owned) }]).await;
        done
    }

    fn sessions(&self) -> Option<&dyn SessionStorage> {
        self.storage.sessions().is_some().then_some(self as &dyn SessionStorage)
    }

    async fn open(&self, figment: &Figment) -> Result<()> {
        self.storage.open(figment).await
    }

    fn watch(&self, changed: ChangeListener) {
        self.storage.watch(changed);
    }

    fn user_type(&self) -> Option<UserType> {
        self.storage.user_type()
    }

    fn key_file(&self, figment: &Figment) -> Option<PathBuf> {
        self.storage.key_file(figment)
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{BuildHasher, RandomState};
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, AtomicUsize};

    use rocket::tokio::sync::Semaphore;
    use rocket::tokio::task::JoinSet;

    use super::*;
    use crate::error::Error;
    use crate::storage::{MemoryStorage, suite};

    /// Counts the loads; a load by owner reads, and then waits for a permit; a deletion commits, and then waits for one.
    struct Slow {
        inner: MemoryStorage,
        loads: AtomicUsize,
        down: AtomicBool,
        permits: Semaphore,
        commits: AtomicUsize,
        returns: Semaphore,
    }

    impl Slow {
        fn new(permits: usize) -> Arc<Self> {
            Arc::new(Self {
                inner: MemoryStorage::new(),
                loads: AtomicUsize::new(0),
                down: AtomicBool::new(false),
                permits: Semaphore::new(permits),
                commits: AtomicUsize::new(0),
                returns: Semaphore::new(0),
            })
        }

        fn loads(&self) -> usize {
            self.loads.load(Ordering::SeqCst)
        }
    }

    #[rocket::async_trait]
    impl Storage for Slow {
        async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
            let found = self.inner.get(key).await;
            self.loads.fetch_add(1, Ordering::SeqCst);
            if matches!(key, AccountKey::Owner { .. }) {
                let _permit = self.permits.acquire().await.map_err(Error::app)?;
            }
            if self.down.load(Ordering::SeqCst) { Err(Error::storage("down")) } else { found }
        }

        async fn set(&self, account: &Account) -> Result<()> {
            self.inner.set(account).await
        }

        async fn delete(&self, key: &AccountKey) -> Result<()> {
            self.inner.delete(key).await?;
            self.commits.fetch_add(1, Ordering::SeqCst);
            let _permit = self.returns.acquire().await.map_err(Error::app)?;
            Ok(())
        }
    }

    #[rocket::async_test]
    async fn ca_05_what_is_read_between_the_commit_and_the_forgetting_is_not_stale_afterwards() {
        let slow = Slow::new(1000);
        let cached = Arc::new(Cached::new(slow.clone(), 1 << 20, 60));
        let account = suite::account("github", Some("1"), Some("7"));
        cached.set(&account).await.unwrap();
        assert_eq!(cached.get(&account.key()).await.unwrap().as_ref(), Some(&account));
        // A late loader: it has read before the commit, and comes back after the forgetting.
        let owner = AccountKey::owner("github", 7);
        let (late, other) = (cached.clone(), owner.clone());
        slow.permits.forget_permits(1000);
        let late = rocket::tokio::spawn(async move { late.get(&other).await.unwrap() });
        let before = slow.loads();
        while slow.loads() == before {
            rocket::tokio::task::yield_now().await;
        }
        let (writer, key) = (cached.clone(), account.key());
        let deletion = rocket::tokio::spawn(async move { writer.delete(&key).await.unwrap() });
        while slow.commits.load(Ordering::SeqCst) == 0 {
            rocket::tokio::task::yield_now().await;
        }
        // Committed, not forgotten yet: what is remembered may be served, and is not kept.
        assert_eq!(cached.get(&account.key()).await.unwrap().as_ref(), Some(&account));
        slow.returns.add_permits(1);
        deletion.await.unwrap();
        slow.permits.add_permits(1000);
        assert_eq!(late.await.unwrap().as_ref(), Some(&account), "it read before the commit");
        for key in [owner, account.key()] {
            assert_eq!(cached.get(&key).await.unwrap(), None, "{key}");
        }
    }

    #[rocket::async_test]
    async fn ca_04_a_thousand_misses_are_one_load() {
        let slow = Slow::new(0);
        let cached = Arc::new(Cached::new(slow.clone(), 1 << 20, 60));
        let mut tasks = JoinSet::new();
        for _ in 0..1000 {
            let cached = cached.clone();
            tasks.spawn(async move { cached.get(&AccountKey::owner("github", "7")).await });
        }
        while slow.loads() == 0 {
            rocket::tokio::task::yield_now().await;
        }
        slow.permits.add_permits(1000);
        while let Some(found) = tasks.join_next().await {
            assert_eq!(found.unwrap().unwrap(), None);
        }
        assert_eq!(slow.loads(), 1, "absence is remembered");
    }

    #[test]
    fn a_place_is_found_by_its_key_alone() {
        let state = RandomState::new();
        let keys = [
            AccountKey::owner("github", "7"),
            AccountKey::owner("github", "8"),
            AccountKey::identity("github", "7"),
            AccountKey::owner("git", "hub:user:7"),
            AccountKey::Owner { entry: "github".into(), user: None },
        ];
        for (n, key) in keys.iter().enumerate() {
            for (m, other) in keys.iter().enumerate() {
                assert_eq!(Seek(key, 1).equivalent(&Place::of(other, 1)), n == m, "{key} {other}");
            }
            let place = Place::of(key, 1);
            assert_eq!(state.hash_one(Seek(key, 1)), state.hash_one(&place));
            assert!(!Seek(key, 2).equivalent(&place));
        }
    }

    #[rocket::async_test]
    async fn ca_04_failures_are_not_remembered() {
        let slow = Slow::new(1000);
        let cached = Cached::new(slow.clone(), 1 << 20, 60);
        let key = AccountKey::owner("github", "7");
        slow.down.store(true, Ordering::SeqCst);
        assert_eq!(cached.get(&key).await.unwrap_err().kind(), ErrorKind::StoreUnavailable);
        slow.down.store(false, Ordering::SeqCst);
        assert_eq!(cached.get(&key).await.unwrap(), None);
    }

    #[rocket::async_test]
    async fn a_load_that_began_before_a_write_leaves_nothing_stale() {
        let slow = Slow::new(0);
        let cached = Arc::new(Cached::new(slow.clone(), 1 << 20, 60));
        let account = suite::account("github", Some("1"), Some("7"));
        let results = Arc::new(Mutex::new(Vec::new()));
        let late = {
            let (cached, results) = (cached.clone(), results.clone());
            rocket::tokio::spawn(async move {
                let found = cached.get(&AccountKey::owner("github", "7")).await.unwrap();
                results.lock().unwrap().push(found);
            })
        };
        while slow.loads() == 0 {
            rocket::tokio::task::yield_now().await;
        }
        slow.inner.set(&account).await.unwrap();
        cached.forget(keys_of([&account])).await;
        slow.permits.add_permits(1000);
        late.await.unwrap();
        assert_eq!(results.lock().unwrap()[..], [None], "the load read before the write");
        assert_eq!(cached.get(&AccountKey::owner("github", "7")).await.unwrap(), Some(account));
    }

    /// Writes, and can't say so.
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
        ) -> Result<Vec<Account>> {
            self.0.unlink(user, entry, account_id, entries).await?;
            Err(Error::storage("the connection was lost during the commit"))
        }
    }

    #[rocket::async_test]
    async fn ca_01_a_commit_in_doubt_leaves_nothing_stale() {
        let cached = Cached::new(Arc::new(InDoubt(MemoryStorage::new())), 1 << 20, 60);
        let (owner, identity) = (AccountKey::owner("github", "7"), AccountKey::identity("github", "1"));
        for key in [&owner, &identity] {
            assert_eq!(cached.get(key).await.unwrap(), None);
        }
        let login = suite::login("github", Some("1"), Some("7"));
        cached.link(&login, &suite::keys()).await.unwrap_err();
        for key in [&owner, &identity] {
            assert!(cached.get(key).await.unwrap().is_some(), "{key}");
        }
        // Nobody is signed in: whose it is stands in the store alone.
        cached.link(&suite::login("github", Some("1"), None), &suite::keys()).await.unwrap_err();
        assert_eq!(cached.get(&owner).await.unwrap().map(|account| account.version), Some(2));
        cached.unlink(Some("7"), "github", None, &["github"]).await.unwrap_err();
        for key in [&owner, &identity] {
            assert_eq!(cached.get(key).await.unwrap(), None, "{key}");
        }
    }

    #[rocket::async_test]
    async fn hits_do_not_load_and_fresh_does() {
        let slow = Slow::new(1000);
        let cached = Cached::new(slow.clone(), 1 << 20, 60);
        let account = suite::account("github", Some("1"), Some("7"));
        cached.set(&account).await.unwrap();
        let before = slow.loads();
        for _ in 0..10 {
            assert_eq!(cached.get(&account.key()).await.unwrap().as_ref(), Some(&account));
        }
        assert_eq!(slow.loads(), before + 1);
        // Somebody else's write, past this cache.
        let newer = Account { version: 9, ..account.clone() };
        slow.inner.set(&newer).await.unwrap();
        assert_eq!(cached.get(&account.key()).await.unwrap(), Some(account.clone()));
        assert_eq!(cached.get_uncached(&account.key()).await.unwrap(), Some(newer.clone()));
        assert_eq!(cached.get(&account.key()).await.unwrap(), Some(newer));
    }

    /// CA-07, too: nothing that is cached can be printed.
    #[rocket::async_test]
    async fn ca_06_tokens_are_sealed_in_the_cache() {
        let cached = Cached::new(Arc::new(MemoryStorage::new()), 1 << 20, 60);
        let account = suite::account("github", Some("1"), Some("7"));
        cached.set(&account).await.unwrap();
        let token = account.open(&suite::keys()).unwrap();
        let held = cached.find(&account.key()).await.unwrap().unwrap();
        assert_eq!(held.account(), account);
        let lies = |text: &str| held.account.contains(text.as_bytes());
        assert!(lies("github") && !lies(token.access_token.expose()));
    }

    #[rocket::async_test]
    async fn ca_06_bytes_are_bounded() {
        let cached = Cached::new(Arc::new(MemoryStorage::new()), 20_000, 60);
        for n in 0..200 {
            cached.set(&suite::account("github", Some(&n.to_string()), Some("7"))).await.unwrap();
            cached.get(&AccountKey::identity("github", n.to_string())).await.unwrap();
        }
        cached.cache.run_pending_tasks().await;
        assert!(cached.cache.weighted_size() <= 20_000 && cached.cache.entry_count() > 5);
    }
}
