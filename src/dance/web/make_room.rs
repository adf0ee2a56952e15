//! Drops cookies of ours, so that all of them together stay within the budget.

use rocket::{Request, Response};

use super::{cookie_budget, flow_cookies};
use crate::cookies;
use crate::dance::handle::Dance;

/// Keeps the cookies that the browser will have after `response` within the budget: removes account cookies of ours that hold no
/// account, drops the finished flows, then the oldest flows. What `response` itself sets stays. What would make the header of
/// `response` too large stays for the next one.
///
/// Flows that our keys do not open are neither counted nor removed. They are from another app, or from a sibling domain, which
/// could otherwise push out our flows.
pub(crate) fn make_room<'r>(dance: &Dance, request: &Request<'_>, response: &mut Response<'r>) {
    let mut sent = flow_cookies::sent(dance, request);
    let mut unreadable = match dance.is_stored_in_browsers() {
        true => dance.browser(request).unreadable(),
        false => Vec::new(),
    };
    let (mut set, mut in_response) = (0, response.headers().get_one("Location").map_or(0, str::len));
    for header in response.headers().get("Set-Cookie") {
        in_response += header.len();
        let pair = header.split(';').next().unwrap_or_default();
        let Some((name, value)) = pair.split_once('=') else { continue };
        sent.retain(|cookie| cookie.name != name);
        unreadable.retain(|(unreadable, _)| unreadable != name);
        set += flow_cookies::droppable(dance, name, value).map_or(0, |cookie| cookie.size);
    }
    let mut remove = |name: String| {
        let size = cookies::response_size(&name, "");
        if in_response + size > cookies::MAX_RESPONSE {
            return false;
        }
        in_response += size;
        response.adjoin_header(cookies::removal(name, &dance.settings().cookie_scope()));
        true
    };
    let mut total = set + sent.iter().map(|cookie| cookie.size).sum::<usize>();
    for (name, size) in unreadable {
        if !remove(name) {
            total += size;
        }
    }
    let mut excess = cookie_budget::excess(dance, request, total);
    // The finished flows have size 0 within what is reserved for them: removing them gains nothing.
    for cookie in sent.into_iter().filter(|cookie| cookie.size > 0) {
        if excess == 0 || !remove(cookie.name) {
            break;
        }
        excess = excess.saturating_sub(cookie.size);
    }
}
