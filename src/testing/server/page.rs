//! The provider's HTML pages.

use rocket_dyn_templates::tera::{Context, Tera};
use serde_json::{Value, json};

use super::http_response::HttpResponse;

const CONSENT: &str = include_str!("../../../templates/testing/consent.html");
const FORM_POST: &str = include_str!("../../../templates/testing/form_post.html");
const ERROR: &str = include_str!("../../../templates/testing/error.html");

/// The consent page: the requested scopes, a field for the user's name, "Allow" and "Deny". `request` is the sealed
/// authorization request.
pub(super) fn consent(
    action: &str,
    client: &str,
    request: &str,
    scope: &str,
    login: &str,
    problem: Option<&str>,
) -> HttpResponse {
    let scope: Vec<&str> = scope.split(' ').filter(|scope| !scope.is_empty()).collect();
    let status = if problem.is_some() { 422 } else { 200 };
    render(
        status,
        CONSENT,
        json!({
            "action": action, "client": client, "request": request, "scope": scope, "login": login, "problem": problem,
        }),
    )
}

/// The authorization response of `response_mode=form_post`: a form that submits itself, with a button for browsers
/// without JavaScript.
pub(super) fn form_post(action: &str, fields: &[(&str, &str)]) -> HttpResponse {
    let mut form = render(200, FORM_POST, json!({ "action": action, "fields": fields }));
    form.headers.retain(|(name, _)| name != "Content-Security-Policy");
    form
}

/// The page for an error that cannot be reported to the client, because the client or its redirect URI is unknown.
pub(super) fn error(problem: &str) -> HttpResponse {
    render(400, ERROR, json!({ "problem": problem }))
}

fn render(status: u16, template: &str, values: Value) -> HttpResponse {
    let body = Context::from_serialize(values)
        .and_then(|context| Tera::one_off(template, &context, true))
        .unwrap_or_else(|_| "This page could not be rendered.".into());
    // There is no form-action: Chromium applies it to the redirect after the form, which goes to the client.
    HttpResponse::body(status, "text/html; charset=utf-8", body)
        .with_header(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
        )
        .with_header("Referrer-Policy", "no-referrer")
}
