//! The queries: making two users one.

use diesel::dsl::exists;
use diesel::prelude::*;
use diesel::{delete, select, update};

use super::accounts::{self, exact, is_of};
use super::any_connection::AnyConnection;
use super::failure::{Failure, Result};
use super::policy::ErasedPolicy;
use super::schema::oauth_accounts::dsl::*;
use super::user_table::UserTable;
use super::{ranks, sessions};
use crate::error::Error;
use crate::storage::refusals::user_is_gone;
use crate::storage::{Account, KeyRing, Session};

/// What has changed when two users became one.
#[derive(Default)]
pub(super) struct UserMerge {
    /// The accounts that were moved, as they were before.
    pub(super) moved: Vec<Account>,
    /// The accounts without an identity that were removed, since the other user has one at that entry.
    pub(super) replaced: Vec<Account>,
    pub(super) ended: Vec<Session>,
}

/// Locks both users and all their accounts. The order is always the same, so that two merges of the same users in opposite
/// directions take turns.
pub(super) fn hold(
    conn: &mut AnyConnection,
    users: Option<&UserTable>,
    from: &str,
    into: &str,
) -> Result<()> {
    let mut both = [from, into];
    both.sort_unstable();
    for user in both {
        if let Some(users) = users
            && !users.hold_alone(conn, user)?
        {
            return Err(user_is_gone().into());
        }
    }
    both.into_iter().try_for_each(|user| accounts::hold(conn, is_of(Some(user))))
}

/// Makes the users `from` and `into`, who are [held](hold), one: `into` stays. Of their sessions only `keep` goes on: another
/// person may have one of the others.
pub(super) fn merge(
    conn: &mut AnyConnection,
    policy: &dyn ErasedPolicy,
    users: Option<&UserTable>,
    (from, into): (&str, &str),
    keep: Option<&str>,
    keys: &KeyRing,
) -> Result<UserMerge> {
    if !policy.may_sign_in(from, conn)? {
        let error = Error::refused("The other user may not sign in here. Nothing was changed.");
        return Err(error.with_reason("user_inactive").about_user(from).into());
    }
    // Before the policy, which may delete `from`: a trigger deletes what `from` still has.
    let (moved, replaced) = move_accounts(conn, from, into, keys)?;
    let mut ended = sessions::end_others(conn, from, None)?;
    ended.extend(sessions::end_others(conn, into, keep)?);
    // A login that held a session of `from` has connected an account since the accounts were locked.
    if select(exists(oauth_accounts.filter(user_id.eq(from)))).get_result(conn)? {
        return Err(Failure::lost_race("another login has connected an account to the user who is merged"));
    }
    policy.merge_users(from, into, conn)?;
    if let Some(users) = users {
        users.require(conn, into)?;
    }
    Ok(UserMerge { moved, replaced, ended })
}

/// Moves the accounts of `from` behind those of `into` at the same entry. Returns the moved ones as they were before, and the
/// removed ones.
// Neither version nor lease changes, so that a refresh that is under way stores its token: see `store_refreshed`.
fn move_accounts(
    conn: &mut AnyConnection,
    from: &str,
    into: &str,
    keys: &KeyRing,
) -> Result<(Vec<Account>, Vec<Account>)> {
    let owned = oauth_accounts.filter(user_id.eq(from)).order((provider, rank, id));
    let owned: Vec<Account> = owned.select(Account::as_select()).load(conn)?;
    let (mut moved, mut removed) = (Vec::new(), Vec::new());
    for account in owned {
        let is_nameless = account.provider_user_id.is_none();
        if is_nameless && exact(conn, &account.entry, None, Some(into))?.is_some() {
            delete(oauth_accounts.find(account.id)).execute(conn)?;
            removed.push(account);
            continue;
        }
        let place = ranks::next(conn, &account.entry, into)?;
        let sealed = account.moved_to(into, keys)?.token;
        update(oauth_accounts.find(account.id))
            .set((user_id.eq(into), rank.eq(place), token.eq(sealed)))
            .execute(conn)?;
        moved.push(account);
    }
    Ok((moved, removed))
}
