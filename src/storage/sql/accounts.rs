//! The queries: accounts.

use diesel::dsl::sql;
use diesel::expression::{BoxableExpression, SqlLiteral};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable};

use super::any_connection::{AnyConnection, MultiBackend, on_inner};
use super::claims;
use super::failure::Result;
use super::schema::oauth_accounts::dsl::*;
use super::sessions;
use super::user_table::UserTable;
use crate::error::Error;
use crate::storage::{Account, AccountKey, SessionSelection};

pub(super) type Condition<'a> =
    Box<dyn BoxableExpression<oauth_accounts, MultiBackend, SqlType = Nullable<Bool>> + 'a>;

pub(super) fn is_of<'a>(user: Option<&'a str>) -> Condition<'a> {
    match user {
        Some(user) => Box::new(user_id.eq(user)),
        None => Box::new(user_id.is_null().nullable()),
    }
}

/// Matches the account with this identity; without an `identity`, the account of `user` that has none.
fn is_account<'a>(identity: Option<&'a str>, user: Option<&'a str>) -> Condition<'a> {
    match identity {
        Some(identity) => Box::new(provider_user_id.eq(identity)),
        None => Box::new(provider_user_id.is_null().nullable().and(is_of(user))),
    }
}

pub(super) fn is_under(key: &AccountKey) -> Condition<'_> {
    match key {
        AccountKey::Owner { user, .. } => is_of(user.as_deref()),
        AccountKey::Identity { provider_user_id: identity, .. } => is_account(Some(identity), None),
    }
}

pub(super) fn get(conn: &mut AnyConnection, key: &AccountKey) -> Result<Option<Account>> {
    let user = match key {
        AccountKey::Identity { entry, provider_user_id: identity } => {
            return exact(conn, entry, Some(identity), None);
        }
        AccountKey::Owner { user, .. } => user,
    };
    let at_entry = oauth_accounts.filter(provider.eq(key.entry())).order((rank, id));
    let found = match user {
        // SQLite compiles a statement with a bound LIMIT again at each execution. Only accounts without a user can be many.
        None => at_entry.filter(user_id.is_null()).select(Account::as_select()).first(conn),
        Some(user) => {
            let owned = at_entry.filter(user_id.eq(user));
            on_inner!(conn, owned.select(Account::as_select()).get_result(conn))
        }
    };
    Ok(found.optional()?)
}

/// Returns the account with this identity; without an `identity`, the account of `user` that has none.
pub(super) fn exact(
    conn: &mut AnyConnection,
    entry: &str,
    identity: Option<&str>,
    user: Option<&str>,
) -> Result<Option<Account>> {
    let at_entry = oauth_accounts.filter(provider.eq(entry));
    let found = match (identity, user) {
        (Some(identity), _) => {
            let account = at_entry.filter(provider_user_id.eq(identity));
            on_inner!(conn, account.select(Account::as_select()).get_result(conn))
        }
        (None, Some(user)) => {
            let account = at_entry.filter(provider_user_id.is_null()).filter(user_id.eq(user));
            on_inner!(conn, account.select(Account::as_select()).get_result(conn))
        }
        (None, None) => {
            let accounts = at_entry.filter(provider_user_id.is_null()).filter(user_id.is_null());
            accounts.select(Account::as_select()).first(conn)
        }
    };
    Ok(found.optional()?)
}

/// Locks rows until the transaction ends. Without the lock another process could remove them, or give them to another user,
/// between a read and a write.
// By an update of the lease, since MultiConnection has no `FOR UPDATE`. It runs no trigger.
pub(super) fn hold(conn: &mut AnyConnection, condition: Condition<'_>) -> Result<()> {
    if !conn.writes_alone() {
        let same_lease = same_lease(conn);
        diesel::update(oauth_accounts.filter(condition)).set(lease_until.eq(same_lease)).execute(conn)?;
    }
    Ok(())
}

/// The value that an update of the lease writes only to lock the row.
// The locks of a Galera node mean nothing to the others: only a change of the row conflicts with theirs. There, the lease changes by
// a second.
fn same_lease(conn: &AnyConnection) -> SqlLiteral<BigInt> {
    sql(match conn {
        #[cfg(feature = "mysql")]
        AnyConnection::Mysql(_) => "lease_until ^ 1",
        #[allow(unreachable_patterns)] // With one database there is no other.
        _ => "lease_until",
    })
}

