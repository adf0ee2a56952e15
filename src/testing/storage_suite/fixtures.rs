//! What the rules store: accounts, logins and sessions of invented users.

use std::time::{SystemTime, UNIX_EPOCH};

use super::rule::BrokenRule;
use crate::link::{AuthorizedLogin, Purpose};
use crate::profile::Profile;
use crate::storage::{Account, KeyRing, Session};
use crate::token::Token;

/// The issuer of all accounts and sessions.
pub(super) const ISSUER: &str = "https://op.example";

/// The key that seals the tokens.
pub(super) fn keys() -> KeyRing {
    KeyRing::new([[7; 32]])
}

/// The unix time in seconds.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}

/// A login of the provider's user `id`; `visitor` began the flow.
pub(super) fn login(entry: &str, id: Option<&str>, visitor: Option<&str>) -> AuthorizedLogin {
    let mut profile = Profile::with_userinfo(&serde_json::json!({ "sub": id, "name": "Ada" }));
    profile.id = id.map(str::to_owned);
    profile.name = Some("Ada".into());
    let token = Token::new("access").with_refresh_token("refresh").with_lifetime(now(), 3600);
    let visitor = visitor.map(str::to_owned);
    let mut login = AuthorizedLogin::connecting(entry.into(), ISSUER.into(), visitor, profile, token, now());
    if login.visitor().is_none() {
        login.purpose = Purpose::SignIn;
    }
    login
}

/// An account of `user`.
#[allow(clippy::expect_used)] // The random generator of the machine: the test fails without it.
pub(super) fn account(entry: &str, id: Option<&str>, user: Option<&str>) -> Account {
    Account::of(&login(entry, id, user), user, None, &keys()).expect("a random id")
}

/// Returns `account` with another token.
pub(super) fn renewed(account: &Account, token: &str) -> Result<Account, BrokenRule> {
    Ok(account.with(&Token::new(token).with_lifetime(now(), 3600), now(), &keys())?)
}

/// A session of `user` from a form of the app. The hash of its cookie is its id.
pub(super) fn session(id: &str, user: &str) -> Session {
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
        created_at: now(),
        seen_at: now(),
        expires_at: now() + 1000,
    }
}

/// A session of `user` that began with the account `person` at the entry `op`.
pub(super) fn session_from(id: &str, user: &str, person: &str) -> Session {
    Session {
        entry: Some("op".into()),
        issuer: Some(ISSUER.into()),
        provider_user_id: Some(person.into()),
        ..session(id, user)
    }
}
