//! `Linked`: a login after it was stored.

use super::{Account, Session};

/// The result of [`BuiltIn::link`](super::BuiltIn::link): a login that was stored.
#[derive(Debug)]
#[non_exhaustive]
pub struct Linked {
    /// The account as it is stored now.
    pub account: Account,
    /// The account as it was stored before, if it existed.
    pub previous: Option<Account>,
    /// The user to sign in, if any.
    pub user: Option<String>,
    /// Whether the account had no owner and was given to a user who existed before
    /// ([`Verdict::Merge`](crate::Verdict::Merge)).
    pub merged: bool,
    /// The sessions of that user, which the merge has ended.
    pub ended: Vec<Session>,
}
