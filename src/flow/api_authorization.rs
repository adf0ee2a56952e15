//! The authorization of requests to a provider's API.

use super::engine::Engine;
use super::errors::reconnect_needed;
use super::request_headers::{add_access_token, add_token_proof};
use super::signature;
use crate::config::{Entry, ProtocolOptions};
use crate::error::Result;
use crate::token::Token;

impl Engine {
    /// Authorizes a request to the API of `entry`'s provider: adds the access token of `token`, or with OAuth 1 signs the
    /// request with it.
    ///
    /// # Errors
    /// [`ErrorKind::ReconnectNeeded`](crate::ErrorKind::ReconnectNeeded) if the token can't be used.
    pub(crate) fn authorize_request(
        &self,
        entry: &Entry,
        request: &mut reqwest::Request,
        token: &Token,
    ) -> Result<()> {
        let options = match &entry.options {
            ProtocolOptions::OAuth1(options) => options,
            ProtocolOptions::OAuth2(options) | ProtocolOptions::OpenIdConnect(options, _) => {
                add_access_token(entry, &options.token_placement, request, &token.access_token)?;
                add_token_proof(options, request, &token.access_token);
                return Ok(());
            }
        };
        let secret = token.token_secret.as_ref().ok_or_else(|| reconnect_needed(entry, "no token secret"))?;
        let credentials = Some((&token.access_token, secret));
        signature::sign(&entry.client_id, options, request, credentials, &[], self.clock.now())
    }
}
