//! `POST /login/logout`, `POST /login/logout/everywhere` and `POST /login/logout/session`: signing out.

use rocket::Request;
use serde_json::json;

use super::provider_logout;
use crate::dance::accounts::{pending, report_sessions_ended, sessions};
use crate::dance::handle::Dance;
use crate::dance::web::{Form, Reply, csrf, done, wants_json};
use crate::error::{Error, ErrorKind, Result};
use crate::redirect_target::RedirectTarget;
use crate::signals::SessionEndReason;

/// The sessions that end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LogoutScope {
    ThisBrowser,
    AllBrowsers,
}

/// Signs the user out, and redirects to the provider's sign-out, to the form's `next` or to `after_logout`.
pub(super) async fn log_out(
    dance: &Dance,
    request: &Request<'_>,
    form: &Form,
    scope: LogoutScope,
) -> Result<Reply> {
    csrf::check(dance, request, form.get("csrf").as_deref()).await?;
    if scope == LogoutScope::AllBrowsers {
        sessions::stored(dance)?;
    }
    let next = dance.checked_next(form.get("next").as_deref());
    sign_out(dance, request, scope, next).await
}

/// Ends the session whose id is in the form's field `session`, if it is one of the user's own, and redirects back to the
/// accounts. The answer is the same if there is no such session. If it is the session of this browser, the user is signed out
/// as by `/login/logout`.
pub(super) async fn end_session(dance: &Dance, request: &Request<'_>, form: &Form) -> Result<Reply> {
    csrf::check(dance, request, form.get("csrf").as_deref()).await?;
    sessions::stored(dance)?;
    let session = form.get("session").ok_or_else(|| {
        Error::new(ErrorKind::BadRequest, "The form names no session. Nothing was changed.")
    })?;
    let user = dance
        .user_uncached(request)
        .await?
        .ok_or_else(|| Error::new(ErrorKind::NotSignedIn, "Please sign in."))?;
    let next = dance.checked_next(form.get("next").as_deref());
    match dance.sessions().id(request).as_deref() == Some(&*session) {
        true => sign_out(dance, request, LogoutScope::ThisBrowser, next).await,
        false => {
            sessions::end_own_session(dance, request, user, &session).await?;
            Ok(done(request, dance.target_or_accounts(next)))
        }
    }
}

async fn sign_out(
    dance: &Dance,
    request: &Request<'_>,
    scope: LogoutScope,
    next: Option<RedirectTarget>,
) -> Result<Reply> {
    let user = dance.user_uncached(request).await?;
    let (everywhere, reason) = match scope {
        LogoutScope::AllBrowsers => (user, SessionEndReason::SignedOutEverywhere),
        LogoutScope::ThisBrowser => (None, SessionEndReason::SignedOut),
    };
    if dance.is_stored_in_browsers() {
        dance.browser(request).clear();
    }
    pending::drop_pending(dance, request).await;
    let kept = dance.end_kept_sessions(request).await?;
    let signed_out = dance.sessions().sign_out(request, user, everywhere).await?;
    report_sessions_ended(dance, Some(request), signed_out.ended, reason).await;
    // The browser can be redirected to one provider only: that of the user, else that of the newest account without a user.
    let mut provider = None;
    for session in signed_out.own.iter().chain(&kept) {
        provider = provider_logout::begin(dance, request, session, next.as_ref()).await;
        if provider.is_some() {
            break;
        }
    }
    Ok(match provider {
        // A redirect would be followed by the fetch of the script, and not by the browser.
        Some(url) if wants_json(request) => Reply::Json(json!({ "logout_url": url })),
        Some(url) => Reply::SeeOther(url),
        None => done(request, dance.target_after_logout(next)),
    })
}
