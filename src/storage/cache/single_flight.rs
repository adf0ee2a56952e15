//! `SingleFlight`: simultaneous cache misses of one key are one load.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard};

use rocket::tokio::sync::OnceCell;

use crate::error::Result;
use crate::lock::lock;

/// The loads that are running, by key.
pub(super) struct SingleFlight<K, V>(Mutex<HashMap<K, Outcome<V>>>);

/// What a load returns, once it has.
type Outcome<V> = Arc<OnceCell<Result<V>>>;

impl<K: Clone + Eq + Hash, V: Clone> SingleFlight<K, V> {
    pub(super) fn new() -> Self {
        Self(Mutex::default())
    }

    /// Returns what the running load of `key` returns, also if that is an error. If there is none, it runs `load`. If the caller
    /// whose load runs is dropped, one of the others runs its own.
    pub(super) async fn load(&self, key: &K, load: impl Future<Output = Result<V>>) -> Result<V> {
        let outcome = self.running().entry(key.clone()).or_default().clone();
        let waiting = Waiting { loads: self, key, outcome };
        match waiting.outcome.get_or_init(|| load).await {
            Ok(found) => Ok(found.clone()),
            Err(error) => Err(error.copy()),
        }
    }
}

impl<K, V> SingleFlight<K, V> {
    fn running(&self) -> MutexGuard<'_, HashMap<K, Outcome<V>>> {
        lock(&self.0)
    }
}

/// A caller that waits for a load.
struct Waiting<'l, K: Eq + Hash, V> {
    loads: &'l SingleFlight<K, V>,
    key: &'l K,
    outcome: Outcome<V>,
}

impl<K: Eq + Hash, V> Drop for Waiting<'_, K, V> {
    fn drop(&mut self) {
        let mut running = self.loads.running();
        // Dropped before the lock is released: the next caller that leaves counts right.
        let outcome = std::mem::take(&mut self.outcome);
        let is_last = Arc::strong_count(&outcome) == 2;
        let is_listed = running.get(self.key).is_some_and(|listed| Arc::ptr_eq(listed, &outcome));
        // A caller that comes after the end of a load must not get its outcome.
        if is_listed && (is_last || outcome.initialized()) {
            running.remove(self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use rocket::futures::FutureExt;
    use rocket::futures::future::join_all;
    use rocket::tokio::task::yield_now;

    use super::*;
    use crate::error::{Error, ErrorKind};
    use crate::storage::suite::in_time;

    #[rocket::async_test]
    async fn ca_04_callers_share_a_load_and_its_error_and_nothing_stays() {
        let (flights, loads) = (SingleFlight::new(), AtomicUsize::new(0));
        let load = |outcome: Result<u8>| async {
            loads.fetch_add(1, Ordering::SeqCst);
            yield_now().await;
            outcome
        };
        let found = join_all((0..9).map(|n| flights.load(&"a", load(Ok(n))))).await;
        assert!(found.into_iter().all(|found| found.unwrap() == 0));
        assert_eq!(loads.load(Ordering::SeqCst), 1);
        let failed = join_all((0..9).map(|_| flights.load(&"a", load(Err(Error::storage("down")))))).await;
        let is_outage = |failed: Result<u8>| failed.unwrap_err().kind() == ErrorKind::StoreUnavailable;
        assert!(failed.into_iter().all(is_outage));
        assert_eq!(loads.load(Ordering::SeqCst), 2, "an outcome is not for callers that come afterwards");
        assert!(flights.running().is_empty());
    }

    #[rocket::async_test]
    async fn a_dropped_caller_leaves_the_load_to_another_and_nothing_behind() {
        let flights = SingleFlight::<&str, u8>::new();
        let mut dropped = Box::pin(flights.load(&"a", pending()));
        assert!(dropped.as_mut().now_or_never().is_none());
        let mut other = Box::pin(flights.load(&"a", async { Ok(2) }));
        assert!(other.as_mut().now_or_never().is_none(), "it waits for the load that runs");
        drop(dropped);
        assert_eq!(in_time("the load of the other", other).await.unwrap(), 2);
        assert!(flights.load(&"a", pending()).now_or_never().is_none());
        assert!(flights.running().is_empty());
    }
}
