//! `SessionCache`: the cache of sessions.

use std::sync::Arc;
use std::time::Duration;

use moka::Equivalent;
use moka::sync::Cache;

use super::generations::Generations;
use super::single_flight::SingleFlight;
use crate::error::Result;
use crate::storage::Session;

/// Bytes that an entry takes besides its texts, measured as that of the cache of accounts is.
const OVERHEAD: usize = 640;

/// The id of a session, and the id's generation.
type SessionKey = (String, u64);

/// The cache of sessions, each under its id and the id's generation. A clone shares its contents.
#[derive(Clone)]
pub(super) struct SessionCache {
    cache: Cache<SessionKey, Option<Arc<Session>>>,
    loads: Arc<SingleFlight<SessionKey, Option<Arc<Session>>>>,
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
        let weight = move |(id, _): &SessionKey, session: &Option<Arc<Session>>| {
            u32::try_from(OVERHEAD + id.len() + session.as_deref().map_or(0, texts)).unwrap_or(u32::MAX)
        };
        let cache = Cache::builder().max_capacity(bytes).weigher(weight).time_to_live(ttl).build();
        Self { cache, loads: Arc::new(SingleFlight::new()), generations }
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
        if let Some(found) = self.cache.get(&SessionKeyRef(id, generation)) {
            return Ok(found);
        }
        let key = (id.to_owned(), generation);
        let load = async {
            // A load may have ended since.
            if let Some(found) = self.cache.get(&key) {
                return Ok(found);
            }
            let found = load.await?.map(without_id_token);
            self.cache.insert(key.clone(), found.clone());
            Ok(found)
        };
        self.loads.load(&key, load).await
    }

    /// Caches the session `id` as it was loaded when `generation` was current.
    pub(super) fn insert(&self, id: &str, generation: u64, found: Option<Session>) {
        self.cache.insert((id.to_owned(), generation), found.map(without_id_token));
    }

    /// Forgets the session `id`.
    pub(super) fn forget(&self, id: &str) {
        let ended = self.generations.end(Session::parts(id));
        self.cache.invalidate(&SessionKeyRef(id, ended));
    }

    /// Forgets these sessions.
    pub(super) fn forget_ended(&self, ended: &[Session]) {
        for session in ended {
            self.forget(&session.id);
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

impl Equivalent<SessionKey> for SessionKeyRef<'_> {
    fn equivalent(&self, (id, generation): &SessionKey) -> bool {
        self.0 == id && self.1 == *generation
    }
}

/// Only signing out needs the ID token, and it bypasses the cache.
fn without_id_token(session: Session) -> Arc<Session> {
    Arc::new(Session { id_token: None, ..session })
}
