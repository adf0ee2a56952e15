//! The budget of our cookies: all of them together stay small enough for the servers in front of an app.

use rocket::Request;

use crate::cookies;
use crate::dance::handle::Dance;

/// Maximum size of all our cookies in a request, in bytes. A default nginx rejects a request with a header of more than
/// 8,192 bytes (`large_client_header_buffers`), Apache one of more than 8,190 (`LimitRequestFieldSize`); browsers send all
/// cookies in one header. The rest is for the app's own cookies.
const MAX_COOKIES: usize = 6144;
/// Size that is reserved for the cookies that a browser has once, in bytes: session, CSRF token, sign-out at the provider,
/// an account that waits. These are never dropped.
const RESERVED: usize = 800;
/// Size that is reserved for the finished flows, in bytes: one or two of them.
const RESERVED_FOR_FINISHED: usize = 256;

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
    (MAX_COOKIES - RESERVED - RESERVED_FOR_FINISHED).saturating_sub(accounts_size(dance, request))
}

/// Returns the room for the finished flows, in bytes, if the flows in progress take `flows` bytes.
pub(super) fn room_for_finished(dance: &Dance, request: &Request<'_>, flows: usize) -> usize {
    RESERVED_FOR_FINISHED + room_for_flows(dance, request).saturating_sub(flows)
}

/// Returns by how many bytes the cookies of flows, of `flows` bytes together, exceed the budget.
pub(super) fn excess(dance: &Dance, request: &Request<'_>, flows: usize) -> usize {
    flows.saturating_sub(room_for_flows(dance, request))
}

/// The size of the accounts that the browser will have after this request, and of its sessions of accounts without a user, in
/// bytes.
fn accounts_size(dance: &Dance, request: &Request<'_>) -> usize {
    match dance.is_stored_in_browsers() {
        true => dance.browser(request).size(),
        false => dance.kept_sessions().size(request),
    }
}
