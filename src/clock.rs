//! The library's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The library's clock, which tests can move forward. Clones share one offset.
///
/// `Dance::advance_clock` (feature `testing`) moves it, so that a test can let a flow or a token expire without waiting.
#[derive(Debug, Clone, Default)]
pub(crate) struct Clock {
    /// In seconds.
    offset: Arc<AtomicI64>,
}

impl Clock {
    /// Returns the current unix time, in seconds.
    pub(crate) fn now(&self) -> i64 {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since_epoch.as_secs())
            .unwrap_or(i64::MAX)
            .saturating_add(self.offset.load(Ordering::Relaxed))
    }

    /// Moves the clock forward by `seconds`.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn advance(&self, seconds: i64) {
        self.offset.fetch_add(seconds, Ordering::Relaxed);
    }
}
