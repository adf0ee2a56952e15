//! What the rules store. Its times are real: a store may end what has expired by its own clock.

use std::time::{SystemTime, UNIX_EPOCH};

use super::rule::BrokenRule;
use crate::link::AuthorizedLogin;
use crate::storage::fixtures;
pub(super) use crate::storage::fixtures::{ISSUER, keys};
use crate::storage::{Account, Session};
use crate::token::Token;

/// The unix time in seconds.
pub(super) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or_default()
}

/// A login of the provider's user `id`; `visitor` began the flow.
pub(super) fn login(entry: &str, id: Option<&str>, visitor: Option<&str>) -> AuthorizedLogin {
    fixtures::login(entry, id, visitor, now())
}

/// An account of `user`.
pub(super) fn account(entry: &str, id: Option<&str>, user: Option<&str>) -> Account {
    fixtures::account(entry, id, user, now())
}

/// Returns `account` with another token.
pub(super) fn renewed(account: &Account, token: &str) -> Result<Account, BrokenRule> {
    Ok(account.with(&Token::new(token).with_lifetime(now(), 3600), now(), &keys())?)
}

/// A session of `user` from a form of the app. The hash of its cookie is its id.
pub(super) fn session(id: &str, user: &str) -> Session {
    fixtures::session(id, user, now())
}

/// A session of `user` that began with the account `person` at the entry `op`.
pub(super) fn session_from(id: &str, user: &str, person: &str) -> Session {
    fixtures::session_from(id, user, person, now())
}
