//! Drops cookies of ours, so that all of them together stay within the budget.

use rocket::{Request, Response};

use super::{cookie_budget, flow_cookies};
use crate::cookies;
use crate::dance::handle::Dance;

/// Keeps the cookies that the browser will have after `response` within the budget: drops the finished flows, then the
/// oldest flows. What `response` itself sets stays.
///
/// Cookies that our keys do not open are neither counted nor removed. They are from another app, or from a sibling domain, which
/// could otherwise push out our flows.
pub(crate) fn make_room<'r>(dance: &Dance, request: &Request<'_>, response: &mut Response<'r>) {
    let mut sent = flow_cookies::sent(dance, request);
    let mut set = 0;
    for header in response.headers().get("Set-Cookie") {
        let pair = header.split(';').next().unwrap_or_default();
        let Some((name, value)) = pair.split_once('=') else { continue };
        sent.retain(|cookie| cookie.name != name);
        set += flow_cookies::droppable(dance, name, value).map_or(0, |cookie| cookie.size);
    }
    let total = set + sent.iter().map(|cookie| cookie.size).sum::<usize>();
    let mut excess = cookie_budget::excess(dance, request, total);
    // The finished flows have size 0 within what is reserved for them: removing them gains nothing.
    for cookie in sent.into_iter().filter(|cookie| cookie.size > 0) {
        if excess == 0 {
            break;
        }
        excess = excess.saturating_sub(cookie.size);
        response.adjoin_header(cookies::removal(cookie.name, &dance.settings().cookie_scope()));
    }
}
