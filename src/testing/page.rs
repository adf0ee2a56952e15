//! The pages of the interactive provider.

use rocket_dyn_templates::tera::{Context, Tera};
use serde_json::{Value, json};

use super::door::Reply;

const CONSENT: &str = include_str!("../../templates/testing/consent.html");
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
