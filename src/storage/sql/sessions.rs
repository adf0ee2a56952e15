//! The queries: sessions that have begun.

use diesel::expression::BoxableExpression;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable};

use super::any_connection::{AnyConnection, MultiBackend, on_inner};
use super::failure::Result;
use super::schema::oauth_accounts;
use super::schema::oauth_sessions::dsl::*;
use crate::storage::{Account, Session, SessionSelection};

pub(super) type Condition<'a> =
    Box<dyn BoxableExpression<oauth_sessions, MultiBackend, SqlType = Nullable<Bool>> + 'a>;

/// Maximum number of sessions that [`of_user`] returns.
const MAX_LISTED: i64 = 100;

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
    let found = on_inner!(conn, oauth_sessions.find(session).select(Session::as_select()).get_result(conn));
    Ok(found.optional()?)
}

/// Returns the session with the accounts of its user at `entries`, ordered by entry and rank.
pub(super) fn with_accounts(
    conn: &mut AnyConnection,
    session: &str,
    entries: &[String],
) -> Result<Option<(Session, Vec<Account>)>> {
    let of_user = oauth_accounts::user_id.eq(user_id.nullable());
    type Row = (Session, Option<Account>);
    let order = (oauth_accounts::provider, oauth_accounts::rank, oauth_accounts::id);
    let rows: Vec<Row> = match entries {
        [] => return Ok(get(conn, session)?.map(|session| (session, Vec::new()))),
        [entry] => {
            let at_entry = of_user.and(oauth_accounts::provider.eq(entry));
            let joined = oauth_sessions.find(session).left_join(oauth_accounts::table.on(at_entry));
            on_inner!(conn, joined.order(order).select(Row::as_select()).load(conn))?
        }
        // As in `accounts::list`.
        _ => {
            let joined = oauth_sessions.find(session).left_join(oauth_accounts::table.on(of_user));
            on_inner!(conn, joined.order(order).select(Row::as_select()).load(conn))?
        }
    };
    let (found, accounts): (Vec<Session>, Vec<Option<Account>>) = rows.into_iter().unzip();
    let Some(found) = found.into_iter().next() else { return Ok(None) };
    let mut accounts: Vec<Account> = accounts.into_iter().flatten().collect();
    accounts.retain(|account| found.user().is_some() && entries.contains(&account.entry));
    Ok(Some((found, accounts)))
}

/// Returns the sessions of `user`, the most recently used first.
pub(super) fn of_user(conn: &mut AnyConnection, user: &str) -> Result<Vec<Session>> {
    let newest = oauth_sessions.filter(user_id.eq(user)).order((seen_at.desc(), id)).limit(MAX_LISTED);
    Ok(newest.select(Session::as_select()).load(conn)?)
}

/// Locks a session of `user` until the transaction ends. Returns whether it exists.
pub(super) fn hold(conn: &mut AnyConnection, session: &str, user: &str) -> Result<bool> {
    let owned = diesel::update(oauth_sessions.find(session).filter(user_id.eq(user)));
    Ok(on_inner!(conn, owned.set(seen_at.eq(seen_at)).execute(conn))? == 1)
}

pub(super) fn rotate(conn: &mut AnyConnection, session: &str, old: &str, new: &str, at: i64) -> Result<bool> {
    let current = diesel::update(oauth_sessions.find(session).filter(cookie_hash.eq(old)));
    let changes = (cookie_hash.eq(new), previous_cookie_hash.eq(old), rotated_at.eq(at));
    Ok(on_inner!(conn, current.set(changes).execute(conn))? == 1)
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

/// Ends all sessions of `user` except the one with the id `keep`, and returns them.
pub(super) fn end_others(conn: &mut AnyConnection, user: &str, keep: Option<&str>) -> Result<Vec<Session>> {
    let others = oauth_sessions.filter(user_id.eq(user)).filter(id.ne(keep.unwrap_or_default()));
    let ended = others.select(Session::as_select()).load(conn)?;
    diesel::delete(others).execute(conn)?;
    Ok(ended)
}
