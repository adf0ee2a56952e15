//! A user's sessions, also those in other browsers: listing and ending them.

use std::collections::BTreeMap;

use rocket::Request;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::events::report_ended;
use crate::dance::handle::Dance;
use crate::dance::web::language;
use crate::error::Result;
use crate::link::check_user_id;
use crate::page::Language;
use crate::session::{CookieSessions, sessions_belong_to_app};
use crate::signals::SessionEndReason;
use crate::storage::{Account, AccountKey, Session, SessionSelection};
use crate::user::UserId;

/// Returns the sessions that can be ended in other browsers.
///
/// # Errors
/// [`ErrorKind::SessionsNotStored`](crate::ErrorKind::SessionsNotStored).
pub(crate) fn stored(dance: &Dance) -> Result<&CookieSessions> {
    let sessions = dance.sessions().cookie_sessions().ok_or_else(sessions_belong_to_app)?;
    sessions.require_stored()?;
    Ok(sessions)
}

/// Ends the sessions of `selection`, and returns those that it has ended.
///
/// # Errors
/// As [`Dance::sign_out_everywhere`].
pub(crate) async fn end_sessions(dance: &Dance, selection: &SessionSelection) -> Result<Vec<Session>> {
    stored(dance)?.end_selected(selection).await
}

/// Ends the sessions that a provider has `selected`, also those of accounts without a user, and returns them.
///
/// # Errors
/// As [`Dance::sign_out_everywhere`], if a session of the app may be selected.
pub(crate) async fn end_provider_sessions(
    dance: &Dance,
    request: &Request<'_>,
    selected: &SessionSelection,
) -> Result<Vec<Session>> {
    // In the storage, the sessions of accounts without a user are among them.
    if let Some(sessions) = dance.sessions().cookie_sessions() {
        return sessions.end_selected(selected).await;
    }
    let ended = dance.kept_sessions().end_selected(selected).await?;
    if ended.is_empty() && may_be_sessions_of_app(dance, request, selected).await? {
        return Err(sessions_belong_to_app());
    }
    Ok(ended)
}

/// Whether a session of the app may be `selected`, in an app that keeps the sessions of its users itself. An account without a user
/// has none.
async fn may_be_sessions_of_app(
    dance: &Dance,
    request: &Request<'_>,
    selected: &SessionSelection,
) -> Result<bool> {
    let SessionSelection::ProviderSession { entry, provider_user_id: Some(sub), .. } = selected else {
        return Ok(true);
    };
    let account = dance.storage(request).get(&AccountKey::identity(entry, sub)).await?;
    Ok(account.is_some_and(|account| account.user_id.is_some()))
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
    let sessions = stored(dance)?;
    if sessions.list(user).await?.iter().any(|own| own.id == session) {
        let ended = sessions.end_selected(&SessionSelection::Id(session.to_owned())).await?;
        report_ended(dance, Some(request), &ended, SessionEndReason::SignedOut).await;
    }
    Ok(())
}

/// The sessions of the user of `request`. Empty if the sessions are not stored, or belong to the app.
///
/// # Errors
/// If the storage can't be reached.
pub(crate) async fn own_sessions(dance: &Dance, request: &Request<'_>) -> Result<Vec<Session>> {
    match (dance.sessions().cookie_sessions(), dance.user(request).await?) {
        (Some(sessions), Some(user)) => sessions.list(user).await,
        _ => Ok(Vec::new()),
    }
}

/// `sessions`, which are the user's, as a page shows them, this browser's among them. `accounts` are the user's accounts by
/// entry.
pub(crate) fn sessions_context(
    dance: &Dance,
    request: &Request<'_>,
    accounts: &BTreeMap<String, Vec<Account>>,
    sessions: &[Session],
) -> Vec<Value> {
    let own = dance.sessions().id(request);
    let language = language(dance, request);
    let context = |session: &Session| {
        json!({
            "id": session.id,
            "current": own.as_ref() == Some(&session.id),
            "began": time_context(language, session.created_at),
            "used": time_context(language, session.seen_at),
            "account": session.entry.as_deref().map(|entry| account_context(dance, entry, session, accounts)),
        })
    };
    sessions.iter().map(context).collect()
}

/// A time (unix time, in seconds) for people, and for machines.
pub(super) fn time_context(language: &Language, at: i64) -> Value {
    let time = OffsetDateTime::from_unix_timestamp(at).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    json!({ "text": language.time(time), "iso": time.format(&Rfc3339).unwrap_or_default() })
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
    /// Ends all sessions of `user`, in every browser, and returns their number. Call it after a change
    /// of password, or after an attacker had access.
    ///
    /// The sessions end at once in this process, and with PostgreSQL in all processes; otherwise within `cache.ttl`.
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
    /// [`ErrorKind::SessionsNotStored`](crate::ErrorKind::SessionsNotStored) if the storage keeps no sessions, or the app has
    /// [sessions of its own](crate::Sessions).
    pub async fn sign_out_everywhere<U: UserId>(&self, user: &U) -> Result<usize> {
        let user = user.to_string();
        check_user_id(&user)?;
        let ended = end_sessions(self, &SessionSelection::User(user)).await?;
        report_ended(self, None, &ended, SessionEndReason::SignedOutEverywhere).await;
        Ok(ended.len())
    }
}
