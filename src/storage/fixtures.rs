//! Logins, accounts and sessions of invented users, for our own tests and for `rocket_dance::testing::storage_suite`.

use super::{Account, KeyRing, Session};
use crate::link::{AuthorizedLogin, Purpose};
use crate::profile::Profile;
use crate::token::Token;

/// The issuer of all accounts and sessions.
pub(crate) const ISSUER: &str = "https://op.example";

/// The key that seals the tokens.
pub(crate) fn keys() -> KeyRing {
    KeyRing::new([[7; 32]])
}

/// A login at `now` of the provider's user `id`; `visitor` began the flow. The token expires after an hour.
pub(crate) fn login(entry: &str, id: Option<&str>, visitor: Option<&str>, now: i64) -> AuthorizedLogin {
    let mut profile = Profile::with_userinfo(&serde_json::json!({ "sub": id, "name": "Ada" }));
    profile.id = id.map(str::to_owned);
    profile.name = Some("Ada".into());
    let token = Token::new("access").with_refresh_token("refresh").with_lifetime(now, 3600);
    let (entry, visitor) = (entry.to_owned(), visitor.map(str::to_owned));
    let mut login = AuthorizedLogin::connecting(entry, ISSUER.into(), visitor, profile, token, now);
    login.user_required = false;
    if login.visitor().is_none() {
        login.purpose = Purpose::SignIn;
    }
    login
}

/// An account of `user`, stored at `now`.
#[allow(clippy::expect_used)] // The random generator of the machine: the test fails without it.
pub(crate) fn account(entry: &str, id: Option<&str>, user: Option<&str>, now: i64) -> Account {
    Account::of(&login(entry, id, user, now), user, None, &keys()).expect("a random id")
}

/// A session of `user` that a form of the app began at `now`, for 1,000 seconds. The hash of its cookie is its id.
pub(crate) fn session(id: &str, user: &str, now: i64) -> Session {
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
        created_at: now,
        seen_at: now,
        expires_at: now + 1000,
    }
}

/// A session of `user` that began at `now` with the account `person` at the entry `op`.
pub(crate) fn session_from(id: &str, user: &str, person: &str, now: i64) -> Session {
    Session {
        entry: Some("op".into()),
        issuer: Some(ISSUER.into()),
        provider_user_id: Some(person.into()),
        ..session(id, user, now)
    }
}
