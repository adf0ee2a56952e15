//! The revocation endpoint.

use super::api::sent_token;
use super::authorization_server::AuthorizationServer;
use super::client_authentication::authenticate;
use super::http_request::{HttpRequest, single};
use super::http_response::HttpResponse;
use super::sealed::{AccessToken, Grant, RefreshToken};
use super::token_error::TokenError;
use crate::provider::{RequestAuthorization, RevocationRequest};

/// Answers the revocation endpoint (RFC 7009). A refresh token is revoked with its whole grant, an access token alone. At
/// `…/as/<preset>`, the request is the one of the preset.
pub(super) fn revoke(server: &AuthorizationServer, request: &HttpRequest) -> HttpResponse {
    match revoke_token(server, request) {
        Ok(()) => HttpResponse::default(),
        Err(error) => error.into_response(),
    }
}

fn revoke_token(server: &AuthorizationServer, request: &HttpRequest) -> Result<(), TokenError> {
    let own = request.preset().map_or(RevocationRequest::Standard, |preset| preset.revocation);
    let client = match own {
        RevocationRequest::Post(authorization, _) | RevocationRequest::Delete(authorization, _)
            if authorization != RequestAuthorization::Client =>
        {
            None
        }
        _ => Some(authenticate(server, request)?),
    };
    let is_another_clients = |grant: &Grant| client.is_some_and(|client| !grant.is_for(client));
    let other_client = || TokenError::invalid_grant("the token is for another client");
    let sent = match own {
        RevocationRequest::Standard => single(&request.form, "token")?,
        // It is in one of the fields, or where API requests have it.
        _ => {
            let mut values = request.form.iter().map(|(_, value)| value.as_str());
            let is_token = |text: &str| {
                server.open::<RefreshToken>(text).is_some() || server.open::<AccessToken>(text).is_some()
            };
            values.find(|text| is_token(text)).or_else(|| sent_token(request))
        }
    };
    let token = match sent {
        Some(token) => token,
        None if own == RevocationRequest::Standard => {
            return Err(TokenError::invalid_request("the token is missing"));
        }
        // The request names the account instead.
        None => return Ok(()),
    };
    if let Some(refresh) = server.open::<RefreshToken>(token) {
        if is_another_clients(&refresh.grant) {
            return Err(other_client());
        }
        server.tokens().revoke_grant(&refresh.grant);
    } else if let Some(access) = server.open::<AccessToken>(token) {
        if is_another_clients(&access.grant) {
            return Err(other_client());
        }
        server.tokens().revoke_access_token(&access);
    }
    // An unknown token is not an error (RFC 7009 §2.2).
    Ok(())
}
