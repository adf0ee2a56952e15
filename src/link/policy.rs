//! `LinkPolicy`: the app's decision about a login.

use super::{Login, Verdict};
use crate::error::{Error, ErrorKind, Result};

/// Decides to which user of the app an account belongs, and who may sign in.
///
/// A policy is called for every finished flow, inside the transaction that stores the account. It reads the [`Login`],
/// creates or finds a user on the transaction's connection, and returns a [`Verdict`]:
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # mod app {
/// use diesel::prelude::*;
/// use rocket_dance::{Login, Result, Standing, Verdict};
/// # diesel::table! { users (id) { id -> Integer, name -> Text } }
///
/// /// Signs up every visitor who has no user yet.
/// fn sign_up(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
///     match &login.standing {
///         Standing::Stranger => {
///             let id = diesel::insert_into(users::table)
///                 .values(users::name.eq(login.profile.display_name()))
///                 .returning(users::id)
///                 .get_result(conn)?;
///             Ok(Verdict::SignUp(id))
///         }
///         _ => Ok(login.default_verdict()),
///     }
/// }
/// # }
/// ```
///
/// [`DieselStorage::link`](crate::storage::DieselStorage#method.link) takes the policy. Without one,
/// [`LinkCurrentUser`](crate::LinkCurrentUser) applies: no users are created.
///
/// # Standings and verdicts
///
/// [`Login::standing`] says to whom the account belongs. The library accepts these verdicts and refuses all others, so that a
/// policy cannot give an account away by mistake. [`Refuse`](Verdict::Refuse) is always accepted.
///
/// | [`Standing`](crate::Standing) | the account | signed in | [`default_verdict`](Login::default_verdict) | accepted verdicts |
/// |---|---|---|---|---|
/// | `Stranger` | has no owner | no user | `Refuse` | [`SignUp`](Verdict::SignUp), [`Merge`](Verdict::Merge), [`SignInFirst`](Verdict::SignInFirst), [`Ask`](Verdict::Ask), [`StoreWithoutUser`](Verdict::StoreWithoutUser) |
/// | `Adding(user)` | has no owner | `user` | `SignIn(user)` | [`SignIn(user)`](Verdict::SignIn) |
/// | `Returning(owner)` | belongs to `owner` | no user | `SignIn(owner)` | [`SignIn(owner)`](Verdict::SignIn) |
/// | `Renewing(user)` | belongs to `user` | `user` | `SignIn(user)` | [`SignIn(user)`](Verdict::SignIn) |
/// | `Taken { owner, visitor }` | belongs to `owner` | `visitor` | `Refuse` | [`MergeUsers`](Verdict::MergeUsers) |
///
/// # What the library guarantees
///
/// - **One transaction.** The user and the account are stored together or not at all. Of several simultaneous first logins of
///   one account, one creates the user and the others find it.
/// - **Identity.** An account is found by its entry and the provider's id of the user, byte for byte, and by nothing else. If
///   the entry points to another server than when the account was stored, the login is refused.
/// - **Checked verdicts.** Beside the table above: `SignUp` is refused if the user has accounts already, and `Merge` needs a
///   proof for this login and this user.
/// - **No identity, no sign-in.** Without a provider's id of the user, a login only connects a token to the user who is signed
///   in.
/// - **Sessions after the commit.** No session begins before the account is committed, and none begins if
///   [`may_sign_in`](LinkPolicy::may_sign_in) returns `false`.
///
/// # What the app has to do
///
/// - **Work only on `conn`, and return its errors.** The policy may be called again after a rollback. MySQL and MariaDB roll the
///   whole transaction back at a deadlock, and commit it before statements such as `CREATE TABLE`: after either, the login fails.
///   Network calls belong in [`Signals::authorized`](crate::Signals::authorized), which can add [notes](Login::note) for the policy
///   or refuse.
/// - **Find users by the account, not by names or addresses.** A name or an address can be given to another person, and a
///   domain can be sold. [`Login::merge`] decides when an address is sufficient.
/// - **Copy only named fields of the [`Profile`](crate::Profile).** A claim such as `role` is the provider's, not yours.
/// - **Delete accounts with their user.** A new user with the same id would inherit them.
///   `DieselStorage::cascade_from` deletes them by a trigger. Otherwise call [`Dance::delete`](crate::Dance::delete), or
///   delete the rows of `oauth_accounts` with this `user_id`, and never reuse an id (on SQLite: `AUTOINCREMENT`).
/// - **After a recovered user or a newly verified address**, end the other sessions, cancel pending changes, and show the
///   connected accounts, since another person may have connected one: see [`Dance::accounts`](crate::Dance::accounts) and
///   [`Dance::delete`](crate::Dance::delete).
/// - **Second factor.** Request it in [`Sessions::sign_in`](crate::Sessions::sign_in), which runs at every sign-in.
///
/// # Policies as types
///
/// Every `Fn(&Login<U>, &mut C) -> Result<Verdict<U>>` is a policy, where `C` is the app's Diesel connection and `U` the type
/// of its user ids. A struct can be one, too, for example to wrap another policy. A wrapper forwards the other methods:
///
/// ```
/// use diesel::SqliteConnection;
/// use rocket_dance::{LinkPolicy, Login, Result, Verdict};
///
/// /// Refuses every login on Sundays, and otherwise asks `P`.
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
///
///     fn merge_users(&self, from: &i32, into: &i32, conn: &mut SqliteConnection) -> Result<()> {
///         self.0.merge_users(from, into, conn)
///     }
///
///     fn check(&self) -> Result<()> {
///         self.0.check()
///     }
/// }
/// ```
///
/// # Merging two users
///
/// A person who once signed in with GitHub and once with Google has two users. Signed in as one, they connect the account of
/// the other, and the standing is [`Taken`](crate::Standing::Taken). A policy that answers
/// [`MergeUsers`](Verdict::MergeUsers) and implements [`merge_users`](LinkPolicy::merge_users) makes them one user:
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// # mod app {
/// use diesel::prelude::*;
/// use rocket_dance::{LinkPolicy, Login, Result, Standing, Verdict};
/// # diesel::table! { users (id) { id -> Integer, name -> Text } }
/// # diesel::table! { notes (id) { id -> Integer, user_id -> Integer } }
///
/// struct Users;
///
/// impl LinkPolicy<SqliteConnection, i32> for Users {
///     fn link(&self, login: &Login<i32>, _: &mut SqliteConnection) -> Result<Verdict<i32>> {
///         Ok(match login.standing {
///             Standing::Taken { .. } => Verdict::MergeUsers,
///             _ => login.default_verdict(),
///         })
///     }
///
///     fn merge_users(&self, from: &i32, into: &i32, conn: &mut SqliteConnection) -> Result<()> {
///         diesel::update(notes::table.filter(notes::user_id.eq(from))).set(notes::user_id.eq(into)).execute(conn)?;
///         diesel::delete(users::table.find(from)).execute(conn)?;
///         Ok(())
///     }
/// }
/// # }
/// ```
///
/// What the library does: it asks the person to confirm, by a POST in the same session, on a page that names the accounts of both.
/// In one transaction it locks both users and asks [`may_sign_in`](LinkPolicy::may_sign_in) about both. It moves the accounts of
/// `from`, behind those that `into` has at the same entry, runs `merge_users`, and ends all sessions of both but the one that
/// confirmed: another person may still have one of them. An app with [sessions of its own](crate::Sessions) ends those itself.
///
/// # Tests
///
/// A policy is a function, and [`Login::new`] makes its argument:
///
/// ```
/// # use diesel::{Connection, SqliteConnection};
/// # use rocket_dance::{LinkCurrentUser, LinkPolicy, Login, Profile, RequireEmailDomain, Standing, Verdict};
/// let policy = RequireEmailDomain("corp.com", LinkCurrentUser::<SqliteConnection, i32>::new());
/// let mut conn = SqliteConnection::establish(":memory:").unwrap();
/// let ada = Profile::default().with_email(Some("ada@corp.com".into()), true);
/// let login = Login::new("corp", Standing::Returning(7), ada).with_trusted_email();
/// assert_eq!(policy.link(&login, &mut conn)?, Verdict::SignIn(7));
/// # Ok::<(), rocket_dance::Error>(())
/// ```
pub trait LinkPolicy<C, U>: Send + Sync + 'static {
    /// Decides about a login.
    ///
    /// # Errors
    /// An error rolls the transaction back: nothing is stored and no user signs in. Diesel's errors convert with `?`. To refuse
    /// a login, return [`Verdict::Refuse`] instead.
    fn link(&self, login: &Login<U>, conn: &mut C) -> Result<Verdict<U>>;

    /// Returns whether `user` can sign in without any account, for example with a password or a passkey. It is called inside
    /// the transaction that removes an account. If it returns `false`, the user's last way to sign in is not removed
    /// ([`ErrorKind::LastLogin`](crate::ErrorKind::LastLogin)). The default is `false`.
    ///
    /// # Errors
    /// An error rolls the transaction back: no account is removed.
    fn has_other_login(&self, user: &U, conn: &mut C) -> Result<bool> {
        let _ = (user, conn);
        Ok(false)
    }

    /// Returns whether `user` may sign in: `false`, for example, for a deactivated user. It is called before a session or a
    /// token is written. The default is `true`.
    ///
    /// # Errors
    /// An error rolls the transaction back: nothing is stored and no user signs in.
    fn may_sign_in(&self, user: &U, conn: &mut C) -> Result<bool> {
        let _ = (user, conn);
        Ok(true)
    }

    /// Moves the app's own rows of the user `from` to the user `into`, who are the same person, and removes `from` or what `from`
    /// can sign in with: a password of `from` would still open an empty user. It is called after
    /// [`Verdict::MergeUsers`], inside the transaction that moves the accounts, when these already belong to `into`. The default
    /// is an error: no users are merged.
    ///
    /// # Errors
    /// An error rolls the transaction back: nothing has changed. [`Error::refused`] refuses with a text for the person.
    fn merge_users(&self, from: &U, into: &U, conn: &mut C) -> Result<()> {
        let _ = (from, into, conn);
        Err(Error::new(
            ErrorKind::Misconfigured,
            "This app could not merge the two users. Nothing was changed.",
        )
        .with_source("the policy answered MergeUsers, but does not implement `LinkPolicy::merge_users`"))
    }

    /// Checks the policy's own settings at launch. The default accepts them.
    ///
    /// # Errors
    /// An error fails the launch, which shows it.
    fn check(&self) -> Result<()> {
        Ok(())
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
