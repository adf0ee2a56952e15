//! The cookies of flows: a sealed one for each flow in progress, and one for the flows that this browser has finished.

use rocket::Request;
use serde::{Deserialize, Serialize};

use super::cookie_budget::{self, DroppableCookie};
use super::cookies::{remove_cookie, set_cookie};
use super::outcome::Outcome;
use crate::cookies;
use crate::dance::handle::Dance;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{Flow, state_handle};
use crate::redirect_target::RedirectTarget;

/// Name of a flow's cookie; the handle of its state follows.
const FLOW_COOKIE: &str = "rocket_dance_flow";
const FINISHED_COOKIE: &str = "rocket_dance_done";
/// The purpose for which the cookie of the finished flows is sealed.
const FINISHED: &str = "done";
/// Maximum size of one cookie, in bytes: browsers drop larger ones silently.
const MAX_COOKIE_BYTES: usize = 3800;
/// Maximum size of the cookie of the finished flows, in bytes.
const MAX_FINISHED_BYTES: usize = 1200;

/// Time for which a browser keeps the cookie of an expired flow, in seconds. With the default lifetime of flows, their cookies
/// live for less than an hour.
const EXPIRED_COOKIE_TTL: i64 = 1500;

/// What is still of use in an expired flow: where to begin again. Neither its state nor anything else is accepted any more.
pub(crate) struct ExpiredFlow {
    /// The name of the entry.
    pub(crate) entry: String,
    /// The page to go to afterwards.
    pub(crate) next: Option<RedirectTarget>,
}

/// Why a browser has no flow for a callback.
pub(crate) enum NoFlow {
    /// It began none with this state, or has finished it.
    Unknown,
    /// The flow has expired.
    Expired(ExpiredFlow),
}

/// A finished flow, as the browser that finished it keeps it.
#[derive(Serialize, Deserialize)]
struct FinishedFlow {
    handle: String,
    outcome: Outcome,
    until: i64,
}

/// What the names of all flows' cookies begin with.
fn flow_prefix(dance: &Dance) -> String {
    dance.settings().cookie_name(FLOW_COOKIE) + "_"
}

fn flow_cookie(dance: &Dance, handle: &str) -> String {
    flow_prefix(dance) + handle
}

/// The cookies of this module that the browser sent and that our keys open, in the order in which they may be dropped: the
/// finished flows, then the flows from the oldest on.
pub(super) fn sent(dance: &Dance, request: &Request<'_>) -> Vec<DroppableCookie> {
    let name = dance.settings().cookie_name(FINISHED_COOKIE);
    let finished = cookies::get(request, &name)
        .filter(|value| dance.browser_keys().open(FINISHED, &[&name], value).is_ok())
        .and_then(|value| droppable(dance, &name, value));
    finished.into_iter().chain(sent_flows(dance, request)).collect()
}

/// What the budget counts for a cookie that a response sets; `None` if it is not one of this module.
pub(super) fn droppable(dance: &Dance, name: &str, value: &str) -> Option<DroppableCookie> {
    if name == dance.settings().cookie_name(FINISHED_COOKIE) {
        return Some(DroppableCookie::finished(name.to_owned(), value));
    }
    let is_flow = name.starts_with(&flow_prefix(dance)) && !value.is_empty();
    is_flow.then(|| DroppableCookie { name: name.to_owned(), size: cookies::size(name, value) })
}

/// The flows that the browser sent and that our keys open, the expired ones too, from the oldest on.
fn sent_flows(dance: &Dance, request: &Request<'_>) -> impl Iterator<Item = DroppableCookie> {
    let mut flows: Vec<(i64, DroppableCookie)> = cookies::with_prefix(request, &flow_prefix(dance))
        .into_iter()
        .filter_map(|(name, value)| {
            let flow = Flow::unseal(dance.browser_keys(), name, value)?;
            Some((
                flow.began_at(),
                DroppableCookie { name: name.to_owned(), size: cookies::size(name, value) },
            ))
        })
        .collect();
    flows.sort_by_key(|(began_at, _)| *began_at);
    flows.into_iter().map(|(_, cookie)| cookie)
}

/// Stores `flow` in a cookie of its own, in a response that redirects to a URL of `location` bytes. If it is too large for the
/// request or the response, it is stored without its target (`next`). The oldest flows are dropped to make room for it when the
/// response is sent.
///
/// # Errors
/// [`ErrorKind::BadRequest`] if the flow is too large for a cookie.
pub(crate) fn store(dance: &Dance, request: &Request<'_>, mut flow: Flow, location: usize) -> Result<()> {
    let name = flow_cookie(dance, &state_handle(flow.state().expose()));
    let max = cookie_budget::room_for_flows(dance, request).min(MAX_COOKIE_BYTES);
    let mut sealed = flow.seal(dance.browser_keys(), &name)?;
    let size_in_response = |sealed: &str| {
        let removals =
            removals_for(dance, request, cookies::size(&name, sealed)) * cookies::response_size(&name, "");
        cookies::response_size(&name, sealed) + removals + location
    };
    let fits = |sealed: &str| size_in_response(sealed) <= cookies::MAX_RESPONSE;
    let mut is_too_long = !fits(&sealed);
    if is_too_long || cookies::size(&name, &sealed) > max {
        let (is_cookie, next) = (cookies::size(&name, &sealed) <= max, flow.next.take());
        let shorter = flow.seal(dance.browser_keys(), &name)?;
        // Where the authorization URL is too long by itself, nothing is won without `next`.
        match next {
            Some(next) if is_cookie && !fits(&shorter) => flow.next = Some(next),
            Some(_) => {
                log::warn!(
                    "oauth: `{}`: `next` is too long for the header of a response ({} bytes, with the authorization URL of \
                     {location} bytes): the sign-in will end at `after_login`",
                    flow.entry,
                    cookies::MAX_RESPONSE
                );
                is_too_long = !fits(&shorter);
                sealed = shorter;
            }
            None => {}
        }
    }
    if is_too_long {
        log::warn!(
            "oauth: `{}`: the header of this response has more than {} bytes, {location} of them in the authorization URL. A \
             default nginx rejects such a response: set `par = true`, or raise nginx's `proxy_buffer_size`",
            flow.entry,
            cookies::MAX_RESPONSE
        );
    }
    let size = cookies::size(&name, &sealed);
    if size > max {
        return Err(Error::new(ErrorKind::BadRequest, "There is too much to remember for this sign-in.")
            .with_source(format!(
                "a flow of {size} bytes: a note of a signal is too long (at most {max} bytes together)"
            )));
    }
    set_cookie(dance, request, name, sealed, dance.settings().flow_ttl + EXPIRED_COOKIE_TTL);
    Ok(())
}

