//! `/login/<name>/authorized`: the callback, which ends a flow.

use std::time::{Duration, Instant};

use rocket::tokio::time::sleep;
use rocket::{Request, Response};

use super::failure::login_response;
use super::finish::{Finished, finish};
use crate::config::Entry;
use crate::dance::handle::Dance;
use crate::dance::web::flow_cookies::{self, ExpiredFlow, NoFlow};
use crate::dance::web::{Outcome, Reply, callback_query, fits_in_response, respond};
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{Callback, Flow, begun_too_long_ago, callback_timeout, not_trusted, state_handle};
use crate::link::Purpose;
use crate::storage::{ClaimState, Storage};

/// The purpose for which outcomes are sealed: an outcome contains the page to which it redirected.
const OUTCOME: &str = "outcome";
/// Minimum interval between two reads of the outcome.
const MIN_POLL_INTERVAL: Duration = Duration::from_millis(100);
/// Maximum interval between two reads of the outcome.
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Timeout for the app's own code in a callback, beyond the timeouts of the provider's calls.
const APP_TIMEOUT: Duration = Duration::from_secs(5);

/// A callback by GET, with its parameters in the query.
pub(super) async fn by_query(dance: &Dance, request: &Request<'_>, name: &str) -> Response<'static> {
    let callback = dance.entry(name).and_then(|entry| Callback::parse(entry, callback_query(request)));
    receive(dance, request, name, callback).await
}

/// Answers a callback that came by either method.
pub(super) async fn receive(
    dance: &Dance,
    request: &Request<'_>,
    name: &str,
    callback: Result<Callback>,
) -> Response<'static> {
    // A browser that loads a page in advance must not use up the flow.
    let purpose = ["Sec-Purpose", "Purpose", "X-Moz"].map(|header| request.headers().get_one(header));
    if purpose.into_iter().flatten().any(|value| value.contains("prefetch")) {
        let error = Error::new(ErrorKind::BadRequest, "This page can't be fetched in advance.");
        return respond(dance, request, Err(error));
    }
    let flow = callback.as_ref().ok().map(|callback| state_handle(callback.state.expose()));
    let reply = try_receive(dance, request, name, callback).await;
    login_response(dance, request, name, flow, reply).await
}

async fn try_receive(
    dance: &Dance,
    request: &Request<'_>,
    name: &str,
    callback: Result<Callback>,
) -> Result<Reply> {
    let entry = dance.entry(name)?;
    let callback = callback?;
    let state = callback.state.expose();
    let flow = match flow_cookies::find(dance, request, state) {
        Ok(flow) => flow,
        Err(NoFlow::Expired(flow)) => return Err(expired(entry, &flow)),
        Err(NoFlow::Unknown) => {
            return flow_cookies::outcome(dance, request, state)
                .ok_or_else(|| not_trusted("no flow of this browser has that state"))?
                .replay(dance, entry);
        }
    };
    // What is not trusted gets the same page, whatever the cause is.
    let with_next = |error: Error| match error.kind() {
        ErrorKind::CallbackNotTrusted => error,
        _ => error.with_next(flow.next.clone()),
    };
    check_flow(dance, request, entry, &flow).await.map_err(with_next)?;
    // The storage is used before the code is: in an outage the code stays usable.
    let storage = dance.storage(request);
    let (id, now) = (flow.claim_id(), dance.clock().now());
    match storage.claim(&id, now, flow.claimed_until()).await? {
        ClaimState::First => {}
        claim => return wait_for_first(dance, &*storage, entry, &id, claim).await,
    }
    let mut result = finish(dance, request, entry, &flow, &callback).await.map_err(with_next);
    if let Ok(finished) = &mut result
        && !fits_in_response(dance, request, &finished.to)
    {
        log::warn!(
            "oauth: `{name}`: the page at which the sign-in should end is too long beside the account's cookie: it ends at \
             `after_login`. Use DieselStorage instead of CookieStorage"
        );
        finished.to = dance.target_after(flow.purpose, entry, None);
    }
    let outcome = match &result {
        Ok(finished) => Outcome::To(finished.to.clone()),
        Err(error) => Outcome::failed(error),
    };
    if let Err(error) = store_outcome(dance, &*storage, &id, &outcome).await {
        log::warn!("oauth: `{name}`: the outcome of a callback could not be stored: {error:?}");
    }
    flow_cookies::finish(dance, request, state, &outcome);
    let Finished { to, reply, .. } = result?;
    Ok(reply.unwrap_or_else(|| Reply::SeeOther(to.into())))
}

