//! The answer to a flow that has failed, at its beginning or at its callback.

use rocket::{Request, Response};

use crate::dance::handle::Dance;
use crate::dance::web::{FlashOutcome, Reply, flash_outcome, respond, wants_json};
use crate::error::{ErrorKind, Result};
use crate::signals::Event;

/// Makes the response of a request that begins a flow, or of a callback. A failure is logged and reported to the signals, which may
/// answer it; else the visitor goes to `after_denied` or `after_error`, or gets the error page. If a flow has expired, it is always
/// the error page, on which the visitor begins again. `flow` is the handle of the flow, if one had begun.
pub(super) async fn login_response(
    dance: &Dance,
    request: &Request<'_>,
    name: &str,
    flow: Option<String>,
    reply: Result<Reply>,
) -> Response<'static> {
    let Err(error) = reply else { return respond(dance, request, reply) };
    dance.log_error(name, flow.as_deref(), &error);
    let code = error.kind().code();
    if dance.entries().contains_key(name) {
        let provider_error = error.provider_error().cloned();
        let event = Event::LoginFailed { entry: name.into(), code, provider_error, flow };
        dance.signals().event(Some(request), event).await;
    }
    if let Some(own) = dance.signals().error(request, dance.name_for_log(name), &error).await {
        return respond(dance, request, Ok(Reply::Own(own)));
    }
    let entry = dance.entries().get(name).map(AsRef::as_ref);
    match dance.target_after_failure(entry, error.kind()) {
        Some(to) if error.begin_again().is_none() && !wants_json(request) => {
            if let Some(entry) = entry {
                let outcome = match error.kind() {
                    ErrorKind::AccessDenied => FlashOutcome::Denied,
                    _ => FlashOutcome::Failed(&error),
                };
                flash_outcome(dance, request, entry, outcome);
            }
            respond(dance, request, Ok(Reply::SeeOther(to)))
        }
        _ => respond(dance, request, Err(error)),
    }
}
