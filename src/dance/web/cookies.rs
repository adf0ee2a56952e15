//! Setting and removing our cookies.

use rocket::Request;
use rocket::http::{Cookie, SameSite};
use rocket::time::Duration;

use crate::cookies;
use crate::dance::handle::Dance;
use crate::storage::ACCOUNT_TTL;

/// Whether a `Set-Cookie` header sets one of our cookies, the session's included.
pub(crate) fn sets_our_cookie(set_cookie: &str) -> bool {
    set_cookie.strip_prefix("__Host-").unwrap_or(set_cookie).starts_with("rocket_dance_")
}

/// Sets a cookie for `max_age` seconds.
pub(crate) fn set_cookie(dance: &Dance, request: &Request<'_>, name: String, value: String, max_age: i64) {
    request.cookies().add(cookie(dance, name, value, max_age));
}

/// Removes a cookie, if the browser sent it.
pub(crate) fn remove_cookie(dance: &Dance, request: &Request<'_>, name: &str) {
    if cookies::get(request, name).is_some() {
        remove_sent_cookie(dance, request, name);
    }
}

/// Removes a cookie that the browser has sent.
pub(super) fn remove_sent_cookie(dance: &Dance, request: &Request<'_>, name: &str) {
    // With the same attributes, Secure included: Chromium keeps a `__Host-` cookie otherwise.
    request.cookies().remove(cookie(dance, name.to_owned(), String::new(), 0));
}

/// The cookies that store this request's changes of the browser's own accounts.
pub(crate) fn account_cookies(dance: &Dance, request: &Request<'_>) -> Vec<Cookie<'static>> {
    let cookie = |(name, value)| match value {
        Some(value) => cookie(dance, name, value, ACCOUNT_TTL),
        None => {
            let mut cookie = cookie(dance, name, String::new(), 0);
            // Also with `Expires` in the past: Rocket's local client ignores Max-Age.
            cookie.make_removal();
            cookie
        }
    };
    dance.browser(request).changes().into_iter().map(cookie).collect()
}

fn cookie(dance: &Dance, name: String, value: String, max_age: i64) -> Cookie<'static> {
    // Lax: the callback is a top-level navigation from the provider's site, with which browsers send no Strict cookies.
    Cookie::build((name, value))
        .path("/")
        .http_only(true)
        .secure(dance.settings().secure())
        .same_site(SameSite::Lax)
        .max_age(Duration::seconds(max_age))
        .build()
}
