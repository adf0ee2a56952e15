//! `AuthorizedLogin`: a finished flow before the decision.

use std::collections::BTreeMap;

use super::Purpose;
use super::user_id::check_user_id;
use crate::error::{Error, ErrorKind, Result};
use crate::profile::Profile;
use crate::token::Token;
use crate::user::unstorable;

/// A finished flow before the policy decides to whom the account belongs: the provider's user, and the token.
///
/// [`Signals::authorized`](crate::Signals::authorized) receives it, and may add [notes](AuthorizedLogin::add_note) that the
/// policy reads.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AuthorizedLogin {
    /// Name of the entry.
    pub entry: String,
    /// The entry's issuer; the authorization endpoint if it has none.
    pub issuer: String,
    /// What the flow is for.
    pub purpose: Purpose,
    /// The provider's user.
    pub profile: Profile,
    /// The granted token. Its `scope` may be less than the requested one.
    pub token: Token,
    /// Id of the user who began the flow.
    pub(crate) visitor: Option<String>,
    /// Id of the visitor's session, if sessions are stored. If the session has ended before the commit, nothing is stored.
    pub(crate) session: Option<String>,
    /// Id of the user who has signed in since a visitor began the flow signed out.
    pub(crate) present: Option<String>,
    /// Whether every account needs a user.
    pub(crate) user_required: bool,
    /// The address that the provider has verified, if the entry trusts it to.
    pub(crate) trusted_email: Option<String>,
    /// The domain of whose organization the user is a member, if the provider proves it.
    pub(crate) proven_domain: Option<String>,
    /// The `provider_user_id` that the site's account must have, if the entry sets `account`.
    pub(crate) account: Option<String>,
    /// Whether this may be the site's first account, for an entry of the site without `account`.
    pub(crate) admitted: bool,
    /// Id of the user who becomes one with the visitor, who has confirmed it.
    pub(crate) merged_user: Option<String>,
    /// Unix time in milliseconds at which the flow began.
    pub(crate) began_at_millis: i64,
    /// Unix time in seconds.
    pub(crate) now: i64,
    pub(crate) notes: BTreeMap<String, String>,
    /// The visitor's answers to the form of [`Verdict::Ask`](crate::Verdict::Ask), by the field's name; `None` before it is
    /// answered.
    pub(crate) answers: Option<BTreeMap<String, String>>,
    /// The parameters of the callback that the entry keeps (`callback_params`). The user can change them in the browser: they
    /// prove nothing.
    pub callback_params: BTreeMap<String, String>,
}

impl AuthorizedLogin {
    /// A login that no callback has brought, for example an import: `user` connects the account at the time `now`. Without
    /// a user the account belongs to none.
    pub(crate) fn connecting(
        entry: String,
        issuer: String,
        user: Option<String>,
        profile: Profile,
        token: Token,
        now: i64,
    ) -> Self {
        Self {
            entry,
            issuer,
            purpose: Purpose::Connect,
            profile: profile.cleaned(),
            token: token.cleaned(),
            user_required: user.is_some(),
            visitor: user,
            session: None,
            present: None,
            trusted_email: None,
            proven_domain: None,
            account: None,
            admitted: false,
            merged_user: None,
            began_at_millis: now.saturating_mul(1000),
            now,
            notes: BTreeMap::new(),
            answers: None,
            callback_params: BTreeMap::new(),
        }
    }

    /// Adds a text that the policy reads with [`Login::note`](crate::Login::note).
    pub fn add_note(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.notes.insert(key.into(), value.into());
    }

    /// Returns the note under `key`: one that [`Signals::before_login`](crate::Signals::before_login) or another
    /// signal has added.
    pub fn note(&self, key: &str) -> Option<&str> {
        self.notes.get(key).map(String::as_str)
    }

    /// Id of the user who began the flow, as text.
    pub fn visitor(&self) -> Option<&str> {
        self.visitor.as_deref()
    }

    /// Cleans the texts of profile and token, which the app may have changed or brought.
    pub(crate) fn clean(&mut self) {
        self.profile = std::mem::take(&mut self.profile).cleaned();
        self.token = self.token.clone().cleaned();
    }

    /// Checks that every database can look this account up.
    ///
    /// # Errors
    /// [`ErrorKind::BadProviderAnswer`] if the provider's id of the user cannot be stored; [`ErrorKind::AppError`] if the id of
    /// the local user cannot.
    pub(crate) fn check(&self) -> Result<()> {
        if let Some(why) = self.profile.id.as_deref().and_then(unstorable) {
            return Err(Error::new(
                ErrorKind::BadProviderAnswer,
                "The provider's answer does not say who you are.",
            )
            .with_source(format!("the provider's id of the user {why}")));
        }
        self.visitor.iter().chain(&self.merged_user).try_for_each(|user| check_user_id(user))
    }
}
