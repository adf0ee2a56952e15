//! The queries: sessions.

use diesel::expression::BoxableExpression;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable};

use super::any_connection::{AnyConnection, MultiBackend};
use super::schema::oauth_sessions::dsl::*;
use crate::error::Result;
use crate::storage::{Session, SessionSelection};

type Condition<'a> = Box<dyn BoxableExpression<oauth_sessions, MultiBackend, SqlType = Nullable<Bool>> + 'a>;

fn is_of(selection: &SessionSelection) -> Condition<'_> {
    match selection {
        SessionSelection::Id(session) => Box::new(id.eq(session).nullable()),
        SessionSelection::User(user) => Box::new(user_id.eq(user).nullable()),
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

pub(super) fn begin(
    conn: &mut AnyConnection,
    session: &Session,
    before: Option<&str>,
    now: i64,
) -> Result<()> {
    let mut over: Vec<String> = oauth_sessions
        .filter(expires_at.le(now))
        .order(expires_at)
        .limit(MAX_PURGED)
        .select(id)
        .load(conn)?;
    let of_user = oauth_sessions.filter(user_id.eq(&session.user_id)).order(created_at.desc());
    over.extend(of_user.offset(MAX_SESSIONS - 1).limit(MAX_PURGED).select(id).load::<String>(conn)?);
    over.extend(before.map(str::to_owned));
    // Always in the same order, so that two simultaneous deletions cannot deadlock.
    over.sort();
    if !over.is_empty() {
        diesel::delete(oauth_sessions.filter(id.eq_any(over))).execute(conn)?;
    }
    diesel::insert_into(oauth_sessions).values(session).execute(conn)?;
    Ok(())
}

/// Locks a session of `user` until the transaction ends. Returns whether it exists.
pub(super) fn hold(conn: &mut AnyConnection, session: &str, user: &str) -> Result<bool> {
    let owned = oauth_sessions.find(session).filter(user_id.eq(user));
    Ok(diesel::update(owned).set(seen_at.eq(seen_at)).execute(conn)? == 1)
}

pub(super) fn rename(conn: &mut AnyConnection, session: &str, new: &str) -> Result<bool> {
    Ok(diesel::update(oauth_sessions.find(session)).set(id.eq(new)).execute(conn)? == 1)
}

pub(super) fn seen(conn: &mut AnyConnection, session: &str, at: i64, until: i64) -> Result<()> {
    let older = oauth_sessions.find(session).filter(seen_at.lt(at));
    diesel::update(older).set((seen_at.eq(at), expires_at.eq(until))).execute(conn)?;
    Ok(())
}

// By the condition, not by the ids that were read: a session may have got another id in the meantime.
pub(super) fn end(conn: &mut AnyConnection, selection: &SessionSelection) -> Result<Vec<Session>> {
    let ended = oauth_sessions.filter(is_of(selection)).select(Session::as_select()).load(conn)?;
    diesel::delete(oauth_sessions.filter(is_of(selection))).execute(conn)?;
    Ok(ended)
}
