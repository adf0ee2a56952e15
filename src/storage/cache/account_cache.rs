//! `AccountCache`: the cache of accounts.

use std::sync::Arc;
use std::time::Duration;

use moka::sync::Cache;

use super::cache_key::{CacheKey, CacheKeyRef};
use super::cached_account::CachedAccount;
use super::generations::Generations;
use super::single_flight::SingleFlight;
use crate::error::Result;
use crate::storage::{Account, AccountKey};

/// Bytes that an entry takes besides its account, in moka's lists and maps and in the allocator. `cached memory` in `bench`
/// measures it.
const OVERHEAD: usize = 560;

/// The cache of accounts, absent ones included. A clone shares its contents.
#[derive(Clone)]
pub(super) struct AccountCache {
    pub(super) cache: Cache<CacheKey, Option<Arc<CachedAccount>>>,
    loads: Arc<SingleFlight<CacheKey, Option<Arc<CachedAccount>>>>,
    generations: Arc<Generations>,
}

impl AccountCache {
    /// Holds at most `bytes`, each entry for at most `ttl`.
    pub(super) fn new(bytes: u64, ttl: Duration, generations: Arc<Generations>) -> Self {
        let weight = |key: &CacheKey, found: &Option<Arc<CachedAccount>>| {
            let account = found.as_ref().map_or(0, |found| found.len());
            u32::try_from(OVERHEAD + key.len() + account).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder().max_capacity(bytes).weigher(weight).time_to_live(ttl).build();
        Self { cache, loads: Arc::new(SingleFlight::new()), generations }
    }

    /// Returns the generation of `key` now. [`insert`](Self::insert) takes the one from before its load.
    pub(super) fn generation(&self, key: &AccountKey) -> u64 {
        self.generations.current(key.parts())
    }

    /// Returns what is cached under `key`; on a cache miss it runs `load`, once for all callers that wait for it.
    pub(super) async fn find(
        &self,
        key: &AccountKey,
        load: impl Future<Output = Result<Option<Account>>>,
    ) -> Result<Option<Arc<CachedAccount>>> {
        let generation = self.generation(key);
        if let Some(found) = self.cache.get(&CacheKeyRef(key, generation)) {
            return Ok(found);
        }
        let key = CacheKey::new(key, generation);
        let load = async {
            // A load may have ended since.
            if let Some(found) = self.cache.get(&key) {
                return Ok(found);
            }
            let found = CachedAccount::new(load.await?.as_ref());
            self.cache.insert(key.clone(), found.clone());
            Ok(found)
        };
        self.loads.load(&key, load).await
    }

    /// Caches what was loaded under `key` when `generation` was current.
    pub(super) fn insert(&self, key: &AccountKey, generation: u64, found: Option<&Account>) {
        self.cache.insert(CacheKey::new(key, generation), CachedAccount::new(found));
    }

    /// Forgets what is cached under `keys`.
    pub(super) fn forget(&self, keys: impl IntoIterator<Item = AccountKey>) {
        for key in keys {
            let ended = self.generations.end(key.parts());
            self.cache.invalidate(&CacheKeyRef(&key, ended));
        }
    }

    /// Forgets everything.
    pub(super) fn forget_all(&self) {
        self.cache.invalidate_all();
    }
}
