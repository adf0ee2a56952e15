//! The budget of our cookies: all of them together stay small enough for the servers in front of an app.

use rocket::Request;

use crate::cookies;
use crate::dance::handle::{ACCOUNT_COOKIE, Dance};
use crate::redirect_target::RedirectTarget;

/// Maximum size of all our cookies in a request, in bytes. A default nginx rejects a request with a header of more than
/// 8,192 bytes (`large_client_header_buffers`), Apache one of more than 8,190 (`LimitRequestFieldSize`); browsers send all
/// cookies in one header. The rest is for the app's own cookies.
const MAX_COOKIES: usize = 6144;
/// Size that is reserved for the cookies that a browser has once, in bytes: session, CSRF token, sign-out at the provider,
/// an account that waits. These are never dropped.
const RESERVED: usize = 800;
/// Size that is reserved for the finished flows, in bytes: one or two of them.
const RESERVED_FOR_FINISHED: usize = 256;

/// Size that is left for flows in progress, in bytes, if other apps on the host leave none: one or two of them.
const MIN_ROOM_FOR_FLOWS: usize = 800;
/// Size of a new session's cookie in a response, in bytes.
const RESERVED_FOR_SESSION: usize = 320;
/// Size of a flow's removal in a response, in bytes.
const RESERVED_FOR_REMOVAL: usize = 200;

/// A cookie that may be dropped to make room.
pub(super) struct DroppableCookie {
    pub(super) name: String,
    /// Its size in a request, in bytes.
    pub(super) size: usize,
}

impl DroppableCookie {
    /// The cookie of the finished flows, with its size beyond what is reserved for it.
    pub(super) fn finished(name: String, value: &str) -> Self {
        Self { size: cookies::size(&name, value).saturating_sub(RESERVED_FOR_FINISHED), name }
    }
}

/// Returns the room for flows in progress, in bytes: what the browser's accounts leave of the budget.
pub(super) fn room_for_flows(dance: &Dance, request: &Request<'_>) -> usize {
    let room = (MAX_COOKIES - RESERVED - RESERVED_FOR_FINISHED).saturating_sub(accounts_size(dance, request));
    room.max(MIN_ROOM_FOR_FLOWS)
}

/// Returns the room for the finished flows, in bytes, if the flows in progress take `flows` bytes.
pub(super) fn room_for_finished(dance: &Dance, request: &Request<'_>, flows: usize) -> usize {
    RESERVED_FOR_FINISHED + room_for_flows(dance, request).saturating_sub(flows)
}

/// Returns by how many bytes the cookies of flows, of `flows` bytes together, exceed the budget.
pub(super) fn excess(dance: &Dance, request: &Request<'_>, flows: usize) -> usize {
    flows.saturating_sub(room_for_flows(dance, request))
}

/// Returns the size of the cookies and the `Location` in a response to `request` that redirects to a URL of `location` bytes, before
/// further cookies are set, in bytes.
pub(super) fn response_size(dance: &Dance, request: &Request<'_>, location: usize) -> usize {
    let cookies = match dance.is_stored_in_browsers() {
        // Such an app has no session of ours.
        true => dance.browser(request).response_size(),
        false => RESERVED_FOR_SESSION,
    };
    cookies + RESERVED_FOR_REMOVAL + location
}

/// Returns whether a redirect to `to` fits into the response to the callback `request`, beside the account that it stores in the
/// browser.
pub(crate) fn fits_in_response(dance: &Dance, request: &Request<'_>, to: &RedirectTarget) -> bool {
    response_size(dance, request, dance.public_target(to).len()) <= cookies::MAX_RESPONSE
}

/// The size of the accounts that the browser will have after this request, and of its sessions of accounts without a user, in
/// bytes. The accounts of other apps on the host count.
fn accounts_size(dance: &Dance, request: &Request<'_>) -> usize {
    match dance.is_stored_in_browsers() {
        true => dance.browser(request).size(),
        false => {
            let foreign = cookies::containing(request, ACCOUNT_COOKIE);
            let foreign: usize = foreign.map(|(name, value)| cookies::size(name, value)).sum();
            foreign + dance.kept_sessions().size(request)
        }
    }
}
