//! The authorization endpoint.

use url::Url;

use super::authorization_server::AuthorizationServer;
use super::http_request::{HttpRequest, single};
use super::http_response::HttpResponse;
use super::page;
use super::push::authorization_parameters;
use super::sealed::{AuthorizationCode, Grant, PendingAuthorization, random_id};

/// Lifetime of a consent page, in seconds.
const CONSENT_PAGE_TTL: i64 = 3600;

/// Lifetime of an authorization code, in seconds.
const CODE_TTL: i64 = 60;

/// Maximum length of a user name, in bytes.
const MAX_LOGIN_LENGTH: usize = 40;

/// Parameters that must not be repeated and whose repetition is reported to the client (RFC 6749 §3.1).
const SINGLE_PARAMETERS: [&str; 8] = [
    "state",
    "scope",
    "nonce",
    "response_type",
    "response_mode",
    "code_challenge",
    "code_challenge_method",
    "prompt",
];

/// Answers the authorization endpoint (RFC 6749 §4.1.1). GET is the authorization request, POST is the form of the
/// consent page.
pub(super) fn authorize(server: &AuthorizationServer, request: &HttpRequest) -> HttpResponse {
    match request.method.as_str() {
        "POST" => decide(server, request),
        _ => begin(server, request),
    }
}

fn begin(server: &AuthorizationServer, request: &HttpRequest) -> HttpResponse {
    let Some(query) = &authorization_parameters(server, &request.query) else {
        return page::error("The authorization request was not pushed, has expired or was already used.");
    };
    let Ok(Some(client)) = request.client_id(query).map(|id| id.and_then(|id| server.client(id))) else {
        return page::error("This client is not registered here.");
    };
    // Redirecting to an unknown URI would make an open redirector that leaks codes (RFC 9700 §4.1).
    let redirect_uri = match single(query, "redirect_uri") {
        Ok(Some(uri))
            if client.redirect_uri.as_ref().is_none_or(|known| known == uri) && is_redirect_uri(uri) =>
        {
            uri
        }
        _ => return page::error("The redirect URI is not registered for this client."),
    };
    let text = |name| single(query, name).ok().flatten().map(str::to_owned);
    let pending = PendingAuthorization {
        redirect_uri: redirect_uri.to_owned(),
        client_id: client.id.clone(),
        state: text("state"),
        scope: text("scope").unwrap_or_default(),
        nonce: text("nonce"),
        code_challenge: text("code_challenge"),
        form_post: text("response_mode").as_deref() == Some("form_post"),
        expires_at: server.now() + CONSENT_PAGE_TTL,
    };
    if SINGLE_PARAMETERS.iter().any(|name| single(query, name).is_err()) {
        return refuse(server, &pending, "invalid_request");
    }
    if text("response_type").as_deref() != Some("code") {
        return refuse(server, &pending, "unsupported_response_type");
    }
    let s256 = text("code_challenge_method").as_deref() == Some("S256");
    if pending.code_challenge.is_some() != s256 || (client.is_public() && !s256) {
        return refuse(server, &pending, "invalid_request");
    }
    if let Some(error) = server.behavior().next_error.take() {
        return refuse(server, &pending, &error);
    }
    if !server.asks_for_consent() {
        let user = server.behavior().user.clone();
        return approve(server, &pending, user);
    }
    if text("prompt").is_some_and(|prompt| prompt.split(' ').any(|value| value == "none")) {
        return refuse(server, &pending, "login_required");
    }
    consent_page(server, &pending, &text("login_hint").unwrap_or_default(), None)
}

fn consent_page(
    server: &AuthorizationServer,
    pending: &PendingAuthorization,
    login: &str,
    problem: Option<&str>,
) -> HttpResponse {
    let action = format!("{}/authorize", server.base_path().trim_end_matches('/'));
    page::consent(&action, &pending.client_id, &server.seal(pending), &pending.scope, login, problem)
}

/// Answers the form of the consent page.
fn decide(server: &AuthorizationServer, request: &HttpRequest) -> HttpResponse {
    let field = |name| single(&request.form, name).ok().flatten();
    let pending = field("request").and_then(|sealed| server.open::<PendingAuthorization>(sealed));
    let Some(pending) = pending.filter(|pending| server.now() < pending.expires_at) else {
        return page::error("This page was open for too long.");
    };
    let known = server.client(&pending.client_id).and_then(|client| client.redirect_uri.as_ref());
    if known.is_some_and(|known| *known != pending.redirect_uri) {
        return page::error("The redirect URI is no longer registered for this client.");
    }
    if field("decision") != Some("allow") {
        return refuse(server, &pending, "access_denied");
    }
    let login = field("login").unwrap_or_default().trim().to_ascii_lowercase();
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if !(1..=MAX_LOGIN_LENGTH).contains(&login.len()) || !login.chars().all(is_allowed) {
        let problem = "Please enter 1 to 40 letters, digits, dots, dashes or underscores.";
        return consent_page(server, &pending, &login, Some(problem));
    }
    approve(server, &pending, login)
}

fn approve(server: &AuthorizationServer, pending: &PendingAuthorization, user: String) -> HttpResponse {
    let now = server.now();
    let code = AuthorizationCode {
        grant: Grant {
            client_id: pending.client_id.clone(),
            user,
            scope: server.behavior().granted_scope.clone().unwrap_or_else(|| pending.scope.clone()),
            nonce: pending.nonce.clone(),
            auth_time: now,
            family: random_id(),
            test_serial: None,
        },
        redirect_uri: pending.redirect_uri.clone(),
        code_challenge: pending.code_challenge.clone(),
        expires_at: now + CODE_TTL,
    };
    respond(server, pending, "code", &server.seal(&code))
}

fn refuse(server: &AuthorizationServer, pending: &PendingAuthorization, error: &str) -> HttpResponse {
    respond(server, pending, "error", error)
}

/// The authorization response (RFC 6749 §4.1.2), with the issuer (RFC 9207).
fn respond(
    server: &AuthorizationServer,
    pending: &PendingAuthorization,
    name: &str,
    value: &str,
) -> HttpResponse {
    let Ok(mut location) = Url::parse(&pending.redirect_uri) else {
        return page::error("The redirect URI is not a URI.");
    };
    let mut fields = vec![(name, value), ("iss", server.url())];
    fields.extend(pending.state.as_deref().map(|state| ("state", state)));
    if pending.form_post {
        return page::form_post(location.as_str(), &fields);
    }
    location.query_pairs_mut().extend_pairs(fields);
    HttpResponse::see_other(location.as_str())
}

/// Whether `uri` is absolute and has no fragment (RFC 6749 §3.1.2).
fn is_redirect_uri(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.fragment().is_none())
}