/// The callback of a flow that has expired.
fn expired(entry: &Entry, flow: &ExpiredFlow) -> Error {
    if flow.entry != entry.name {
        return not_trusted("the flow was begun at another entry, and has expired");
    }
    begun_too_long_ago("the flow has expired: see `flow` in [default.dance]", &flow.entry, flow.next.as_ref())
}

/// Checks that this callback may finish `flow`.
///
/// # Errors
/// [`ErrorKind::CallbackNotTrusted`], or if the user of the request can't be read.
pub(super) async fn check_flow(
    dance: &Dance,
    request: &Request<'_>,
    entry: &Entry,
    flow: &Flow,
) -> Result<()> {
    if flow.entry != entry.name {
        return Err(not_trusted("the flow was begun at another entry"));
    }
    // AL-23: the configuration may have changed since the flow began.
    if !flow.is_for(entry) {
        return Err(not_trusted("the entry points to another server than when the flow began"));
    }
    let is_site = dance.is_site(&entry.name);
    let is_allowed = match flow.purpose {
        Purpose::SignIn => dance.is_for_visitors(entry),
        Purpose::Connect => !is_site,
        Purpose::Site => is_site,
    };
    if !is_allowed {
        return Err(not_trusted("the entry has another purpose than when the flow began"));
    }
    let Some(visitor) = flow.visitor.as_deref() else { return Ok(()) };
    match dance.user_in_flow(request, flow.began_at()).await? {
        Some(user) if user == visitor => Ok(()),
        Some(_) => Err(not_trusted("another user is signed in than the one who began the flow")),
        None => Err(signed_out(dance)),
    }
}

/// The user who began the flow is not signed in at its callback. The error names the likely cause.
fn signed_out(dance: &Dance) -> Error {
    let cause = match dance.sessions().cookie_sessions() {
        Some(_) => "a user began the flow, and no user is signed in: the session has ended in the meantime",
        None => {
            "a user began the flow, and `Sessions::current` finds no user at its callback: the session has ended, or \
             the browser did not send its cookie. After a redirect from the provider's site, browsers send no cookie \
             with SameSite=Strict, which is the default of Rocket's private cookies: use Lax. Nor do they send one \
             whose Path or Domain does not cover the callback"
        }
    };
    Error::new(
        ErrorKind::CallbackNotTrusted,
        "You are no longer signed in. Nothing was connected. Please sign in and try again.",
    )
    .with_source(cause)
}

async fn store_outcome(dance: &Dance, storage: &dyn Storage, id: &str, outcome: &Outcome) -> Result<()> {
    let sealed = dance.browser_keys().seal(OUTCOME, &[id], outcome.to_text().as_bytes())?;
    storage.settle(id, &sealed).await
}

/// Waits for the outcome of the first of several equal callbacks, and answers the same.
async fn wait_for_first(
    dance: &Dance,
    storage: &dyn Storage,
    entry: &Entry,
    id: &str,
    mut claim: ClaimState,
) -> Result<Reply> {
    let timeout = callback_timeout(entry) + APP_TIMEOUT;
    let (began, mut interval) = (Instant::now(), MIN_POLL_INTERVAL);
    while began.elapsed() < timeout {
        match claim {
            ClaimState::Settled(outcome) => {
                let plain = dance.browser_keys().open(OUTCOME, &[id], &outcome).ok();
                return plain
                    .and_then(|plain| Outcome::from_text(std::str::from_utf8(&plain).ok()?))
                    .ok_or_else(|| not_trusted("the callback was used up"))?
                    .replay(dance, entry);
            }
            ClaimState::First => break,
            ClaimState::Pending => sleep(interval).await,
        }
        interval = (interval * 3 / 2).min(MAX_POLL_INTERVAL);
        claim = storage.settled(id).await?;
    }
    Err(Error::new(ErrorKind::ProviderTimeout, "This sign-in is taking too long. Please start again."))
}
