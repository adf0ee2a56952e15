//! `Decision`: what is to be stored of a login.

use super::user_id::check_user_id;
use super::{AuthorizedLogin, Login, Postponed, Purpose, Standing, Verdict};
use crate::error::{Error, ErrorKind, Result};

/// What a storage has found before the decision.
#[derive(Debug, Default)]
pub(crate) struct Found<'a> {
    /// The stored account of the login's identity: its issuer, and its owner if it has one.
    pub(crate) account: Option<(&'a str, Option<&'a str>)>,
    /// The site's stored account, for an entry of the site: its `provider_user_id` if it has one.
    pub(crate) site: Option<Option<&'a str>>,
}

/// What is to be stored of a login.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The owner of the account from now on.
    pub(crate) user: Option<String>,
    /// Whether the policy has created this user, who must therefore have no accounts.
    pub(crate) new: bool,
    /// Whether the account had no owner and is given to a user who existed before.
    pub(crate) merged: bool,
    /// The former owner, all of whose accounts `user` gets.
    pub(crate) merged_user: Option<String>,
}

impl Decision {
    fn of(user: Option<String>) -> Self {
        Self { user, new: false, merged: false, merged_user: None }
    }
}

/// Makes the error for an account that was stored when `entry` pointed to another server.
pub(crate) fn entry_moved(entry: &str, was: &str, is: &str) -> Error {
    Error::new(
        ErrorKind::Misconfigured,
        "This sign-in has been moved to another server. Please tell the people who run this site.",
    )
    .with_source(format!(
        "entry `{entry}` pointed to `{was}` when this account was stored and points to `{is}` now: give the new \
         server a new entry name, or delete the old rows"
    ))
}

/// Makes the refusal of a login whose flow began signed out, if a user has signed in since.
// SF-04: it must not replace that user.
pub(crate) fn other_user_present() -> Error {
    Error::refused("Another user is signed in. Sign out first.").with_reason("other_user")
}

/// Makes the refusal of an account that belongs to another user.
pub(crate) fn account_taken() -> Error {
    Error::refused("This account is connected to another user.").with_reason("account_taken")
}

/// Decides about `login`: it computes the standing, asks the policy with `ask`, and checks the verdict.
///
/// # Errors
/// [`ErrorKind::Refused`] if the login is refused; an error with [`Postponed`] if something else has to happen first; any error
/// of `ask`.
pub(crate) fn decide(
    login: &AuthorizedLogin,
    found: &Found<'_>,
    ask: impl FnOnce(Login<String>) -> Result<Verdict<String>>,
) -> Result<Decision> {
    let owner = found.account.and_then(|(_, owner)| owner);
    let decision = judge(login, found, ask).map_err(|error| match login.visitor().or(owner) {
        Some(user) => error.about_user(user),
        None => error,
    })?;
    decision.user.as_deref().map_or(Ok(()), check_user_id)?;
    Ok(decision)
}

