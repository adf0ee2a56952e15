//! `POST /login/<name>/backchannel-logout`: the provider reports that a session has ended there (OpenID Connect
//! Back-Channel Logout).

use std::io::Cursor;

use rocket::http::{ContentType, Status};
use rocket::{Request, Response};

use crate::clock::MAX_CLOCK_SKEW;
use crate::dance::accounts::{report_ended, sessions};
use crate::dance::handle::Dance;
use crate::dance::web::{Form, Reply, respond};
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{LOGOUT_TOKEN_TTL, LogoutToken};
use crate::session::{provider_logout, sessions_belong_to_app};
use crate::signals::SessionEndReason;
use crate::storage::{ClaimState, SessionSelection};

/// Answers the provider: 200 if the sessions have ended, or had ended before, else 400 (Back-Channel Logout §2.7 and §2.8).
pub(super) async fn receive(
    dance: &Dance,
    request: &Request<'_>,
    name: &str,
    form: Result<Form>,
) -> Response<'static> {
    let result = match form {
        Ok(form) => end_sessions(dance, request, name, &form).await,
        Err(error) => Err(error),
    };
    let mut response = Response::build();
    match result {
        Ok(ended) => {
            log::info!("oauth: `{}`: the provider has ended {ended} sessions", dance.name_for_log(name));
        }
        Err(error) => {
            dance.log_error(name, None, &error);
            let code = match error.kind() {
                ErrorKind::BadRequest
                | ErrorKind::Csrf
                | ErrorKind::UnknownProvider
                | ErrorKind::BadProviderAnswer => "invalid_request",
                _ => "server_error",
            };
            let body = format!("{{\"error\":\"{code}\"}}");
            response
                .status(Status::BadRequest)
                .header(ContentType::JSON)
                .sized_body(body.len(), Cursor::new(body));
        }
    }
    respond(dance, request, Ok(Reply::Own(response.finalize())))
}

/// Ends the sessions that the logout token names, and returns their number.
async fn end_sessions(dance: &Dance, request: &Request<'_>, name: &str, form: &Form) -> Result<usize> {
    let entry = dance.entry(name)?;
    let token = form
        .get("logout_token")
        .ok_or_else(|| Error::new(ErrorKind::BadRequest, "There is no `logout_token` in this form."))?;
    let LogoutToken { handle, sub, sid } = dance.engine().logout_token(entry, &token).await?;
    if dance.sessions().cookie_sessions().is_none() && dance.kept_sessions().is_empty() {
        return Err(sessions_belong_to_app());
    }
    let storage = dance.storage(request);
    // The claim lasts as long as any of our nodes accepts the token. It is settled only when the sessions have ended: after
    // an outage of our storage the provider sends the same token again.
    let now = dance.clock().now();
    let until = now + LOGOUT_TOKEN_TTL + 2 * entry.clock_skew + MAX_CLOCK_SKEW;
    if let ClaimState::Settled(_) = storage.claim(&handle, now, until).await? {
        return Err(Error::new(ErrorKind::BadRequest, "This logout token has been used."));
    }
    let selection = SessionSelection::ProviderSession {
        entry: entry.name.clone(),
        issuer: entry.authority().to_owned(),
        provider_user_id: sub,
        sid,
    };
    // Before the sessions end: a sign-in that is under way has none yet. A sign-up may wait for a further `flow.ttl`.
    let ttl = 2 * dance.settings().flow_ttl + MAX_CLOCK_SKEW;
    provider_logout::store(&*storage, &selection, dance.clock().now_millis(), ttl).await?;
    let ended = sessions::end_provider_sessions(dance, request, &selection).await?;
    storage.settle(&handle, "done").await?;
    report_ended(dance, Some(request), &ended, SessionEndReason::EndedByProvider).await;
    Ok(ended.len())
}
