//! A user's sessions, also those in other browsers: listing and ending them.

use std::collections::BTreeMap;

use rocket::Request;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

use super::events::report_ended;
use crate::dance::handle::Dance;
use crate::error::{Error, Result};
use crate::session::sessions_belong_to_app;
use crate::signals::SessionEndReason;
use crate::storage::{Account, Session, SessionSelection};
use crate::user::UserId;

/// How a page shows a time.
const TIME: &[BorrowedFormatItem<'_>] =
    format_description!("[day padding:none] [month repr:long] [year], [hour]:[minute] UTC");

/// Ends the sessions of `selection`, and returns those that it has ended.
///
/// # Errors
/// As [`Dance::sign_out_everywhere`].
pub(crate) async fn end_sessions(dance: &Dance, selection: &SessionSelection) -> Result<Vec<Session>> {
    dance.sessions().cookie_sessions().ok_or_else(sessions_belong_to_app)?.end_selected(selection).await
}

/// Ends the session with the id `session` if it is one of `user`'s own, and reports it.
///
/// # Errors
/// As [`Dance::sign_out_everywhere`].
pub(crate) async fn end_own_session(
    dance: &Dance,
    request: &Request<'_>,
    user: &str,
    session: &str,
) -> Result<()> {
    let sessions = dance.sessions().cookie_sessions().ok_or_else(sessions_belong_to_app)?;
    // If the sessions are not stored, ending one fails with the reason.
    let is_own = !sessions.are_stored() || sessions.list(user).await?.iter().any(|own| own.id == session);
    if is_own {
        let ended = sessions.end_selected(&SessionSelection::Id(session.to_owned())).await?;
        report_ended(dance, Some(request), &ended, SessionEndReason::SignedOut).await;
    }
    Ok(())
}

/// The user's sessions as a page shows them, this browser's among them. Empty if the sessions are not stored, or belong to
/// the app. `accounts` are the user's accounts by entry.
///
/// # Errors
/// If the storage can't be reached.
pub(crate) async fn sessions_context(
    dance: &Dance,
    request: &Request<'_>,
    accounts: &BTreeMap<String, Vec<Account>>,
) -> Result<Vec<Value>> {
    let (Some(sessions), Some(user)) = (dance.sessions().cookie_sessions(), dance.user(request).await?)
    else {
        return Ok(Vec::new());
    };
    let own = dance.sessions().id(request);
    let found = sessions.list(user).await?;
    found
        .iter()
        .map(|session| {
            Ok(json!({
                "id": session.id,
                "current": own.as_ref() == Some(&session.id),
                "began": time_context(session.created_at)?,
                "used": time_context(session.seen_at)?,
                "account": session.entry.as_deref().map(|entry| account_context(dance, entry, session, accounts)),
            }))
        })
        .collect()
}

/// A time (unix time, in seconds) for people, and for machines.
fn time_context(at: i64) -> Result<Value> {
    let time = OffsetDateTime::from_unix_timestamp(at).map_err(Error::app)?;
    Ok(json!({
        "text": time.format(TIME).map_err(Error::app)?,
        "iso": time.format(&Rfc3339).map_err(Error::app)?,
    }))
}

/// The account that `session` began with: the title of its entry, and its name if it is still connected.
fn account_context(
    dance: &Dance,
    entry: &str,
    session: &Session,
    accounts: &BTreeMap<String, Vec<Account>>,
) -> Value {
    let title = dance.entries().get(entry).map_or(entry, |entry| &entry.title);
    let of_entry = accounts.get(entry).map(Vec::as_slice).unwrap_or_default();
    let account = of_entry.iter().find(|account| account.provider_user_id == session.provider_user_id);
    json!({
        "title": title,
        "connected": account.is_some(),
        "display_name": account.and_then(|account| account.display_name.as_ref()),
    })
}

/// Whether the sessions of a user can be ended in other browsers.
pub(crate) fn can_end_sessions(dance: &Dance) -> bool {
    dance.sessions().cookie_sessions().is_some_and(|sessions| sessions.are_stored())
}

impl Dance {
    /// Ends all sessions of `user`, in every browser and on every node, and returns their number. Call it after a change
    /// of password, or after an attacker had access.
    ///
    /// On this node the sessions end at once. On other nodes they end within `cache.ttl`; with PostgreSQL at once.
    ///
    /// A sign-in that runs at the same moment may still begin a session. Therefore change first what that sign-in checks,
    /// for example the password, or remove the account ([`delete`](Dance::delete) ends the sessions that began with it). A
    /// user who should stay signed in here is signed in again afterwards:
    ///
    /// ```
    /// use rocket::State;
    /// use rocket::http::CookieJar;
    /// use rocket_dance::{CurrentUser, Dance, Result};
    ///
    /// #[rocket::post("/password")]
    /// async fn change_password(user: CurrentUser<i32>, dance: &State<Dance>, jar: &CookieJar<'_>) -> Result<()> {
    ///     // … first the new password is stored …
    ///     dance.sign_out_everywhere(user.id()).await?;
    ///     CurrentUser::sign_in(jar, user.id());
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable): the sessions may have ended or not.
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the storage keeps no sessions, or the app has
    /// [sessions of its own](crate::Sessions).
    pub async fn sign_out_everywhere<U: UserId>(&self, user: &U) -> Result<usize> {
        let ended = end_sessions(self, &SessionSelection::User(user.to_string())).await?;
        report_ended(self, None, &ended, SessionEndReason::SignedOutEverywhere).await;
        Ok(ended.len())
    }
}
