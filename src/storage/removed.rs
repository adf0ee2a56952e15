//! `Removed`: what a removal has removed.

use super::{Account, Session};

/// What a removal has removed: accounts, and the sessions that began with them.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Removed {
    /// The accounts.
    pub accounts: Vec<Account>,
    /// The sessions that have ended.
    pub sessions: Vec<Session>,
}