/// Returns how many cookies are dropped to make room for a new flow of `size` bytes.
fn removals_for(dance: &Dance, request: &Request<'_>, size: usize) -> usize {
    let sent = sent(dance, request);
    let total = size + sent.iter().map(|cookie| cookie.size).sum::<usize>();
    let mut excess = cookie_budget::excess(dance, request, total);
    let mut count = 0;
    for cookie in sent.iter().filter(|cookie| cookie.size > 0) {
        if excess == 0 {
            break;
        }
        excess = excess.saturating_sub(cookie.size);
        count += 1;
    }
    count
}

/// The flow that this browser began with `state`, if it is valid.
pub(crate) fn find(dance: &Dance, request: &Request<'_>, state: &str) -> Result<Flow, NoFlow> {
    let flow = open(dance, request, state).ok_or(NoFlow::Unknown)?;
    match dance.clock().now() {
        now if flow.is_valid(now) => Ok(flow),
        now if flow.has_expired(now) => {
            Err(NoFlow::Expired(ExpiredFlow { entry: flow.entry, next: flow.next }))
        }
        _ => Err(NoFlow::Unknown),
    }
}

/// Whether this browser began a flow with `state`, which may have expired, and has not finished it.
pub(crate) fn exists(dance: &Dance, request: &Request<'_>, state: &str) -> bool {
    open(dance, request, state).is_some()
}

/// The flow that this browser began with `state`, which may have expired.
fn open(dance: &Dance, request: &Request<'_>, state: &str) -> Option<Flow> {
    let name = flow_cookie(dance, &state_handle(state));
    let flow = Flow::unseal(dance.browser_keys(), &name, cookies::get(request, &name)?);
    flow.filter(|flow| flow.state().matches(state))
}

/// Removes the flow of `state` and stores its outcome, for a repeated callback in this browser. The oldest outcomes make
/// room for it.
pub(crate) fn finish(dance: &Dance, request: &Request<'_>, state: &str, outcome: &Outcome) {
    let flow = flow_cookie(dance, &state_handle(state));
    remove_cookie(dance, request, &flow);
    let others = sent_flows(dance, request).filter(|other| other.name != flow).map(|other| other.size).sum();
    let location = match outcome {
        Outcome::To(target) => dance.public_target(target).len(),
        Outcome::Failed(..) => 0,
    };
    let beside = cookie_budget::response_size(dance, request, location) + cookies::response_size("", "");
    let max = cookie_budget::room_for_finished(dance, request, others)
        .min(MAX_FINISHED_BYTES)
        .min(cookies::MAX_RESPONSE.saturating_sub(beside));
    let ttl = dance.settings().flow_ttl;
    let until = dance.clock().now() + ttl;
    let mut finished = finished(dance, request);
    finished.push(FinishedFlow { handle: state_handle(state), outcome: outcome.clone(), until });
    let name = dance.settings().cookie_name(FINISHED_COOKIE);
    while !finished.is_empty() {
        let sealed = serde_json::to_vec(&finished)
            .ok()
            .and_then(|plain| dance.browser_keys().seal(FINISHED, &[&name], &plain).ok());
        match sealed {
            Some(sealed) if cookies::size(&name, &sealed) <= max => {
                return set_cookie(dance, request, name, sealed, ttl);
            }
            _ => drop(finished.remove(0)),
        }
    }
}

/// The outcome of the flow of `state`, if this browser has finished it.
pub(crate) fn outcome(dance: &Dance, request: &Request<'_>, state: &str) -> Option<Outcome> {
    let handle = state_handle(state);
    let mut finished = finished(dance, request).into_iter();
    finished.find(|flow| flow.handle == handle).map(|flow| flow.outcome)
}

fn finished(dance: &Dance, request: &Request<'_>) -> Vec<FinishedFlow> {
    let name = dance.settings().cookie_name(FINISHED_COOKIE);
    let now = dance.clock().now();
    let plain = cookies::get(request, &name)
        .and_then(|cookie| dance.browser_keys().open(FINISHED, &[&name], cookie).ok());
    let mut finished: Vec<FinishedFlow> =
        plain.and_then(|plain| serde_json::from_slice(&plain).ok()).unwrap_or_default();
    finished.retain(|flow| now < flow.until);
    finished
}
