//! Linking: whose account is it, and who may say so.
//!
//! The engine finds the [`Standing`] of a finished dance, asks the app's [`LinkPolicy`] for a [`Verdict`] and checks
//! it: a policy can refuse whatever it likes, and grant only what the standing allows.

mod verified;

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::profile::Profile;
use crate::token::Token;
use crate::user::{UserId, unstorable};

pub use self::verified::MergeProof;

/// SessionSelection account it is, against who began the dance.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Standing<U> {
    /// Nobody owns the account, nobody is signed in.
    Stranger,
    /// Nobody owns the account; this user pressed "Connect".
    Adding(U),
    /// This user owns the account; nobody was signed in.
    Returning(U),
    /// This user owns the account and began the dance: a new token.
    Renewing(U),
    /// Somebody else owns the account.
    Taken {
        /// SessionSelection account it is.
        owner: U,
        /// Who began the dance.
        visitor: U,
    },
}

/// The policy's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict<U> {
    /// To a [`Stranger`](Standing::Stranger): the account belongs to this user, whom the policy has just created.
    SignUp(U),
    /// To the one user that the standing names.
    SignIn(U),
    /// To a [`Stranger`](Standing::Stranger): keep the account without a user; nobody is signed in. With
    /// `user_required` it is an error.
    StoreWithoutUser,
    /// To a [`Stranger`](Standing::Stranger): the account belongs to this user, who was there before. Only
    /// [`Login::merge`] makes the proof.
    ///
    /// Whoever reads the mailbox gets the user, as with a forgotten password, so do here what you do there, on the policy's
    /// `conn`, before you answer:
    ///
    /// - a password that was set before this user's address was verified goes (its owner may be somebody else);
    /// - changes that wait, of the address above all, are cancelled;
    /// - accounts that were connected before the address was verified go, or the user is asked about each: whoever made the
    ///   user in her name may have connected his own, and comes in by it (trojan identifier);
    /// - sessions that the app keeps itself end (rocket_dance ends its own, in the same transaction).
    ///
    /// Then tell the user: [`Event::AccountMerged`](crate::Event::AccountMerged). A second factor is asked for as at every
    /// login: [`SignInOutcome::RedirectFirst`](crate::SignInOutcome::RedirectFirst).
    Merge(U, MergeProof),
    /// To a [`Stranger`](Standing::Stranger): this user was there before, and the account is hers once she has proved it.
    /// Nothing is stored but the account, sealed, for ten minutes. She is asked to sign in as she did before, in the same
    /// browser, and then whether to connect it; only this user can say yes.
    ///
    /// That there is a user tells something about her to whoever sees the page. Answer it to a verified address
    /// ([`Profile::email`]), or anybody can ask for anybody's.
    SignInFirst(U),
    /// No, in words for the person.
    Refuse(String),
}

/// A finished dance as a policy sees it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Login<U> {
    /// The entry's name.
    pub entry: String,
    /// SessionSelection account it is, against who began.
    pub standing: Standing<U>,
    /// Who the provider says it is.
    pub profile: Profile,
    /// The scope that was granted.
    pub scope: Vec<String>,
    notes: BTreeMap<String, String>,
    /// The address that the entry is trusted to have verified.
    trusted_email: Option<String>,
}

impl<U: Clone> Login<U> {
    /// A login, for tests of an app's own policy.
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
        Self { entry: entry.into(), standing, profile, scope, notes, trusted_email: None }
    }

    /// The usual answer: sign in the user whom the standing names; refuse a stranger, and an account that is somebody
    /// else's.
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

    /// What [`Signals::before_login`](crate::Signals::before_login) carried, or
    /// [`Signals::authorized`](crate::Signals::authorized) added, under `key`.
    pub fn note(&self, key: &str) -> Option<&str> {
        self.notes.get(key).map(String::as_str)
    }

    /// The same login with a note, for tests of an app's own policy.
    pub fn with_note(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.notes.insert(key.into(), value.into());
        self
    }
}

