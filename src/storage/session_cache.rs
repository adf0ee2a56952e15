//! The sessions in the cache before a storage.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use moka::future::Cache;

use super::cached::{Cached, Generations};
use super::{Session, SessionSelection, SessionStorage};
use crate::error::{Error, ErrorKind, Result};

/// Sessions in memory, each under its id and the id's generation: see [`Cached`].
pub(super) struct SessionCache {
    cache: Cache<(String, u64), Option<Arc<Session>>>,
    generations: Arc<Generations>,
}

/// What an entry takes besides its texts: see `cached memory` in `bench`, which measures that of accounts.
const OVERHEAD: usize = 640;

impl SessionCache {
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

    fn place(&self, id: &str) -> (String, u64) {
        (id.to_owned(), self.generations.of(Session::parts(id)).load(Ordering::SeqCst))
    }

    async fn forget(&self, id: &str) {
        let ended = self.generations.of(Session::parts(id)).fetch_add(1, Ordering::SeqCst);
        self.cache.invalidate(&(id.to_owned(), ended)).await;
    }

    pub(super) async fn forget_ended(&self, ended: &[Session]) {
        for session in ended {
            self.forget(&session.id).await;
        }
    }

    pub(super) fn forget_all(&self) {
        self.cache.invalidate_all();
    }
}

/// The ID token is for signing out, which asks the store itself.
fn slim(session: Session) -> Arc<Session> {
    Arc::new(Session { id_token: None, ..session })
}

impl Cached {
    fn kept(&self) -> Result<&dyn SessionStorage> {
        self.storage.sessions().ok_or_else(|| {
            Error::new(ErrorKind::Misconfigured, "this storage keeps no sessions: use DieselStorage")
        })
    }
}

#[rocket::async_trait]
impl SessionStorage for Cached {
    async fn session(&self, id: &str) -> Result<Option<Session>> {
        let load = async { self.kept()?.session(id).await.map(|found| found.map(slim)) };
        let found = self.sessions.cache.try_get_with(self.sessions.place(id), load).await;
        found.map(|found| found.as_deref().cloned()).map_err(|error| error.copy())
    }

    async fn fresh_session(&self, id: &str) -> Result<Option<Session>> {
        let place = self.sessions.place(id);
        let found = self.kept()?.fresh_session(id).await?;
        self.sessions.cache.insert(place, found.clone().map(slim)).await;
        Ok(found)
    }

    async fn begin_session(&self, session: &Session, before: Option<&str>, now: i64) -> Result<()> {
        let done = self.kept()?.begin_session(session, before, now).await;
        self.sessions.forget(&session.id).await;
        if let Some(before) = before {
            self.sessions.forget(before).await;
        }
        done
    }

    async fn rename_session(&self, id: &str, new: &str) -> Result<bool> {
        let done = self.kept()?.rename_session(id, new).await;
        self.sessions.forget(id).await;
        self.sessions.forget(new).await;
        done
    }

    async fn session_seen(&self, id: &str, at: i64, expires_at: i64) -> Result<()> {
        let done = self.kept()?.session_seen(id, at, expires_at).await;
        self.sessions.forget(id).await;
        done
    }

    async fn end_sessions(&self, whose: &SessionSelection) -> Result<Vec<Session>> {
        let done = self.kept()?.end_sessions(whose).await;
        match (&done, whose) {
            (Ok(ended), _) => self.sessions.forget_ended(ended).await,
            (Err(_), SessionSelection::Id(id)) => self.sessions.forget(id).await,
            // They may be over, and nobody knows which: all are asked for again.
            (Err(_), _) => {
                self.generations.end_all();
                self.sessions.forget_all();
            }
        }
        done
    }
}
