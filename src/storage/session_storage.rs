//! `SessionStorage`: the trait of storages that keep sessions.

use super::{Session, SessionSelection, SessionStart};
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

    /// Returns the sessions of the local user `user`, also expired ones, the most recently used first. It may leave out those
    /// after the first hundred.
    async fn sessions_of(&self, user: &str) -> Result<Vec<Session>>;

    /// Stores the new `session` and, in the same transaction, ends the session with the id `before`. It may remove sessions
    /// that have expired at `now`.
    ///
    /// A session begins only while the account that it comes from exists and belongs to its user, or to no user if the session
    /// has none. `DieselStorage` and
    /// `MemoryStorage` check that in the same transaction. A storage of an app need not check it, since rocket_dance does so
    /// before and after this call, and returns [`SessionStart::Begun`].
    async fn begin_session(&self, session: &Session, before: Option<&str>, now: i64) -> Result<SessionStart>;

    /// Replaces the [hash](Session::cookie_hash) `old` of the session `id` by `new`, and stores `old` as
    /// [`previous_cookie_hash`](Session::previous_cookie_hash) and `at` as [`rotated_at`](Session::rotated_at). Returns whether it
    /// has replaced it: `false` if the session has ended, or has another hash than `old`.
    async fn rotate_session(&self, id: &str, old: &str, new: &str, at: i64) -> Result<bool>;

    /// Stores that the session `id` had a request at `at` and now expires at `expires_at`, unless it had a later request.
    async fn session_seen(&self, id: &str, at: i64, expires_at: i64) -> Result<()>;

    /// Ends the selected sessions and returns them.
    async fn end_sessions(&self, selection: &SessionSelection) -> Result<Vec<Session>>;
}
