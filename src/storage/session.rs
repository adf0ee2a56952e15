//! Sessions, for storages that keep them.

use std::fmt;

#[cfg(feature = "_sql")]
use diesel::prelude::{Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};

#[cfg(feature = "_sql")]
use super::schema::oauth_sessions;
use crate::error::Result;

/// A session of [`CurrentUser`](crate::CurrentUser) as it is stored: who it is of, since when, and which dance made it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "_sql", derive(Queryable, Selectable, Insertable))]
#[cfg_attr(feature = "_sql", diesel(table_name = oauth_sessions))]
#[non_exhaustive]
pub struct Session {
    /// The SHA-256 of what the cookie holds, in base64url: whoever reads the table can't be anybody by it.
    pub id: String,
    /// The local user, as text.
    pub user_id: String,
    /// The name of the entry whose dance made it; none where a form of the app's own did.
    #[cfg_attr(feature = "_sql", diesel(column_name = provider))]
    pub entry: Option<String>,
    /// What the entry pointed to then.
    pub issuer: Option<String>,
    /// The provider's id of its user, byte for byte.
    pub provider_user_id: Option<String>,
    /// The provider's id of its own session (`sid`, OpenID Connect Back-Channel Logout §2.1), where its ID token said one.
    pub sid: Option<String>,
    /// The ID token, sealed, where the entry's logout needs it.
    pub id_token: Option<String>,
    /// When it began, in unix seconds.
    pub created_at: i64,
    /// When it was last seen, in unix seconds; noted every now and then, not with every request.
    pub seen_at: i64,
    /// When it ends if it isn't seen again, in unix seconds.
    pub expires_at: i64,
}

impl Session {
    /// The text that tells of this session's end where [changes](super::StoredChange) are told: `session:` and its id.
    pub(crate) fn parts(id: &str) -> [&str; 2] {
        ["session:", id]
    }
}

// The id of the provider's session, the token: nobody's.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("user_id", &self.user_id)
            .field("entry", &self.entry)
            .field("created_at", &self.created_at)
            .field("seen_at", &self.seen_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// SessionSelection sessions are to end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionSelection {
    /// The one with this id.
    Id(String),
    /// All of this local user's.
    User(String),
    /// Those that a provider names (OpenID Connect Back-Channel Logout §2.6): at this entry, as long as it points to this
    /// issuer, all of its user's, or those of one of its own sessions. Where both are named, both must fit; a session of
    /// that user's of which the provider's is not known may be the one.
    ProviderSession {
        /// The entry's name.
        entry: String,
        /// What the entry points to.
        issuer: String,
        /// The provider's user.
        provider_user_id: Option<String>,
        /// The provider's session.
        sid: Option<String>,
    },
}

impl SessionSelection {
    /// Whether `session` is among them.
    pub fn includes(&self, session: &Session) -> bool {
        match self {
            SessionSelection::Id(id) => session.id == *id,
            SessionSelection::User(user) => session.user_id == *user,
            SessionSelection::ProviderSession { entry, issuer, provider_user_id, sid } => {
                // A name that nobody named would fit everybody.
                (provider_user_id.is_some() || sid.is_some())
                    && session.entry.as_ref() == Some(entry)
                    && session.issuer.as_ref() == Some(issuer)
                    && (provider_user_id.is_none() || session.provider_user_id == *provider_user_id)
                    && (sid.is_none()
                        || session.sid == *sid
                        || provider_user_id.is_some() && session.sid.is_none())
            }
        }
    }
}

/// Keeps sessions: what a [`Storage`](super::Storage) offers by [`sessions`](super::Storage::sessions), so that signing out
/// ends a session on the server.
///
/// Ids are never given twice. Failures are [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable), never "none".
#[rocket::async_trait]
pub trait SessionStorage: Send + Sync {
    /// The session with this id, whether it is over or not.
    async fn session(&self, id: &str) -> Result<Option<Session>>;

    /// The same as the store has it now, past any cache.
    async fn fresh_session(&self, id: &str) -> Result<Option<Session>> {
        self.session(id).await
    }

    /// Begins `session`, and ends the one with the id `before` in the same step. Sessions that have expired at `now` may go
    /// on this occasion.
    async fn begin_session(&self, session: &Session, before: Option<&str>, now: i64) -> Result<()>;

    /// Gives the session `id` another id; says whether it was there still.
    async fn rename_session(&self, id: &str, new: &str) -> Result<bool>;

    /// Notes that the session `id` was seen at `at`, and ends at `expires_at` from now on; unless it was seen since.
    async fn session_seen(&self, id: &str, at: i64, expires_at: i64) -> Result<()>;

    /// Ends sessions, and gives those that were there.
    async fn end_sessions(&self, whose: &SessionSelection) -> Result<Vec<Session>>;
}
