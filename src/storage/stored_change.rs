//! `StoredChange`: a write that another process has made.

use std::sync::Arc;

/// A write that another process has made: see [`Coordination::watch`](super::Coordination::watch).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoredChange<'c> {
    /// What is stored under one key has changed. The text is the [`AccountKey`](super::AccountKey)'s `Display` form, or
    /// `session:` followed by the id of a session that has changed.
    Key(&'c str),
    /// Anything may have changed.
    All,
}

/// Receives each [`StoredChange`]. It returns quickly and may be called from any thread.
pub type ChangeListener = Arc<dyn Fn(StoredChange<'_>) + Send + Sync>;
