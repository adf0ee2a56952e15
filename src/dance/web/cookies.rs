//! Setting and removing our cookies.

use rocket::Request;
use rocket::http::Cookie;

use crate::cookies;
use crate::dance::handle::Dance;
use crate::storage::ACCOUNT_TTL;

/// Whether a `Set-Cookie` header sets one of our cookies, the session's included.
pub(crate) fn sets_our_cookie(set_cookie: &str) -> bool {
    let prefixes = ["__Host-", "__Secure-"].into_iter();
    let name = prefixes.filter_map(|prefix| set_cookie.strip_prefix(prefix)).next().unwrap_or(set_cookie);
    name.starts_with("rocket_dance_")
}

/// Sets a cookie for `max_age` seconds.
pub(crate) fn set_cookie(dance: &Dance, request: &Request<'_>, name: String, value: String, max_age: i64) {
    request.cookies().add(cookies::build(name, value, &dance.settings().cookie_scope(), max_age));
}

/// Removes a cookie, if the browser sent it.
pub(crate) fn remove_cookie(dance: &Dance, request: &Request<'_>, name: &str) {
    if cookies::is_sent(request, name) {
        request.cookies().remove(cookies::removal(name.to_owned(), &dance.settings().cookie_scope()));
    }
}

/// The cookies that store this request's changes of the browser's own accounts.
pub(crate) fn account_cookies(dance: &Dance, request: &Request<'_>) -> Vec<Cookie<'static>> {
    let scope = dance.settings().cookie_scope();
    let cookie = |(name, value)| match value {
        Some(value) => cookies::build(name, value, &scope, ACCOUNT_TTL),
        None => cookies::removal(name, &scope),
    };
    dance.browser(request).changes().into_iter().map(cookie).collect()
}
