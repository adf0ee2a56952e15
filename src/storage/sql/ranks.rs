//! The queries: the order of a user's accounts at one entry.

use diesel::dsl::max;
use diesel::prelude::*;

use super::any_connection::{AnyConnection, on_inner};
use super::failure::Result;
use super::schema::oauth_accounts::dsl::*;
use crate::storage::Account;

/// Returns the rank of a new account of `user` at `entry`: after the others.
pub(super) fn next(conn: &mut AnyConnection, entry: &str, user: &str) -> Result<i32> {
    let owned = oauth_accounts.filter(provider.eq(entry).and(user_id.eq(user)));
    let last: Option<i32> = on_inner!(conn, owned.select(max(rank)).get_result(conn))?;
    Ok(Account::rank_after(last))
}

/// Makes the account `account_id` the primary one of `user` at `entry`. Returns whether it is one of the user's accounts.
pub(super) fn make_primary(
    conn: &mut AnyConnection,
    user: &str,
    entry: &str,
    account_id: i64,
) -> Result<bool> {
    let owned = oauth_accounts.filter(provider.eq(entry).and(user_id.eq(user)));
    let mut ids: Vec<i64> = owned.order((rank, id)).select(id).load(conn)?;
    let Some(at) = ids.iter().position(|owned| *owned == account_id) else { return Ok(false) };
    ids[..=at].rotate_right(1);
    let mut places: Vec<(i64, i32)> = ids.into_iter().zip(0..).collect();
    // All rows, in the order of their ids: the lock of the first row makes two simultaneous calls take turns, so that they
    // neither deadlock nor mix their ranks.
    places.sort_unstable();
    for (account, place) in places {
        diesel::update(oauth_accounts.filter(id.eq(account).and(user_id.eq(user))))
            .set(rank.eq(place))
            .execute(conn)?;
    }
    Ok(true)
}
