//! The queries: those that walk over all accounts.

use diesel::dsl::{count_star, min, sql};
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::any_connection::AnyConnection;
use super::schema::oauth_accounts::dsl::*;
use crate::error::Result;
use crate::storage::{Account, KeyRing};

pub(super) fn page(
    conn: &mut AnyConnection,
    entry: Option<&str>,
    after: i64,
    limit: usize,
) -> Result<Vec<Account>> {
    let next = oauth_accounts.filter(id.gt(after)).order(id).limit(i64::try_from(limit).unwrap_or(i64::MAX));
    Ok(match entry {
        Some(entry) => next.filter(provider.eq(entry)).select(Account::as_select()).load(conn)?,
        None => next.select(Account::as_select()).load(conn)?,
    })
}

/// The result of one step of [`sealed_by`].
pub(super) struct Step {
    /// Number of accounts by the id of the key.
    pub(super) counts: Vec<(String, u64)>,
    /// Id after which the next step begins.
    pub(super) last: i64,
}

/// Number of ids in a step.
const STEP_IDS: i64 = 10_000;

/// Counts how many accounts each key has sealed, among the next ones after the id `after`. Returns `None` if there are no more.
pub(super) fn sealed_by(conn: &mut AnyConnection, after: i64) -> Result<Option<Step>> {
    // From the next existing id, so that gaps cost nothing.
    let first: Option<i64> = oauth_accounts.filter(id.gt(after)).select(min(id)).first(conn)?;
    let Some(first) = first else { return Ok(None) };
    let last = first.saturating_add(STEP_IDS - 1);
    // A key's id ends within the first twelve characters of a sealed text. As literal SQL, since PostgreSQL treats two equal
    // expressions with parameters as different in GROUP BY and SELECT.
    let head = || sql::<Text>("substr(token, 1, 12)");
    let heads: Vec<(String, i64)> = oauth_accounts
        .filter(id.between(first, last))
        .group_by(head())
        .select((head(), count_star()))
        .load(conn)?;
    let counts = heads.into_iter().map(|(head, count)| {
        (
            KeyRing::sealing_key_id(&head).unwrap_or_default().to_owned(),
            u64::try_from(count).unwrap_or_default(),
        )
    });
    Ok(Some(Step { counts: counts.collect(), last }))
}
