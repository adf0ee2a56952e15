//! Requests of the token endpoint.

use super::client_auth::Form;
use super::endpoint_call::EndpointCall;
use super::endpoints::Endpoints;
use super::engine::Engine;
use super::errors::bad_answer;
use super::flow::Flow;
use super::token_answer::TokenAnswer;
use crate::config::TOKEN_PARAMS;
use crate::error::Result;
use crate::secret::Secret;

/// Exchanges an authorization code for the first token (RFC 6749 §4.1.3). The code is sent once, whatever happens.
pub(super) async fn exchange_code(
    engine: &Engine,
    endpoints: Endpoints<'_>,
    flow: &Flow,
    code: &Secret,
) -> Result<TokenAnswer> {
    let mut form = vec![
        field("grant_type", "authorization_code"),
        field("code", code.expose()),
        field("redirect_uri", &flow.redirect_uri),
    ];
    if endpoints.options.pkce {
        form.push(field("code_verifier", flow.verifier().expose()));
    }
    send(engine, endpoints, EndpointCall::CodeExchange, form).await
}

/// Exchanges a refresh token for the next token (RFC 6749 §6).
pub(super) async fn exchange_refresh_token(
    engine: &Engine,
    endpoints: Endpoints<'_>,
    refresh_token: &Secret,
) -> Result<TokenAnswer> {
    let form = vec![field("grant_type", "refresh_token"), field("refresh_token", refresh_token.expose())];
    send(engine, endpoints, EndpointCall::Refresh, form).await
}

/// Sends a token request with the entry's `token_params` and reads its answer.
async fn send(
    engine: &Engine,
    endpoints: Endpoints<'_>,
    call: EndpointCall,
    mut form: Form,
) -> Result<TokenAnswer> {
    let params = endpoints
        .entry
        .additions
        .token_params
        .iter()
        .filter(|(name, _)| !TOKEN_PARAMS.contains(&name.as_str()));
    form.extend(params.map(|(name, value)| field(name, value)));
    let fields = call.send(engine, endpoints, endpoints.token()?, form).await?;
    let fields =
        fields.ok_or_else(|| bad_answer("the token endpoint's answer is not JSON, or has a field twice"))?;
    TokenAnswer::read(endpoints.options, fields)
        .map_err(|cause| bad_answer(format!("the token answer: {cause}")))
}

/// Returns one field of a form.
fn field(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