/// Who may come in, and as whom.
///
/// A policy runs inside the transaction that stores the account, on that transaction's connection, so that user and
/// account exist together or not at all. It may run again after a rollback: it has no effect but through `conn`. What
/// needs the network belongs into [`Signals::authorized`](crate::Signals::authorized).
///
/// An account outlives its user, and whoever gets the user's id next gets the accounts, unless
/// `DieselStorage::cascade_from` deletes them with the user. An app that does without deletes the accounts itself
/// ([`Dance::delete`](crate::Dance::delete), or a `DELETE FROM oauth_accounts WHERE user_id = …` beside its own), and never
/// gives an id to a second person (on SQLite: `AUTOINCREMENT`).
///
/// What only the app can see to:
///
/// - Find people by the provider's id, which the engine does, and by nothing else. A name, a user name and an address can
///   be given to somebody else, a whole domain can be sold; an address is a hint ([`Login::merge`] says when it is enough).
/// - Copy from a [`Profile`] only what you name. Roles and rights are yours: a claim called `role` is the provider's word.
/// - When somebody recovers a user, or proves an address that was unproved, end the other sessions, cancel changes that
///   wait, and show what is connected: it may be somebody else's ([`Dance::accounts`](crate::Dance::accounts),
///   [`Dance::delete`](crate::Dance::delete)).
/// - Ask for the second factor in [`Sessions::sign_in`](crate::Sessions::sign_in), which every login goes through.
///
/// Every `Fn(&Login<U>, &mut C) -> Result<Verdict<U>>` is one; so is a struct, or a wrapper around another:
///
/// ```
/// use diesel::SqliteConnection;
/// use rocket_dance::{LinkPolicy, Login, Result, Verdict};
///
/// /// Closed on Sundays, else whatever `P` says.
/// struct Weekdays<P>(P);
///
/// impl<P: LinkPolicy<SqliteConnection, i32>> LinkPolicy<SqliteConnection, i32> for Weekdays<P> {
///     fn link(&self, login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
///         # let is_sunday = false;
///         if is_sunday {
///             return Ok(Verdict::Refuse("We are closed on Sundays.".into()));
///         }
///         self.0.link(login, conn)
///     }
///
///     fn has_other_login(&self, user: &i32, conn: &mut SqliteConnection) -> Result<bool> {
///         self.0.has_other_login(user, conn)
///     }
///
///     fn may_sign_in(&self, user: &i32, conn: &mut SqliteConnection) -> Result<bool> {
///         self.0.may_sign_in(user, conn)
///     }
/// }
/// ```
pub trait LinkPolicy<C, U>: Send + Sync + 'static {
    /// Answers a login.
    ///
    /// # Errors
    /// What goes wrong rolls the transaction back: nothing is stored, nobody is signed in.
    fn link(&self, login: &Login<U>, conn: &mut C) -> Result<Verdict<U>>;

    /// Whether `user` can sign in without any account: with a password, a passkey. Asked inside the transaction that
    /// removes an account; a user's last way to sign in is not removed.
    fn has_other_login(&self, user: &U, conn: &mut C) -> Result<bool> {
        let _ = (user, conn);
        Ok(false)
    }

    /// Whether `user` may come in at all, or is deactivated. Asked before a session or a token is written.
    fn may_sign_in(&self, user: &U, conn: &mut C) -> Result<bool> {
        let _ = (user, conn);
        Ok(true)
    }
}

impl<C, U, F> LinkPolicy<C, U> for F
where
    F: Fn(&Login<U>, &mut C) -> Result<Verdict<U>> + Send + Sync + 'static,
{
    fn link(&self, login: &Login<U>, conn: &mut C) -> Result<Verdict<U>> {
        self(login, conn)
    }
}

/// Admits only people of one domain, then asks the policy inside.
///
/// The domain is that of the *verified* e-mail address, compared exactly (ASCII case aside): not a subdomain, not a
/// claimed address. It holds for every login, so that somebody who has left the domain stays out.
///
/// ```
/// use diesel::SqliteConnection;
/// use rocket_dance::{Domain, Login, LinkPolicy, Profile, Result, Standing, Verdict};
///
/// fn default_verdict(login: &Login<i32>, _: &mut SqliteConnection) -> Result<Verdict<i32>> {
///     Ok(login.default_verdict())
/// }
///
/// let policy = Domain("corp.com", default_verdict);
/// let evil = Profile::default().with_email(Some("eve@evilcorp.com".into()), true);
/// let login = Login::new("google", Standing::Returning(7), evil);
/// # use diesel::Connection;
/// # let conn = &mut SqliteConnection::establish(":memory:").unwrap();
/// assert!(matches!(policy.link(&login, conn)?, Verdict::Refuse(_)));
/// # Ok::<(), rocket_dance::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Domain<P>(pub &'static str, pub P);

