//! The provider's endpoints as Rocket routes.

use std::borrow::Cow;

use rocket::fairing::{self, Fairing, Info, Kind};
use rocket::route::{Handler, Outcome, Route};
use rocket::{Build, Data, Rocket};
use url::Url;

use super::authorization_server::AuthorizationServer;
use super::endpoints::ENDPOINTS;
use super::http_request::{HttpRequest, hide_query};
use super::http_response::HttpResponse;
use super::page;
use super::provider_endpoint::ProviderEndpoint;
use super::respond::{Response, respond};
use crate::config::is_loopback_host;

/// The handler of one endpoint.
#[derive(Clone)]
struct EndpointHandler {
    endpoint: ProviderEndpoint,
    server: AuthorizationServer,
}

/// Whether a request to a provider on a loopback host names another host: a browser of another computer, or a page whose name
/// an attacker points to this machine (DNS rebinding). The page could otherwise read the answers, and sign in as any user.
fn is_misdirected(server: &AuthorizationServer, request: &rocket::Request<'_>) -> bool {
    let own = Url::parse(server.url());
    own.is_ok_and(|own| own.host_str().is_some_and(is_loopback_host))
        && request.host().is_some_and(|host| !is_loopback_host(host.domain().as_str()))
}

#[rocket::async_trait]
impl Handler for EndpointHandler {
    async fn handle<'r>(&self, request: &'r rocket::Request<'_>, data: Data<'r>) -> Outcome<'r> {
        if is_misdirected(&self.server, request) {
            let response = page::error("This provider is for this machine: open it under its own address.");
            return Outcome::Success(response.into_rocket());
        }
        let response = match HttpRequest::read(request, data).await {
            Ok(request) => match respond(&self.server, self.endpoint, request).await {
                Response::Sent(response) => response,
                // A server that is down can't be shown on its own port.
                Response::Down => HttpResponse { status: 503, ..HttpResponse::default() },
                Response::Never => std::future::pending().await,
            },
            Err(_) => HttpResponse { status: 400, ..HttpResponse::default() },
        };
        Outcome::Success(response.into_rocket())
    }
}

/// All routes of `server`, relative to the path of its URL.
pub(crate) fn routes(server: &AuthorizationServer) -> Vec<Route> {
    ENDPOINTS
        .iter()
        .flat_map(|(endpoint, methods, path)| methods.iter().map(move |method| (*endpoint, *method, *path)))
        .map(|(endpoint, method, path)| {
            let mut route = Route::new(method, path, EndpointHandler { endpoint, server: server.clone() });
            route.name = Some(Cow::Owned(format!("issuer::{endpoint:?}").to_lowercase()));
            route
        })
        .collect()
}

/// Mounts the routes of a provider at the path of its URL, and keeps authorization requests out of the log.
#[rocket::async_trait]
impl Fairing for AuthorizationServer {
    fn info(&self) -> Info {
        Info { name: "OpenID provider", kind: Kind::Ignite | Kind::Request }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        Ok(rocket.mount(self.base_path(), routes(self)))
    }

    async fn on_request(&self, request: &mut rocket::Request<'_>, _: &mut Data<'_>) {
        hide_authorization(request, &self.base_path());
    }
}

/// Keeps the query of an authorization request or a sign-out out of the log, if the provider is mounted at `mount_path`.
pub(crate) fn hide_authorization(request: &mut rocket::Request<'_>, mount_path: &str) {
    let path = request.uri().path();
    if ["/authorize", "/logout"].iter().any(|end| path.ends_with(end)) && path.starts_with(mount_path) {
        hide_query(request);
    }
}
