//! Sessions of invented users.

use crate::storage::Session;

/// A session of `user` from a form of the app, between the times 1000 and 2000. The hash of its cookie is its id.
pub(crate) fn session(id: &str, user: &str) -> Session {
    Session {
        id: id.into(),
        cookie_hash: id.into(),
        previous_cookie_hash: None,
        rotated_at: None,
        user_id: user.into(),
        entry: None,
        issuer: None,
        provider_user_id: None,
        sid: None,
        id_token: None,
        created_at: 1000,
        seen_at: 1000,
        expires_at: 2000,
    }
}

/// A session of `user` that began with the account `person` at `op`.
pub(crate) fn session_from(id: &str, user: &str, person: &str) -> Session {
    Session {
        entry: Some("op".into()),
        issuer: Some("https://op.example".into()),
        provider_user_id: Some(person.into()),
        ..session(id, user)
    }
}