impl<C, U: UserId, P: LinkPolicy<C, U>> LinkPolicy<C, U> for Domain<P> {
    fn link(&self, login: &Login<U>, conn: &mut C) -> Result<Verdict<U>> {
        let domain = login.profile.email().and_then(|address| address.split_once('@'));
        match domain {
            Some((local, domain)) if !local.is_empty() && domain.eq_ignore_ascii_case(self.0) => {
                self.1.link(login, conn)
            }
            _ => {
                Ok(Verdict::Refuse(format!("Only people with a verified address at {} may come in.", self.0)))
            }
        }
    }

    fn has_other_login(&self, user: &U, conn: &mut C) -> Result<bool> {
        self.1.has_other_login(user, conn)
    }

    fn may_sign_in(&self, user: &U, conn: &mut C) -> Result<bool> {
        self.1.may_sign_in(user, conn)
    }
}

/// What holds without a policy: an account goes to the user who is signed in, and nobody is signed up.
///
/// Users exist only through the app's own sign-in then, so that each of them has another way to come in. It is a value
/// for wrapping, and for declaring the type of the user ids:
///
/// ```
/// use diesel::SqliteConnection;
/// use rocket_dance::{Domain, LinkCurrentUser, storage::DieselStorage};
///
/// let policy = Domain("corp.com", LinkCurrentUser::<SqliteConnection, i32>::new());
/// let storage = DieselStorage::database("app").migrate().link(policy);
/// # let _ = storage;
/// ```
pub struct LinkCurrentUser<C, U>(PhantomData<fn(C, U)>);

impl<C, U> LinkCurrentUser<C, U> {
    /// The policy for the connection `C` and the user ids `U`.
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<C, U> Default for LinkCurrentUser<C, U> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C, U> fmt::Debug for LinkCurrentUser<C, U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkCurrentUser")
    }
}

// For one connection and one id type each: for all of them, `.link(LinkCurrentUser)` would not know which (E0283).
impl<C: 'static, U: UserId> LinkPolicy<C, U> for LinkCurrentUser<C, U> {
    fn link(&self, login: &Login<U>, _: &mut C) -> Result<Verdict<U>> {
        Ok(login.default_verdict())
    }

    fn has_other_login(&self, _: &U, _: &mut C) -> Result<bool> {
        Ok(true)
    }
}

/// What a dance is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Purpose {
    /// Nobody was signed in: to come in.
    SignIn,
    /// Somebody was signed in: to connect one more account.
    Connect,
    /// The entry is the site's own: nobody is signed in.
    Site,
}

/// A finished dance on its way into the storage: who the provider says it is, and the token, before anybody has said
/// whose account it is.
///
/// [`Signals::authorized`](crate::Signals::authorized) sees it and may add [notes](AuthorizedLogin::note) that the policy reads.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AuthorizedLogin {
    /// The entry's name.
    pub entry: String,
    /// What the entry points to: the issuer, or the authorization endpoint.
    pub issuer: String,
    /// What the dance is for.
    pub purpose: Purpose,
    /// Who the provider says it is.
    pub profile: Profile,
    /// What was granted: its `scope` may be less than what was asked for.
    pub token: Token,
    pub(crate) visitor: Option<String>,
    /// The visitor's session, where it is kept: when it is over by the time of the commit, nothing is stored.
    pub(crate) session: Option<String>,
    /// Who has signed in since somebody signed out began the dance.
    pub(crate) present: Option<String>,
    pub(crate) user_required: bool,
    /// The address that the entry is trusted to have verified.
    pub(crate) trusted_email: Option<String>,
    /// The provider_user_id that the site's account must have (entries of the site only).
    pub(crate) account: Option<String>,
    /// Whether the site's first account may be this one (entries of the site without an `account`).
    pub(crate) admitted: bool,
    pub(crate) now: i64,
    pub(crate) notes: BTreeMap<String, String>,
}

