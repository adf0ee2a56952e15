//! A moka cache before another storage.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use moka::future::Cache;
use rocket::figment::Figment;

use super::{Claim, Key, KeyRing, Linked, Record, Storage, UserType};
use crate::error::Result;
use crate::link::Arrival;

/// So many counters of writes are shared by all keys.
const GENERATIONS: usize = 1024;

const YEAR: u64 = 365 * 24 * 60 * 60;

/// A storage before another: answers from memory for a few seconds, absence included, failures never.
///
/// A key is looked up together with its generation, which every write to it ends. So a load that began before a write
/// lands where nobody looks any more, and nobody who comes after the write joins it.
///
/// Beside a record there is room for what is made of it, so that it is made once.
pub(crate) struct Cached<M> {
    storage: Arc<dyn Storage>,
    cache: Cache<(Key, u64), Arc<Found<M>>>,
    generations: Box<[AtomicU64]>,
}

/// What was found under a key.
pub(crate) struct Found<M> {
    pub(crate) record: Option<Record>,
    /// What was made of the record.
    pub(crate) made: OnceLock<M>,
}

impl<M> Found<M> {
    fn new(record: Option<Record>) -> Arc<Self> {
        Arc::new(Self { record, made: OnceLock::new() })
    }

    /// Bytes, about: what is made of a record takes as much again.
    fn bytes(&self) -> usize {
        self.record.as_ref().map_or(0, |record| 2 * record.bytes()) + size_of::<Self>()
    }
}

impl<M: Send + Sync + 'static> Cached<M> {
    /// `ttl` in seconds, `bytes` at most.
    pub(crate) fn new(storage: Arc<dyn Storage>, bytes: u64, ttl: u64) -> Self {
        let cache = Cache::builder()
            .max_capacity(bytes)
            .weigher(|(key, _): &(Key, u64), found: &Arc<Found<M>>| {
                u32::try_from(key.bytes() + found.bytes()).unwrap_or(u32::MAX)
            })
            // moka panics from a thousand years on.
            .time_to_live(Duration::from_secs(ttl.min(YEAR)))
            .build();
        Self { storage, cache, generations: (0..GENERATIONS).map(|_| AtomicU64::new(0)).collect() }
    }

    /// What is under `key`: from memory, else from the storage.
    pub(crate) async fn find(&self, key: &Key) -> Result<Arc<Found<M>>> {
        let generation = self.generation(key).load(Ordering::SeqCst);
        let load = async { self.storage.get(key).await.map(Found::new) };
        self.cache.try_get_with((key.clone(), generation), load).await.map_err(|error| error.copy())
    }

    fn generation(&self, key: &Key) -> &AtomicU64 {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        &self.generations[hasher.finish() as usize % GENERATIONS]
    }

    /// Ends what is remembered of `keys`. Called after every attempt to write, failed ones too: a store that could not
    /// answer may have written.
    async fn forget(&self, keys: Vec<Key>) {
        for key in keys {
            let ended = self.generation(&key).fetch_add(1, Ordering::SeqCst);
            self.cache.invalidate(&(key, ended)).await;
        }
    }
}

fn keys_of<'r>(records: impl IntoIterator<Item = &'r Record>) -> Vec<Key> {
    records.into_iter().flat_map(Record::keys).collect()
}

