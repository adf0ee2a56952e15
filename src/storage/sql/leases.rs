//! The queries: leases, and conditional writes of tokens.

use diesel::prelude::*;

use super::accounts::is_of;
use super::any_connection::AnyConnection;
use super::failure::Result;
use super::schema::oauth_accounts::dsl::*;
use crate::storage::Account;

pub(super) fn lease(conn: &mut AnyConnection, account: &Account, now: i64, until: i64) -> Result<bool> {
    let free = oauth_accounts
        .filter(id.eq(account.id).and(version.eq(account.version)).and(lease_until.le(now)))
        .filter(is_of(account.user_id.as_deref()));
    Ok(diesel::update(free).set(lease_until.eq(until)).execute(conn)? == 1)
}

pub(super) fn release(conn: &mut AnyConnection, account: &Account) -> Result<()> {
    let leased = oauth_accounts.filter(id.eq(account.id).and(version.eq(account.version)));
    diesel::update(leased).set(lease_until.eq(0)).execute(conn)?;
    Ok(())
}

pub(super) fn renew(conn: &mut AnyConnection, account: &Account, renewed: &Account) -> Result<bool> {
    let same = oauth_accounts
        .filter(id.eq(account.id).and(version.eq(account.version)))
        .filter(is_of(account.user_id.as_deref()));
    let changes = (
        token.eq(&renewed.token),
        token_type.eq(&renewed.token_type),
        scope.eq(&renewed.scope),
        expires_at.eq(renewed.expires_at),
        updated_at.eq(renewed.updated_at),
        version.eq(renewed.version),
        lease_until.eq(0),
    );
    Ok(diesel::update(same).set(changes).execute(conn)? == 1)
}

pub(super) fn reseal(conn: &mut AnyConnection, account: &Account, sealed: &str) -> Result<bool> {
    let same = oauth_accounts.filter(id.eq(account.id).and(token.eq(&account.token)));
    Ok(diesel::update(same).set(token.eq(sealed)).execute(conn)? == 1)
}
