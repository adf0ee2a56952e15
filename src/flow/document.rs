//! Documents that providers publish: fetched when needed, kept a while.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use moka::future::Cache;

use crate::error::{Error, Result};

/// How long a document is believed.
const FRESH: Duration = Duration::from_secs(60 * 60);
/// How long a document serves in place of one that can't be fetched.
const STALE: Duration = Duration::from_secs(24 * 60 * 60);
/// How many documents are kept: as many providers as a configuration may hold, and more.
const CAPACITY: u64 = 1000;

/// Documents by their address. One is fetched once for all who ask at the same time; a failure is not kept, and
/// never replaces what was good.
#[derive(Clone)]
pub(crate) struct Documents<T> {
    fresh: Cache<String, Arc<T>>,
    good: Cache<String, Arc<T>>,
}

impl<T: Send + Sync + 'static> Documents<T> {
    pub(crate) fn new() -> Self {
        let cache = |ttl| Cache::builder().max_capacity(CAPACITY).time_to_live(ttl).build();
        Self { fresh: cache(FRESH), good: cache(STALE) }
    }

    /// The document at `address`; `fetch` gets it where it is not known, or old.
    pub(crate) async fn get(&self, address: &str, fetch: BoxFuture<'_, Result<T>>) -> Result<Arc<T>> {
        let fetch = async {
            match fetch.await {
                Ok(document) => {
                    let document = Arc::new(document);
                    self.good.insert(address.to_owned(), document.clone()).await;
                    Ok(document)
                }
                Err(error) => self.good.get(address).await.ok_or(error),
            }
        };
        self.fresh
            .try_get_with(address.to_owned(), fetch.boxed())
            .await
            .map_err(|error: Arc<Error>| error.copy())
    }

    /// Puts `document` in the place of what is kept.
    pub(crate) async fn put(&self, address: &str, document: Arc<T>) {
        self.good.insert(address.to_owned(), document.clone()).await;
        self.fresh.insert(address.to_owned(), document).await;
    }
}
