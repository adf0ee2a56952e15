//! The end session endpoint.

use url::Url;

use super::authorization_server::AuthorizationServer;
use super::http_request::{HttpRequest, single};
use super::http_response::HttpResponse;
use super::page;

/// Answers the end session endpoint (OpenID Connect RP-Initiated Logout 1.0 §2, §3). The provider keeps no session of
/// its own, so it redirects back without a question.
pub(super) fn end_session(server: &AuthorizationServer, request: &HttpRequest) -> HttpResponse {
    let parameters = if request.method == "POST" { &request.form } else { &request.query };
    let parameter = |name| single(parameters, name).ok().flatten();
    let Some(client) = parameter("client_id").and_then(|id| server.client(id)) else {
        return page::error("This client is not registered here.");
    };
    // Any other origin than the client's would make an open redirector.
    let known = client.redirect_uri.as_deref().and_then(|uri| Url::parse(uri).ok()).map(|uri| uri.origin());
    let target = parameter("post_logout_redirect_uri").and_then(|uri| Url::parse(uri).ok());
    let Some(mut target) = target.filter(|uri| known.is_none_or(|known| known == uri.origin())) else {
        return page::error("You are signed out.");
    };
    if let Some(state) = parameter("state") {
        target.query_pairs_mut().append_pair("state", state);
    }
    HttpResponse::see_other(target.as_str())
}
