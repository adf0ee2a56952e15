//! `SessionStart`: whether a session has begun.

/// Whether a session has begun: what [`SessionStorage::begin_session`](super::SessionStorage::begin_session) returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "the session may not have begun"]
pub enum SessionStart {
    /// The session has begun.
    Begun,
    /// It has not begun: the account that it comes from is gone, or belongs to another user.
    AccountGone,
    /// It has not begun: its user no longer exists.
    UserGone,
}
