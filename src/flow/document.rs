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

/// Who asks for a document again. The pauses of the one are not the other's: whoever makes up logout tokens keeps no sign-in
/// from keys that are new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asker {
    /// A dance, with what the provider has answered to us.
    Dance,
    /// Whoever sends something that the provider may have signed.
    Stranger,
}

/// A document as it came.
pub(crate) struct Fetched<T> {
    pub(crate) document: T,
    /// How long its provider wants it believed, in seconds.
    pub(crate) max_age: Option<i64>,
}

struct Slot<T> {
    kept: Mutex<Kept<T>>,
    /// SessionSelection turn it is to fetch.
    turn: Turn<()>,
}

/// What is known of one document. Times are unix seconds.
struct Kept<T> {
    good: Option<Arc<T>>,
    fresh_until: i64,
    /// When it was last asked for.
    asked_at: i64,
    /// Until when it isn't again out of turn, by [`Asker`].
    pauses: [Pause; 2],
    /// How many fetches have ended.
    fetches: u64,
    /// How the last one failed.
    failure: Option<Error>,
}

#[derive(Clone, Copy, Default)]
struct Pause {
    since: i64,
    seconds: i64,
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
        self.fetch(&slot, address, fetches, None, fetch).await;
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
        asker: Asker,
        fetch: BoxFuture<'_, Result<Fetched<T>>>,
    ) -> Result<Arc<T>> {
        let slot = self.slot(address);
        let (fetches, rests) = {
            let kept = slot.kept();
            match &kept.good {
                Some(good) if !Arc::ptr_eq(good, seen) => return Ok(good.clone()),
                _ => (kept.fetches, kept.pauses[asker as usize].lasts(self.clock.now())),
            }
        };
        if !rests {
            self.fetch(&slot, address, fetches, Some(asker), fetch).await;
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

    /// Fetches, in turn or for an `asker`, unless somebody else has since the slot had seen so many `fetches`: then his
    /// outcome is everybody's.
    async fn fetch(
        &self,
        slot: &Slot<T>,
        address: &str,
        fetches: u64,
        asker: Option<Asker>,
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
                kept.rest(now, asker, is_new || asker.is_none());
            }
            Err(error) => {
                if kept.good.is_some() {
                    log::warn!("oauth: {address}: {error:?}; what it said before serves for now");
                }
                kept.failure = Some(error);
                kept.rest(now, asker, false);
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
    fn kept(&self) -> MutexGuard<'_, Kept<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Default for Slot<T> {
    fn default() -> Self {
        let kept = Kept {
            good: None,
            fresh_until: 0,
            asked_at: 0,
            pauses: [Pause::default(); 2],
            fetches: 0,
            failure: None,
        };
        Self { kept: Mutex::new(kept), turn: Turn::new(()) }
    }
}

impl<T> Kept<T> {
    /// Whether the good one serves as it is.
    fn serves(&self, now: i64) -> bool {
        now < self.fresh_until || now < self.asked_at + RETRY && now < self.fresh_until.saturating_add(STALE)
    }

    /// Notes a fetch in turn, which is everybody's, or for an `asker`.
    fn rest(&mut self, now: i64, asker: Option<Asker>, was_worth_it: bool) {
        self.asked_at = now;
        for of in [Asker::Dance, Asker::Stranger] {
            let pause = &mut self.pauses[of as usize];
            if was_worth_it {
                *pause = Pause::default();
            } else if asker.is_none_or(|asker| asker == of) {
                *pause = Pause { since: now, seconds: (pause.seconds * 2).clamp(1, LONGEST_PAUSE) };
            }
        }
    }
}
