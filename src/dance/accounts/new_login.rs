//! A login that no callback has brought: an import, a token that the app sets, an account that has waited.

use std::collections::BTreeMap;

use crate::link::{AuthorizedLogin, Purpose};
use crate::profile::Profile;
use crate::token::Token;

/// The account for which [`connecting`] makes a login.
pub(super) struct NewAccount {
    pub(super) entry: String,
    pub(super) issuer: String,
    /// The user who gets the account; `None`: no user.
    pub(super) user: Option<String>,
    pub(super) profile: Profile,
    pub(super) token: Token,
    /// The notes of the flow, for the policy.
    pub(super) notes: BTreeMap<String, String>,
}

/// The login of a user who connects `account` at the time `now`, in seconds of unix time.
pub(super) fn connecting(account: NewAccount, now: i64) -> AuthorizedLogin {
    let NewAccount { entry, issuer, user, profile, token, notes } = account;
    AuthorizedLogin {
        entry,
        issuer,
        purpose: Purpose::Connect,
        profile,
        token,
        user_required: user.is_some(),
        visitor: user,
        session: None,
        present: None,
        trusted_email: None,
        account: None,
        admitted: false,
        now,
        notes,
    }
}
