//! The endpoint for pushed authorization requests (RFC 9126).

use serde_json::json;

use super::authorization_server::AuthorizationServer;
use super::client_authentication::authenticate;
use super::http_request::{HttpRequest, single};
use super::http_response::HttpResponse;
use super::pushed_requests::PUSHED_REQUEST_TTL;
use super::token_error::TokenError;

/// Answers the endpoint for pushed authorization requests.
pub(super) fn push(server: &AuthorizationServer, request: &HttpRequest) -> HttpResponse {
    match store(server, request) {
        Ok(request_uri) => {
            HttpResponse::json(201, &json!({"request_uri": request_uri, "expires_in": PUSHED_REQUEST_TTL}))
        }
        Err(error) => error.into_response(),
    }
}

fn store(server: &AuthorizationServer, request: &HttpRequest) -> Result<String, TokenError> {
    let client_id = authenticate(server, request)?.id.clone();
    if request.form.iter().any(|(name, _)| name == "request_uri") {
        return Err(TokenError::invalid_request("a pushed request must not contain request_uri"));
    }
    // The parameters of client authentication are not part of the authorization request.
    let authenticates = |name: &str| name == "client_secret" || name.starts_with("client_assertion");
    let mut parameters = request.form.clone();
    parameters.retain(|(name, _)| !authenticates(name) && name != "client_id");
    parameters.push(("client_id".into(), client_id.clone()));
    Ok(server.pushed().insert(client_id, parameters, server.now()))
}

/// The parameters of an authorization request: those that were pushed under its `request_uri`, or else its own query.
pub(super) fn authorization_parameters(
    server: &AuthorizationServer,
    query: &[(String, String)],
) -> Option<Vec<(String, String)>> {
    match single(query, "request_uri").ok()? {
        Some(request_uri) => {
            let client_id = single(query, "client_id").ok().flatten();
            server.pushed().take(request_uri, client_id, server.now())
        }
        None if server.behavior().requires_pushed_authorization => None,
        None => Some(query.to_vec()),
    }
}
