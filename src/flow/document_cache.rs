//! A cache of documents that providers publish: their metadata and their keys.
//!
//! A document is fetched when it is first needed, and again
//!
//! - when it is outdated: after the time that `Cache-Control` names, at least a minute and at most a day, otherwise after an
//!   hour. While the provider can't be reached, the old version is used for another day;
//! - when it was not sufficient: a token names an unknown key, because the provider has changed its keys. An attacker can
//!   send such tokens too, so the pauses between these fetches grow from one second to a minute.

use std::sync::{Arc, Mutex, MutexGuard};

use futures::future::BoxFuture;
use futures::lock::Mutex as AsyncMutex;
use moka::sync::Cache;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::lock::lock;

/// Lifetime of a document whose provider names none (`Cache-Control`), in seconds.
const DEFAULT_TTL: i64 = 60 * 60;
/// Minimum lifetime that a provider may name, in seconds.
const MIN_TTL: i64 = 60;
/// Maximum lifetime that a provider may name, in seconds.
const MAX_TTL: i64 = 24 * 60 * 60;
/// Maximum time for which an outdated document is used while it can't be fetched, in seconds.
const MAX_STALENESS: i64 = 24 * 60 * 60;
/// Pause after a failed fetch of an outdated document, in seconds, so that not every sign-in waits for a dead provider.
const RETRY_PAUSE: i64 = 30;
/// Maximum pause after repeated fetches that bring nothing new, in seconds.
const MAX_PAUSE: i64 = 60;
/// Maximum number of documents: more than the providers of any configuration.
const MAX_DOCUMENTS: u64 = 1000;

/// Documents by their address. Simultaneous requests for a document share one fetch. A failed fetch never replaces a good
/// document; if there is none, the next request fetches again.
#[derive(Clone)]
pub(super) struct DocumentCache<T> {
    clock: Clock,
    slots: Cache<String, Arc<Slot<T>>>,
}

/// Why a document is fetched again before its time. Each cause has pauses of its own, so that an attacker who sends forged
/// tokens does not delay the fetch of new keys for a sign-in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefetchCause {
    /// A token in the provider's own answer to us.
    ProviderAnswer,
    /// A token that anyone may have sent.
    UnsolicitedToken,
}

/// A document as it was fetched.
pub(super) struct Fetched<T> {
    /// The parsed document.
    pub(super) document: T,
    /// Lifetime that its provider names, in seconds.
    pub(super) max_age: Option<i64>,
}

/// The place of one document.
struct Slot<T> {
    state: Mutex<SlotState<T>>,
    /// Held during a fetch, so that there is one at a time.
    fetching: AsyncMutex<()>,
}

/// What is known about one document. Times are unix seconds.
struct SlotState<T> {
    /// The last good version.
    document: Option<Arc<T>>,
    /// When it becomes outdated.
    fresh_until: i64,
    /// When the last fetch ended.
    fetched_at: i64,
    /// When it may be fetched again before its time, by [`RefetchCause`].
    pauses: [Pause; 2],
    /// How many fetches have ended.
    fetches: u64,
    /// The error of the last fetch, if it failed.
    failure: Option<Error>,
}

/// A time in which a document is not fetched. Both values are in seconds, `since` as unix time.
#[derive(Clone, Copy, Default)]
struct Pause {
    since: i64,
    seconds: i64,
}

