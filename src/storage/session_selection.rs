//! `SessionSelection`: which sessions to end.

use super::Session;

/// Which sessions to end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionSelection {
    /// The session with this id.
    Id(String),
    /// All sessions of the local user with this id.
    User(String),
    /// The sessions that a provider names in a logout token (OpenID Connect Back-Channel Logout §2.6). If it names both a
    /// user and a session, both must match; a session of that user whose `sid` is unknown matches, too.
    ProviderSession {
        /// Name of the entry.
        entry: String,
        /// The entry's issuer. Sessions that began when the entry had another one do not match.
        issuer: String,
        /// The provider's id of the user.
        provider_user_id: Option<String>,
        /// The provider's id of its own session.
        sid: Option<String>,
    },
}

impl SessionSelection {
    /// Returns whether `session` is selected.
    pub fn includes(&self, session: &Session) -> bool {
        match self {
            SessionSelection::Id(id) => session.id == *id,
            SessionSelection::User(user) => session.user_id == *user,
            SessionSelection::ProviderSession { entry, issuer, provider_user_id, sid } => {
                // Without a user and a session it would select the sessions of all users.
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
