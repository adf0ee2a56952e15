//! The revocation of a token (RFC 7009).

use url::Url;

use super::endpoint_call::EndpointCall;
use super::endpoints::Endpoints;
use super::engine::Engine;
use crate::config::Entry;
use crate::error::{ErrorKind, Result};
use crate::secret::Secret;
use crate::token::Token;

impl Engine {
    /// Revokes `token` at the provider. The refresh token goes first, because it could be exchanged for new access tokens.
    /// Does nothing if the provider has no revocation endpoint.
    ///
    /// # Errors
    /// If the provider can't be reached or refuses the request. The caller may try again.
    pub(crate) async fn revoke(&self, entry: &Entry, token: &Token) -> Result<()> {
        let Some(options) = entry.oauth2() else { return Ok(()) };
        let metadata = self.metadata(entry).await?;
        let endpoints = Endpoints::new(entry, options, metadata.as_deref());
        let Some(url) = endpoints.revocation() else { return Ok(()) };
        if let Some(refresh_token) = &token.refresh_token {
            revoke(self, endpoints, url, refresh_token, "refresh_token").await?;
        }
        match revoke(self, endpoints, url, &token.access_token, "access_token").await {
            // The provider revoked the access token with the refresh token (RFC 7009 §2.1), or can't revoke access tokens
            // (§2.2.1).
            Err(error) if token.refresh_token.is_some() && error.kind() == ErrorKind::BadProviderAnswer => {
                Ok(())
            }
            done => done,
        }
    }
}

/// Revokes one token of this type (RFC 7009 §2.1).
async fn revoke(
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
