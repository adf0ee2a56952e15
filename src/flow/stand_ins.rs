//! What answers requests in place of the network, in a test.

#[cfg(feature = "testing")]
use std::sync::Arc;

#[cfg(feature = "testing")]
use futures::future::BoxFuture;
#[cfg(feature = "testing")]
use url::Url;

#[cfg(feature = "testing")]
use super::errors::unavailable;
#[cfg(feature = "testing")]
use super::failed_request::host;
#[cfg(feature = "testing")]
use crate::config::is_loopback_host;
use crate::error::{Error, Result};

/// What a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "testing"), allow(dead_code))]
pub(crate) enum RequestKind<'a> {
    /// A request of the protocols.
    Protocol,
    /// A call of the API of the entry with this name.
    Api(&'a str),
}

/// Answers requests in place of the network.
#[cfg(feature = "testing")]
pub(crate) trait StandIn: Send + Sync {
    /// Returns whether it answers requests to `url`.
    fn answers(&self, url: &Url, kind: RequestKind<'_>) -> bool;

    /// Answers `request`. `network` is the client that would send it.
    fn answer<'a>(
        &'a self,
        request: reqwest::Request,
        network: &'a reqwest::Client,
    ) -> BoxFuture<'a, Result<reqwest::Response>>;
}

/// The stand-ins of an app. None, unless a test has set some with the feature `testing`.
#[derive(Clone, Default)]
pub(crate) struct StandIns(#[cfg(feature = "testing")] Arc<[Arc<dyn StandIn>]>);

impl StandIns {
    #[cfg(feature = "testing")]
    pub(crate) fn new(stand_ins: Vec<Arc<dyn StandIn>>) -> Self {
        Self(stand_ins.into())
    }

    /// Returns the answer of a stand-in to `request`, or that of the network. `failed` makes the error of a failed request.
    pub(super) async fn answer(
        &self,
        request: reqwest::Request,
        kind: RequestKind<'_>,
        network: &reqwest::Client,
        failed: impl FnOnce(reqwest::Error) -> Error + Send,
    ) -> Result<reqwest::Response> {
        #[cfg(feature = "testing")]
        {
            let url = request.url();
            if let Some(stand_in) = self.0.iter().find(|stand_in| stand_in.answers(url, kind)) {
                return stand_in.answer(request, network).await;
            }
            // A test that forgets one of its providers must not send requests to the real one.
            if !self.0.is_empty() && !url.host_str().is_some_and(is_loopback_host) {
                return Err(unavailable(format!(
                    "{}: this test has stand-ins, and none for this host. To answer its requests: `fake.stand_in(rocket, \
                     \"<entry>\")` or `cassette.stand_in(rocket, \"<entry>\")`",
                    host(url)
                )));
            }
        }
        let _ = kind;
        network.execute(request).await.map_err(failed)
    }
}
