//! `Generations`: counters of the writes to each key.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of the writes to each key. Several keys share a counter, chosen by a hash of the key's text, which other
/// processes can compute as well. Keys that share a counter only cost each other some cache hits.
pub(super) struct Generations([AtomicU64; Self::COUNT]);

impl Generations {
    const COUNT: usize = 1024;

    pub(super) fn new() -> Self {
        Self([const { AtomicU64::new(0) }; Self::COUNT])
    }

    /// Returns the current generation of the key whose text is the concatenation of `parts`.
    pub(super) fn current<'t>(&self, parts: impl IntoIterator<Item = &'t str>) -> u64 {
        self.of(parts).load(Ordering::SeqCst)
    }

    /// Ends the current generation of the key whose text is the concatenation of `parts`, and returns the ended one.
    pub(super) fn end<'t>(&self, parts: impl IntoIterator<Item = &'t str>) -> u64 {
        self.of(parts).fetch_add(1, Ordering::SeqCst)
    }

    /// Ends the current generations of all keys.
    pub(super) fn end_all(&self) {
        self.0.iter().for_each(|generation| {
            generation.fetch_add(1, Ordering::SeqCst);
        });
    }

    fn of<'t>(&self, parts: impl IntoIterator<Item = &'t str>) -> &AtomicU64 {
        // FNV-1a: a text and its parts have the same hash.
        let hash = parts.into_iter().flat_map(str::bytes).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        &self.0[(hash ^ (hash >> 32)) as usize % Self::COUNT]
    }
}
