//! The library's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Maximum difference between the clocks of two processes of the app, in seconds.
pub(crate) const MAX_CLOCK_SKEW: i64 = 60;

/// The library's clock, which tests can move forward. Clones share one offset.
///
/// `testing::Clock` moves it, so that a test can let a flow or a token expire without waiting.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock {
    /// In seconds.
    offset: Arc<AtomicI64>,
}

impl Clock {
    /// Returns the current unix time, in seconds.
    pub(crate) fn now(&self) -> i64 {
        self.now_millis() / 1000
    }

    /// Returns the current unix time, in milliseconds.
    pub(crate) fn now_millis(&self) -> i64 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let offset = self.offset.load(Ordering::Relaxed).saturating_mul(1000);
        i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX).saturating_add(offset)
    }

    /// Moves the clock forward by `seconds`.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn advance(&self, seconds: i64) {
        self.offset.fetch_add(seconds, Ordering::Relaxed);
    }
}
