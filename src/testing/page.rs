//! The pages of the interactive provider.

use rocket_dyn_templates::tera::{Context, Tera};
use serde_json::{Value, json};

use super::door::Reply;

const CONSENT: &str = include_str!("../../templates/testing/consent.html");
const FORM_POST: &str = include_str!("../../templates/testing/form_post.html");
const ERROR: &str = include_str!("../../templates/testing/error.html");

/// The sign-in and consent page: what is asked for, a name, Allow and Deny.
pub(super) fn consent(
    action: &str,
    client: &str,
    request: &str,
    scope: &str,
    login: &str,
    problem: Option<&str>,
) -> Reply {
    let scope: Vec<&str> = scope.split(' ').filter(|scope| !scope.is_empty()).collect();
    let status = if problem.is_some() { 422 } else { 200 };
    page(
        status,
        CONSENT,
        json!({
            "action": action, "client": client, "request": request, "scope": scope, "login": login, "problem": problem,
        }),
    )
}

/// The answer of `response_mode=form_post`: a form for the client that sends itself, with a button where scripts don't
/// run.
pub(super) fn form_post(action: &str, fields: &[(&str, &str)]) -> Reply {
    let mut form = page(200, FORM_POST, json!({ "action": action, "fields": fields }));
    form.headers.retain(|(name, _)| name != "Content-Security-Policy");
    form
}

/// A page for what can't be sent back to the client: it isn't known who that is.
pub(super) fn error(problem: &str) -> Reply {
    page(400, ERROR, json!({ "problem": problem }))
}

fn page(status: u16, template: &str, values: Value) -> Reply {
    let body = Context::from_serialize(values)
        .and_then(|context| Tera::one_off(template, &context, true))
        .unwrap_or_else(|_| "This page could not be rendered.".into());
    // No form-action: Chromium applies it to the redirect that follows, which leads to the client.
    Reply::body(status, "text/html; charset=utf-8", body)
        .with(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
        )
        .with("Referrer-Policy", "no-referrer")
}
