//! The result of a finished flow.

use std::collections::BTreeMap;

use super::endpoints::{Endpoints, userinfo_endpoint};
use super::engine::Engine;
use super::errors::not_trusted;
use super::flow::Flow;
use super::oauth1::Consumer;
use super::user_documents::{UserDocuments, without_nonce};
use super::user_profile::user_profile;
use super::{id_token, oauth1, token_answer, token_request, userinfo};
use crate::config::{Entry, OAuth1Options, ProtocolOptions};
use crate::error::Result;
use crate::profile::Profile;
use crate::provider::callback_fields;
use crate::secret::Secret;
use crate::token::Token;

/// The result of a finished flow: the token, and the profile of the provider's user.
#[derive(Debug)]
pub(crate) struct Grant {
    /// The token, not yet stored.
    pub(crate) token: Token,
    /// The user. Without an id if the provider has no userinfo.
    pub(crate) profile: Profile,
}

impl Engine {
    /// Finishes `flow`: exchanges `code` (the verifier with OAuth 1), verifies the ID token, and fetches the
    /// userinfo. The code is sent once and never again. `kept` are the parameters of the callback that the entry keeps.
    ///
    /// # Errors
    /// [`ErrorKind::CallbackNotTrusted`](crate::ErrorKind::CallbackNotTrusted) if the provider refuses the code;
    /// [`ErrorKind::BadProviderAnswer`](crate::ErrorKind::BadProviderAnswer) if an answer fails a check; the errors of an
    /// outage, and those of a wrong entry.
    pub(crate) async fn finish(
        &self,
        entry: &Entry,
        flow: &Flow,
        code: &Secret,
        kept: &BTreeMap<String, String>,
    ) -> Result<Grant> {
        let options = match &entry.options {
            ProtocolOptions::OAuth1(options) => {
                return finish_oauth1(self, entry, options, flow, code).await;
            }
            ProtocolOptions::OAuth2(options) | ProtocolOptions::OpenIdConnect(options, _) => options,
        };
        let metadata = self.metadata(entry).await?;
        let endpoints = Endpoints::new(entry, options, metadata.as_deref());
        let answer = token_request::exchange_code(self, endpoints, flow, code, kept).await?;
        // Strava says in the callback which scopes the user has granted.
        let granted = token_answer::scope(kept.get("scope").map(|scope| scope.as_str().into()));
        let requested = granted.unwrap_or_else(|| flow.requested_scope(&options.scope));
        let mut token = answer.into_token(&requested, self.clock.now());
        for (name, value) in kept {
            // A refresh may need it.
            token.extra.entry(name).or_insert_with(|| value.as_str().into());
        }
        let claims = match &metadata {
            Some(metadata) => Some(id_token::verify(self, entry, metadata, flow, code, &token).await?),
            None => {
                // `Token::id_token` is documented as verified. Without OpenID Connect it is not.
                token.id_token = None;
                None
            }
        };
        let (subject, claims) = claims.map(|claims| (claims.sub, claims.all)).unzip();
        let has_identity = subject.is_some() || entry.userinfo.is_id_in_token();
        if userinfo_endpoint(entry, metadata.as_deref()).is_none() && !has_identity {
            return Ok(Grant { token, profile: Profile::default() });
        }
        let mut documents =
            userinfo::user_documents(self, entry, metadata.as_deref(), &token, claims).await?;
        documents.callback = callback_fields(kept);
        let mut profile = user_profile(entry, &documents)?;
        if subject.is_some() {
            // ID-20: no mapping of claims changes which user the ID token is about.
            profile.id = subject;
        }
        Ok(Grant { token, profile })
    }
}

impl Engine {
    /// Finishes `flow` with the ID token that a device has got from its own SDK. It has no access token: nothing else is asked
    /// for.
    ///
    /// # Errors
    /// [`ErrorKind::CallbackNotTrusted`](crate::ErrorKind::CallbackNotTrusted) if the token fails a check; the errors of an
    /// outage.
    pub(crate) async fn finish_native(&self, entry: &Entry, flow: &Flow, id_token: Secret) -> Result<Grant> {
        let metadata = self.metadata(entry).await?;
        let metadata = metadata.ok_or_else(|| not_trusted("the entry has no ID tokens"))?;
        let claims = id_token::verify_native(self, entry, &metadata, flow, &id_token).await?;
        let token = Token::without_access(id_token, self.clock.now());
        let documents = UserDocuments::new(Some(without_nonce(claims.all)), None, &token)?;
        let mut profile = user_profile(entry, &documents)?;
        profile.id = Some(claims.sub);
        Ok(Grant { token, profile })
    }
}

/// Finishes an OAuth 1 flow.
async fn finish_oauth1(
    engine: &Engine,
    entry: &Entry,
    options: &OAuth1Options,
    flow: &Flow,
    verifier: &Secret,
) -> Result<Grant> {
    let temporary =
        flow.temporary.as_ref().ok_or_else(|| not_trusted("the flow began with another protocol"))?;
    let consumer = Consumer::new(engine, entry, options);
    let token = oauth1::request_token(&consumer, temporary, verifier).await?;
    if entry.userinfo.url.is_none() && !entry.userinfo.is_id_in_token() {
        return Ok(Grant { token, profile: Profile::default() });
    }
    let documents = userinfo::user_documents(engine, entry, None, &token, None).await?;
    Ok(Grant { token, profile: user_profile(entry, &documents)? })
}
