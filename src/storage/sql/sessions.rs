//! The queries: sessions.

use diesel::expression::BoxableExpression;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable};

use super::any_connection::{AnyConnection, MultiBackend};
use super::schema::oauth_sessions::dsl::*;
use crate::error::Result;
use crate::storage::{Session, SessionSelection};

type Condition<'a> = Box<dyn BoxableExpression<oauth_sessions, MultiBackend, SqlType = Nullable<Bool>> + 'a>;

fn is_of(whose: &SessionSelection) -> Condition<'_> {
    match whose {
        SessionSelection::Id(its) => Box::new(id.eq(its).nullable()),
        SessionSelection::User(user) => Box::new(user_id.eq(user).nullable()),
        SessionSelection::ProviderSession { entry, issuer: from, provider_user_id: person, sid: session } => {
            let here = provider.eq(entry).and(issuer.eq(from));
            match (person, session) {
                (Some(person), Some(session)) => {
                    let it = sid.is_null().nullable().or(sid.eq(session));
                    Box::new(here.and(provider_user_id.eq(person)).and(it))
                }
                (Some(person), None) => Box::new(here.and(provider_user_id.eq(person))),
                (None, Some(session)) => Box::new(here.and(sid.eq(session))),
                // Nobody is named, so that nobody is meant.
                (None, None) => Box::new(id.is_null().nullable()),
            }
        }
    }
}

pub(super) fn get(conn: &mut AnyConnection, session: &str) -> Result<Option<Session>> {
    Ok(oauth_sessions.find(session).select(Session::as_select()).first(conn).optional()?)
}

/// So many expired sessions go with each new one.
const PURGED: i64 = 64;
/// So many a user has at most, or else the oldest go: whoever has somebody's password could make so many that they can't
/// be ended in one go.
const MOST: i64 = 1000;

pub(super) fn begin(
    conn: &mut AnyConnection,
    session: &Session,
    before: Option<&str>,
    now: i64,
) -> Result<()> {
    let mut over: Vec<String> =
        oauth_sessions.filter(expires_at.le(now)).order(expires_at).limit(PURGED).select(id).load(conn)?;
    let of_user = oauth_sessions.filter(user_id.eq(&session.user_id)).order(created_at.desc());
    over.extend(of_user.offset(MOST - 1).limit(PURGED).select(id).load::<String>(conn)?);
    over.extend(before.map(str::to_owned));
    // In one order, whoever deletes: two at once wait for each other, and not in a circle.
    over.sort();
    if !over.is_empty() {
        diesel::delete(oauth_sessions.filter(id.eq_any(over))).execute(conn)?;
    }
    diesel::insert_into(oauth_sessions).values(session).execute(conn)?;
    Ok(())
}

/// Holds a session of `user`'s until the transaction ends; says whether it was there.
pub(super) fn hold(conn: &mut AnyConnection, session: &str, user: &str) -> Result<bool> {
    let it = oauth_sessions.find(session).filter(user_id.eq(user));
    Ok(diesel::update(it).set(seen_at.eq(seen_at)).execute(conn)? == 1)
}

pub(super) fn rename(conn: &mut AnyConnection, session: &str, new: &str) -> Result<bool> {
    Ok(diesel::update(oauth_sessions.find(session)).set(id.eq(new)).execute(conn)? == 1)
}

pub(super) fn seen(conn: &mut AnyConnection, session: &str, at: i64, until: i64) -> Result<()> {
    let older = oauth_sessions.find(session).filter(seen_at.lt(at));
    diesel::update(older).set((seen_at.eq(at), expires_at.eq(until))).execute(conn)?;
    Ok(())
}

// By the condition, not by the ids that were read: one of them may have got another id meanwhile.
pub(super) fn end(conn: &mut AnyConnection, whose: &SessionSelection) -> Result<Vec<Session>> {
    let ended = oauth_sessions.filter(is_of(whose)).select(Session::as_select()).load(conn)?;
    diesel::delete(oauth_sessions.filter(is_of(whose))).execute(conn)?;
    Ok(ended)
}
