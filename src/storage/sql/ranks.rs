//! The queries: the order of a user's accounts at one entry.

use diesel::dsl::max;
use diesel::prelude::*;

use super::any_connection::AnyConnection;
use super::schema::oauth_accounts::dsl::*;
use crate::error::Result;
use crate::storage::Account;

/// The rank of one more account of `user`'s at `entry`: the last.
pub(super) fn next(conn: &mut AnyConnection, entry: &str, user: &str) -> Result<i32> {
    let mine = oauth_accounts.filter(provider.eq(entry).and(user_id.eq(user)));
    let last: Option<i32> = mine.select(max(rank)).first(conn)?;
    Ok(Account::rank_after(last))
}

/// Makes `account_id` the first of `user`'s at `entry`, if it is one of them.
pub(super) fn make_primary(
    conn: &mut AnyConnection,
    user: &str,
    entry: &str,
    account_id: i64,
) -> Result<bool> {
    let mine = oauth_accounts.filter(provider.eq(entry).and(user_id.eq(user)));
    let mut ids: Vec<i64> = mine.order((rank, id)).select(id).load(conn)?;
    let Some(at) = ids.iter().position(|mine| *mine == account_id) else { return Ok(false) };
    ids[..=at].rotate_right(1);
    let mut places: Vec<(i64, i32)> = ids.into_iter().zip(0..).collect();
    // All of them, and in the order of their ids: the first one's lock makes two moves take turns, so that they neither
    // deadlock nor mix.
    places.sort_unstable();
    for (mine, place) in places {
        diesel::update(oauth_accounts.filter(id.eq(mine).and(user_id.eq(user))))
            .set(rank.eq(place))
            .execute(conn)?;
    }
    Ok(true)
}
