//! How a provider answers one request, whether it arrives at a port or not.

use super::api::{api, user_of_token};
use super::authorization_server::AuthorizationServer;
use super::authorize::authorize;
use super::discovery::{discovery, jwks};
use super::end_session::end_session;
use super::endpoints::endpoint_of;
use super::fake_response::FakeResponse;
use super::http_request::HttpRequest;
use super::http_response::HttpResponse;
use super::oauth1::{access_token, authorize as authorize_oauth1, request_token};
use super::provider_endpoint::ProviderEndpoint;
use super::push::push;
use super::revoke::revoke;
use super::token::token;

/// What becomes of a request.
pub(crate) enum Response {
    Sent(HttpResponse),
    /// The provider is down: no connection is made.
    Down,
    /// The provider never answers.
    Never,
}

/// Answers a request at its path.
pub(crate) async fn respond_at(server: &AuthorizationServer, request: HttpRequest) -> Response {
    match endpoint_of(&request.method, &request.path) {
        Some(endpoint) => respond(server, endpoint, request).await,
        None => Response::Sent(HttpResponse { status: 404, ..HttpResponse::default() }),
    }
}

/// Answers a request at `endpoint`: as the script says, if there is one.
pub(super) async fn respond(
    server: &AuthorizationServer,
    endpoint: ProviderEndpoint,
    mut request: HttpRequest,
) -> Response {
    let scripted = server.script().and_then(|mut script| script.next(endpoint, &request));
    let (is_down, delay) = {
        let behavior = server.behavior();
        request.own_presets.clone_from(&behavior.own_presets);
        (behavior.is_down, behavior.delay)
    };
    if is_down {
        return Response::Down;
    }
    let is_api =
        matches!(endpoint, ProviderEndpoint::Api | ProviderEndpoint::Userinfo | ProviderEndpoint::Emails);
    let is_authorized = is_api && scripted.is_none() && user_of_token(server, &request).is_some();
    let scripted = match is_authorized {
        true => server.behavior().api.answer(endpoint, &request),
        false => scripted,
    };
    rocket::tokio::time::sleep(delay).await;
    let response = scripted.unwrap_or_else(FakeResponse::unmodified);
    match response.apply(|| own_response(server, endpoint, &request)).await {
        Some(response) => Response::Sent(response),
        None => Response::Never,
    }
}

fn own_response(
    server: &AuthorizationServer,
    endpoint: ProviderEndpoint,
    request: &HttpRequest,
) -> HttpResponse {
    match endpoint {
        ProviderEndpoint::Discovery => discovery(server),
        ProviderEndpoint::Jwks => jwks(server),
        ProviderEndpoint::RequestToken => request_token(server, request),
        ProviderEndpoint::Authorize if is_oauth1(request) => authorize_oauth1(server, request),
        ProviderEndpoint::Authorize => authorize(server, request),
        ProviderEndpoint::PushedAuthorization => push(server, request),
        ProviderEndpoint::Token if is_oauth1(request) => access_token(server, request),
        ProviderEndpoint::Token => token(server, request),
        ProviderEndpoint::Revocation => revoke(server, request),
        ProviderEndpoint::EndSession => end_session(server, request),
        ProviderEndpoint::Userinfo | ProviderEndpoint::Emails | ProviderEndpoint::Api => {
            api(server, endpoint, request)
        }
    }
}

/// Whether the request arrived at an endpoint of OAuth 1.0a.
fn is_oauth1(request: &HttpRequest) -> bool {
    request.path.contains("/oauth1/")
}
