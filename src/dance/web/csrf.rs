//! Protection of forms against cross-site request forgery (CSRF): a token that follows from a cookie, and from the user or the accounts
//! of the browser.
//!
//! A form has the token in its field `csrf`, a script in that field or in the header `X-CSRF-Token`. If both are there, the field
//! counts.

use rocket::Request;
use url::Url;

use super::cookies::set_cookie;
use crate::config::{Settings, is_own_origin};
use crate::cookies;
use crate::dance::handle::Dance;
use crate::error::{Error, ErrorKind, Result};
use crate::profile::text::printable;
use crate::secret::{KeyRing, encode_base64url, random};

const COOKIE: &str = "rocket_dance_csrf";
/// The header in which a script sends the token.
const HEADER: &str = "X-CSRF-Token";
/// Length of the cookie's value, in characters: 32 bytes in base64.
const COOKIE_CHARS: usize = 43;
/// The purpose for which tokens are made.
const TOKEN: &str = "csrf";
/// Maximum length of a foreign origin in the log, in characters.
const MAX_LOGGED_ORIGIN: usize = 200;

/// Returns the token for the forms of this page. Sets the browser's cookie if it has none.
///
/// # Errors
/// If the user of the request can't be read.
pub(crate) async fn token(dance: &Dance, request: &Request<'_>) -> Result<String> {
    // One value per request: all forms of a page have the same token, also those that a guard made.
    struct NewValue(Result<String>);
    let name = dance.settings().cookie_name(COOKIE);
    let browser = match cookies::get(request, &name) {
        Some(cookie) if cookie.len() == COOKIE_CHARS => cookie.to_owned(),
        _ => {
            let new = request.local_cache(|| NewValue(random::<32>().map(|bytes| encode_base64url(&bytes))));
            let value = new.0.as_ref().map_err(Error::copy)?;
            // As long as a session can last.
            set_cookie(dance, request, name, value.clone(), dance.settings().session.age);
            value.clone()
        }
    };
    let parts = token_parts(dance, request, browser, dance.user(request).await?);
    Ok(dance.browser_keys().tag(TOKEN, &parts.iter().map(String::as_str).collect::<Vec<_>>()))
}

/// What the token follows from: the cookie of the `browser`, and the `user`, so that signing in changes the token: one that an attacker
/// planted before is worthless. Without a user these are the browser's sessions of accounts without a user (SF-02).
fn token_parts(dance: &Dance, request: &Request<'_>, browser: String, user: Option<&str>) -> Vec<String> {
    let mut parts = vec![browser, user.unwrap_or_default().to_owned()];
    if user.is_none() {
        parts.extend(dance.kept_sessions().ids(request));
    }
    parts
}

/// Which app has sent an answer, as far as its CSRF cookie and token show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerOrigin {
    /// An app with this base URL, prefix and key.
    ThisApp,
    /// An app with this base URL and prefix, and another key.
    OtherKey,
    /// An app with another base URL or prefix.
    OtherAddress,
    /// Something else.
    Unknown,
}

/// Returns which app has answered a first request, with these `cookies` (name and value) and this `token`. `keys` are those of
/// [`Dance::browser_keys`].
pub(crate) fn answer_origin(
    settings: &Settings,
    keys: &KeyRing,
    cookies: &[(String, String)],
    token: Option<&str>,
) -> AnswerOrigin {
    let name = settings.cookie_name(COOKIE);
    let ours = cookies.iter().find(|(found, _)| *found == name);
    match (ours, token) {
        (Some((_, value)), Some(token)) if keys.verify_tag(token, TOKEN, &[value, ""]) => {
            AnswerOrigin::ThisApp
        }
        (Some(_), _) => AnswerOrigin::OtherKey,
        _ if cookies.iter().any(|(found, _)| found.contains(COOKIE)) => AnswerOrigin::OtherAddress,
        _ => AnswerOrigin::Unknown,
    }
}

