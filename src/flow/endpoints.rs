//! The endpoints of an entry's provider.

use url::Url;

use super::metadata::Metadata;
use crate::config::{Entry, OAuth2Options};
use crate::error::Result;
use crate::provider::UserinfoMethod;

/// The OAuth 2 endpoints of an entry's provider: the URLs that the entry sets, and otherwise those of the provider's metadata.
#[derive(Clone, Copy)]
pub(super) struct Endpoints<'a> {
    pub(super) entry: &'a Entry,
    pub(super) options: &'a OAuth2Options,
    pub(super) metadata: Option<&'a Metadata>,
}

impl<'a> Endpoints<'a> {
    pub(super) fn new(entry: &'a Entry, options: &'a OAuth2Options, metadata: Option<&'a Metadata>) -> Self {
        Self { entry, options, metadata }
    }

    /// The authorization endpoint (RFC 6749 §3.1).
    pub(super) fn authorization(self) -> Result<&'a Url> {
        let discovered = self.metadata.and_then(|metadata| metadata.authorization_endpoint.as_ref());
        self.entry.need(self.options.endpoints.authorization.as_ref().or(discovered), "authorization_url")
    }

    /// The token endpoint (RFC 6749 §3.2).
    pub(super) fn token(self) -> Result<&'a Url> {
        let discovered = self.metadata.and_then(|metadata| metadata.token_endpoint.as_ref());
        self.entry.need(self.options.endpoints.token.as_ref().or(discovered), "token_url")
    }

    /// The endpoint that exchanges refresh tokens.
    pub(super) fn refresh(self) -> Result<&'a Url> {
        self.options.endpoints.refresh.as_ref().map_or_else(|| self.token(), Ok)
    }

    /// The endpoint for pushed authorization requests (RFC 9126). None if authorization requests go through the browser.
    pub(super) fn pushed_authorization(self) -> Result<Option<&'a Url>> {
        let required = self.metadata.is_some_and(|metadata| metadata.require_pushed_authorization_requests);
        if !self.options.par.unwrap_or(required) {
            return Ok(None);
        }
        let discovered =
            self.metadata.and_then(|metadata| metadata.pushed_authorization_request_endpoint.as_ref());
        self.entry.need(self.options.endpoints.pushed_request.as_ref().or(discovered), "par_url").map(Some)
    }

    /// The revocation endpoint (RFC 7009).
    pub(super) fn revocation(self) -> Option<&'a Url> {
        let discovered = self.metadata.and_then(|metadata| metadata.revocation_endpoint.as_ref());
        self.options.endpoints.revocation.as_ref().or(discovered)
    }
}

/// The endpoints of a sign-in that `entry` does not set and therefore needs from its provider's metadata, by their names there.
pub(super) fn needed_endpoints(entry: &Entry) -> Vec<&'static str> {
    let own = entry.oauth2().map(|options| &options.endpoints);
    let has_userinfo = entry.userinfo.method == UserinfoMethod::None || entry.userinfo.url.is_some();
    let set = [
        ("authorization_endpoint", own.is_some_and(|own| own.authorization.is_some())),
        ("token_endpoint", own.is_some_and(|own| own.token.is_some())),
        ("jwks_uri", entry.openid().is_some_and(|options| options.jwks_url.is_some())),
        ("userinfo_endpoint", has_userinfo),
    ];
    set.into_iter().filter(|(_, is_set)| !is_set).map(|(name, _)| name).collect()
}

/// The userinfo endpoint (OpenID Connect Core §5.3), or the URL of the provider's own user. None if the entry uses none.
pub(super) fn userinfo_endpoint<'a>(entry: &'a Entry, metadata: Option<&'a Metadata>) -> Option<&'a Url> {
    if entry.userinfo.method == UserinfoMethod::None {
        return None;
    }
    let discovered = metadata.and_then(|metadata| metadata.userinfo_endpoint.as_ref());
    entry.userinfo.url.as_ref().or(discovered)
}