impl AuthorizedLogin {
    /// A text for the policy to read: [`Login::note`].
    pub fn add_note(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.notes.insert(key.into(), value.into());
    }

    /// What was carried through the flow, or noted, under `key`.
    pub fn note(&self, key: &str) -> Option<&str> {
        self.notes.get(key).map(String::as_str)
    }

    /// The user who began the dance, as text.
    pub fn visitor(&self) -> Option<&str> {
        self.visitor.as_deref()
    }

    /// Whether every database can be asked for this account.
    pub(crate) fn check(&self) -> Result<()> {
        if let Some(why) = self.profile.id.as_deref().and_then(unstorable) {
            return Err(Error::new(
                ErrorKind::BadProviderAnswer,
                "The provider's answer does not tell who you are.",
            )
            .with_source(format!("the provider's id of the user {why}")));
        }
        self.visitor.as_deref().map_or(Ok(()), check_user)
    }
}

/// Whether every database can be asked for `user`'s accounts.
pub(crate) fn check_user(user: &str) -> Result<()> {
    match unstorable(user) {
        None => Ok(()),
        Some(why) => Err(Error::app(format!("the app's id of a user {why}"))),
    }
}

/// What a storage found before it asks: the account's row and the site's.
#[derive(Debug, Default)]
pub(crate) struct Found<'a> {
    /// The account's row: what it pointed to, and its owner.
    pub(crate) account: Option<(&'a str, Option<&'a str>)>,
    /// The provider_user_id of the site's account (entries of the site only).
    pub(crate) site: Option<Option<&'a str>>,
}

/// What is to be stored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// The account's user from now on.
    pub(crate) user: Option<String>,
    /// Whether this user is new, and so must be without accounts.
    pub(crate) new: bool,
    /// Whether the account was a stranger's to somebody who was there before.
    pub(crate) merged: bool,
}

impl Decision {
    fn of(user: Option<String>) -> Self {
        Self { user, new: false, merged: false }
    }
}

/// What an account is refused with that was stored when `entry` pointed to another server.
pub(crate) fn moved(entry: &str, was: &str, is: &str) -> Error {
    Error::new(
        ErrorKind::Misconfigured,
        "This sign-in has been moved to another server. Please tell the people who run this site.",
    )
    .with_source(format!(
        "entry `{entry}` pointed to `{was}` when this account was stored and points to `{is}` now: give the new \
         server a new entry name, or delete the old rows"
    ))
}

/// Decides about `login`: finds its standing, asks, and checks the answer.
pub(crate) fn decide(
    login: &AuthorizedLogin,
    found: &Found<'_>,
    ask: impl FnOnce(Login<String>) -> Result<Verdict<String>>,
) -> Result<Decision> {
    let decision = judge(login, found, ask)?;
    decision.user.as_deref().map_or(Ok(()), check_user)?;
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
        // AL-12: the same id at another server is another person.
        return Err(moved(&login.entry, issuer, &login.issuer));
    }
    if login.purpose == Purpose::Site {
        if let Some(account) = &login.account {
            // Whatever else is there without a user: a visitor may have kept it before the entry was the site's.
            return match id == Some(account) {
                true => Ok(Decision::of(None)),
                false => Err(Error::refused("This account may not be connected to this site.")),
            };
        }
        return match found.site {
            Some(site) if site == id && id.is_some() => Ok(Decision::of(None)),
            Some(_) => Err(Error::refused("Another account is connected to this site.")),
            None if login.admitted => Ok(Decision::of(None)),
            None => Err(Error::refused("This account may not be connected to this site.")),
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
        // SF-04: a dance begun signed out makes nobody who has come in since somebody else.
        return Err(Error::refused("Somebody else is signed in. Sign out first."));
    }
    if id.is_none() && standing == Standing::Stranger {
        return Err(Error::refused("This provider doesn't say who you are: sign in first, then connect it."));
    }
    let mut asked = Login::new(login.entry.clone(), standing.clone(), login.profile.clone());
    asked.scope.clone_from(&login.token.scope);
    asked.notes.clone_from(&login.notes);
    asked.trusted_email.clone_from(&login.trusted_email);
    match (ask(asked)?, standing) {
        (Verdict::Refuse(text), _) => Err(Error::refused(text)),
        (Verdict::SignUp(user), Standing::Stranger) => Ok(Decision { new: true, ..Decision::of(Some(user)) }),
        (Verdict::StoreWithoutUser, Standing::Stranger) if login.user_required => Err(Error::new(
            ErrorKind::Misconfigured,
            "This app could not keep the account. Please tell the people who run this site.",
        )
        .with_source("the policy answered Keep, but accounts need a user: set `user_required = false` in [default.dance]")),
        (Verdict::StoreWithoutUser, Standing::Stranger) => Ok(Decision::of(None)),
        (Verdict::Merge(user, proof), Standing::Stranger) if proof.is_for(login, &user) => {
            Ok(Decision { merged: true, ..Decision::of(Some(user)) })
        }
        (Verdict::SignInFirst(user), Standing::Stranger) => {
            check_user(&user)?;
            Err(Error::sign_in_first(user))
        }
        (
            Verdict::SignIn(user),
            Standing::Adding(named) | Standing::Returning(named) | Standing::Renewing(named),
        ) if user == named => Ok(Decision::of(Some(user))),
        (verdict, standing) => Err(Error::refused("This account can't be used that way.").with_source(format!(
            "the policy answered {} to {}: see the table of standings and verdicts",
            verdict.name(),
            standing.name()
        ))),
    }
}

