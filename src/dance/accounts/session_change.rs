//! Carries out what `CurrentUser::sign_in` and `CurrentUser::sign_out` left in a response.

use rocket::http::Method;
use rocket::{Request, Response};

use super::events::{report_session_began, report_sessions_ended};
use super::pending;
use crate::dance::handle::Dance;
use crate::dance::web::{csrf, respond};
use crate::error::Result;
use crate::session::{NewSession, SessionCommand, SignedOut};
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
    let cookie = match command {
        Ok(SessionCommand::SignIn(user)) => match check_form(dance, request) {
            Ok(()) => match sessions.begin(request, &user, None).await {
                Ok(NewSession { cookie, replaced }) => {
                    report_session_began(dance, request, &user, None, replaced).await;
                    Ok(Some(cookie))
                }
                Err(error) => Err(error),
            },
            Err(error) => Err(error),
        },
        Ok(SessionCommand::SignOut) => match sessions.end_current(request, None).await {
            Ok(SignedOut { ended, removal, .. }) => {
                // The next person at this browser must not complete what has waited for this one.
                pending::drop_pending(dance, request).await;
                report_sessions_ended(dance, Some(request), ended, SessionEndReason::SignedOut).await;
                Ok(removal)
            }
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    match cookie {
        Ok(cookie) => cookie.iter().for_each(|cookie| {
            response.adjoin_header(cookie);
        }),
        Err(error) => {
            dance.log_error("", None, &error);
            *response = respond(dance, request, Err(error));
        }
    }
}

/// Rejects a form of the app's own that another site has sent (login CSRF). An attacker's page could send the attacker's
/// password, and the victim would connect accounts to the attacker's user. A link may come from anywhere, for example
/// from an e-mail.
fn check_form(dance: &Dance, request: &Request<'_>) -> Result<()> {
    match request.method() {
        Method::Get | Method::Head => Ok(()),
        _ => csrf::check_origin(dance, request),
    }
}
