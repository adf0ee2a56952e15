//! The endpoints that need an access token: userinfo, e-mail addresses, and an echo.

use serde_json::{Value, json};

use super::authorization_server::AuthorizationServer;
use super::http_request::HttpRequest;
use super::http_response::HttpResponse;
use super::oauth1::user_of_signature;
use super::provider_endpoint::ProviderEndpoint;
use super::sealed::AccessToken;
use crate::provider::TokenPlacement;

/// Answers an endpoint that needs an access token. `GET /api/me` is the userinfo; any other request of
/// [`ProviderEndpoint::Api`] is echoed as JSON.
pub(super) fn api(
    server: &AuthorizationServer,
    endpoint: ProviderEndpoint,
    request: &HttpRequest,
) -> HttpResponse {
    let Some(user) = user_of_token(server, request) else {
        let challenge = "Bearer error=\"invalid_token\"";
        return HttpResponse::json(401, &json!({"error": "invalid_token"}))
            .with_header("WWW-Authenticate", challenge);
    };
    let userinfo = server.behavior().userinfo_of(&user, request.preset());
    let answer = match endpoint {
        ProviderEndpoint::Userinfo => userinfo,
        ProviderEndpoint::Emails => email_list(&userinfo),
        _ if request.method == "GET" && request.path.ends_with("/api/me") => userinfo,
        _ => echo(request, &user),
    };
    HttpResponse::json(200, &answer)
}

/// The user whose token a request has; `None` if it has none, or one that is not valid.
pub(super) fn user_of_token(server: &AuthorizationServer, request: &HttpRequest) -> Option<String> {
    let user = request.user.get_or_init(|| match bearer_token(server, request) {
        Some(token) => Some(token.grant.user),
        None => user_of_signature(server, request),
    });
    user.clone()
}

fn email_list(userinfo: &Value) -> Value {
    match userinfo.get("email") {
        Some(email) => {
            json!([{"email": email, "primary": true, "verified": userinfo["email_verified"] == json!(true)}])
        }
        None => json!([]),
    }
}

/// The access token of a request: in one of the places where a provider reads it.
pub(super) fn sent_token(request: &HttpRequest) -> Option<&str> {
    let mut placements = request.presets().map(|preset| preset.token_placement);
    placements.find_map(|placement| match placement {
        TokenPlacement::Authorization(wanted) => {
            let (scheme, token) = request.headers.get("authorization")?.split_once(' ')?;
            scheme.eq_ignore_ascii_case(wanted).then_some(token)
        }
        TokenPlacement::Header(name) => request.headers.get(&name.to_ascii_lowercase()).map(String::as_str),
        TokenPlacement::Query(name) => {
            request.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
        }
    })
}

/// The request as JSON, without the token.
fn echo(request: &HttpRequest, user: &str) -> Value {
    let headers: Value = request
        .headers
        .iter()
        .filter(|(name, _)| *name != "authorization")
        .map(|(name, value)| (name.clone(), json!(value)))
        .collect();
    json!({
        "method": request.method, "path": request.path, "user": user, "body": request.body,
        "query": request.query, "form": request.form, "headers": headers,
    })
}

fn bearer_token(server: &AuthorizationServer, request: &HttpRequest) -> Option<AccessToken> {
    let token: AccessToken = server.open(sent_token(request)?)?;
    (server.now() < token.expires_at && server.tokens().accepts(&token)).then_some(token)
}
