//! Signing out at the provider (OpenID Connect RP-Initiated Logout).

use url::Url;

use super::engine::Engine;
use crate::config::Entry;
use crate::error::Result;
use crate::provider::Protocol;
use crate::secret::Secret;

/// Maximum length of an ID token in the URL, in bytes. Servers refuse longer URLs; without the ID token, the provider asks
/// the user.
const MAX_ID_TOKEN_HINT: usize = 4096;

impl Engine {
    /// Returns the URL at which the user signs out at the provider (RP-Initiated Logout §2). The provider sends the user
    /// back to `landing` with `state`. None if the provider has no such page.
    pub(crate) async fn end_session_url(
        &self,
        entry: &Entry,
        id_token: Option<&Secret>,
        landing: &str,
        state: &str,
    ) -> Result<Option<Url>> {
        let page = match &entry.end_session_url {
            Some(url) => Some(url.clone()),
            None if entry.protocol() == Protocol::OpenIdConnect => {
                self.metadata(entry).await?.and_then(|metadata| metadata.end_session_endpoint.clone())
            }
            None => None,
        };
        Ok(page.map(|mut page| {
            let hint = id_token.filter(|token| token.expose().len() <= MAX_ID_TOKEN_HINT);
            page.query_pairs_mut()
                .extend_pairs(hint.map(|token| ("id_token_hint", token.expose())))
                .append_pair("client_id", &entry.client_id)
                .append_pair("post_logout_redirect_uri", landing)
                .append_pair("state", state);
            page
        }))
    }
}
