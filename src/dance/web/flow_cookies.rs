//! The cookies of flows: a sealed one for each flow in progress, and one for the flows that this browser has finished.

use rocket::Request;
use serde::{Deserialize, Serialize};

use super::cookies::{remove_cookie, remove_sent_cookie, set_cookie};
use super::outcome::Outcome;
use crate::cookies;
use crate::dance::handle::Dance;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{FLOW_TTL, Flow, state_handle};

/// Prefix of a flow's cookie; the handle of its state follows.
const FLOW_COOKIE: &str = "rocket_dance_flow_";
const FINISHED_COOKIE: &str = "rocket_dance_done";
/// The purpose for which the cookie of the finished flows is sealed.
const FINISHED: &str = "done";
/// Maximum size of one cookie, in bytes: browsers drop larger ones silently.
const MAX_COOKIE_BYTES: usize = 3800;
/// Maximum size of the cookies of all flows together, in bytes: proxies reject request headers of 8 KiB and more.
const MAX_FLOW_BYTES: usize = 4608;
/// Maximum size of the cookie of the finished flows, in bytes.
const MAX_FINISHED_BYTES: usize = 1200;

/// A finished flow, as the browser that finished it keeps it.
#[derive(Serialize, Deserialize)]
struct FinishedFlow {
    handle: String,
    outcome: Outcome,
    until: i64,
}

fn flow_cookie(dance: &Dance, handle: &str) -> String {
    format!("{}{handle}", dance.settings().cookie_name(FLOW_COOKIE))
}

/// Stores `flow` in a cookie of its own. If all flows together are too large, the oldest ones are dropped.
///
/// # Errors
/// [`ErrorKind::BadRequest`] if the flow is too large for a cookie.
pub(crate) fn store(dance: &Dance, request: &Request<'_>, flow: &Flow) -> Result<()> {
    let name = flow_cookie(dance, &state_handle(flow.state().expose()));
    let sealed = flow.seal(dance.keys(), &name)?;
    let size = name.len() + sealed.len();
    if size > MAX_COOKIE_BYTES {
        return Err(Error::new(ErrorKind::BadRequest, "There is too much to remember for this sign-in.")
            .with_source(format!(
                "a flow of {size} bytes: `next`, or a note of a signal, is too long (at most \
                 {MAX_COOKIE_BYTES} bytes together)"
            )));
    }
    let prefix = dance.settings().cookie_name(FLOW_COOKIE);
    let now = dance.clock().now();
    let mut flows: Vec<(i64, usize, String)> = cookies::with_prefix(request, &prefix)
        .into_iter()
        .map(|(name, value)| {
            let began_at =
                Flow::unseal(dance.keys(), name, value, now).map_or(i64::MIN, |flow| flow.began_at);
            (began_at, name.len() + value.len(), name.to_owned())
        })
        .collect();
    flows.sort();
    let mut total: usize = size + flows.iter().map(|(_, size, _)| size).sum::<usize>();
    for (began_at, size, name) in flows {
        // A cookie that can't be opened, or is too old, is removed in any case.
        if began_at == i64::MIN || total > MAX_FLOW_BYTES {
            remove_sent_cookie(dance, request, &name);
            total -= size;
        }
    }
    set_cookie(dance, request, name, sealed, FLOW_TTL);
    Ok(())
}

/// The flow that this browser began with `state`.
pub(crate) fn find(dance: &Dance, request: &Request<'_>, state: &str) -> Option<Flow> {
    let name = flow_cookie(dance, &state_handle(state));
    let cookie = cookies::get(request, &name)?;
    let flow = Flow::unseal(dance.keys(), &name, cookie, dance.clock().now());
    flow.filter(|flow| flow.state().matches(state))
}

/// Removes the flow of `state` and stores its outcome, for a repeated callback in this browser.
pub(crate) fn finish(dance: &Dance, request: &Request<'_>, state: &str, outcome: &Outcome) {
    remove_cookie(dance, request, &flow_cookie(dance, &state_handle(state)));
    let until = dance.clock().now() + FLOW_TTL;
    let mut finished = finished(dance, request);
    finished.push(FinishedFlow { handle: state_handle(state), outcome: outcome.clone(), until });
    let name = dance.settings().cookie_name(FINISHED_COOKIE);
    while !finished.is_empty() {
        let sealed = serde_json::to_vec(&finished)
            .ok()
            .and_then(|plain| dance.keys().seal(FINISHED, &[&name], &plain).ok());
        match sealed {
            Some(sealed) if name.len() + sealed.len() <= MAX_FINISHED_BYTES => {
                return set_cookie(dance, request, name, sealed, FLOW_TTL);
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
    let plain =
        cookies::get(request, &name).and_then(|cookie| dance.keys().open(FINISHED, &[&name], cookie).ok());
    let mut finished: Vec<FinishedFlow> =
        plain.and_then(|plain| serde_json::from_slice(&plain).ok()).unwrap_or_default();
    finished.retain(|flow| now < flow.until);
    finished
}
