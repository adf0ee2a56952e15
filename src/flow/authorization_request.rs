//! The authorization request: the URL to which the user's browser is sent.

use std::collections::BTreeMap;

use ::oauth2::basic::BasicClient;
use ::oauth2::{AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope};
use url::Url;
use url::form_urlencoded::Serializer;

use super::authorization_params::authorization_params;
use super::endpoints::Endpoints;
use super::engine::Engine;
use super::flow::Flow;
use super::oauth1::Consumer;
use super::{oauth1, pushed_authorization};
use crate::config::{Entry, ProtocolOptions};
use crate::error::Result;
use crate::provider::{Protocol, ResponseMode};

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
    ) -> Result<Url> {
        let options = match &entry.options {
            ProtocolOptions::OAuth1(options) => {
                let consumer = Consumer::new(self, entry, options);
                flow.temporary = Some(oauth1::request_temporary_credentials(&consumer, flow).await?);
                let url = oauth1::authorization_url(&consumer, flow, extra);
                return Ok(with_names_and_spaces(url, "client_id"));
            }
            ProtocolOptions::OAuth2(options) | ProtocolOptions::OpenIdConnect(options, _) => options,
        };
        let metadata = self.metadata(entry).await?;
        let endpoints = Endpoints::new(entry, options, metadata.as_deref());
        check_pkce(endpoints)?;
        // Before the browser leaves: without a token endpoint the callback can't be finished.
        endpoints.token()?;
        let url = authorization_url(endpoints, flow, extra)?;
        match endpoints.pushed_authorization()? {
            Some(endpoint) => pushed_authorization::push(self, endpoints, endpoint, &url).await,
            None => Ok(url),
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

/// Returns the URL of an OAuth 2 authorization request. The oauth2 crate builds it.
fn authorization_url(endpoints: Endpoints<'_>, flow: &Flow, extra: &BTreeMap<String, String>) -> Result<Url> {
    let Endpoints { entry, options, .. } = endpoints;
    let redirect_uri = RedirectUrl::new(flow.redirect_uri.clone())
        .map_err(|error| entry.misconfigured(format!("`redirect_uri`: {error}")))?;
    let client = BasicClient::new(ClientId::new(entry.client_id.clone()))
        .set_auth_uri(AuthUrl::from_url(endpoints.authorization()?.clone()))
        .set_redirect_uri(redirect_uri);
    let mut request = client.authorize_url(|| CsrfToken::new(flow.state().expose().to_owned()));
    let scope = flow.requested_scope(&options.scope);
    if !scope.is_empty() {
        // One text, because the crate would join several scopes with a space instead of the entry's separator.
        request = request.add_scope(Scope::new(scope.join(&options.scope_separator)));
    }
    if options.pkce {
        let verifier = PkceCodeVerifier::new(flow.verifier().expose().to_owned());
        request = request.set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier));
    }
    if options.response_mode == ResponseMode::FormPost {
        request = request.add_extra_param("response_mode", "form_post");
    }
    if entry.protocol() == Protocol::OpenIdConnect {
        request = request.add_extra_param("nonce", flow.nonce().expose().to_owned());
    }
    let params = authorization_params(entry, extra);
    let request =
        params.into_iter().fold(request, |request, (name, value)| request.add_extra_param(name, value));
    Ok(with_names_and_spaces(request.url().0, options.client_id_param))
}

/// `url` with the provider's name for `client_id`, and with spaces as `%20`: some providers do not read `+` as a space.
fn with_names_and_spaces(mut url: Url, client_id: &str) -> Url {
    let mut query = Serializer::new(String::new());
    for (name, value) in url.query_pairs() {
        query.append_pair(if name == "client_id" { client_id } else { &name }, &value);
    }
    url.set_query(Some(&query.finish().replace('+', "%20")));
    url
}
