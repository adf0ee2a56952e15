//! `MergeProof`: the proof that a provider's user and a local user have the same mailbox.

use super::AuthorizedLogin;

/// The proof that the provider's user and a local user have the same mailbox.
///
/// Only [`Login::merge`](crate::Login::merge) makes one. It is valid for that login and that user only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MergeProof {
    pub(super) entry: String,
    pub(super) provider_user_id: String,
    pub(super) user: String,
    pub(super) address: String,
}

impl MergeProof {
    /// Returns whether the proof is for `login` and `user`. A policy could have made it from another login.
    pub(super) fn is_for(&self, login: &AuthorizedLogin, user: &str) -> bool {
        self.entry == login.entry
            && login.profile.id.as_ref() == Some(&self.provider_user_id)
            && login.trusted_email.as_ref() == Some(&self.address)
            && self.user == user
    }
}
