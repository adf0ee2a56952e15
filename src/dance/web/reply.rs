//! The reply of a route, as HTML or as JSON.

use std::io::Cursor;
use std::time::Duration;

use rocket::http::{ContentType, Header, Method, Status};
use rocket::{Request, Response};
use serde_json::{Value, json};

use super::form::query_param;
use super::language::language;
use super::scope_request::with_missing_scopes;
use crate::dance::handle::Dance;
use crate::error::{Error, ErrorKind, Result};
use crate::page::Page;
use crate::paths::{Path, is_own_route};
use crate::redirect_target::RedirectTarget;

/// `Retry-After` of a 503 whose error names no time.
const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(5);

/// The reply of a route.
pub(crate) enum Reply {
    /// A page of this crate, as HTML.
    Page(Page),
    Json(Value),
    /// A redirect to a path of the app or to a URL, always by 303: browsers would repeat a POST after 307 and 308 (RFC 9700
    /// §4.12).
    SeeOther(String),
    /// Done, for a client that asked for JSON: 204.
    NoContent,
    /// A response of the app's own.
    Own(Response<'static>),
}

/// Whether a request is answered with JSON whatever it accepts.
struct JsonOnly(bool);

/// Notes that `request` is for a route that answers with JSON only.
pub(crate) fn answer_in_json(request: &Request<'_>) {
    request.local_cache(|| JsonOnly(true));
}

/// Whether the request names JSON as an answer that it accepts, or is for a route that answers with JSON only. `*/*` does not
/// name it.
pub(crate) fn wants_json(request: &Request<'_>) -> bool {
    // Rocket reads the first `Accept` only, and none that has a fault, such as a comma at its end.
    let mut ranges = request.headers().get("Accept").flat_map(|accept| accept.split(','));
    ranges.any(is_json) || request.local_cache(|| JsonOnly(false)).0
}

/// Whether a range of an `Accept` header is JSON, and is not refused by the weight 0 (RFC 9110 §12.4.2).
fn is_json(range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"));
    let weight =
        |part: &str| part.strip_prefix(['q', 'Q'])?.trim_start().strip_prefix('=')?.trim().parse().ok();
    is_json && parts.find_map(weight) != Some(0.0)
}

/// The JSON for an error: `{"error": {"code", "message", "login_url"}}`.
pub(crate) fn error_json(error: &Error, login_url: Option<&str>) -> Value {
    let mut body = json!({ "code": error.kind().code(), "message": error.to_string() });
    if let Some(login_url) = login_url {
        body["login_url"] = login_url.into();
    }
    json!({ "error": body })
}

/// Renders a page of this crate, or returns its context if the request names JSON.
///
/// # Errors
/// If the template can't be rendered.
pub(crate) fn page(dance: &Dance, request: &Request<'_>, template: &str, context: Value) -> Result<Reply> {
    Ok(match wants_json(request) {
        true => Reply::Json(context),
        false => Reply::Page(dance.pages().render(template, language(dance, request), context)?),
    })
}

/// Returns the reply after a change: a redirect to `to`, or 204 if the request names JSON.
pub(crate) fn done(request: &Request<'_>, to: impl Into<String>) -> Reply {
    match wants_json(request) {
        true => Reply::NoContent,
        false => Reply::SeeOther(to.into()),
    }
}

/// Makes the response of a reply or of an error, with the headers that all our responses have.
pub(crate) fn respond(dance: &Dance, request: &Request<'_>, reply: Result<Reply>) -> Response<'static> {
    let retry_after = reply.as_ref().err().and_then(Error::retry_after).unwrap_or(DEFAULT_RETRY_AFTER);
    let (status, reply) = match reply {
        Ok(reply @ Reply::SeeOther(_)) => (Status::SeeOther, reply),
        Ok(Reply::NoContent) => (Status::NoContent, Reply::NoContent),
        Ok(reply) => (Status::Ok, reply),
        Err(error) => (error.kind().status(), error_reply(dance, request, &error)),
    };
    let mut response = Response::build();
    response.status(status);
    match reply {
        Reply::Page(page) => {
            response.header(ContentType::HTML);
            response.header(Header::new("Content-Language", page.language));
            response.header(Header::new("Content-Security-Policy", page.content_security_policy));
            response.sized_body(page.html.len(), Cursor::new(page.html));
        }
        Reply::Json(value) => {
            let json = value.to_string();
            response.header(ContentType::JSON).sized_body(json.len(), Cursor::new(json));
        }
        Reply::SeeOther(to) => {
            let is_path = to.starts_with('/') && !to.starts_with("//");
            let to = if is_path { dance.base_path().public(&to) } else { to };
            response.header(Header::new("Location", to));
        }
        Reply::NoContent => {}
        Reply::Own(own) => {
            response = Response::build_from(own);
        }
    }
    let mut response = response.finalize();
    if status == Status::ServiceUnavailable {
        response.set_raw_header("Retry-After", retry_after.as_secs().to_string());
    }
    for (name, value) in [
        ("Cache-Control", "no-store"),
        ("Vary", "Cookie, Accept, Accept-Language"),
        ("Referrer-Policy", "no-referrer"),
        ("Content-Security-Policy", &dance.pages().content_security_policy),
    ] {
        if !response.headers().contains(name) {
            response.set_raw_header(name, value.to_owned());
        }
    }
    response
}

/// The error page, or its JSON.
fn error_reply(dance: &Dance, request: &Request<'_>, error: &Error) -> Reply {
    let next = next(dance, request, error);
    let login_url = match error.kind() {
        _ if let Some(entry) = error.begin_again() => {
            Some(with_missing_scopes(dance, dance.login_url(entry, next.as_ref()), entry, error))
        }
        ErrorKind::NotSignedIn | ErrorKind::NotConnected | ErrorKind::ReconnectNeeded => {
            Some(dance.login_url(None, next.as_ref()))
        }
        ErrorKind::ScopeMissing => {
            Some(with_missing_scopes(dance, dance.login_url(error.entry(), None), error.entry(), error))
        }
        ErrorKind::SignInFirst => {
            let confirm = RedirectTarget::try_from(dance.paths().to(Path::Confirm)).ok();
            Some(dance.login_url(None, confirm.as_ref()))
        }
        ErrorKind::SignUpIncomplete => Some(dance.public_paths().to(Path::CompleteSignUp)),
        _ => None,
    };
    if wants_json(request) {
        return Reply::Json(error_json(error, login_url.as_deref()));
    }
    let (to, label) = match error.kind() {
        ErrorKind::ScopeDenied => (login_url.unwrap_or_default(), "ask_again"),
        _ if let Some(entry) = error.begin_again() => {
            (login_url.unwrap_or_default(), if entry.is_some() { "start_again" } else { "sign_in_title" })
        }
        ErrorKind::LastLogin => (dance.public_paths().to(Path::Accounts), "back_to_accounts"),
        _ if request.route().is_some_and(is_own_route) => {
            (dance.login_url(None, next.as_ref()), "back_to_sign_in")
        }
        _ => link_on_page_of_app(dance, request, error, login_url),
    };
    let language = language(dance, request);
    let context = json!({
        "headline": language.message(error.kind().headline()),
        "message": language.message(&error.to_string()),
        "code": error.kind().code(),
        "back": { "to": to, "label": language.text(label) },
    });
    Reply::Page(dance.pages().render_error(language, context))
}

/// The page to go to after a sign-in: of the flow that has failed, or else the parameter `next` of our page.
fn next(dance: &Dance, request: &Request<'_>, error: &Error) -> Option<RedirectTarget> {
    // Checked again: the configuration may have changed since the flow began.
    let of_flow = error.next().and_then(|next| RedirectTarget::try_from(next).ok());
    let asked = || query_param(request, "next").filter(|_| request.route().is_some_and(is_own_route));
    of_flow.filter(|next| dance.may_redirect_to(next)).or_else(|| dance.checked_next(asked().as_deref()))
}

/// The link on the error page, and the key of its text, if a guard or a handler of the app has failed.
fn link_on_page_of_app(
    dance: &Dance,
    request: &Request<'_>,
    error: &Error,
    login_url: Option<String>,
) -> (String, &'static str) {
    if let Some(login_url) = login_url {
        let is_signed_in = error.kind() == ErrorKind::ScopeMissing;
        return (login_url, if is_signed_in { "continue" } else { "sign_in_title" });
    }
    let may_pass = matches!(error.kind().status().code, 502..=504) && request.method() == Method::Get;
    // Checked: a path that begins with `//` would lead to another host.
    let this_page = may_pass.then(|| RedirectTarget::try_from(request.uri().to_string()).ok()).flatten();
    match this_page.filter(|page| dance.may_redirect_to(page)) {
        Some(page) => (dance.public_target(&page), "try_again"),
        None => (dance.public_target(&dance.home_target()), "back_to_app"),
    }
}
