//! `EndedSession`: a session that has ended.

use crate::storage::Session;

/// A session that has ended.
pub(crate) struct EndedSession {
    /// The id of its user, as text.
    pub(crate) user: String,
    /// The entry that it began with, if it is known.
    pub(crate) entry: Option<String>,
}

impl EndedSession {
    /// What to report of `session`; `None` if it is of an account without a user.
    pub(crate) fn of(session: &Session) -> Option<Self> {
        Some(Self { user: session.user()?.to_owned(), entry: session.entry.clone() })
    }
}
