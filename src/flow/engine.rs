//! The engine: the protocols over one HTTP client.

use std::sync::Arc;

use url::Url;

use super::endpoints::needed_endpoints;
use super::http::Http;
use super::jwks::JwksCache;
use super::metadata::{Metadata, MetadataCache};
use super::stand_ins::StandIns;
use crate::clock::Clock;
use crate::config::{Entry, ProtocolOptions};
use crate::error::Result;

/// The protocols over one HTTP client, with caches of the providers' metadata and keys. A clone is cheap and shares them.
#[derive(Clone)]
pub(crate) struct Engine {
    /// The HTTP client, which API calls use as well.
    pub(crate) http: Http,
    /// The time, which tests can move.
    pub(crate) clock: Clock,
    metadata: MetadataCache,
    pub(super) jwks: JwksCache,
}

impl Engine {
    /// Creates an engine with empty caches. `stand_ins` answer requests in place of the network, in a test.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the HTTP client can't be set up.
    pub(crate) fn new(clock: Clock, stand_ins: StandIns) -> Result<Self> {
        let http = Http::new(stand_ins)?;
        Ok(Self {
            metadata: MetadataCache::new(http.clone(), clock.clone()),
            jwks: JwksCache::new(http.clone(), clock.clone()),
            http,
            clock,
        })
    }

    /// Returns the metadata of an OpenID Connect entry's provider, and none for the other protocols. An entry that has the
    /// endpoints and the key set needs no discovery.
    ///
    /// # Errors
    /// The error of the fetch if there is no usable version in the cache.
    pub(super) async fn metadata(&self, entry: &Entry) -> Result<Option<Arc<Metadata>>> {
        let ProtocolOptions::OpenIdConnect(options, openid) = &entry.options else { return Ok(None) };
        let issuer = entry.need(entry.issuer.as_ref(), "issuer")?;
        let endpoints = &options.endpoints;
        if openid.jwks_url.is_some() && endpoints.authorization.is_some() && endpoints.token.is_some() {
            return Ok(Some(Arc::new(Metadata::without_discovery(issuer.in_metadata()))));
        }
        self.metadata.get(issuer, openid.metadata_url.as_ref(), &needed_endpoints(entry)).await.map(Some)
    }

    /// Returns the address of the provider's keys.
    pub(super) fn key_set_url<'a>(entry: &'a Entry, metadata: &'a Metadata) -> Option<&'a Url> {
        entry.openid().and_then(|options| options.jwks_url.as_ref()).or(metadata.jwks_uri.as_ref())
    }
}
