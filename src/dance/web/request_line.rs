//! The request line as the browser sent it.
//!
//! Rocket routes a HEAD request as GET, so that a handler can't tell the two apart, and it logs the whole request line.
//! The fairing notes both before that, and takes the secrets of flows out of it.

use rocket::Request;
use rocket::http::Method;

use super::redaction::Redaction;
use crate::dance::handle::Dance;

/// The method and the query of a request, as they were sent.
struct RequestLine {
    method: Method,
    /// The query of a callback, which holds the authorization code and the state; empty on other paths.
    callback_query: String,
}

/// Notes the request line, and takes out of it what must not be in the log (LK-04, D12).
pub(crate) fn note_request_line(dance: &Dance, request: &mut Request<'_>) {
    let redaction = Redaction::of(dance, request);
    let method = request.method();
    // All others have this request line anyway.
    if redaction == Redaction::Callback || method == Method::Head {
        let query = request.uri().query().filter(|_| redaction == Redaction::Callback);
        let callback_query = query.map_or_else(String::new, |query| query.as_str().to_owned());
        request.local_cache(|| RequestLine { method, callback_query });
    }
    redaction.apply(request);
}

fn request_line<'r>(request: &'r Request<'_>) -> &'r RequestLine {
    request.local_cache(|| RequestLine { method: request.method(), callback_query: String::new() })
}

/// Whether the browser sent a HEAD request, which must use nothing up.
pub(crate) fn is_head(request: &Request<'_>) -> bool {
    request_line(request).method == Method::Head
}

/// The query with which a callback came.
pub(crate) fn callback_query<'r>(request: &'r Request<'_>) -> &'r str {
    &request_line(request).callback_query
}