/// Locks the account with this identity until the transaction ends, if it belongs to `user`, or has no user. Returns whether it
/// does.
pub(super) fn hold_owned(
    conn: &mut AnyConnection,
    entry: &str,
    identity: &str,
    user: Option<&str>,
) -> Result<bool> {
    let account = oauth_accounts.filter(provider.eq(entry).and(provider_user_id.eq(identity)));
    if conn.writes_alone() {
        let owner: QueryResult<Option<String>> = on_inner!(conn, account.select(user_id).get_result(conn));
        return Ok(owner.optional()?.is_some_and(|owner| owner.as_deref() == user));
    }
    let same_lease = same_lease(conn);
    Ok(diesel::update(account.filter(is_of(user))).set(lease_until.eq(same_lease)).execute(conn)? == 1)
}

/// Locks the account and returns it: see [`exact`].
pub(super) fn held(
    conn: &mut AnyConnection,
    entry: &str,
    identity: Option<&str>,
    user: Option<&str>,
) -> Result<Option<Account>> {
    hold(conn, Box::new(provider.eq(entry).nullable().and(is_account(identity, user))))?;
    exact(conn, entry, identity, user)
}

/// Lets no other transaction write the account of the site at `entry` until this one ends, not even a first one. Returns that
/// account.
pub(super) fn hold_sites(conn: &mut AnyConnection, entry: &str) -> Result<Option<Account>> {
    claims::take_turn(conn, &format!("site {entry}"))?;
    let key = AccountKey::Owner { entry: entry.to_owned(), user: None };
    // Many visitors may have an account there that has no user either.
    let is_sites = rank.eq(Account::SITE_RANK).and(is_under(&key));
    hold(conn, Box::new(provider.eq(entry).nullable().and(is_sites)))?;
    Ok(get(conn, &key)?.filter(Account::is_sites))
}

/// Writes `account` and replaces the stored one. It writes no second account of the site without an identity: the token belongs
/// to the one that has been stored in the meantime.
///
/// # Errors
/// [`ErrorKind::Refused`](crate::ErrorKind::Refused) if its user is gone.
pub(super) fn set(conn: &mut AnyConnection, users: Option<&UserTable>, account: &Account) -> Result<()> {
    let (identity, user) = (account.provider_user_id.as_deref(), account.user_id.as_deref());
    if account.is_sites() {
        let sites = hold_sites(conn, &account.entry)?;
        if identity.is_none() && sites.is_some_and(|sites| sites.provider_user_id.is_some()) {
            return Ok(());
        }
    }
    if let (Some(users), Some(user)) = (users, user) {
        users.require(conn, user)?;
    }
    let old = held(conn, &account.entry, identity, user)?;
    write(conn, account, old.as_ref()).map(drop)
}

/// Writes `account`, replaces `old`, which is locked, and returns what is stored: the database assigns the id.
// Without `old` it inserts. If another process has inserted the account in the meantime, that is a unique violation.
pub(super) fn write(conn: &mut AnyConnection, account: &Account, old: Option<&Account>) -> Result<Account> {
    match old {
        Some(old) => {
            if old.user_id != account.user_id
                && let Some(selection) = SessionSelection::began_with(old, None)
            {
                // The sessions of its former user.
                sessions::end(conn, &selection)?;
            }
            let stored = diesel::update(oauth_accounts.find(old.id));
            // A refresh in progress keeps its lease while the token stays.
            match account.version == old.version {
                true => on_inner!(conn, stored.set(account).execute(conn))?,
                false => on_inner!(conn, stored.set((account, lease_until.eq(0))).execute(conn))?,
            }
        }
        None => on_inner!(conn, diesel::insert_into(oauth_accounts).values(account).execute(conn))?,
    };
    exact(conn, &account.entry, account.provider_user_id.as_deref(), account.user_id.as_deref())?
        .ok_or_else(|| Error::storage("the account that was written is gone").into())
}

pub(super) fn list(conn: &mut AnyConnection, user: Option<&str>, entries: &[String]) -> Result<Vec<Account>> {
    let all = oauth_accounts.order((provider, rank, id));
    let Some(user) = user else {
        let at_entries = all.filter(provider.eq_any(entries)).filter(user_id.is_null());
        return Ok(at_entries.select(Account::as_select()).load(conn)?);
    };
    // A user has few accounts at other entries, and a list in a condition is another statement for each length.
    let mut accounts = on_inner!(conn, all.filter(user_id.eq(user)).select(Account::as_select()).load(conn))?;
    accounts.retain(|account| entries.contains(&account.entry));
    Ok(accounts)
}
