//! `ClaimState`: how far a callback has been handled.

/// How far a callback has been handled, as [`Coordination::claim`](super::Coordination::claim) reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClaimState {
    /// No request had claimed the callback before. This request exchanges its authorization code.
    First,
    /// Another request has claimed the callback and has not finished.
    Pending,
    /// The callback has been handled, with this outcome.
    Settled(String),
}
