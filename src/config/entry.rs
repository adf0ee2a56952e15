//! An entry: one `[default.oauth.<name>]`, laid over its preset and checked.

use std::fmt;

use url::Url;

use super::additions::RequestAdditions;
use super::api_base::ApiBase;
use super::api_hosts::ApiHosts;
use super::issuer::Issuer;
use super::oauth1::OAuth1Options;
use super::oauth2::OAuth2Options;
use super::openid::OpenIdOptions;
use super::targets::FlowTargets;
use super::userinfo::UserinfoOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::profile::{Mailbox, Profile};
use crate::provider::{Protocol, ResponseMode, SigningAlgorithm};

/// One `[default.oauth.<name>]`: what every protocol has, and in [`options`](Entry::options) what one protocol has.
#[derive(Clone)]
pub(crate) struct Entry {
    /// The `<name>` of `[default.oauth.<name>]`.
    pub(crate) name: String,
    /// Name of the provider on our pages.
    pub(crate) title: String,
    /// The exact callback URL to register at the provider.
    pub(crate) redirect_uri: String,
    /// The path where flows begin, if it is not the default, as the app sees it.
    pub(crate) login_path: Option<String>,
    /// Where flows at the entry lead.
    pub(crate) targets: FlowTargets,
    /// `login`, if the entry sets it. `false`: it only connects accounts.
    pub(crate) login_setting: Option<bool>,
    /// Whether the provider says who its user is. Otherwise an account of the entry is a token and nothing else.
    pub(crate) has_identity: bool,
    /// The provider_user_id of the site's account, for an entry that belongs to the site.
    pub(crate) account: Option<String>,
    /// Domains for which the provider's verification of an address is trusted; `*` for all domains.
    pub(crate) trust_email: Vec<String>,
    /// The claim of an ID token that proves of which domain's organization the user is a member.
    pub(crate) domain_claim: Option<&'static str>,
    /// The client id; with OAuth 1 the consumer key.
    pub(crate) client_id: String,
    /// The issuer. OpenID Connect requires it; OAuth 2 compares a callback's `iss` with it (RFC 9207).
    pub(crate) issuer: Option<Issuer>,
    /// What only the entry's protocol has.
    pub(crate) options: ProtocolOptions,
    /// Where the profile comes from.
    pub(crate) userinfo: UserinfoOptions,
    /// Extra parameters and headers of the requests to the provider.
    pub(crate) additions: RequestAdditions,
    /// Base of the client's relative paths, with a `/` at its end.
    pub(crate) api_base: Option<ApiBase>,
    /// Further hosts to which API calls may send the token.
    pub(crate) api_hosts: ApiHosts,
    /// What the operator must know before using the provider.
    pub(crate) notice: &'static str,
    /// The provider's page that signs the user out, if it is not discovered.
    pub(crate) end_session_url: Option<Url>,
    /// Whether signing out of the app signs the user out at the provider, too.
    pub(crate) logout: bool,
    /// Tolerated difference of the provider's clock, in seconds.
    pub(crate) clock_skew: i64,
}

/// What only one protocol has.
#[derive(Clone)]
pub(crate) enum ProtocolOptions {
    OAuth1(OAuth1Options),
    OAuth2(OAuth2Options),
    /// OpenID Connect is OAuth 2 with an ID token.
    OpenIdConnect(OAuth2Options, Box<OpenIdOptions>),
}

// Headers and extra parameters may hold an API key.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("name", &self.name)
            .field("protocol", &self.protocol())
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}

impl Entry {
    pub(crate) fn protocol(&self) -> Protocol {
        match self.options {
            ProtocolOptions::OAuth1(_) => Protocol::OAuth1,
            ProtocolOptions::OAuth2(_) => Protocol::OAuth2,
            ProtocolOptions::OpenIdConnect(..) => Protocol::OpenIdConnect,
        }
    }

    /// The options of OAuth 2, which an OpenID Connect entry has as well.
    pub(crate) fn oauth2(&self) -> Option<&OAuth2Options> {
        match &self.options {
            ProtocolOptions::OAuth2(options) | ProtocolOptions::OpenIdConnect(options, _) => Some(options),
            ProtocolOptions::OAuth1(_) => None,
        }
    }

    pub(crate) fn openid(&self) -> Option<&OpenIdOptions> {
        match &self.options {
            ProtocolOptions::OpenIdConnect(_, options) => Some(options),
            ProtocolOptions::OAuth1(_) | ProtocolOptions::OAuth2(_) => None,
        }
    }

    /// The scope that authorization requests ask for. OAuth 1 has none.
    pub(crate) fn scope(&self) -> &[String] {
        self.oauth2().map_or(&[], |options| &options.scope)
    }

    /// The signature algorithms that are accepted of an ID token: none without OpenID Connect.
    pub(crate) fn signing_algorithms(&self) -> &[SigningAlgorithm] {
        self.openid().map_or(&[], |options| &options.signing_algorithms)
    }

    /// Whether an ID token may name `audience` beside the client.
    pub(crate) fn trusts_audience(&self, audience: &str) -> bool {
        self.openid().is_some_and(|options| options.trusted_audiences.iter().any(|known| known == audience))
    }

