//! The URL of an authorization endpoint with the parameters of a request.

use url::form_urlencoded::byte_serialize;
use url::{Position, Url};

/// Returns the URL of `endpoint` with `params` after its own parameters, and with spaces as `%20`: some providers do not read
/// `+` as a space.
pub(super) fn with_parameters<'p>(
    endpoint: &Url,
    params: impl IntoIterator<Item = (&'p str, &'p str)>,
) -> String {
    let (before, fragment) = (&endpoint[..Position::AfterQuery], &endpoint[Position::AfterQuery..]);
    let encoded =
        |text: &'p str| byte_serialize(text.as_bytes()).map(|part| if part == "+" { "%20" } else { part });
    let mut url = before.to_owned();
    let mut separator = match endpoint.query() {
        None => "?",
        Some(query) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    for (name, value) in params {
        url.push_str(separator);
        url.extend(encoded(name));
        url.push('=');
        url.extend(encoded(value));
        separator = "&";
    }
    url + fragment
}
