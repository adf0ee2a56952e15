//! `SessionStorage`: the trait of storages that keep sessions.

use super::{Session, SessionSelection};
use crate::error::Result;

/// Stores sessions, so that signing out ends a session on the server. A [`Storage`](super::Storage) offers it by
/// [`Storage::sessions`](super::Storage::sessions).
///
/// Ids are unique over time: an id that was used once never names another session. All times are unix times in seconds,
/// given by the caller. `MemoryStorage` is the shortest implementation to read.
///
/// # Errors
/// Every method fails with [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable) if the store cannot be
/// reached. It never answers "there is none" in that case.
#[rocket::async_trait]
pub trait SessionStorage: Send + Sync {
    /// Returns the session with this id, also if it has expired.
    async fn session(&self, id: &str) -> Result<Option<Session>>;

    /// Returns the same as [`session`](SessionStorage::session) and bypasses every cache.
    async fn session_uncached(&self, id: &str) -> Result<Option<Session>> {
        self.session(id).await
    }

    /// Stores the new `session` and, in the same transaction, ends the session with the id `before`. It may remove sessions
    /// that have expired at `now`.
    async fn begin_session(&self, session: &Session, before: Option<&str>, now: i64) -> Result<()>;

    /// Replaces the id of the session `id` by `new`. Returns whether the session existed.
    async fn rename_session(&self, id: &str, new: &str) -> Result<bool>;

    /// Stores that the session `id` had a request at `at` and now expires at `expires_at`, unless it had a later request.
    async fn session_seen(&self, id: &str, at: i64, expires_at: i64) -> Result<()>;

    /// Ends the selected sessions and returns them.
    async fn end_sessions(&self, selection: &SessionSelection) -> Result<Vec<Session>>;
}