fn judge(
    login: &AuthorizedLogin,
    found: &Found<'_>,
    ask: impl FnOnce(Login<String>) -> Result<Verdict<String>>,
) -> Result<Decision> {
    let id = login.profile.id.as_deref();
    if let Some((issuer, _)) = found.account
        && issuer != login.issuer
    {
        // AL-12: the same id at another server may belong to another person.
        return Err(entry_moved(&login.entry, issuer, &login.issuer));
    }
    if login.purpose == Purpose::Site {
        if let Some(account) = &login.account {
            // Other accounts without a user do not matter: a visitor may have stored one before the entry belonged to the site.
            return match id == Some(account) {
                true => Ok(Decision::of(None)),
                false => Err(site_refusal("This account may not be connected to this site.")),
            };
        }
        return match found.site {
            Some(site) if site == id && id.is_some() => Ok(Decision::of(None)),
            Some(Some(_)) => Err(site_refusal("Another account is connected to this site.")),
            // Without an identity, only the admin knows whose token it is and was.
            None | Some(None) if login.admitted => Ok(Decision::of(None)),
            None | Some(None) => Err(site_refusal("This account may not be connected to this site.")),
        };
    }
    let owner = found.account.and_then(|(_, owner)| owner.map(str::to_owned));
    let standing = match (owner, login.visitor.clone()) {
        (None, None) => Standing::Stranger,
        (None, Some(visitor)) => Standing::Adding(visitor),
        (Some(owner), None) => Standing::Returning(owner),
        (Some(owner), Some(visitor)) if owner == visitor => Standing::Renewing(owner),
        (Some(owner), Some(visitor)) => Standing::Taken { owner, visitor },
    };
    if let Some(present) = &login.present
        && !matches!(&standing, Standing::Returning(owner) if owner == present)
    {
        return Err(other_user_present());
    }
    if id.is_none() && standing == Standing::Stranger {
        return Err(Error::refused("This provider doesn't say who you are: sign in first, then connect it.")
            .with_reason("no_identity"));
    }
    if let Some(merged) = &login.merged_user
        && !matches!(&standing, Standing::Taken { owner, .. } if owner == merged)
    {
        return Err(Error::refused(
            "The accounts have changed in the meantime. Nothing was changed. Please try again.",
        )
        .with_reason("account_changed"));
    }
    let mut asked = Login::new(login.entry.clone(), standing.clone(), login.profile.clone());
    asked.scope.clone_from(&login.token.scope);
    asked.notes.clone_from(&login.notes);
    asked.answers.clone_from(&login.answers);
    asked.trusted_email.clone_from(&login.trusted_email);
    asked.proven_domain.clone_from(&login.proven_domain);
    asked.callback_params.clone_from(&login.callback_params);
    match (ask(asked)?, standing) {
        (Verdict::Refuse(text), Standing::Taken { .. }) => Err(Error::refused(text).with_reason("account_taken")),
        (Verdict::Refuse(text), _) => Err(Error::refused(text)),
        (Verdict::SignUp(user), Standing::Stranger) => Ok(Decision { new: true, ..Decision::of(Some(user)) }),
        (Verdict::StoreWithoutUser, Standing::Stranger) if login.user_required => Err(Error::new(
            ErrorKind::Misconfigured,
            "This app could not keep the account. Please tell the people who run this site.",
        )
        .with_source("the policy answered StoreWithoutUser, but accounts need a user: set `user_required = false` in [default.dance]")),
        (Verdict::StoreWithoutUser, Standing::Stranger) => Ok(Decision::of(None)),
        (Verdict::Merge(user, proof), Standing::Stranger) if proof.is_for(login, &user) => {
            Ok(Decision { merged: true, ..Decision::of(Some(user)) })
        }
        (Verdict::SignInFirst(user), Standing::Stranger) => {
            check_user_id(&user)?;
            Err(Postponed::SignInFirst(user).into())
        }
        (Verdict::MergeUsers, Standing::Taken { owner, visitor }) => match login.merged_user {
            Some(_) => Ok(Decision { merged_user: Some(owner), ..Decision::of(Some(visitor)) }),
            None => Err(Postponed::MergeUsers { owner, visitor }.into()),
        },
        (Verdict::Ask(form), Standing::Stranger) => {
            form.check()?;
            Err(Postponed::SignUp(form.filled(&login.profile, login.answers.as_ref())).into())
        }
        (
            Verdict::SignIn(user),
            Standing::Adding(named) | Standing::Returning(named) | Standing::Renewing(named),
        ) if user == named => Ok(Decision::of(Some(user))),
        (verdict, standing) => {
            Err(Error::refused("This account can't be used that way.").with_reason("wrong_verdict").with_source(
                format!(
                    "the policy answered {} to {}: see the table of standings and verdicts",
                    verdict.name(),
                    standing.name()
                ),
            ))
        }
    }
}

fn site_refusal(text: &'static str) -> Error {
    Error::refused(text).with_reason("site_account")
}
