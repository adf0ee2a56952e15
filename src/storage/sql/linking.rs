//! The queries: storing a login.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::{delete, select};

use super::accounts::{exact, held, hold_owned, hold_sites, write};
use super::any_connection::{AnyConnection, on_inner};
use super::failure::{Failure, Result};
use super::policy::ErasedPolicy;
use super::schema::oauth_accounts::dsl::*;
use super::user_merge::{self, UserMerge};
use super::user_table::UserTable;
use super::{ranks, sessions};
use crate::error::Error;
use crate::link::{AuthorizedLogin, Decision, Found, Purpose, decide};
use crate::storage::refusals::{session_has_ended, user_is_gone};
use crate::storage::{Account, AccountKey, KeyRing, Linked, SessionSelection};

/// Stores a finished login: see [`BuiltIn::link`](crate::storage::BuiltIn::link).
pub(super) fn link(
    conn: &mut AnyConnection,
    policy: &dyn ErasedPolicy,
    users: Option<&UserTable>,
    login: &AuthorizedLogin,
    keys: &KeyRing,
) -> Result<Linked> {
    login.check()?;
    let (entry, identity) = (&login.entry, login.profile.id.as_deref());
    // Locks are taken in the order users, accounts, sessions. The owner of an account is known only from the account.
    if let (Some(from), Some(into)) = (&login.merged_user, login.visitor()) {
        user_merge::hold(conn, users, from, into)?;
    }
    let known = match (login.visitor(), users) {
        (Some(visitor), _) => Some(visitor.to_owned()),
        (None, Some(_)) => owner(conn, entry, identity)?,
        (None, None) => None,
    };
    if let (Some(users), Some(user)) = (users, &known)
        && !users.hold(conn, user)?
    {
        return Err(match login.visitor().is_none() && owner(conn, entry, identity)? != known {
            true => Failure::lost_race("the account has gone with its user"),
            false => user_is_gone().into(),
        });
    }
    let site = match login.purpose {
        Purpose::Site => hold_sites(conn, entry)?,
        _ => None,
    };
    let mut found = match AccountKey::of(login) {
        Some(key) => held(conn, entry, identity, key.user())?,
        None => None,
    };
    let held_owner = found.as_ref().and_then(|account| account.user_id.as_ref());
    if users.is_some() && login.visitor().is_none() && held_owner != known.as_ref() {
        return Err(Failure::lost_race("another transaction has changed the owner of the account"));
    }
    if let (Some(session), Some(visitor)) = (&login.session, login.visitor())
        && !sessions::hold(conn, session, visitor)?
    {
        return Err(session_has_ended().into());
    }
    let seen = Found::of(found.as_ref(), site.as_ref());
    let decision = decide(login, &seen, |asked| policy.link(asked, conn));
    if decision.is_err() && found.is_none() && identity.is_some() && !conn.writes_alone() {
        // A row that does not exist cannot be locked: of two simultaneous first logins, the policy of the slower one may have
        // refused because of the user whom the other one has created ("this address is taken").
        match exact(conn, entry, identity, None) {
            Ok(Some(_)) => {
                return Err(Failure::lost_race("another login was faster: the account exists now"));
            }
            // On a Galera cluster, the other login may have rolled back this transaction.
            Err(failure) if failure.is_lost_race() => return Err(failure),
            // The rollback shows whether the connection is lost. PostgreSQL answers nothing else after an error.
            Ok(None) | Err(_) => {}
        }
    }
    let decision = decision?;
    let user = decision.user.as_deref();
    if let Some(user) = user {
        if decision.new && has_accounts(conn, user)? {
            return Err(Error::refused("This account can't be used that way.")
                .with_reason("wrong_verdict")
                .with_source("the policy answered SignUp with a user who has accounts already")
                .into());
        }
        if let Some(users) = users.filter(|_| known.as_deref() != Some(user)) {
            // The policy has found the user, or has created the user in this transaction.
            users.require(conn, user)?;
        }
        if !policy.may_sign_in(user, conn)? {
            let error = Error::refused("You may not sign in here.").with_reason("user_inactive");
            return Err(error.about_user(user).into());
        }
    }
    let merge = match (&decision.merged_user, user) {
        (Some(from), Some(into)) => {
            let merge = user_merge::merge(conn, policy, users, (from, into), login.session.as_deref(), keys)?;
            found = exact(conn, entry, identity, None)?;
            merge
        }
        _ => UserMerge::default(),
    };
    // A token that the app has stored for this user, or for the site, becomes this account: see `Tokens::set`.
    let nameless = match (identity, user) {
        (Some(_), Some(user)) => nameless(conn, entry, Some(user))?,
        (Some(_), None) if login.purpose == Purpose::Site => {
            nameless(conn, entry, None)?.filter(Account::is_sites)
        }
        _ => None,
    };
    let previous = found.or(nameless.clone());
    let mut account = Account::of(login, user, previous.as_ref(), keys)?;
    if let Some(user) = user.filter(|_| account.is_new_to_its_user(previous.as_ref())) {
        account.rank = ranks::next(conn, entry, user)?;
    }
    if let Some(nameless) = nameless.filter(|nameless| nameless.id != account.id) {
        account.rank = account.rank.min(nameless.rank);
        delete(oauth_accounts.find(nameless.id)).execute(conn)?;
    }
    let account = write(conn, &account, previous.as_ref())?;
    let mut ended = merge.ended;
    if let Some(user) = user.filter(|_| decision.merged) {
        // AL-02: an attacker who created or took over the local user may still have a session.
        ended.extend(sessions::end(conn, &SessionSelection::User(user.to_owned()))?);
    }
    let Decision { user, new, merged, merged_user } = decision;
    let (moved, replaced) = (merge.moved, merge.replaced);
    Ok(Linked { account, previous, user, signed_up: new, merged, merged_user, moved, replaced, ended })
}

