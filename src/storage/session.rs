//! `Session`: a stored session of a user.

use std::fmt;

#[cfg(feature = "_sql")]
use diesel::prelude::{Insertable, Queryable, Selectable};
use serde::{Deserialize, Serialize};

#[cfg(feature = "_sql")]
use super::schema::oauth_sessions;

/// A session of [`CurrentUser`](crate::CurrentUser) as it is stored: its user, its times, and the login that began it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "_sql", derive(Queryable, Selectable, Insertable))]
#[cfg_attr(feature = "_sql", diesel(table_name = oauth_sessions))]
#[non_exhaustive]
pub struct Session {
    /// Id of the session: random, and the same for as long as the session lives. It alone proves nothing.
    pub id: String,
    /// SHA-256 of the secret in the cookie, in base64url. A reader of the table therefore cannot forge the cookie.
    pub cookie_hash: String,
    /// The hash of the secret before the last one; `None` if the cookie has not been replaced yet.
    pub previous_cookie_hash: Option<String>,
    /// Unix time in seconds at which the cookie was replaced last.
    pub rotated_at: Option<i64>,
    /// Id of the local user, as text. It is empty for a session of an account that is stored without a user: see
    /// [`user`](Session::user).
    pub user_id: String,
    /// Name of the entry whose login began the session; `None` if a form of the app did.
    #[cfg_attr(feature = "_sql", diesel(column_name = provider))]
    pub entry: Option<String>,
    /// The entry's issuer when the session began; its authorization endpoint if it had no issuer.
    pub issuer: Option<String>,
    /// The provider's id of the user, byte for byte.
    pub provider_user_id: Option<String>,
    /// The provider's id of its own session (`sid`, OpenID Connect Back-Channel Logout §2.1), if the ID token has one.
    pub sid: Option<String>,
    /// The ID token, sealed, if the entry has `logout = true` and sends it to the provider at sign-out.
    pub id_token: Option<String>,
    /// Unix time in seconds at which the session began.
    pub created_at: i64,
    /// Unix time in seconds of the last request. It is updated now and then, not at every request.
    pub seen_at: i64,
    /// Unix time in seconds at which the session ends without another request.
    pub expires_at: i64,
}

impl Session {
    /// Returns the id of the local user; `None` for a session of an account that is stored without a user
    /// ([`Verdict::StoreWithoutUser`](crate::Verdict::StoreWithoutUser)).
    pub fn user(&self) -> Option<&str> {
        Some(self.user_id.as_str()).filter(|user| !user.is_empty())
    }

    /// The text by which a [`StoredChange`](super::StoredChange) names the session `id`: `session:` and the id.
    pub(crate) fn parts(id: &str) -> [&str; 2] {
        ["session:", id]
    }
}

// Without the ids, the hashes and the ID token, which are secrets.
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
