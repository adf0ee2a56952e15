//! `SessionSelection`: which sessions to end.

use super::{Account, Session};

/// Which sessions to end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SessionSelection {
    /// The session with this id.
    Id(String),
    /// All sessions of the local user with this id.
    User(String),
    /// The sessions that began with an account, at whichever server the entry pointed to then.
    Account {
        /// Name of the entry.
        entry: String,
        /// The provider's id of the user.
        provider_user_id: String,
        /// Id of a session that is not selected: that of the browser in which the user removes the account.
        except: Option<String>,
    },
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
    /// Selects the sessions that began with `account`, except the one with the id `except`. `None` if no session can begin with
    /// it: it has no identity.
    pub(crate) fn began_with(account: &Account, except: Option<&str>) -> Option<Self> {
        Some(SessionSelection::Account {
            entry: account.entry.clone(),
            provider_user_id: account.provider_user_id.clone()?,
            except: except.map(str::to_owned),
        })
    }

    /// Returns whether `session` is selected.
    pub fn includes(&self, session: &Session) -> bool {
        match self {
            SessionSelection::Id(id) => session.id == *id,
            SessionSelection::User(user) => session.user() == Some(user),
            SessionSelection::Account { entry, provider_user_id, except } => {
                session.entry.as_ref() == Some(entry)
                    && session.provider_user_id.as_ref() == Some(provider_user_id)
                    && except.as_ref() != Some(&session.id)
            }
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
