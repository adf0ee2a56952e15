//! The revocation endpoint.

use super::authorization_server::AuthorizationServer;
use super::client_authentication::authenticate;
use super::request::{HttpRequest, single};
use super::response::HttpResponse;
use super::sealed::{AccessToken, RefreshToken};
use super::token_error::TokenError;

/// Answers the revocation endpoint (RFC 7009). A refresh token is revoked with its whole grant, an access token alone.
pub(super) fn revoke(server: &AuthorizationServer, request: &HttpRequest) -> HttpResponse {
    match revoke_token(server, request) {
        Ok(()) => HttpResponse::default(),
        Err(error) => error.into_response(),
    }
}

fn revoke_token(server: &AuthorizationServer, request: &HttpRequest) -> Result<(), TokenError> {
    let client = authenticate(server, request)?;
    let Ok(Some(token)) = single(&request.form, "token") else {
        return Err(TokenError::invalid_request("the token is missing"));
    };
    let other_client = || TokenError::invalid_grant("the token is for another client");
    if let Some(refresh) = server.open::<RefreshToken>(token) {
        if refresh.grant.client_id != client.id {
            return Err(other_client());
        }
        server.tokens().revoke_grant(&refresh.grant);
    } else if let Some(access) = server.open::<AccessToken>(token) {
        if access.grant.client_id != client.id {
            return Err(other_client());
        }
        server.tokens().revoke_access_token(&access);
    }
    // An unknown token is not an error (RFC 7009 §2.2).
    Ok(())
}
