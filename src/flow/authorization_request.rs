//! The authorization request: the URL to which the user's browser is sent.

use std::borrow::Cow;
use std::collections::BTreeMap;

use ::oauth2::{PkceCodeChallenge, PkceCodeVerifier};

use super::authorization_params::authorization_params;
use super::authorization_url::with_parameters;
use super::endpoints::Endpoints;
use super::engine::Engine;
use super::flow::Flow;
use super::oauth1::Consumer;
use super::{oauth1, pushed_authorization};
use crate::config::{Entry, ProtocolOptions};
use crate::error::Result;
use crate::provider::{Protocol, ResponseMode};
use crate::secret::Secret;

/// Names and values, in order.
type Parameters = Vec<(Cow<'static, str>, String)>;

impl Engine {
    /// Returns the URL of the authorization request of `flow` (RFC 6749 §4.1.1, RFC 5849 §2.2). With OAuth 1 it stores
    /// the temporary credentials in `flow`. `extra` parameters never replace those of the protocol.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the entry lacks something or the provider can't do
    /// what it requires; the errors of the requests for metadata, temporary credentials or a pushed request.
    pub(crate) async fn begin(
        &self,
        entry: &Entry,
        flow: &mut Flow,
        extra: &BTreeMap<String, String>,
    ) -> Result<String> {
        let options = match &entry.options {
            ProtocolOptions::OAuth1(options) => {
                let consumer = Consumer::new(self, entry, options);
                flow.temporary = Some(oauth1::request_temporary_credentials(&consumer, flow).await?);
                return Ok(oauth1::authorization_url(&consumer, flow, extra));
            }
            ProtocolOptions::OAuth2(options) | ProtocolOptions::OpenIdConnect(options, _) => options,
        };
        let metadata = self.metadata(entry).await?;
        let endpoints = Endpoints::new(entry, options, metadata.as_deref());
        check_pkce(endpoints)?;
        // Before the browser leaves: without a token endpoint the callback can't be finished.
        endpoints.token()?;
        let (authorization, params) = (endpoints.authorization()?, parameters(endpoints, flow, extra));
        match endpoints.pushed_authorization()? {
            Some(endpoint) => pushed_authorization::push(self, endpoints, endpoint, params).await,
            None => {
                Ok(with_parameters(authorization, params.iter().map(|(name, value)| (&**name, &**value))))
            }
        }
    }
}

/// Checks that the provider supports PKCE with S256 if the entry uses PKCE (PK-06). Metadata without a list of methods
/// says nothing; a list without S256 says that PKCE can't be used.
fn check_pkce(endpoints: Endpoints<'_>) -> Result<()> {
    let Endpoints { entry, options, metadata } = endpoints;
    let methods = metadata.and_then(|metadata| metadata.code_challenge_methods_supported.as_deref());
    let methods = methods.unwrap_or_default();
    if options.pkce && !methods.is_empty() && !methods.iter().any(|name| name == "S256") {
        return Err(entry.misconfigured("the provider doesn't support PKCE with S256: set `pkce = false`"));
    }
    Ok(())
}

/// The parameters of an OAuth 2 authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3, OpenID Connect Core §3.1.2.1).
fn parameters(endpoints: Endpoints<'_>, flow: &Flow, extra: &BTreeMap<String, String>) -> Parameters {
    let Endpoints { entry, options, .. } = endpoints;
    let mut params: Parameters = vec![
        ("response_type".into(), "code".into()),
        (options.client_id_param.into(), entry.client_id.clone()),
        ("state".into(), flow.state().expose().into()),
    ];
    if options.pkce {
        params.push(("code_challenge".into(), code_challenge(&flow.verifier())));
        params.push(("code_challenge_method".into(), "S256".into()));
    }
    params.push(("redirect_uri".into(), flow.redirect_uri.clone()));
    let scope = flow.requested_scope(&options.scope);
    if !scope.is_empty() {
        params.push(("scope".into(), scope.join(&options.scope_separator)));
    }
    if options.response_mode == ResponseMode::FormPost {
        params.push(("response_mode".into(), "form_post".into()));
    }
    if entry.protocol() == Protocol::OpenIdConnect {
        params.push(("nonce".into(), flow.nonce().expose().into()));
    }
    params.extend(authorization_params(entry, extra).into_iter().map(|(name, value)| (name.into(), value)));
    params
}

/// Returns the code challenge of `verifier` (RFC 7636 §4.2, S256).
pub(super) fn code_challenge(verifier: &Secret) -> String {
    let verifier = PkceCodeVerifier::new(verifier.expose().to_owned());
    PkceCodeChallenge::from_code_verifier_sha256(&verifier).as_str().to_owned()
}
