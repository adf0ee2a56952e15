//! Requests of the token endpoint.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::answer_fields::readable_fields;
use super::client_auth::Form;
use super::endpoint_call::EndpointCall;
use super::endpoints::Endpoints;
use super::engine::Engine;
use super::errors::bad_answer;
use super::failed_request;
use super::flow::Flow;
use super::token_answer::{TokenAnswer, tokens_beside};
use super::token_values::token_value;
use crate::config::{Entry, OAuth2Options, TOKEN_PARAMS};
use crate::error::{Error, Result};
use crate::placeholders;
use crate::secret::Secret;
use crate::token::Token;

/// Exchanges an authorization code for the first token (RFC 6749 §4.1.3). The code is sent once, whatever happens.
pub(super) async fn exchange_code(
    engine: &Engine,
    endpoints: Endpoints<'_>,
    flow: &Flow,
    code: &Secret,
    callback: &BTreeMap<String, String>,
) -> Result<TokenAnswer> {
    let form = code_form(endpoints, flow, code, callback);
    let fields = EndpointCall::CodeExchange.send(engine, endpoints, endpoints.token()?, form).await?;
    read_token(endpoints.options, fields, endpoints.options.assume_bearer.then_some("bearer"))
}

/// The form of the request that exchanges an authorization code, without the client's authentication.
pub(super) fn code_form(
    endpoints: Endpoints<'_>,
    flow: &Flow,
    code: &Secret,
    callback: &BTreeMap<String, String>,
) -> Form {
    let mut form = vec![
        field("grant_type", "authorization_code"),
        field("code", code.expose()),
        field("redirect_uri", &flow.redirect_uri),
    ];
    let found = |name: &str| callback.get(name.strip_prefix("callback.")?).cloned();
    for (name, template) in callback_params(endpoints.entry) {
        // A parameter that the callback does not have is left out.
        form.extend(placeholders::fill(template, found).map(|value| field(name, &value)));
    }
    if endpoints.options.pkce {
        form.push(field("code_verifier", flow.verifier().expose()));
    }
    add_token_params(endpoints.entry, &mut form);
    form
}

/// The answer to a refresh.
pub(super) enum RefreshAnswer {
    /// The next token.
    Token(TokenAnswer),
    /// The answer holds no usable token, but a refresh token that replaces the one that was sent, and perhaps an ID token.
    RefreshToken { refresh_token: Secret, id_token: Option<Secret>, error: Error },
}

/// Exchanges the refresh token of `token` for the next token (RFC 6749 §6).
pub(super) async fn exchange_refresh_token(
    engine: &Engine,
    endpoints: Endpoints<'_>,
    token: &Token,
    refresh_token: &Secret,
) -> Result<RefreshAnswer> {
    let call = EndpointCall::Refresh;
    let mut form = vec![field("grant_type", "refresh_token"), field("refresh_token", refresh_token.expose())];
    for (name, template) in &endpoints.entry.additions.refresh_params {
        // A parameter from an answer that has no such field is left out.
        let value = placeholders::fill(template, |name| token_value(endpoints.entry, token, name));
        form.extend(value.map(|value| field(name, &value)));
    }
    add_token_params(endpoints.entry, &mut form);
    let url = endpoints.refresh()?;
    let answer = call.request(engine, endpoints, url, &mut form).await?;
    let read = call.read(endpoints, &form, &answer).map_err(|error| failed_request::name_host(url, error));
    match read.and_then(|fields| read_token(endpoints.options, fields, Some(&token.token_type))) {
        Ok(answer) => Ok(RefreshAnswer::Token(answer)),
        // A refresh token that is there must not be lost, whatever else is wrong with the answer.
        Err(error) => match tokens_beside(endpoints.options, readable_fields(&answer)) {
            (Some(refresh_token), id_token) if answer.status().is_success() => {
                Ok(RefreshAnswer::RefreshToken { refresh_token, id_token, error })
            }
            _ => Err(error),
        },
    }
}

fn add_token_params(entry: &Entry, form: &mut Form) {
    let is_added = |name: &str, template: &str| !TOKEN_PARAMS.contains(&name) && !is_from_callback(template);
    let params = entry.additions.token_params.iter().filter(|(name, template)| is_added(name, template));
    form.extend(params.map(|(name, value)| field(name, value)));
}

/// Reads the token in the fields of an answer, see [`TokenAnswer::read`].
fn read_token(
    options: &OAuth2Options,
    fields: Option<Map<String, Value>>,
    default_type: Option<&str>,
) -> Result<TokenAnswer> {
    let fields =
        fields.ok_or_else(|| bad_answer("the token endpoint's answer is not JSON, or has a field twice"))?;
    TokenAnswer::read(options, fields, default_type)
        .map_err(|cause| bad_answer(format!("the token answer: {cause}")))
}

/// The `token_params` whose values are in the callback.
fn callback_params(entry: &Entry) -> impl Iterator<Item = (&String, &String)> {
    entry.additions.token_params.iter().filter(|(_, template)| is_from_callback(template))
}

fn is_from_callback(template: &str) -> bool {
    template.starts_with("{callback.")
}

/// Returns one field of a form.
fn field(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
