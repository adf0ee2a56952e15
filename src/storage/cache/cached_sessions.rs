//! The sessions of a [`CachedStorage`].

use std::sync::Arc;

use super::cached_storage::CachedStorage;
use crate::error::Result;
use crate::storage::refusals::keeps_no_sessions;
use crate::storage::{Session, SessionSelection, SessionStart, SessionStorage};

impl CachedStorage {
    /// Returns the session `id`, from the cache or from the storage. It has no ID token.
    pub(crate) async fn find_session(&self, id: &str) -> Result<Option<Arc<Session>>> {
        self.sessions.find(id, async { self.stored_sessions()?.session(id).await }).await
    }

    /// Forgets all sessions, after an error: some may have ended, and it is unknown which.
    pub(super) fn forget_all_sessions(&self) {
        self.generations.end_all();
        self.sessions.forget_all();
    }

    fn stored_sessions(&self) -> Result<&dyn SessionStorage> {
        self.storage.sessions().ok_or_else(keeps_no_sessions)
    }
}

#[rocket::async_trait]
impl SessionStorage for CachedStorage {
    async fn session(&self, id: &str) -> Result<Option<Session>> {
        Ok(self.find_session(id).await?.as_deref().cloned())
    }

    async fn session_uncached(&self, id: &str) -> Result<Option<Session>> {
        let generation = self.sessions.generation(id);
        let found = self.stored_sessions()?.session_uncached(id).await?;
        self.sessions.insert(id, generation, found.clone());
        Ok(found)
    }

    async fn sessions_of(&self, user: &str) -> Result<Vec<Session>> {
        self.stored_sessions()?.sessions_of(user).await
    }

    async fn begin_session(&self, session: &Session, before: Option<&str>, now: i64) -> Result<SessionStart> {
        let done = self.storage.begin_session(session, before, now).await;
        self.sessions.forget(&session.id);
        if let Some(before) = before {
            self.sessions.forget(before);
        }
        done
    }

    async fn rotate_session(&self, id: &str, old: &str, new: &str, at: i64) -> Result<bool> {
        let done = self.stored_sessions()?.rotate_session(id, old, new, at).await;
        self.sessions.forget(id);
        done
    }

    async fn session_seen(&self, id: &str, at: i64, expires_at: i64) -> Result<()> {
        let done = self.stored_sessions()?.session_seen(id, at, expires_at).await;
        self.sessions.forget(id);
        done
    }

    async fn end_sessions(&self, selection: &SessionSelection) -> Result<Vec<Session>> {
        let done = self.stored_sessions()?.end_sessions(selection).await;
        match (&done, selection) {
            (Ok(ended), _) => self.sessions.forget_ended(ended),
            (Err(_), SessionSelection::Id(id)) => self.sessions.forget(id),
            (Err(_), _) => self.forget_all_sessions(),
        }
        done
    }
}
