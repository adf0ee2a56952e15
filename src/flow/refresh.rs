//! The refresh of a token.

use super::endpoints::Endpoints;
use super::engine::Engine;
use super::errors::reconnect_needed;
use super::{id_token, token_request};
use crate::config::Entry;
use crate::error::{Error, Result};
use crate::token::Token;

impl Engine {
    /// Exchanges the refresh token of `token` for the next token (RFC 6749 §6). What the answer leaves out is kept from
    /// `token`. `provider_user_id` is the account's: an ID token of another user is refused.
    ///
    /// # Errors
    /// [`ErrorKind::ReconnectNeeded`](crate::ErrorKind::ReconnectNeeded) if there is no refresh token, or the provider no
    /// longer accepts it (`invalid_grant`). Other errors say nothing about the grant.
    pub(crate) async fn refresh(
        &self,
        entry: &Entry,
        token: &Token,
        provider_user_id: Option<&str>,
    ) -> Result<Token> {
        let refresh_token =
            token.refresh_token.as_ref().ok_or_else(|| reconnect_needed(entry, "no refresh token"))?;
        let options = entry.oauth2().ok_or_else(|| Error::app("an OAuth 1 token has no refresh token"))?;
        let metadata = self.metadata(entry).await?;
        let endpoints = Endpoints::new(entry, options, metadata.as_deref());
        let answer = token_request::exchange_refresh_token(self, endpoints, token, refresh_token).await?;
        let mut next = answer.into_token(&token.scope, self.clock.now());
        match &metadata {
            Some(metadata) if next.id_token.is_some() => {
                id_token::verify_refreshed(self, entry, metadata, token, &next, provider_user_id).await?;
            }
            _ => next.id_token.clone_from(&token.id_token),
        }
        if next.refresh_token.is_none() {
            next.refresh_token.clone_from(&token.refresh_token);
        }
        let mut extra = token.extra.clone();
        extra.append(&mut next.extra);
        next.extra = extra;
        Ok(next)
    }
}
