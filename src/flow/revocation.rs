//! The revocation of a token (RFC 7009).

use http::header::AUTHORIZATION;
use reqwest::Method;
use url::Url;

use super::client_auth::basic;
use super::endpoint_call::EndpointCall;
use super::endpoints::Endpoints;
use super::engine::Engine;
use super::errors::{request_failed, unexpected_status};
use super::request_headers::add_entry_headers;
use super::token_values::token_value;
use super::userinfo::with_body;
use crate::config::Entry;
use crate::error::{ErrorKind, Result};
use crate::placeholders;
use crate::provider::{RequestAuthorization, RevocationRequest};
use crate::secret::Secret;
use crate::token::Token;

impl Engine {
    /// Revokes `token` at the provider, as the entry's [`RevocationRequest`] says. Does nothing if the provider has no revocation
    /// endpoint.
    ///
    /// # Errors
    /// If the provider can't be reached or refuses the request. The caller may try again.
    pub(crate) async fn revoke(&self, entry: &Entry, token: &Token) -> Result<()> {
        let Some(options) = entry.oauth2() else { return Ok(()) };
        let metadata = self.metadata(entry).await?;
        let endpoints = Endpoints::new(entry, options, metadata.as_deref());
        let Some(url) = endpoints.revocation() else { return Ok(()) };
        let (method, authorization, body) = match options.revocation {
            RevocationRequest::Standard => return revoke_both(self, endpoints, url, token).await,
            RevocationRequest::TokenRequest(fields) => {
                let fill = |text| placeholders::fill(text, |name| token_value(entry, token, name));
                let fields = fields.iter().filter_map(|(name, text)| Some(((*name).to_owned(), fill(text)?)));
                let answer = EndpointCall::Revocation.send(self, endpoints, url, fields.collect()).await;
                return answer.map(drop);
            }
            RevocationRequest::Post(authorization, body) => (Method::POST, authorization, body),
            RevocationRequest::Delete(authorization, body) => (Method::DELETE, authorization, body),
        };
        let request = with_body(entry, token, self.http.client.request(method.clone(), url.clone()), body);
        let mut request = request.build().map_err(request_failed)?;
        add_entry_headers(entry, &mut request)?;
        match authorization {
            RequestAuthorization::None => {}
            RequestAuthorization::AccessToken => self.authorize_request(entry, &mut request, token)?,
            RequestAuthorization::Client => {
                let secret = entry.need(options.client_auth.secret(), "client_secret")?;
                request.headers_mut().insert(AUTHORIZATION, basic(&entry.client_id, secret)?);
            }
        }
        match self.http.send(request).await?.status().as_u16() {
            200..=299 => Ok(()),
            // The token is invalid already, or what was to be deleted does not exist.
            401 if authorization != RequestAuthorization::Client => Ok(()),
            404 | 410 if method == Method::DELETE => Ok(()),
            status => Err(unexpected_status("the revocation", status)),
        }
    }
}

/// Revokes the refresh token, then the access token: the refresh token could be exchanged for new access tokens. If one can't be
/// revoked, the other one is still tried.
async fn revoke_both(engine: &Engine, endpoints: Endpoints<'_>, url: &Url, token: &Token) -> Result<()> {
    let refresh_token = match &token.refresh_token {
        Some(refresh_token) => Some(revoke_one(engine, endpoints, url, refresh_token, "refresh_token").await),
        None => None,
    };
    match (refresh_token, revoke_one(engine, endpoints, url, &token.access_token, "access_token").await) {
        // The provider revoked the access token with the refresh token (RFC 7009 §2.1), or can't revoke access tokens
        // (§2.2.1).
        (Some(Ok(())), Err(error)) if error.kind() == ErrorKind::BadProviderAnswer => Ok(()),
        (refresh_token, access_token) => refresh_token.unwrap_or(Ok(())).and(access_token),
    }
}

/// Revokes one token of this type (RFC 7009 §2.1).
async fn revoke_one(
    engine: &Engine,
    endpoints: Endpoints<'_>,
    url: &Url,
    token: &Secret,
    type_hint: &str,
) -> Result<()> {
    let form = [("token", token.expose()), ("token_type_hint", type_hint)];
    let form = form.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    EndpointCall::Revocation.send(engine, endpoints, url, form).await.map(drop)
}