impl<U> Verdict<U> {
    fn name(&self) -> &'static str {
        match self {
            Verdict::SignUp(_) => "SignUp",
            Verdict::SignIn(_) => "SignIn",
            Verdict::StoreWithoutUser => "Keep",
            Verdict::Merge(..) => "Merge",
            Verdict::SignInFirst(_) => "SignInFirst",
            Verdict::Refuse(_) => "Refuse",
        }
    }

    /// The same verdict about another type of user id.
    #[cfg(feature = "_sql")]
    pub(crate) fn map<V>(self, to: impl FnOnce(U) -> V) -> Verdict<V> {
        match self {
            Verdict::SignUp(user) => Verdict::SignUp(to(user)),
            Verdict::SignIn(user) => Verdict::SignIn(to(user)),
            Verdict::StoreWithoutUser => Verdict::StoreWithoutUser,
            Verdict::Merge(user, proof) => Verdict::Merge(to(user), proof),
            Verdict::SignInFirst(user) => Verdict::SignInFirst(to(user)),
            Verdict::Refuse(text) => Verdict::Refuse(text),
        }
    }
}

impl<U> Standing<U> {
    fn name(&self) -> &'static str {
        match self {
            Standing::Stranger => "Stranger",
            Standing::Adding(_) => "Adding",
            Standing::Returning(_) => "Returning",
            Standing::Renewing(_) => "Renewing",
            Standing::Taken { .. } => "Taken",
        }
    }
}

#[cfg(feature = "_sql")]
impl Login<String> {
    /// The same login with the app's own type of user id.
    pub(crate) fn typed<U: UserId>(self) -> Result<Login<U>> {
        let standing = match self.standing {
            Standing::Stranger => Standing::Stranger,
            Standing::Adding(user) => Standing::Adding(typed(&user)?),
            Standing::Returning(user) => Standing::Returning(typed(&user)?),
            Standing::Renewing(user) => Standing::Renewing(typed(&user)?),
            Standing::Taken { owner, visitor } => {
                Standing::Taken { owner: typed(&owner)?, visitor: typed(&visitor)? }
            }
        };
        let Login { entry, profile, scope, notes, trusted_email, .. } = self;
        Ok(Login { entry, standing, profile, scope, notes, trusted_email })
    }
}

/// A stored user id as the app's type.
pub(crate) fn typed<U: UserId>(text: &str) -> Result<U> {
    text.parse().map_err(|_| {
        Error::new(ErrorKind::Misconfigured, "This app could not read a user's id.").with_source(format!(
            "a stored user id is not a `{}`: has the app's id type changed?",
            std::any::type_name::<U>()
        ))
    })
}
