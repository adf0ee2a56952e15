//! The queries: beginning sessions.

use diesel::dsl::min;
use diesel::prelude::*;

use super::accounts;
use super::any_connection::{AnyConnection, on_inner};
use super::failure::Result;
use super::schema::oauth_sessions::dsl::*;
use super::sessions::Condition;
use super::user_table::UserTable;
use crate::storage::{Session, SessionStart};

/// Maximum number of expired sessions that each new session removes.
const MAX_PURGED: i64 = 64;
/// Maximum number of sessions per user, and per account without a user. Beyond it the oldest are removed: an attacker who knows
/// a password could otherwise begin more sessions than one statement can end.
const MAX_SESSIONS: i64 = 1000;

/// Begins `session` while its user and the account that it comes from are locked, so that neither can vanish before the session
/// is there to vanish with them.
pub(super) fn begin(
    conn: &mut AnyConnection,
    users: Option<&UserTable>,
    session: &Session,
    before: Option<&str>,
) -> Result<SessionStart> {
    if let (Some(users), Some(user)) = (users, session.user())
        && !users.hold(conn, user)?
    {
        return Ok(SessionStart::UserGone);
    }
    if let (Some(entry), Some(identity)) = (&session.entry, &session.provider_user_id)
        && !accounts::hold_owned(conn, entry, identity, session.user())?
    {
        return Ok(SessionStart::AccountGone);
    }
    let mut over = over(conn, session)?;
    over.extend(before.map(str::to_owned));
    // Always in the same order, so that two simultaneous deletions cannot deadlock.
    over.sort();
    match over.as_slice() {
        [] => 0,
        [one] => on_inner!(conn, diesel::delete(oauth_sessions.find(one)).execute(conn))?,
        _ => diesel::delete(oauth_sessions.filter(id.eq_any(over))).execute(conn)?,
    };
    on_inner!(conn, diesel::insert_into(oauth_sessions).values(session).execute(conn))?;
    Ok(SessionStart::Begun)
}

/// Returns the ids of some of the sessions that are one too many with `session`.
// The statement with a LIMIT is for those who have so many: see `claims`.
fn over(conn: &mut AnyConnection, session: &Session) -> Result<Vec<String>> {
    let count: i64 = match session.user() {
        Some(user) => on_inner!(conn, oauth_sessions.filter(user_id.eq(user)).count().get_result(conn))?,
        None => oauth_sessions.filter(is_of_owner(session)).count().get_result(conn)?,
    };
    if count < MAX_SESSIONS {
        return Ok(Vec::new());
    }
    let older = oauth_sessions.filter(is_of_owner(session)).order(created_at.desc());
    Ok(older.offset(MAX_SESSIONS - 1).limit(MAX_PURGED).select(id).load(conn)?)
}

/// Matches the sessions of the same user; without a user, those of the same account.
fn is_of_owner(session: &Session) -> Condition<'_> {
    match session.user() {
        Some(user) => Box::new(user_id.eq(user).nullable()),
        None => {
            let of_account = provider.eq(&session.entry).and(provider_user_id.eq(&session.provider_user_id));
            Box::new(of_account.and(user_id.eq("")))
        }
    }
}

/// Removes some of the sessions that have expired at `now`.
// Where rows are locked, one after the other and outside of a transaction: a transaction that holds the rows of other users could
// deadlock with the app's own deletion of one of them.
pub(super) fn purge(conn: &mut AnyConnection, now: i64) -> Result<()> {
    let oldest: Option<i64> = on_inner!(conn, oauth_sessions.select(min(expires_at)).get_result(conn))?;
    if oldest.is_none_or(|oldest| oldest > now) {
        return Ok(());
    }
    let expired = oauth_sessions.filter(expires_at.le(now)).order(expires_at).limit(MAX_PURGED);
    let expired: Vec<String> = expired.select(id).load(conn)?;
    let at_once = if conn.writes_alone() { expired.len().max(1) } else { 1 };
    for ids in expired.chunks(at_once) {
        diesel::delete(oauth_sessions.filter(id.eq_any(ids)).filter(expires_at.le(now))).execute(conn)?;
    }
    Ok(())
}
