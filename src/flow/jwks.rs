//! A cache of the key sets that providers publish (RFC 7517).

use std::sync::Arc;

use futures::FutureExt;
use url::Url;

use super::document_cache::{DocumentCache, Fetched, RefetchCause};
use super::http::Http;
use super::key_set::KeySet;
use crate::clock::Clock;
use crate::error::Result;

/// The key sets of all providers in use, by their address.
#[derive(Clone)]
pub(super) struct JwksCache {
    http: Http,
    documents: DocumentCache<KeySet>,
}

impl JwksCache {
    /// Creates an empty cache.
    pub(super) fn new(http: Http, clock: Clock) -> Self {
        Self { http, documents: DocumentCache::new(clock) }
    }

    /// Returns the keys at `url`.
    pub(super) async fn get(&self, url: &Url) -> Result<Arc<KeySet>> {
        self.documents.get(url.as_str(), self.fetch(url).boxed()).await
    }

    /// Fetches the keys at `url` again, because none of the keys in `seen` verifies a token, whether the token names its
    /// key (DJ-09) or not (DJ-10).
    pub(super) async fn renew(
        &self,
        url: &Url,
        seen: &Arc<KeySet>,
        cause: RefetchCause,
    ) -> Result<Arc<KeySet>> {
        self.documents.renew(url.as_str(), seen, cause, self.fetch(url).boxed()).await
    }

    async fn fetch(&self, url: &Url) -> Result<Fetched<KeySet>> {
        let parse = |body: &[u8]| KeySet::parse(body).map_err(str::to_owned);
        self.http.document(url.as_str(), "the provider's keys", parse).await
    }
}
