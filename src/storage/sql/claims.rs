//! The queries: claims of callbacks.

use diesel::prelude::*;

use super::any_connection::AnyConnection;
use super::failure::Result;
use super::schema::oauth_claims;
use crate::secret::{encode_base64url, random};
use crate::storage::ClaimState;

/// Maximum number of expired claims that each new claim removes.
const MAX_PURGED: i64 = 64;

pub(super) fn claim(conn: &mut AnyConnection, claim: &str, now: i64, until: i64) -> Result<ClaimState> {
    use oauth_claims::{expires_at as expiry, table};
    let expired: Vec<String> =
        table.filter(expiry.le(now)).order(expiry).limit(MAX_PURGED).select(oauth_claims::id).load(conn)?;
    if !expired.is_empty() {
        diesel::delete(table.filter(oauth_claims::id.eq_any(expired))).execute(conn)?;
    }
    // This claim may have expired and be none of those.
    diesel::delete(table.find(claim).filter(expiry.le(now))).execute(conn)?;
    let found = settled(conn, claim)?;
    if found == ClaimState::First {
        let new = (oauth_claims::id.eq(claim), expiry.eq(until));
        diesel::insert_into(table).values(new).execute(conn)?;
    }
    Ok(found)
}

pub(super) fn settled(conn: &mut AnyConnection, claim: &str) -> Result<ClaimState> {
    let row = oauth_claims::table.find(claim).select(oauth_claims::outcome);
    Ok(match row.get_result::<Option<String>>(conn).optional()? {
        Some(Some(text)) => ClaimState::Settled(text),
        Some(None) => ClaimState::Pending,
        None => ClaimState::First,
    })
}

pub(super) fn settle(conn: &mut AnyConnection, claim: &str, text: &str) -> Result<()> {
    diesel::update(oauth_claims::table.find(claim)).set(oauth_claims::outcome.eq(text)).execute(conn)?;
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
