//! `SessionCache`: the cache of sessions.

use std::sync::Arc;
use std::time::Duration;

use moka::Equivalent;
use moka::future::Cache;

use super::generations::Generations;
use crate::error::Result;
use crate::storage::Session;

/// Bytes that an entry takes besides its texts, measured as that of the cache of accounts is.
const OVERHEAD: usize = 640;

/// The cache of sessions, each under its id and the id's generation. A clone shares its contents.
#[derive(Clone)]
pub(super) struct SessionCache {
    cache: Cache<(String, u64), Option<Arc<Session>>>,
    generations: Arc<Generations>,
}

impl SessionCache {
    /// Holds at most `bytes`, each session for at most `ttl`.
    pub(super) fn new(bytes: u64, ttl: Duration, generations: Arc<Generations>) -> Self {
        let texts = |session: &Session| {
            let named = [&session.entry, &session.issuer, &session.provider_user_id, &session.sid];
            let named: usize = named.into_iter().flatten().map(String::len).sum();
            session.id.len() + session.user_id.len() + named
        };
        let weight = move |(id, _): &(String, u64), session: &Option<Arc<Session>>| {
            u32::try_from(OVERHEAD + id.len() + session.as_deref().map_or(0, texts)).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder().max_capacity(bytes).weigher(weight).time_to_live(ttl).build();
        Self { cache, generations }
    }

    /// Returns the generation of the session `id` now. [`insert`](Self::insert) takes the one from before its load.
    pub(super) fn generation(&self, id: &str) -> u64 {
        self.generations.current(Session::parts(id))
    }

    /// Returns the session `id`; on a cache miss it runs `load`, once for all callers that wait for it.
    pub(super) async fn find(
        &self,
        id: &str,
        load: impl Future<Output = Result<Option<Session>>>,
    ) -> Result<Option<Arc<Session>>> {
        let generation = self.generation(id);
        if let Some(found) = self.cache.get(&SessionKeyRef(id, generation)).await {
            return Ok(found);
        }
        let load = async { load.await.map(|found| found.map(without_id_token)) };
        self.cache.try_get_with((id.to_owned(), generation), load).await.map_err(|error| error.copy())
    }

    /// Caches the session `id` as it was loaded when `generation` was current.
    pub(super) async fn insert(&self, id: &str, generation: u64, found: Option<Session>) {
        self.cache.insert((id.to_owned(), generation), found.map(without_id_token)).await;
    }

    /// Forgets the session `id`.
    pub(super) async fn forget(&self, id: &str) {
        let ended = self.generations.end(Session::parts(id));
        self.cache.invalidate(&SessionKeyRef(id, ended)).await;
    }

    /// Forgets these sessions.
    pub(super) async fn forget_ended(&self, ended: &[Session]) {
        for session in ended {
            self.forget(&session.id).await;
        }
    }

    /// Forgets all sessions.
    pub(super) fn forget_all(&self) {
        self.cache.invalidate_all();
    }
}

/// The key of a session, borrowed: a lookup that hits copies no text. It has the hash of the tuple.
#[derive(Hash)]
struct SessionKeyRef<'k>(&'k str, u64);

impl Equivalent<(String, u64)> for SessionKeyRef<'_> {
    fn equivalent(&self, (id, generation): &(String, u64)) -> bool {
        self.0 == id && self.1 == *generation
    }
}

/// Only signing out needs the ID token, and it bypasses the cache.
fn without_id_token(session: Session) -> Arc<Session> {
    Arc::new(Session { id_token: None, ..session })
}
