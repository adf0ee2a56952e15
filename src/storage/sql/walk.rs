//! The queries: those that walk over all accounts.

use diesel::dsl::{count_star, max, min, sql};
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::any_connection::AnyConnection;
use super::failure::Result;
use super::schema::oauth_accounts::dsl::*;
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

/// Number of ids that one query counts.
const STEP_IDS: i64 = 10_000;
/// Maximum number of queries that count.
const MAX_STEPS: i64 = 100;

/// Returns the ids at which [`sealed_from`] counts. They cover a table of up to a million ids, and are spread evenly over a larger
/// one: a launch must not read a billion rows.
pub(super) fn steps(conn: &mut AnyConnection) -> Result<Vec<i64>> {
    let (Some(first), Some(last)) =
        oauth_accounts.select((min(id), max(id))).get_result::<(Option<i64>, Option<i64>)>(conn)?
    else {
        return Ok(Vec::new());
    };
    let distance = (last.saturating_sub(first) / MAX_STEPS).max(STEP_IDS);
    let steps =
        std::iter::successors(Some(first), |step| step.checked_add(distance).filter(|next| *next <= last));
    Ok(steps.collect())
}

/// Counts how many accounts each key has sealed, among [`STEP_IDS`] ids from `first` on.
pub(super) fn sealed_from(conn: &mut AnyConnection, first: i64) -> Result<Vec<(String, u64)>> {
    // A key's id ends within the first twelve characters of a sealed text. As literal SQL, since PostgreSQL treats two equal
    // expressions with parameters as different in GROUP BY and SELECT.
    let head = || sql::<Text>("substr(token, 1, 12)");
    let heads: Vec<(String, i64)> = oauth_accounts
        .filter(id.between(first, first.saturating_add(STEP_IDS - 1)))
        .group_by(head())
        .select((head(), count_star()))
        .load(conn)?;
    let key = |head: &str| KeyRing::sealing_key_id(head).unwrap_or_default().to_owned();
    Ok(heads.iter().map(|(head, count)| (key(head), u64::try_from(*count).unwrap_or_default())).collect())
}
