//! `Linked`: a login after it was stored.

use super::{Account, Session};

/// The result of [`BuiltIn::link`](super::BuiltIn::link): a login that was stored.
#[derive(Debug)]
#[non_exhaustive]
pub struct Linked {
    /// The account as it is stored now.
    pub account: Account,
    /// The account as it was stored before, if it existed: that of the same identity, or the user's account without an
    /// identity, which has this identity now.
    pub previous: Option<Account>,
    /// The user to sign in, if any.
    pub user: Option<String>,
    /// Whether the policy created the user ([`Verdict::SignUp`](crate::Verdict::SignUp)).
    pub signed_up: bool,
    /// Whether the account had no owner and was given to a user who existed before
    /// ([`Verdict::Merge`](crate::Verdict::Merge)).
    pub merged: bool,
    /// The user who has become one with `user` ([`Verdict::MergeUsers`](crate::Verdict::MergeUsers)).
    pub merged_user: Option<String>,
    /// The other accounts of that user, as they were before. They belong to `user` now.
    pub moved: Vec<Account>,
    /// The accounts of the user at the entry that this one has replaced, in a storage that stores one account per user and
    /// entry. They are removed.
    pub replaced: Vec<Account>,
    /// The sessions that have ended: those of the users after a merge, and those that began with a replaced account.
    pub ended: Vec<Session>,
}

impl Linked {
    /// An account without a user that has replaced `previous`, and nothing else.
    pub(super) fn without_user(account: Account, previous: Option<Account>) -> Self {
        Self {
            account,
            previous,
            user: None,
            signed_up: false,
            merged: false,
            merged_user: None,
            moved: Vec::new(),
            replaced: Vec::new(),
            ended: Vec::new(),
        }
    }
}
