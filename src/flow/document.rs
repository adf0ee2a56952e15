//! Documents that providers publish: fetched when needed, kept a while.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::BoxFuture;
use futures::lock::Mutex as Turn;
use moka::sync::Cache;

use crate::clock::Clock;
use crate::error::{Error, Result};

/// How long a document is believed whose provider doesn't say, in seconds.
const FRESH: i64 = 60 * 60;
/// The least and the most of what a provider may say (`Cache-Control`).
const SHORTEST: i64 = 60;
const LONGEST: i64 = 24 * 60 * 60;
/// How long a document serves past its time while its provider can't be asked, in seconds.
const STALE: i64 = 24 * 60 * 60;
/// How long it isn't asked for again meanwhile, in seconds: a dead provider isn't waited for at every sign-in.
const RETRY: i64 = 30;
/// The longest pause between fetches that bring nothing, in seconds.
const LONGEST_PAUSE: i64 = 60;
/// How many documents are kept: as many providers as a configuration may hold, and more.
const CAPACITY: u64 = 1000;

/// Documents by their address. One is fetched once for all who ask at the same time; a failure never replaces what was
/// good, and where nothing is kept, the next who asks tries again.
#[derive(Clone)]
pub(crate) struct Documents<T> {
    clock: Clock,
    slots: Cache<String, Arc<Slot<T>>>,
}

/// A document as it came.
pub(crate) struct Fetched<T> {
    pub(crate) document: T,
    /// How long its provider wants it believed, in seconds.
    pub(crate) max_age: Option<i64>,
}

struct Slot<T> {
    kept: Mutex<Kept<T>>,
    /// Whose turn it is to fetch.
    turn: Turn<()>,
}

/// What is known of one document. Times are unix seconds.
struct Kept<T> {
    good: Option<Arc<T>>,
    fresh_until: i64,
    /// When it was last asked for, and for how many seconds it isn't again out of turn.
    asked_at: i64,
    pause: i64,
    /// How many fetches have ended.
    fetches: u64,
    /// How the last one failed.
    failure: Option<Error>,
}

impl<T: PartialEq + Send + Sync + 'static> Documents<T> {
    pub(crate) fn new(clock: Clock) -> Self {
        Self { clock, slots: Cache::new(CAPACITY) }
    }

    /// The document at `address`; `fetch` gets it where it is not known, or old.
    pub(crate) async fn get(
        &self,
        address: &str,
        fetch: BoxFuture<'_, Result<Fetched<T>>>,
    ) -> Result<Arc<T>> {
        let slot = self.slot(address);
        let fetches = {
            let (kept, now) = (slot.kept(), self.clock.now());
            match &kept.good {
                Some(good) if kept.serves(now) => return Ok(good.clone()),
                _ => kept.fetches,
            }
        };
        self.fetch(&slot, address, fetches, true, fetch).await;
        let kept = slot.kept();
        match (&kept.good, &kept.failure) {
            (Some(good), failure)
                if failure.is_none() || self.clock.now() < kept.fresh_until.saturating_add(STALE) =>
            {
                Ok(good.clone())
            }
            (_, Some(error)) => Err(error.copy()),
            (_, None) => Err(Error::app("a document was neither had nor refused")),
        }
    }

    /// The document at `address` again, for somebody whom `seen` didn't serve: the provider may have changed it since
    /// (DJ-09). Fetched at once; but after fetches in vain, whether they failed or brought nothing new, the provider is
    /// left alone for one second, then two, then four, at most a minute (DJ-11). A blind pause after every fetch would
    /// turn people away when the next change comes within it.
    pub(crate) async fn renewed(
        &self,
        address: &str,
        seen: &Arc<T>,
        fetch: BoxFuture<'_, Result<Fetched<T>>>,
    ) -> Result<Arc<T>> {
        let slot = self.slot(address);
        let (fetches, rests) = {
            let kept = slot.kept();
            match &kept.good {
                Some(good) if !Arc::ptr_eq(good, seen) => return Ok(good.clone()),
                _ => (kept.fetches, self.clock.now() < kept.asked_at + kept.pause),
            }
        };
        if !rests {
            self.fetch(&slot, address, fetches, false, fetch).await;
        }
        let kept = slot.kept();
        match (&kept.failure, &kept.good) {
            (Some(error), _) => Err(error.copy()),
            (None, good) => Ok(good.as_ref().unwrap_or(seen).clone()),
        }
    }

    fn slot(&self, address: &str) -> Arc<Slot<T>> {
        self.slots.get_with_by_ref(address, Arc::default)
    }

    /// Fetches, unless somebody else has since the slot had seen so many `fetches`: then his outcome is everybody's.
    async fn fetch(
        &self,
        slot: &Slot<T>,
        address: &str,
        fetches: u64,
        in_turn: bool,
        fetch: BoxFuture<'_, Result<Fetched<T>>>,
    ) {
        let _turn = slot.turn.lock().await;
        if slot.kept().fetches != fetches {
            return;
        }
        let fetched = fetch.await;
        let now = self.clock.now();
        let mut kept = slot.kept();
        kept.fetches += 1;
        match fetched {
            Ok(Fetched { document, max_age }) => {
                let is_new = kept.good.as_deref() != Some(&document);
                if is_new {
                    kept.good = Some(Arc::new(document));
                }
                kept.fresh_until = now + max_age.unwrap_or(FRESH).clamp(SHORTEST, LONGEST);
                kept.failure = None;
                kept.rest(now, is_new || in_turn);
            }
            Err(error) => {
                if kept.good.is_some() {
                    log::warn!("oauth: {address}: {error:?}; what it said before serves for now");
                }
                kept.failure = Some(error);
                kept.rest(now, false);
            }
        }
    }
}

impl<T> Slot<T> {
    fn kept(&self) -> MutexGuard<'_, Kept<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        let kept = Kept { good: None, fresh_until: 0, asked_at: 0, pause: 0, fetches: 0, failure: None };
        Self { kept: Mutex::new(kept), turn: Turn::new(()) }
    }
}

impl<T> Kept<T> {
    /// Whether the good one serves as it is.
    fn serves(&self, now: i64) -> bool {
        now < self.fresh_until || now < self.asked_at + RETRY && now < self.fresh_until.saturating_add(STALE)
    }

    fn rest(&mut self, now: i64, was_worth_it: bool) {
        self.asked_at = now;
        self.pause = if was_worth_it { 0 } else { (self.pause * 2).clamp(1, LONGEST_PAUSE) };
    }
}
