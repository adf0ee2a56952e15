//! The queries: storing a login, and removing accounts.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as Cause};
use diesel::select;

use super::accounts::{exact, get, held, hold, is_of, is_under, list, write};
use super::any_connection::AnyConnection;
use super::policy::ErasedPolicy;
use super::schema::oauth_accounts::dsl::*;
use super::{ranks, sessions};
use crate::error::{Error, ErrorKind, Result};
use crate::link::{AuthorizedLogin, Found, Purpose, decide};
use crate::storage::{Account, AccountKey, KeyRing, Linked, SessionSelection};

/// Stores a finished login: see [`BuiltIn::link`](crate::storage::BuiltIn::link).
pub(super) fn link(
    conn: &mut AnyConnection,
    policy: &dyn ErasedPolicy,
    login: &AuthorizedLogin,
    keys: &KeyRing,
) -> Result<Linked> {
    login.check()?;
    if let (Some(session), Some(visitor)) = (&login.session, login.visitor())
        && !sessions::hold(conn, session, visitor)?
    {
        // AL-02: the session may have ended while the provider answered, for example because its user has ended all sessions
        // of an attacker. The attacker would get back in with an account of their own.
        return Err(Error::refused("You have been signed out in the meantime: nothing was connected."));
    }
    let (entry, identity) = (&login.entry, login.profile.id.as_deref());
    let found = match (identity, login.visitor()) {
        (None, None) => None,
        (identity, visitor) => held(conn, entry, identity, visitor)?,
    };
    let site = match login.purpose {
        Purpose::Site => {
            let key = AccountKey::Owner { entry: entry.clone(), user: None };
            hold(conn, Box::new(provider.eq(entry).nullable().and(is_under(&key))))?;
            get(conn, &key)?
        }
        _ => None,
    };
    let seen = Found::of(found.as_ref(), site.as_ref());
    let decision = decide(login, &seen, |asked| policy.link(asked, conn));
    if decision.is_err() && found.is_none() && identity.is_some() && !conn.writes_alone() {
        // A row that does not exist cannot be locked: of two simultaneous first logins, the policy of the slower one may have
        // refused because of the user whom the other one has created ("this address is taken").
        match exact(conn, entry, identity, None) {
            Ok(Some(_)) => {
                let said = "another login was faster: the account exists now".to_owned();
                return Err(
                    Cause::DatabaseError(DatabaseErrorKind::SerializationFailure, Box::new(said)).into()
                );
            }
            // Without the database it is unknown whether the refusal was meant for this login.
            Err(error) if error.kind() == ErrorKind::StoreUnavailable => return Err(error),
            _ => {}
        }
    }
    let decision = decision?;
    let user = decision.user.as_deref();
    if let Some(user) = user {
        if decision.new && has_accounts(conn, user)? {
            return Err(Error::refused("This account can't be used that way.")
                .with_source("the policy answered SignUp with a user who has accounts already"));
        }
        if !policy.may_sign_in(user, conn)? {
            return Err(Error::refused("You may not sign in here."));
        }
    }
    let mut account = Account::of(login, user, found.as_ref(), keys)?;
    if let Some(user) = user.filter(|_| account.is_new_to_its_user(found.as_ref())) {
        account.rank = ranks::next(conn, entry, user)?;
    }
    let account = write(conn, &account, found.as_ref())?;
    let ended = match user.filter(|_| decision.merged) {
        // AL-02: an attacker who created or took over the local user may still have a session.
        Some(user) => sessions::end(conn, &SessionSelection::User(user.to_owned()))?,
        None => Vec::new(),
    };
    Ok(Linked { account, previous: found, user: decision.user, merged: decision.merged, ended })
}

fn has_accounts(conn: &mut AnyConnection, user: &str) -> Result<bool> {
    Ok(select(exists(oauth_accounts.filter(user_id.eq(user)))).get_result(conn)?)
}

/// Removes accounts of `user` at `entry`. `logins` are the entries with which users can sign in.
pub(super) fn unlink(
    conn: &mut AnyConnection,
    policy: &dyn ErasedPolicy,
    user: Option<&str>,
    entry: &str,
    account_id: Option<i64>,
    logins: &[String],
) -> Result<Vec<Account>> {
    // All accounts of the user: two simultaneous requests that disconnect one account each would both find another one left.
    if user.is_some() {
        hold(conn, is_of(user))?;
    }
    let mut removed = list(conn, user, &[entry.to_owned()])?;
    removed.retain(|account| account_id.is_none_or(|wanted| account.id == wanted));
    let ids: Vec<i64> = removed.iter().map(|account| account.id).collect();
    // A user cannot sign in with an account that has no identity.
    let signs_in = |account: &Account| account.provider_user_id.is_some() && logins.contains(&account.entry);
    if let Some(user) = user
        && removed.iter().any(signs_in)
        && !list(conn, Some(user), logins)?.iter().any(|left| signs_in(left) && !ids.contains(&left.id))
        && !policy.has_other_login(user, conn)?
    {
        return Err(Error::new(
            ErrorKind::LastLogin,
            "This is your last way to sign in: connect another account or set a password first.",
        ));
    }
    diesel::delete(oauth_accounts.filter(id.eq_any(ids))).execute(conn)?;
    Ok(removed)
}
