//! The queries: removing accounts, with the sessions that began with them.

use diesel::prelude::*;

use super::accounts::{hold, is_of, is_under, list};
use super::any_connection::AnyConnection;
use super::failure::Result;
use super::policy::ErasedPolicy;
use super::schema::oauth_accounts::dsl::*;
use super::sessions;
use crate::error::{Error, ErrorKind};
use crate::storage::{Account, AccountKey, Removed, SessionSelection};

/// Which accounts a user removes: those of `user` at `entry`, all of them or the one with the id `account_id`.
pub(super) struct Unlink {
    pub(super) user: Option<String>,
    pub(super) entry: String,
    pub(super) account_id: Option<i64>,
    /// The entries with which users can sign in.
    pub(super) logins: Vec<String>,
    /// Id of a session that stays.
    pub(super) keep: Option<String>,
}

/// See [`BuiltIn::unlink`](crate::storage::BuiltIn::unlink).
pub(super) fn unlink(
    conn: &mut AnyConnection,
    policy: &dyn ErasedPolicy,
    Unlink { user, entry, account_id, logins, keep }: &Unlink,
) -> Result<Removed> {
    let user = user.as_deref();
    if let (None, Some(one)) = (user, account_id) {
        return remove_without_user(conn, entry, *one);
    }
    // All accounts of the user: two simultaneous requests that disconnect one account each would both find another one left.
    match user {
        Some(_) => hold(conn, is_of(user))?,
        None => hold(conn, Box::new(provider.eq(entry).nullable().and(is_of(None))))?,
    }
    let mut removed = list(conn, user, std::slice::from_ref(entry))?;
    removed.retain(|account| account_id.is_none_or(|wanted| account.id == wanted));
    // A user cannot sign in with an account that has no identity.
    let signs_in = |account: &Account| account.provider_user_id.is_some() && logins.contains(&account.entry);
    let is_removed = |account: &Account| removed.iter().any(|removed| removed.id == account.id);
    if let Some(user) = user
        && removed.iter().any(signs_in)
        && !list(conn, Some(user), logins)?.iter().any(|left| signs_in(left) && !is_removed(left))
        && !policy.has_other_login(user, conn)?
    {
        return Err(Error::new(
            ErrorKind::LastLogin,
            "This is your last way to sign in. It was not removed. Add another one first.",
        )
        .into());
    }
    delete(conn, removed, keep.as_deref())
}

/// Removes the account with the id `one` at `entry` if it has no user. Many visitors may have one there.
fn remove_without_user(conn: &mut AnyConnection, entry: &str, one: i64) -> Result<Removed> {
    let is_one = || provider.eq(entry).nullable().and(id.eq(one)).and(is_of(None));
    hold(conn, Box::new(is_one()))?;
    let accounts = oauth_accounts.filter(is_one()).select(Account::as_select()).load(conn)?;
    delete(conn, accounts, None)
}

/// See [`BuiltIn::remove`](crate::storage::BuiltIn::remove).
pub(super) fn remove(conn: &mut AnyConnection, key: &AccountKey) -> Result<Removed> {
    hold(conn, Box::new(provider.eq(key.entry()).nullable().and(is_under(key))))?;
    let under = oauth_accounts.filter(provider.eq(key.entry())).filter(is_under(key));
    let accounts = under.select(Account::as_select()).load(conn)?;
    delete(conn, accounts, None)
}

/// Deletes `accounts`, which are locked, and ends the sessions that began with them, except the one with the id `keep`.
// A session that begins now waits for the lock of its account, and finds it gone.
fn delete(conn: &mut AnyConnection, accounts: Vec<Account>, keep: Option<&str>) -> Result<Removed> {
    let ids: Vec<i64> = accounts.iter().map(|account| account.id).collect();
    diesel::delete(oauth_accounts.filter(id.eq_any(ids))).execute(conn)?;
    let mut ended = Vec::new();
    for selection in accounts.iter().filter_map(|account| SessionSelection::began_with(account, keep)) {
        ended.extend(sessions::end(conn, &selection)?);
    }
    Ok(Removed { accounts, sessions: ended })
}