impl<T: PartialEq + Send + Sync + 'static> DocumentCache<T> {
    /// Creates an empty cache.
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, slots: Cache::new(MAX_DOCUMENTS) }
    }

    /// Returns the document at `address`. Runs `fetch` if the cache has none or an outdated one.
    ///
    /// # Errors
    /// The error of the fetch, unless an outdated document can still be used.
    pub(super) async fn get(
        &self,
        address: &str,
        fetch: BoxFuture<'_, Result<Fetched<T>>>,
    ) -> Result<Arc<T>> {
        let slot = self.slot(address);
        let fetches = {
            let (state, now) = (slot.state(), self.clock.now());
            match &state.document {
                Some(document) if state.is_usable(now) => return Ok(document.clone()),
                _ => state.fetches,
            }
        };
        self.fetch(&slot, address, fetches, None, fetch).await;
        let state = slot.state();
        match (&state.document, &state.failure) {
            (Some(document), failure)
                if failure.is_none()
                    || self.clock.now() < state.fresh_until.saturating_add(MAX_STALENESS) =>
            {
                Ok(document.clone())
            }
            (_, Some(error)) => Err(error.copy()),
            (_, None) => Err(Error::app("a fetch left neither a document nor an error")),
        }
    }

    /// Returns the document at `address` in a newer version than `seen`, which was not sufficient: the provider may have
    /// changed it since (DJ-09). The first fetch begins at once. After a fetch that failed or brought nothing new, there is
    /// a pause of one second, then two, then four, at most a minute (DJ-11), in which `seen` is returned. A fixed pause
    /// after every fetch would refuse users if the provider changes the document twice.
    pub(super) async fn renew(
        &self,
        address: &str,
        seen: &Arc<T>,
        cause: RefetchCause,
        fetch: BoxFuture<'_, Result<Fetched<T>>>,
    ) -> Result<Arc<T>> {
        let slot = self.slot(address);
        let (fetches, is_paused) = {
            let state = slot.state();
            match &state.document {
                Some(document) if !Arc::ptr_eq(document, seen) => return Ok(document.clone()),
                _ => (state.fetches, state.pauses[cause as usize].lasts(self.clock.now())),
            }
        };
        if !is_paused {
            self.fetch(&slot, address, fetches, Some(cause), fetch).await;
        }
        let state = slot.state();
        match (&state.failure, &state.document) {
            (Some(error), _) => Err(error.copy()),
            (None, document) => Ok(document.as_ref().unwrap_or(seen).clone()),
        }
    }

    fn slot(&self, address: &str) -> Arc<Slot<T>> {
        self.slots.get_with_by_ref(address, Arc::default)
    }

    /// Runs `fetch`, because the document is outdated or for a `cause`. Does nothing if another fetch has ended since the
    /// slot had seen this number of `fetches`: then its outcome is used.
    async fn fetch(
        &self,
        slot: &Slot<T>,
        address: &str,
        fetches: u64,
        cause: Option<RefetchCause>,
        fetch: BoxFuture<'_, Result<Fetched<T>>>,
    ) {
        let _fetching = slot.fetching.lock().await;
        if slot.state().fetches != fetches {
            return;
        }
        let fetched = fetch.await;
        let now = self.clock.now();
        let mut state = slot.state();
        state.fetches += 1;
        match fetched {
            Ok(Fetched { document, max_age }) => {
                let is_new = state.document.as_deref() != Some(&document);
                if is_new {
                    state.document = Some(Arc::new(document));
                }
                state.fresh_until = now + max_age.unwrap_or(DEFAULT_TTL).clamp(MIN_TTL, MAX_TTL);
                state.failure = None;
                state.set_pauses(now, cause, is_new || cause.is_none());
            }
            Err(error) => {
                if state.document.is_some() {
                    let address = address.split('?').next().unwrap_or_default();
                    log::warn!("oauth: {address}: {error:?}; the previous version is used for now");
                }
                state.failure = Some(error);
                state.set_pauses(now, cause, false);
            }
        }
    }
}

impl Pause {
    fn lasts(self, now: i64) -> bool {
        now < self.since + self.seconds
    }
}

impl<T> Slot<T> {
    fn state(&self) -> MutexGuard<'_, SlotState<T>> {
        lock(&self.state)
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        let state = SlotState {
            document: None,
            fresh_until: 0,
            fetched_at: 0,
            pauses: [Pause::default(); 2],
            fetches: 0,
            failure: None,
        };
        Self { state: Mutex::new(state), fetching: AsyncMutex::new(()) }
    }
}

impl<T> SlotState<T> {
    /// Whether the document can be used at `now` without a fetch.
    fn is_usable(&self, now: i64) -> bool {
        now < self.fresh_until
            || now < self.fetched_at + RETRY_PAUSE && now < self.fresh_until.saturating_add(MAX_STALENESS)
    }

    /// Sets the pauses after a fetch: of all causes if it had none, otherwise of its own. A `useful` fetch ends them.
    fn set_pauses(&mut self, now: i64, cause: Option<RefetchCause>, useful: bool) {
        self.fetched_at = now;
        for one in [RefetchCause::ProviderAnswer, RefetchCause::UnsolicitedToken] {
            let pause = &mut self.pauses[one as usize];
            if useful {
                *pause = Pause::default();
            } else if cause.is_none_or(|cause| cause == one) {
                *pause = Pause { since: now, seconds: (pause.seconds * 2).clamp(1, MAX_PAUSE) };
            }
        }
    }
}
