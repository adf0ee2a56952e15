//! The provider's endpoints as Rocket routes.

use std::borrow::Cow;

use rocket::fairing::{self, Fairing, Info, Kind};
use rocket::http::Method;
use rocket::route::{Handler, Outcome, Route};
use rocket::{Build, Data, Rocket};
use url::Url;

use super::api::api;
use super::authorization_server::AuthorizationServer;
use super::authorize::authorize;
use super::discovery::{discovery, jwks};
use super::end_session::end_session;
use super::oauth1::{access_token, authorize as authorize_oauth1, request_token};
use super::page;
use super::provider_endpoint::ProviderEndpoint;
use super::push::push;
use super::request::{HttpRequest, hide_query};
use super::response::HttpResponse;
use super::revoke::revoke;
use super::token::token;
use crate::config::is_loopback_host;

/// The handler of one endpoint.
#[derive(Clone)]
struct EndpointHandler {
    endpoint: ProviderEndpoint,
    server: AuthorizationServer,
}

impl EndpointHandler {
    /// Answers a request: as the script says, if there is one.
    async fn respond(&self, request: &HttpRequest) -> HttpResponse {
        let scripted = self.server.script().map(|mut script| script.next(self.endpoint, request));
        match scripted {
            Some(response) => response.apply(|| self.own_response(request)).await,
            None => self.own_response(request),
        }
    }

    fn own_response(&self, request: &HttpRequest) -> HttpResponse {
        let server = &self.server;
        match self.endpoint {
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
            endpoint @ (ProviderEndpoint::Userinfo | ProviderEndpoint::Emails | ProviderEndpoint::Api) => {
                api(server, endpoint, request)
            }
        }
    }
}

/// Whether the request arrived at an endpoint of OAuth 1.0a.
fn is_oauth1(request: &HttpRequest) -> bool {
    request.path.contains("/oauth1/")
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
            Ok(request) => self.respond(&request).await,
            Err(_) => HttpResponse { status: 400, ..HttpResponse::default() },
        };
        Outcome::Success(response.into_rocket())
    }
}

/// All routes of `server`, relative to the path of its URL.
pub(crate) fn routes(server: &AuthorizationServer) -> Vec<Route> {
    use Method::{Delete, Get, Patch, Post, Put};
    let endpoints: &[(ProviderEndpoint, &[Method], &str)] = &[
        (ProviderEndpoint::Discovery, &[Get], "/.well-known/openid-configuration"),
        (ProviderEndpoint::Jwks, &[Get], "/jwks"),
        (ProviderEndpoint::Authorize, &[Get, Post], "/authorize"),
        (ProviderEndpoint::PushedAuthorization, &[Post], "/par"),
        (ProviderEndpoint::Token, &[Post], "/token"),
        (ProviderEndpoint::Token, &[Post], "/token/as/<preset>"),
        (ProviderEndpoint::Revocation, &[Post], "/revoke"),
        (ProviderEndpoint::Revocation, &[Post, Delete], "/revoke/as/<preset>"),
        (ProviderEndpoint::RequestToken, &[Post], "/oauth1/request_token"),
        (ProviderEndpoint::Authorize, &[Get], "/oauth1/authorize"),
        (ProviderEndpoint::Token, &[Post], "/oauth1/access_token"),
        (ProviderEndpoint::EndSession, &[Get, Post], "/logout"),
        (ProviderEndpoint::Userinfo, &[Get, Post], "/userinfo"),
        (ProviderEndpoint::Userinfo, &[Get], "/api/user"),
        (ProviderEndpoint::Userinfo, &[Get, Post], "/userinfo/as/<preset>"),
        (ProviderEndpoint::Emails, &[Get], "/userinfo/as/<preset>/emails"),
        (ProviderEndpoint::Emails, &[Get], "/user/emails"),
        (ProviderEndpoint::Emails, &[Get], "/api/user/emails"),
        (ProviderEndpoint::Api, &[Get, Post, Put, Patch, Delete], "/api/<path..>"),
    ];
    endpoints
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
