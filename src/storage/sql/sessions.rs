//! The queries: sessions.

use diesel::expression::BoxableExpression;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable};

use super::accounts;
use super::any_connection::{AnyConnection, MultiBackend};
use super::schema::oauth_sessions::dsl::*;
use super::user_table::UserTable;
use crate::error::Result;
use crate::storage::{Session, SessionSelection, SessionStart};

type Condition<'a> = Box<dyn BoxableExpression<oauth_sessions, MultiBackend, SqlType = Nullable<Bool>> + 'a>;

fn is_of(selection: &SessionSelection) -> Condition<'_> {
    match selection {
        SessionSelection::Id(session) => Box::new(id.eq(session).nullable()),
        SessionSelection::User(user) => Box::new(user_id.eq(user).nullable()),
        SessionSelection::Account { entry, provider_user_id: identity, except } => {
            let of_account = provider.eq(entry).and(provider_user_id.eq(identity));
            match except {
                Some(except) => Box::new(of_account.and(id.ne(except))),
                None => Box::new(of_account),
            }
        }
        SessionSelection::ProviderSession {
            entry,
            issuer: authority,
            provider_user_id: identity,
            sid: session,
        } => {
            let at_entry = provider.eq(entry).and(issuer.eq(authority));
            match (identity, session) {
                (Some(identity), Some(session)) => {
                    let this_session = sid.is_null().nullable().or(sid.eq(session));
                    Box::new(at_entry.and(provider_user_id.eq(identity)).and(this_session))
                }
                (Some(identity), None) => Box::new(at_entry.and(provider_user_id.eq(identity))),
                (None, Some(session)) => Box::new(at_entry.and(sid.eq(session))),
                // Without a user and a session it selects none.
                (None, None) => Box::new(id.is_null().nullable()),
            }
        }
    }
}

pub(super) fn get(conn: &mut AnyConnection, session: &str) -> Result<Option<Session>> {
    Ok(oauth_sessions.find(session).select(Session::as_select()).first(conn).optional()?)
}

/// Maximum number of expired sessions that each new session removes.
const MAX_PURGED: i64 = 64;
/// Maximum number of sessions per user. Beyond it the oldest are removed: an attacker who knows a password could otherwise begin
/// more sessions than one statement can end.
const MAX_SESSIONS: i64 = 1000;
/// Maximum number of sessions that [`of_user`] returns.
const MAX_LISTED: i64 = 100;

/// Returns the sessions of `user`, the most recently used first.
pub(super) fn of_user(conn: &mut AnyConnection, user: &str) -> Result<Vec<Session>> {
    let newest = oauth_sessions.filter(user_id.eq(user)).order((seen_at.desc(), id)).limit(MAX_LISTED);
    Ok(newest.select(Session::as_select()).load(conn)?)
}

/// Begins `session` while its user and the account that it comes from are locked, so that neither can vanish before the session
/// is there to vanish with them.
pub(super) fn begin(
    conn: &mut AnyConnection,
    users: Option<&UserTable>,
    session: &Session,
    before: Option<&str>,
) -> Result<SessionStart> {
    if let Some(users) = users
        && !users.hold(conn, &session.user_id)?
    {
        return Ok(SessionStart::UserGone);
    }
    if let (Some(entry), Some(identity)) = (&session.entry, &session.provider_user_id)
        && !accounts::hold_owned(conn, entry, identity, &session.user_id)?
    {
        return Ok(SessionStart::AccountGone);
    }
    let of_user = oauth_sessions.filter(user_id.eq(&session.user_id)).order(created_at.desc());
    let mut over: Vec<String> = of_user.offset(MAX_SESSIONS - 1).limit(MAX_PURGED).select(id).load(conn)?;
    over.extend(before.map(str::to_owned));
    // Always in the same order, so that two simultaneous deletions cannot deadlock.
    over.sort();
    if !over.is_empty() {
        diesel::delete(oauth_sessions.filter(id.eq_any(over))).execute(conn)?;
    }
    diesel::insert_into(oauth_sessions).values(session).execute(conn)?;
    Ok(SessionStart::Begun)
}

/// Removes some of the sessions that have expired at `now`.
// Where rows are locked, one after the other and outside of a transaction: a transaction that holds the rows of other users could
// deadlock with the app's own deletion of one of them.
pub(super) fn purge(conn: &mut AnyConnection, now: i64) -> Result<()> {
    let expired = oauth_sessions.filter(expires_at.le(now)).order(expires_at).limit(MAX_PURGED);
    let expired: Vec<String> = expired.select(id).load(conn)?;
    let at_once = if conn.writes_alone() { expired.len().max(1) } else { 1 };
    for ids in expired.chunks(at_once) {
        diesel::delete(oauth_sessions.filter(id.eq_any(ids)).filter(expires_at.le(now))).execute(conn)?;
    }
    Ok(())
}

/// Locks a session of `user` until the transaction ends. Returns whether it exists.
pub(super) fn hold(conn: &mut AnyConnection, session: &str, user: &str) -> Result<bool> {
    let owned = oauth_sessions.find(session).filter(user_id.eq(user));
    Ok(diesel::update(owned).set(seen_at.eq(seen_at)).execute(conn)? == 1)
}

pub(super) fn rotate(conn: &mut AnyConnection, session: &str, old: &str, new: &str, at: i64) -> Result<bool> {
    let current = oauth_sessions.find(session).filter(cookie_hash.eq(old));
    let changes = (cookie_hash.eq(new), previous_cookie_hash.eq(old), rotated_at.eq(at));
    Ok(diesel::update(current).set(changes).execute(conn)? == 1)
}

pub(super) fn seen(conn: &mut AnyConnection, session: &str, at: i64, until: i64) -> Result<()> {
    let older = oauth_sessions.find(session).filter(seen_at.lt(at));
    diesel::update(older).set((seen_at.eq(at), expires_at.eq(until))).execute(conn)?;
    Ok(())
}

/// Ends the selected sessions and returns them.
pub(super) fn end(conn: &mut AnyConnection, selection: &SessionSelection) -> Result<Vec<Session>> {
    let ended = oauth_sessions.filter(is_of(selection)).select(Session::as_select()).load(conn)?;
    diesel::delete(oauth_sessions.filter(is_of(selection))).execute(conn)?;
    Ok(ended)
}
