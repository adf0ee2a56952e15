//! `EndedSession`: a session that has ended.

use crate::storage::Session;

/// A session that has ended.
pub(crate) struct EndedSession {
    /// The id of its user, as text.
    pub(crate) user: String,
    /// The entry that it began with, if it is known.
    pub(crate) entry: Option<String>,
}

impl From<&Session> for EndedSession {
    fn from(session: &Session) -> Self {
        Self { user: session.user_id.clone(), entry: session.entry.clone() }
    }
}
