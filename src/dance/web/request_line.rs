//! The request line as the browser sent it.
//!
//! Rocket routes a HEAD request as GET, so that a handler can't tell the two apart, and it logs the whole request line.
//! The fairing notes both before that.

use rocket::Request;
use rocket::http::Method;
use rocket::http::uri::Origin;

use crate::dance::handle::Dance;
use crate::paths::Path;

/// The method and the query of a request, as they were sent.
struct RequestLine {
    method: Method,
    /// The query of a callback, which holds the authorization code and the state; empty on other paths.
    callback_query: String,
}

/// Notes the request line, and takes the query of a callback out of it (LK-04).
pub(crate) fn note_request_line(dance: &Dance, request: &mut Request<'_>) {
    let query = request.uri().query().filter(|_| is_callback(dance, request.uri()));
    let query = query.map(|query| query.as_str().to_owned());
    let has_secrets = query.is_some();
    let method = request.method();
    request.local_cache(|| RequestLine { method, callback_query: query.unwrap_or_default() });
    if has_secrets && let Ok(path) = Origin::parse_owned(request.uri().path().to_string()) {
        request.set_uri(path);
    }
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

/// Whether the router routes `uri` to a callback, or to the page after signing out at the provider. It compares decoded
/// segments, as the router does.
fn is_callback(dance: &Dance, uri: &Origin<'_>) -> bool {
    let segments: Vec<&str> = uri.path().segments().collect();
    let is = |path: &str| path.split('/').filter(|part| !part.is_empty()).eq(segments.iter().copied());
    let paths = dance.paths();
    [Path::Callback, Path::LoggedOut].into_iter().any(|path| paths.matches(path, &segments))
        || dance.own_callbacks().iter().any(|callback| is(&callback.path))
}
