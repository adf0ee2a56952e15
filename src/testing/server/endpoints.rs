//! The table of a provider's endpoints.

use rocket::http::Method;

use super::provider_endpoint::ProviderEndpoint;

/// The endpoints: their methods and paths. `<preset>` is one part of a path, and `<path..>` are all others.
pub(super) const ENDPOINTS: &[(ProviderEndpoint, &[Method], &str)] = {
    use Method::{Delete, Get, Head, Patch, Post, Put};
    &[
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
        (ProviderEndpoint::Api, &[Get, Head, Post, Put, Patch, Delete], "/api/<path..>"),
    ]
};

/// The endpoint of a request without a port: the first one whose path matches.
pub(super) fn endpoint_of(method: &str, path: &str) -> Option<ProviderEndpoint> {
    let matches = |pattern: &str| {
        let (mut parts, mut given) = (pattern.split('/'), path.split('/'));
        loop {
            match (parts.next(), given.next()) {
                (Some("<path..>"), _) => return true,
                (Some("<preset>"), Some(part)) if !part.is_empty() => {}
                (Some(part), Some(given)) if part == given => {}
                (None, None) => return true,
                _ => return false,
            }
        }
    };
    let is_method = |methods: &[Method]| methods.iter().any(|known| known.as_str() == method);
    let found = ENDPOINTS.iter().find(|(_, methods, pattern)| is_method(methods) && matches(pattern));
    found.map(|(endpoint, ..)| *endpoint)
}
