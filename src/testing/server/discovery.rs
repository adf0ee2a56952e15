//! The discovery document and the signing keys.

use serde_json::json;

use super::authorization_server::AuthorizationServer;
use super::http_response::HttpResponse;

/// The discovery document (OpenID Connect Discovery 1.0 §3, RFC 8414 §2).
pub(super) fn discovery(server: &AuthorizationServer) -> HttpResponse {
    let url = server.url();
    let behavior = server.behavior();
    HttpResponse::json(
        200,
        &json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "userinfo_endpoint": format!("{url}/userinfo"),
            "jwks_uri": format!("{url}/jwks"),
            "response_types_supported": ["code"],
            "pushed_authorization_request_endpoint": format!("{url}/par"),
            "require_pushed_authorization_requests": behavior.requires_pushed_authorization,
            "revocation_endpoint": format!("{url}/revoke"),
            "end_session_endpoint": format!("{url}/logout"),
            "response_modes_supported": ["query", "form_post"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [behavior.signing_key.algorithm().name()],
            "scopes_supported": ["openid", "profile", "email", "offline_access"],
            "claims_supported": ["sub", "name", "preferred_username", "email", "email_verified"],
            "token_endpoint_auth_methods_supported":
                ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
            "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        }),
    )
}

/// The signing keys (RFC 7517 §5).
pub(super) fn jwks(server: &AuthorizationServer) -> HttpResponse {
    HttpResponse::json(200, &json!({"keys": [server.behavior().signing_key.jwk()]}))
}
