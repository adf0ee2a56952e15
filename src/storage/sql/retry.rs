//! Doing work again that has lost a race.

use std::thread::sleep;
use std::time::Duration;

use crate::error::{Result, database_cause};
use crate::secret::random;

/// Maximum number of attempts of a request, which take about 0.7 seconds if each one fails at once. On a Galera cluster, where
/// transactions do not wait for those of other nodes, five are too few.
pub(super) const MAX_TRIES: u32 = 16;
/// Maximum number of attempts of the launch, each of which may wait for a lock.
const MAX_LAUNCH_TRIES: u32 = 5;

/// Waits before the attempt after `tries` attempts.
pub(super) fn pause(tries: u32) {
    let [jitter] = random::<1>().unwrap_or_default();
    sleep(Duration::from_millis(u64::from(tries) * 4 + u64::from(jitter) / 8));
}

/// Runs `work` of the launch, and again if the database fails: other processes that start at the same time hold locks.
pub(super) fn retried<T>(mut work: impl FnMut() -> Result<T>) -> Result<T> {
    for tries in 1..MAX_LAUNCH_TRIES {
        match work() {
            Err(error) if database_cause(&error).is_some() => pause(tries),
            done => return done,
        }
    }
    work()
}