    /// The clients whose ID tokens a device may bring. Empty: devices can't sign in.
    pub(crate) fn native_client_ids(&self) -> &[String] {
        self.openid().map_or(&[], |options| &options.native_client_ids)
    }

    /// The claims that decide whom an ID token of this provider is about, beside those of OpenID Connect.
    pub(crate) fn deciding_claims(&self) -> impl Iterator<Item = &str> {
        let tenant = self.issuer.as_ref().and_then(Issuer::tenant_claim);
        tenant.into_iter().chain(self.domain_claim).chain(self.userinfo.address_claims())
    }

    /// How the provider sends its answer to the callback.
    pub(crate) fn response_mode(&self) -> ResponseMode {
        self.oauth2().map_or(ResponseMode::Query, |options| options.response_mode)
    }

    /// What the entry points to: its issuer, or its authorization endpoint. An account is valid only for the authority
    /// that it came from.
    pub(crate) fn authority(&self) -> &str {
        if let Some(issuer) = &self.issuer {
            return &issuer.url;
        }
        let url = match &self.options {
            ProtocolOptions::OAuth1(options) => Some(&options.authorization_url),
            ProtocolOptions::OAuth2(options) | ProtocolOptions::OpenIdConnect(options, _) => {
                options.endpoints.authorization.as_ref()
            }
        };
        url.map_or(&self.name, Url::as_str)
    }

    /// The verified address in `profile`, if this provider's verification is trusted for its domain.
    pub(crate) fn trusted_email<'p>(&self, profile: &'p Profile) -> Option<&'p str> {
        let address = profile.email()?;
        let mailbox = Mailbox::parse(address)?;
        let is_trusted = |known: &String| known == "*" || mailbox.is_at(known);
        self.trust_email.iter().any(is_trusted).then_some(address)
    }

    /// Whether the entry signs users in. Otherwise it only connects accounts.
    pub(crate) fn signs_in(&self) -> bool {
        self.has_identity && self.login_setting != Some(false)
    }

    /// The line that the log has for this entry at liftoff, with the callback URL to register at the provider.
    pub(crate) fn liftoff_line(&self) -> String {
        let scope = self.scope().join(" ");
        let scope = if scope.is_empty() { "none" } else { &scope };
        let only = if self.signs_in() { "" } else { ", only for connecting" };
        format!(
            "{} ({}{only}): scope {scope}; callback URL to register: {}",
            self.name, self.title, self.redirect_uri
        )
    }

    /// The keys whose URLs are http (allowed on a loopback host), for a line in the log.
    pub(crate) fn plain_urls(&self) -> Vec<&'static str> {
        let issuer = self.issuer.as_ref().and_then(|issuer| Url::parse(&issuer.url).ok());
        let mut urls = vec![("issuer", issuer.as_ref())];
        match &self.options {
            ProtocolOptions::OAuth1(options) => urls.extend([
                ("authorization_url", Some(&options.authorization_url)),
                ("access_token_url", Some(&options.access_token_url)),
                ("request_token_url", Some(&options.request_token_url)),
            ]),
            ProtocolOptions::OAuth2(options) | ProtocolOptions::OpenIdConnect(options, _) => urls.extend([
                ("authorization_url", options.endpoints.authorization.as_ref()),
                ("token_url", options.endpoints.token.as_ref()),
                ("revocation_url", options.endpoints.revocation.as_ref()),
                ("par_url", options.endpoints.pushed_request.as_ref()),
            ]),
        }
        let api_base = match &self.api_base {
            Some(ApiBase::Fixed(url)) => Some(url),
            Some(ApiBase::InToken { .. }) | None => None,
        };
        urls.extend([
            ("userinfo_url", self.userinfo.url.as_ref()),
            ("metadata_url", self.openid().and_then(|options| options.metadata_url.as_ref())),
            ("jwks_url", self.openid().and_then(|options| options.jwks_url.as_ref())),
            ("end_session_url", self.end_session_url.as_ref()),
            ("api_base_url", api_base),
        ]);
        let is_plain = |url: Option<&Url>| url.is_some_and(|url| url.scheme() == "http");
        urls.into_iter().filter(|(_, url)| is_plain(*url)).map(|(key, _)| key).collect()
    }

    /// The error of an entry that the operator must correct. The user reads a general sentence, the log `cause`.
    pub(crate) fn misconfigured(&self, cause: impl Into<String>) -> Error {
        Error::new(
            ErrorKind::Misconfigured,
            "This sign-in is not set up completely. Please tell the people who run this site.",
        )
        .with_source(format!("entry `{}`: {}", self.name, cause.into()))
    }

    /// The `value` of `key`.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] if there is none.
    pub(crate) fn need<'a, T>(&self, value: Option<&'a T>, key: &str) -> Result<&'a T> {
        value.ok_or_else(|| {
            self.misconfigured(format!(
                "`{key}` is needed for that: set it under [default.oauth.{}]",
                self.name
            ))
        })
    }
}