#[rocket::async_trait]
impl<M: Send + Sync + 'static> Storage for Cached<M> {
    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        Ok(self.find(key).await?.record.clone())
    }

    async fn fresh(&self, key: &Key) -> Result<Option<Record>> {
        let generation = self.generation(key).load(Ordering::SeqCst);
        let found = self.storage.fresh(key).await?;
        self.cache.insert((key.clone(), generation), Found::new(found.clone())).await;
        Ok(found)
    }

    async fn set(&self, record: &Record) -> Result<()> {
        let old = self.storage.get(&record.key()).await?;
        let done = self.storage.set(record).await;
        self.forget(keys_of(old.iter().chain([record]))).await;
        done
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        let mut old: Vec<Record> = self.storage.get(key).await?.into_iter().collect();
        if let Key::Owner { entry, user } = key {
            old.extend(self.storage.list(user.as_deref(), &[entry]).await?);
        }
        let done = self.storage.delete(key).await;
        self.forget(keys_of(&old)).await;
        self.forget(vec![key.clone()]).await;
        done
    }

    async fn list(&self, user: Option<&str>, entries: &[&str]) -> Result<Vec<Record>> {
        self.storage.list(user, entries).await
    }

    async fn page(&self, entry: &str, after: i64, limit: usize) -> Result<Vec<Record>> {
        self.storage.page(entry, after, limit).await
    }

    async fn claim(&self, id: &str, now: i64, until: i64) -> Result<Claim> {
        self.storage.claim(id, now, until).await
    }

    async fn settle(&self, id: &str, outcome: &str) -> Result<()> {
        self.storage.settle(id, outcome).await
    }

    async fn settled(&self, id: &str) -> Result<Claim> {
        self.storage.settled(id).await
    }

    async fn lease(&self, record: &Record, now: i64, until: i64) -> Result<bool> {
        self.storage.lease(record, now, until).await
    }

    async fn release(&self, record: &Record) -> Result<()> {
        self.storage.release(record).await
    }

    async fn renew(&self, record: &Record, renewed: &Record) -> Result<bool> {
        let done = self.storage.renew(record, renewed).await;
        self.forget(keys_of([record, renewed])).await;
        done
    }

    async fn link(&self, arrival: &Arrival, keys: &KeyRing) -> Result<Linked> {
        let done = self.storage.link(arrival, keys).await;
        match &done {
            Ok(linked) => self.forget(keys_of(linked.previous.iter().chain([&linked.record]))).await,
            Err(_) => self.forget(Key::of(arrival).into_iter().collect()).await,
        }
        done
    }

    async fn unlink(
        &self,
        user: Option<&str>,
        entry: &str,
        account: Option<i64>,
        entries: &[&str],
    ) -> Result<Vec<Record>> {
        let done = self.storage.unlink(user, entry, account, entries).await;
        self.forget(keys_of(done.iter().flatten())).await;
        self.forget(vec![Key::Owner { entry: entry.to_owned(), user: user.map(str::to_owned) }]).await;
        done
    }

    async fn open(&self, figment: &Figment) -> Result<()> {
        self.storage.open(figment).await
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
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, AtomicUsize};

    use rocket::tokio::sync::Semaphore;
    use rocket::tokio::task::JoinSet;

    use super::*;
    use crate::error::{Error, ErrorKind};
    use crate::storage::{MemoryStorage, suite};

    /// Counts the loads; a load reads, and then waits for a permit.
    struct Slow {
        inner: MemoryStorage,
        loads: AtomicUsize,
        down: AtomicBool,
        permits: Semaphore,
    }

    impl Slow {
        fn new(permits: usize) -> Arc<Self> {
            Arc::new(Self {
                inner: MemoryStorage::new(),
                loads: AtomicUsize::new(0),
                down: AtomicBool::new(false),
                permits: Semaphore::new(permits),
            })
        }

        fn loads(&self) -> usize {
            self.loads.load(Ordering::SeqCst)
        }
    }

    #[rocket::async_trait]
    impl Storage for Slow {
        async fn get(&self, key: &Key) -> Result<Option<Record>> {
            self.loads.fetch_add(1, Ordering::SeqCst);
            let found = self.inner.get(key).await;
            let _permit = self.permits.acquire().await.map_err(Error::app)?;
            if self.down.load(Ordering::SeqCst) { Err(Error::store("down")) } else { found }
        }

        async fn set(&self, record: &Record) -> Result<()> {
            self.inner.set(record).await
        }

        async fn delete(&self, key: &Key) -> Result<()> {
            self.inner.delete(key).await
        }
    }

    #[rocket::async_test]
    async fn a_thousand_misses_are_one_load() {
        let slow = Slow::new(0);
        let cached = Arc::new(Cached::<()>::new(slow.clone(), 1 << 20, 60));
        let mut tasks = JoinSet::new();
        for _ in 0..1000 {
            let cached = cached.clone();
            tasks.spawn(async move { cached.get(&Key::owner("github", "7")).await });
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

    #[rocket::async_test]
    async fn failures_are_not_remembered() {
        let slow = Slow::new(1000);
        let cached = Cached::<()>::new(slow.clone(), 1 << 20, 60);
        let key = Key::owner("github", "7");
        slow.down.store(true, Ordering::SeqCst);
        assert_eq!(cached.get(&key).await.unwrap_err().kind(), ErrorKind::Store);
        slow.down.store(false, Ordering::SeqCst);
        assert_eq!(cached.get(&key).await.unwrap(), None);
    }

    #[rocket::async_test]
    async fn a_load_that_began_before_a_write_leaves_nothing_stale() {
        let slow = Slow::new(0);
        let cached = Arc::new(Cached::<()>::new(slow.clone(), 1 << 20, 60));
        let record = suite::record("github", Some("1"), Some("7"));
        let results = Arc::new(Mutex::new(Vec::new()));
        let late = {
            let (cached, results) = (cached.clone(), results.clone());
            rocket::tokio::spawn(async move {
                let found = cached.get(&Key::owner("github", "7")).await.unwrap();
                results.lock().unwrap().push(found);
            })
        };
        while slow.loads() == 0 {
            rocket::tokio::task::yield_now().await;
        }
        slow.inner.set(&record).await.unwrap();
        cached.forget(keys_of([&record])).await;
        slow.permits.add_permits(1000);
        late.await.unwrap();
        assert_eq!(results.lock().unwrap()[..], [None], "the load read before the write");
        assert_eq!(cached.get(&Key::owner("github", "7")).await.unwrap(), Some(record));
    }

    #[rocket::async_test]
    async fn hits_do_not_load_and_fresh_does() {
        let slow = Slow::new(1000);
        let cached = Cached::<()>::new(slow.clone(), 1 << 20, 60);
        let record = suite::record("github", Some("1"), Some("7"));
        cached.set(&record).await.unwrap();
        let before = slow.loads();
        for _ in 0..10 {
            assert_eq!(cached.get(&record.key()).await.unwrap().as_ref(), Some(&record));
        }
        assert_eq!(slow.loads(), before + 1);
        // Somebody else's write, past this cache.
        let newer = Record { version: 9, ..record.clone() };
        slow.inner.set(&newer).await.unwrap();
        assert_eq!(cached.get(&record.key()).await.unwrap(), Some(record.clone()));
        assert_eq!(cached.fresh(&record.key()).await.unwrap(), Some(newer.clone()));
        assert_eq!(cached.get(&record.key()).await.unwrap(), Some(newer));
    }

    #[rocket::async_test]
    async fn bytes_are_bounded() {
        let cached = Cached::<()>::new(Arc::new(MemoryStorage::new()), 20_000, 60);
        for n in 0..200 {
            cached.set(&suite::record("github", Some(&n.to_string()), Some("7"))).await.unwrap();
            cached.get(&Key::identity("github", n.to_string())).await.unwrap();
        }
        cached.cache.run_pending_tasks().await;
        assert!(cached.cache.weighted_size() <= 20_000 && cached.cache.entry_count() > 5);
    }
}
