//! Carries out what `CurrentUser::sign_in` and `CurrentUser::sign_out` left in a response.

use rocket::http::{Cookie, Method};
use rocket::{Request, Response};

use super::events::{report_session_began, report_sessions_ended};
use super::pending;
use crate::dance::handle::Dance;
use crate::dance::web::{csrf, respond};
use crate::error::Result;
use crate::session::{CookieSessions, NewSession, SessionCommand, SignedOut};
use crate::signals::SessionEndReason;

/// Begins or ends the session that `command` asks for, and sets its cookie in `response`. After an error the response is
/// that error's page instead, and the session is as before.
pub(crate) async fn apply<'r>(
    dance: &Dance,
    request: &Request<'_>,
    command: Result<SessionCommand>,
    response: &mut Response<'r>,
) {
    let Some(sessions) = dance.sessions().cookie_sessions() else {
        return log::warn!(
            "oauth: `CurrentUser::sign_in` and `sign_out` do nothing in an app with `.sessions(…)` of its own: call \
             your own functions there"
        );
    };
    let cookies = match command {
        Ok(SessionCommand::SignIn(user)) => sign_in(dance, request, sessions, &user).await,
        Ok(SessionCommand::SignOut) => sign_out(dance, request, sessions).await,
        Err(error) => Err(error),
    };
    match cookies {
        Ok(cookies) => cookies.iter().for_each(|cookie| {
            response.adjoin_header(cookie);
        }),
        Err(error) => {
            dance.log_error("", None, &error);
            *response = respond(dance, request, Err(error));
        }
    }
}

/// Begins a session of `user`, and returns the cookies to set.
async fn sign_in(
    dance: &Dance,
    request: &Request<'_>,
    sessions: &CookieSessions,
    user: &str,
) -> Result<Vec<Cookie<'static>>> {
    check_form(dance, request)?;
    let NewSession { cookie, replaced } = sessions.begin(request, Some(user), None).await?;
    report_session_began(dance, request, user, None, replaced).await;
    let mut cookies = dance.end_kept_sessions_after_sign_in(request).await;
    cookies.push(cookie);
    Ok(cookies)
}

/// Ends the session, and what else the next person at this browser must not find: what has waited for this user, and accounts
/// without a user. Returns the cookies to set.
async fn sign_out(
    dance: &Dance,
    request: &Request<'_>,
    sessions: &CookieSessions,
) -> Result<Vec<Cookie<'static>>> {
    let mut cookies = dance.kept_sessions().end_all(request).await?.removals;
    let SignedOut { ended, removal, .. } = sessions.end_current(request, None).await?;
    cookies.extend(removal);
    pending::drop_pending(dance, request).await;
    if dance.is_stored_in_browsers() {
        dance.browser(request).clear();
    }
    report_sessions_ended(dance, Some(request), ended, SessionEndReason::SignedOut).await;
    Ok(cookies)
}

/// Rejects a form of the app's own that another site has sent (login CSRF). An attacker's page could send the attacker's
/// password, and the victim would connect accounts to the attacker's user. A link may come from anywhere, for example
/// from an e-mail.
fn check_form(dance: &Dance, request: &Request<'_>) -> Result<()> {
    match request.method() {
        Method::Get | Method::Head => Ok(()),
        _ => csrf::check_origin_without_token(dance, request),
    }
}
