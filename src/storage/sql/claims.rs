//! The queries: claims of callbacks.

use diesel::dsl::min;
use diesel::prelude::*;

use super::any_connection::{AnyConnection, on_inner};
use super::failure::Result;
use super::schema::oauth_claims;
use crate::secret::{encode_base64url, random, sha256};
use crate::storage::ClaimState;

/// Maximum number of expired claims that each new claim removes.
const MAX_PURGED: i64 = 64;

pub(super) fn claim(conn: &mut AnyConnection, claim: &str, now: i64, until: i64) -> Result<ClaimState> {
    use oauth_claims::{expires_at as expiry, table};
    // SQLite compiles a statement with a bound LIMIT again at each execution: the next one is for when there is something to do.
    let oldest: Option<i64> = on_inner!(conn, table.select(min(expiry)).get_result(conn))?;
    if oldest.is_some_and(|oldest| oldest <= now) {
        remove_expired(conn, claim, now)?;
    }
    let found = settled(conn, claim)?;
    if found == ClaimState::First {
        let new = (oauth_claims::id.eq(claim), expiry.eq(until));
        on_inner!(conn, diesel::insert_into(table).values(new).execute(conn))?;
    }
    Ok(found)
}

/// Removes `claim` if it has expired at `now`, and some of the others that have.
fn remove_expired(conn: &mut AnyConnection, claim: &str, now: i64) -> Result<()> {
    use oauth_claims::{expires_at as expiry, id, table};
    let expired = table.filter(expiry.le(now)).order(expiry).limit(MAX_PURGED).select(id);
    let expired: Vec<String> = expired.load(conn)?;
    diesel::delete(table.filter(id.eq_any(expired))).execute(conn)?;
    // It may be none of those.
    diesel::delete(table.find(claim).filter(expiry.le(now))).execute(conn)?;
    Ok(())
}

pub(super) fn settled(conn: &mut AnyConnection, claim: &str) -> Result<ClaimState> {
    let row = oauth_claims::table.find(claim).select(oauth_claims::outcome);
    let outcome: QueryResult<Option<String>> = on_inner!(conn, row.get_result(conn));
    Ok(match outcome.optional()? {
        Some(Some(text)) => ClaimState::Settled(text),
        Some(None) => ClaimState::Pending,
        None => ClaimState::First,
    })
}

pub(super) fn settle(conn: &mut AnyConnection, claim: &str, text: &str) -> Result<()> {
    let claimed = diesel::update(oauth_claims::table.find(claim));
    on_inner!(conn, claimed.set(oauth_claims::outcome.eq(text)).execute(conn))?;
    Ok(())
}

/// Lets the transactions that call this for the same `subject` take turns: each waits here until the one before has ended. It
/// protects a row that does not exist yet, and that can therefore not be locked.
// Two transactions cannot insert the same key. On a Galera cluster, the commit of the slower one fails.
pub(super) fn take_turn(conn: &mut AnyConnection, subject: &str) -> Result<()> {
    if !conn.writes_alone() {
        let id = encode_base64url(&sha256(&format!("turn {subject}")));
        let row = (oauth_claims::id.eq(&id), oauth_claims::expires_at.eq(0));
        diesel::insert_into(oauth_claims::table).values(row).execute(conn)?;
        diesel::delete(oauth_claims::table.find(id)).execute(conn)?;
    }
    Ok(())
}

/// Returns whether the database can store something now: it stores a row that needs new space on the disk, and removes it again.
pub(super) fn can_store(conn: &mut AnyConnection) -> bool {
    let stored = conn.write(|conn| -> Result<()> {
        let text = encode_base64url(&random::<16384>()?);
        let id = encode_base64url(&random::<32>()?);
        let row = (oauth_claims::id.eq(&id), oauth_claims::outcome.eq(text), oauth_claims::expires_at.eq(0));
        diesel::insert_into(oauth_claims::table).values(row).execute(conn)?;
        diesel::delete(oauth_claims::table.find(id)).execute(conn)?;
        Ok(())
    });
    stored.is_ok()
}
