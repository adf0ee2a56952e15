//! The engine: the protocols over one HTTP client.

use std::sync::Arc;

use super::http::Http;
use super::jwks::JwksCache;
use super::metadata::{Metadata, MetadataCache};
use crate::clock::Clock;
use crate::config::Entry;
use crate::error::Result;
use crate::provider::Protocol;

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
    /// Creates an engine with empty caches.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the HTTP client can't be set up.
    pub(crate) fn new(clock: Clock) -> Result<Self> {
        let http = Http::new()?;
        Ok(Self {
            metadata: MetadataCache::new(http.clone(), clock.clone()),
            jwks: JwksCache::new(http.clone(), clock.clone()),
            http,
            clock,
        })
    }

    /// Returns the metadata of an OpenID Connect entry's provider, and none for the other protocols.
    ///
    /// # Errors
    /// The error of the fetch if there is no usable version in the cache.
    pub(super) async fn metadata(&self, entry: &Entry) -> Result<Option<Arc<Metadata>>> {
        match entry.protocol() {
            Protocol::OAuth2 | Protocol::OAuth1 => Ok(None),
            Protocol::OpenIdConnect => {
                let issuer = entry.need(entry.issuer.as_ref(), "issuer")?;
                self.metadata.get(&issuer.url, issuer.in_metadata()).await.map(Some)
            }
        }
    }
}
