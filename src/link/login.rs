//! `Login`: a finished flow as a policy sees it.

use std::collections::BTreeMap;

#[cfg(feature = "_sql")]
use super::user_id::parse_user_id;
use super::{Standing, Verdict};
#[cfg(feature = "_sql")]
use crate::error::Result;
use crate::profile::Profile;
#[cfg(feature = "_sql")]
use crate::user::UserId;

/// A finished flow as a [`LinkPolicy`](crate::LinkPolicy) sees it: the account of the provider's user, and its
/// [`Standing`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Login<U> {
    /// Name of the entry.
    pub entry: String,
    /// To whom the account belongs, compared with the user who began the flow.
    pub standing: Standing<U>,
    /// The provider's user.
    pub profile: Profile,
    /// The granted scope. It may be less than the requested one.
    pub scope: Vec<String>,
    /// The parameters of the callback that the entry keeps (`callback_params`), for example QuickBooks' `realmId`. The user can
    /// change them in the browser: they prove nothing.
    pub callback_params: BTreeMap<String, String>,
    pub(super) notes: BTreeMap<String, String>,
    /// The visitor's answers to the form of [`Verdict::Ask`](crate::Verdict::Ask), by the field's name; `None` before it is
    /// answered.
    pub(super) answers: Option<BTreeMap<String, String>>,
    /// The address that the provider has verified, if the entry trusts it to.
    pub(super) trusted_email: Option<String>,
    /// The domain of whose organization the user is a member, if the provider proves it.
    pub(super) proven_domain: Option<String>,
}

impl<U: Clone> Login<U> {
    /// Makes a login, for tests of an app's own policy.
    ///
    /// ```
    /// use rocket_dance::{Login, Profile, Standing, Verdict};
    ///
    /// let login: Login<i32> = Login::new("github", Standing::Returning(7), Profile::default());
    /// assert_eq!(login.default_verdict(), Verdict::SignIn(7));
    /// assert_eq!(login.with_note("member", "yes").note("member"), Some("yes"));
    /// ```
    pub fn new(entry: impl Into<String>, standing: Standing<U>, profile: Profile) -> Self {
        let (scope, notes) = (Vec::new(), BTreeMap::new());
        Self {
            entry: entry.into(),
            standing,
            profile,
            scope,
            notes,
            answers: None,
            callback_params: BTreeMap::new(),
            trusted_email: None,
            proven_domain: None,
        }
    }

    /// Returns the verdict that needs no decision: it signs in the user whom the standing names, refuses a
    /// [`Stranger`](Standing::Stranger), and refuses an account that is [`Taken`](Standing::Taken).
    ///
    /// ```
    /// use rocket_dance::{Login, Profile, Standing, Verdict};
    ///
    /// let login = Login::new("github", Standing::Adding(7), Profile::default());
    /// assert_eq!(login.default_verdict(), Verdict::SignIn(7));
    /// let login: Login<i32> = Login::new("github", Standing::Stranger, Profile::default());
    /// assert!(matches!(login.default_verdict(), Verdict::Refuse(_)));
    /// ```
    pub fn default_verdict(&self) -> Verdict<U> {
        match &self.standing {
            Standing::Adding(user) | Standing::Returning(user) | Standing::Renewing(user) => {
                Verdict::SignIn(user.clone())
            }
            Standing::Stranger => {
                Verdict::Refuse("There is no user for this account. Sign in first, then connect it.".into())
            }
            Standing::Taken { .. } => Verdict::Refuse("This account is connected to another user.".into()),
        }
    }

    /// Returns the note under `key`: one that [`Signals::before_login`](crate::Signals::before_login) or
    /// [`Signals::authorized`](crate::Signals::authorized) has added.
    pub fn note(&self, key: &str) -> Option<&str> {
        self.notes.get(key).map(String::as_str)
    }

    /// Returns the same login with a note, for tests of an app's own policy.
    #[must_use]
    pub fn with_note(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.notes.insert(key.into(), value.into());
        self
    }

    /// Returns the visitor's answer to the field `name` of the form that the policy has shown with
    /// [`Verdict::Ask`](crate::Verdict::Ask); `None` if it has not asked yet. A box that is ticked is `"yes"`; an optional field
    /// that is left empty has no answer.
    ///
    /// The visitor has typed it: it proves nothing. Above all, an address is not verified, whoever owns it.
    pub fn answer(&self, name: &str) -> Option<&str> {
        self.answers.as_ref()?.get(name).map(String::as_str)
    }

    /// Returns whether the visitor has sent the form that the policy has shown with [`Verdict::Ask`](crate::Verdict::Ask). All
    /// its required fields have an [answer](Login::answer) then.
    pub fn is_answered(&self) -> bool {
        self.answers.is_some()
    }

    /// Returns the same login with an answer, for tests of an app's own policy.
    #[must_use]
    pub fn with_answer(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.answers.get_or_insert_default().insert(name.into(), value.into());
        self
    }
}

#[cfg(feature = "_sql")]
impl Login<String> {
    /// Returns the same login with the app's own type of user id.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if a stored user id is not of that type.
    pub(crate) fn typed<U: UserId>(self) -> Result<Login<U>> {
        let standing = match self.standing {
            Standing::Stranger => Standing::Stranger,
            Standing::Adding(user) => Standing::Adding(parse_user_id(&user)?),
            Standing::Returning(user) => Standing::Returning(parse_user_id(&user)?),
            Standing::Renewing(user) => Standing::Renewing(parse_user_id(&user)?),
            Standing::Taken { owner, visitor } => {
                Standing::Taken { owner: parse_user_id(&owner)?, visitor: parse_user_id(&visitor)? }
            }
        };
        let Login { entry, profile, scope, callback_params, notes, answers, .. } = self;
        let Login { trusted_email, proven_domain, .. } = self;
        Ok(Login {
            entry,
            standing,
            profile,
            scope,
            callback_params,
            notes,
            answers,
            trusted_email,
            proven_domain,
        })
    }
}