/// Rejects a form or a request of a script that is not from one of our pages in this browser. `token` is the field `csrf`.
///
/// # Errors
/// [`ErrorKind::Csrf`], or if the user of the request can't be read.
pub(crate) async fn check(dance: &Dance, request: &Request<'_>, token: Option<&str>) -> Result<()> {
    if !is_from_trusted_origin(dance, request) {
        check_origin(dance, request)?;
    }
    let name = dance.settings().cookie_name(COOKIE);
    let Some(browser) = cookies::get(request, &name) else {
        return rejected("the browser sent no CSRF cookie");
    };
    let parts = token_parts(dance, request, browser.to_owned(), dance.user_uncached(request).await?);
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let token = token.filter(|token| !token.is_empty()).or_else(|| request.headers().get_one(HEADER));
    match token {
        None => rejected("the token is missing: send it in the field `csrf` or in the header X-CSRF-Token"),
        Some(token) if dance.browser_keys().verify_tag(token, TOKEN, &parts) => Ok(()),
        Some(_) => rejected(
            "the token is wrong: it belongs to another browser, or the user or the accounts of this browser have changed since",
        ),
    }
}

/// Rejects a request of a visitor who is not signed in, that needs no token: one that comes from another site. A page of one of
/// the `trusted_origins` needs the token.
///
/// # Errors
/// As [`check`].
pub(crate) async fn check_visitor(dance: &Dance, request: &Request<'_>, token: Option<&str>) -> Result<()> {
    match is_from_trusted_origin(dance, request) {
        true => check(dance, request, token).await,
        false => check_origin_without_token(dance, request),
    }
}

/// Rejects a form that comes from another site or origin, as the browser reports it. Beside the right token, a browser need not
/// report it.
///
/// # Errors
/// [`ErrorKind::Csrf`].
fn check_origin(dance: &Dance, request: &Request<'_>) -> Result<()> {
    match request.headers().get_one("Sec-Fetch-Site") {
        None | Some("same-origin" | "none") => {}
        Some(_) => return rejected("the form came from another site (Sec-Fetch-Site)"),
    }
    match request.headers().get_one("Origin").filter(|origin| *origin != "null") {
        Some(origin) if !is_own(dance, origin) => rejected(format!(
            "the form came from another origin ({}) than `base_url` ({}). A development server needs `base_url` to be its own \
             address; another site of yours belongs in `trusted_origins`",
            printable(origin, MAX_LOGGED_ORIGIN),
            dance.settings().base()
        )),
        _ => Ok(()),
    }
}

/// Rejects a request without a token that comes from another site or origin, as [`check_origin`] does, or that does not say where
/// it comes from: `Origin: null` without `Sec-Fetch-Site`. A browser without that header (before 2023) sends it for a form in a
/// sandboxed frame, after a redirect from another site, and from a page with `Referrer-Policy: no-referrer`. A program that is no
/// browser sends neither.
///
/// # Errors
/// [`ErrorKind::Csrf`].
pub(crate) fn check_origin_without_token(dance: &Dance, request: &Request<'_>) -> Result<()> {
    let header = |name| request.headers().get_one(name);
    match (header("Origin"), header("Sec-Fetch-Site")) {
        (Some("null"), None) => rejected(
            "the form does not say where it came from (`Origin: null` without Sec-Fetch-Site): an old browser hides the origin \
             of a page with `Referrer-Policy: no-referrer`",
        ),
        _ => check_origin(dance, request),
    }
}

/// Whether `origin` is the origin of this app.
fn is_own(dance: &Dance, origin: &str) -> bool {
    Url::parse(origin).is_ok_and(|origin| is_own_origin(&origin, &dance.settings().base_url))
}

/// Whether a page of one of the `trusted_origins` sent the request. It counts only beside the token: a form of the app's own
/// has none.
fn is_from_trusted_origin(dance: &Dance, request: &Request<'_>) -> bool {
    request.headers().get_one("Origin").is_some_and(|origin| dance.trusts_origin(origin))
}

fn rejected(cause: impl Into<String>) -> Result<()> {
    Err(Error::new(ErrorKind::Csrf, "Please go back, reload the page and try again.")
        .with_source(cause.into()))
}
