//! Revocation (RFC 7009): what is not needed any more ends at the provider too.

use url::Url;

use super::oauth2::{Asking, Endpoint};
use super::oidc::Metadata;
use super::{Engine, Http};
use crate::config::Entry;
use crate::error::{ErrorKind, Result};
use crate::secret::Secret;
use crate::token::Token;

impl Engine {
    /// Revokes `token` at the provider: the refresh token first, since whoever had that could have new access tokens.
    /// Nothing where the provider has no revocation endpoint.
    pub(crate) async fn revoke(&self, entry: &Entry, token: &Token) -> Result<()> {
        let metadata = self.metadata(entry).await?;
        let Some(url) = url(entry, metadata.as_deref()) else { return Ok(()) };
        let endpoint = self.endpoint(entry, metadata.as_deref())?;
        let refresh_token = token.refresh_token.as_ref();
        if let Some(refresh_token) = refresh_token {
            endpoint.revoke(&self.http, url, refresh_token, "refresh_token").await?;
        }
        match endpoint.revoke(&self.http, url, &token.access_token, "access_token").await {
            // It has gone with the refresh token (RFC 7009 §2.1), or is of a kind that only ends by itself (§2.2.1).
            Err(error) if refresh_token.is_some() && error.kind() == ErrorKind::BadProviderAnswer => Ok(()),
            done => done,
        }
    }
}

fn url<'a>(entry: &'a Entry, metadata: Option<&'a Metadata>) -> Option<&'a Url> {
    entry.revocation_url.as_ref().or(metadata.and_then(|metadata| metadata.revocation_endpoint.as_ref()))
}

impl Endpoint<'_> {
    async fn revoke(&self, http: &Http, url: &Url, token: &Secret, kind: &str) -> Result<()> {
        let fields = [("token", token.expose()), ("token_type_hint", kind)];
        let fields = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let form = self.form(url, fields.into())?;
        self.ask(http, Asking::Revoke, form).await.map(drop)
    }
}
