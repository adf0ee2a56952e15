//! The library's own rules on the storage: connecting, signing in, disconnecting.

use std::sync::Arc;

use super::fixtures::{account, keys, login, renewed};
use super::rule::{Checked, Rule, absent, equal, holds, rules, same};
use crate::error::ErrorKind;
use crate::storage::{AccountKey, CheckedStorage, Storage};
use crate::token::Token;

pub(super) const RULES: &[Rule] = rules! {
    a_user_connects_signs_in_and_disconnects
    an_account_that_was_connected_again_is_another
    disconnect_all_leaves_nothing_that_signs_in
};

pub(super) const RULES_OF_ONE_ACCOUNT: &[Rule] = rules! {
    a_replaced_account_is_removed
};

async fn a_user_connects_signs_in_and_disconnects(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str = "a user who has connected an account signs in with it, and with no other";
    let storage = CheckedStorage::around(storage.clone());
    let connected = storage.link(&login("github", Some("1"), Some("7")), &keys()).await?;
    equal(RULE, connected.user.as_deref(), Some("7"))?;
    // RF-02: some providers issue a refresh token only at the first consent.
    let mut again = login("github", Some("1"), None);
    again.token = Token::new("later");
    let returning = storage.link(&again, &keys()).await?;
    equal(RULE, returning.user.as_deref(), Some("7"))?;
    let (before, after) = (&connected.account, &returning.account);
    equal("a new token raises the version by one", after.version, before.version + 1)?;
    equal("a new token keeps the account", (after.id, after.created_at), (before.id, before.created_at))?;
    let refresh_token = after.open(&keys()).ok().and_then(|token| token.refresh_token);
    let is_kept = refresh_token.is_some_and(|token| token.matches("refresh"));
    holds("a login without a refresh token keeps the stored one", is_kept, || "another, or none".into())?;
    for stranger in [
        login("github", Some("2"), None),
        login("gitlab", Some("1"), None),
        login("github", Some("1"), Some("8")),
    ] {
        let refused = storage.link(&stranger, &keys()).await;
        let kind = refused.as_ref().err().map(crate::error::Error::kind);
        holds(RULE, kind == Some(ErrorKind::Refused), || format!("{refused:?}"))?;
    }
    same("a refused login changes nothing", storage.get(&after.key()).await?, after)?;
    let others = storage.unlink(Some("8"), "github", None, &["github"], None).await?;
    holds("a user disconnects only their own accounts", others.accounts.is_empty(), || {
        "another user's".into()
    })
}

async fn an_account_that_was_connected_again_is_another(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str = "a refreshed token is stored only in the account that the refresh began with";
    let storage = CheckedStorage::around(storage.clone());
    let first = storage.link(&login("github", Some("1"), Some("7")), &keys()).await?.account;
    let late = renewed(&first, "late")?;
    storage.delete(&first.key()).await?;
    equal(RULE, storage.renew(&first, &late).await?, false)?;
    absent(RULE, storage.get(&first.key()).await?, first.key())?;
    let again = storage.link(&login("github", Some("1"), Some("7")), &keys()).await?.account;
    equal(RULE, storage.renew(&first, &late).await?, false)?;
    same(RULE, storage.get(&first.key()).await?, &again).map(drop)
}

async fn disconnect_all_leaves_nothing_that_signs_in(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str = "after a user has disconnected all accounts of an entry, none of them signs in";
    let storage = CheckedStorage::around(storage.clone());
    for id in ["1", "2"] {
        storage.link(&login("github", Some(id), Some("7")), &keys()).await?;
    }
    let other = storage.link(&login("gitlab", Some("1"), Some("7")), &keys()).await?.account;
    storage.unlink(Some("7"), "github", None, &["github", "gitlab"], None).await?;
    for id in ["1", "2"] {
        let key = AccountKey::identity("github", id);
        absent(RULE, storage.get_uncached(&key).await?, &key)?;
        let returning = storage.link(&login("github", Some(id), None), &keys()).await;
        holds(RULE, returning.is_err(), || format!("the account {id} signs in"))?;
    }
    same("accounts of other entries stay", storage.get(&other.key()).await?, &other).map(drop)
}

async fn a_replaced_account_is_removed(raw: &Arc<dyn Storage>) -> Checked {
    const RULE: &str = "an account that another one of its owner has replaced is removed";
    let storage = CheckedStorage::around(raw.clone());
    let first = storage.link(&login("github", Some("1"), Some("7")), &keys()).await?.account;
    storage.set(&account("github", Some("9"), Some("8"))).await?;
    let second = storage.link(&login("github", Some("2"), Some("7")), &keys()).await?;
    equal(RULE, second.replaced.iter().map(crate::storage::Account::key).collect(), vec![first.key()])?;
    absent(RULE, raw.get(&first.key()).await?, first.key())?;
    for key in second.account.keys() {
        same("the account that has replaced another one stays", raw.get(&key).await?, &second.account)?;
    }
    let stays = storage.get(&AccountKey::owner("github", 8)).await?;
    holds("accounts of other owners stay", stays.is_some(), || "it is gone".into())
}
