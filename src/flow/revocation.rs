//! The revocation of a token (RFC 7009).

use http::header::CONTENT_LENGTH;
use reqwest::Method;
use url::Url;

use super::client_auth::Form;
use super::endpoint_call::EndpointCall;
use super::endpoints::Endpoints;
use super::engine::Engine;
use super::errors::{request_failed, unexpected_status};
use super::request_headers::add_entry_headers;
use super::token_values::token_value;
use crate::config::Entry;
use crate::error::{ErrorKind, Result};
use crate::placeholders;
use crate::provider::RevocationRequest;
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
        let filled = |fields: &[(&str, &str)]| -> Form {
            let fill = |text| placeholders::fill(text, |name| token_value(entry, token, name));
            fields.iter().filter_map(|(name, text)| Some(((*name).to_owned(), fill(text)?))).collect()
        };
        match options.revocation {
            RevocationRequest::Standard => revoke_both(self, endpoints, url, token).await,
            RevocationRequest::Form(fields) => {
                EndpointCall::Revocation.send(self, endpoints, url, filled(fields)).await.map(drop)
            }
            RevocationRequest::PlainForm(fields) => {
                end_grant(self, entry, Method::POST, url, filled(fields), None).await
            }
            RevocationRequest::AuthorizedPost(fields) => {
                end_grant(self, entry, Method::POST, url, filled(fields), Some(token)).await
            }
            RevocationRequest::AuthorizedDelete => {
                end_grant(self, entry, Method::DELETE, url, Form::new(), Some(token)).await
            }
        }
    }
}

/// Revokes the refresh token, then the access token: the refresh token could be exchanged for new access tokens.
async fn revoke_both(engine: &Engine, endpoints: Endpoints<'_>, url: &Url, token: &Token) -> Result<()> {
    if let Some(refresh_token) = &token.refresh_token {
        revoke_one(engine, endpoints, url, refresh_token, "refresh_token").await?;
    }
    match revoke_one(engine, endpoints, url, &token.access_token, "access_token").await {
        // The provider revoked the access token with the refresh token (RFC 7009 §2.1), or can't revoke access tokens
        // (§2.2.1).
        Err(error) if token.refresh_token.is_some() && error.kind() == ErrorKind::BadProviderAnswer => Ok(()),
        done => done,
    }
}

/// Ends the grant by a request with this form and, if `token` is given, with the token as an API request has it. The status
/// 401 is a success: the token is invalid already.
async fn end_grant(
    engine: &Engine,
    entry: &Entry,
    method: Method,
    url: &Url,
    form: Form,
    token: Option<&Token>,
) -> Result<()> {
    let request = engine.http.0.request(method, url.clone());
    let request = match form.is_empty() {
        true => request.header(CONTENT_LENGTH, 0),
        false => request.form(&form),
    };
    let mut request = request.build().map_err(request_failed)?;
    add_entry_headers(entry, &mut request)?;
    if let Some(token) = token {
        engine.authorize_request(entry, &mut request, token)?;
    }
    match engine.http.send(request).await?.status().as_u16() {
        200..=299 | 401 => Ok(()),
        status => Err(unexpected_status("the revocation", status)),
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