/// Locks the account of `user` without an identity, and returns it.
fn nameless(conn: &mut AnyConnection, entry: &str, user: Option<&str>) -> Result<Option<Account>> {
    // Few users have one: the lock costs a write.
    match exact(conn, entry, None, user)? {
        Some(_) => held(conn, entry, None, user),
        None => Ok(None),
    }
}

/// Returns whether the user of `account` has an account without an identity at its entry.
pub(super) fn has_nameless(conn: &mut AnyConnection, account: &Account) -> Result<bool> {
    Ok(exact(conn, &account.entry, None, account.user_id.as_deref())?.is_some())
}

/// Merges into `account`, which was new, the token that the app may have stored for its user at the same time: neither
/// transaction has seen the row of the other. Returns the account as it is stored now.
pub(super) fn merge_nameless(conn: &mut AnyConnection, account: &Account) -> Result<Option<Account>> {
    let Account { entry, provider_user_id: identity, user_id: user, .. } = account;
    let (Some(identity), Some(user)) = (identity, user) else { return Ok(None) };
    if !hold_owned(conn, entry, identity, Some(user))? {
        return Ok(None);
    }
    let Some(nameless) = nameless(conn, entry, Some(user))? else { return Ok(None) };
    delete(oauth_accounts.find(nameless.id)).execute(conn)?;
    let stored = oauth_accounts.filter(provider.eq(entry).and(provider_user_id.eq(identity)));
    diesel::update(stored.filter(rank.gt(nameless.rank))).set(rank.eq(nameless.rank)).execute(conn)?;
    exact(conn, entry, Some(identity), None)
}

/// Returns the owner of the account with this identity, without a lock.
fn owner(conn: &mut AnyConnection, entry: &str, identity: Option<&str>) -> Result<Option<String>> {
    Ok(exact(conn, entry, identity, None)?.and_then(|account| account.user_id))
}

fn has_accounts(conn: &mut AnyConnection, user: &str) -> Result<bool> {
    Ok(on_inner!(conn, select(exists(oauth_accounts.filter(user_id.eq(user)))).get_result(conn))?)
}
