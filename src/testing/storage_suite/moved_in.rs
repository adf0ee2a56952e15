//! Accounts without an identity: tokens that the app has stored for a user, and those of providers without userinfo.

use std::sync::Arc;

use super::fixtures::{account, keys, login, renewed};
use super::rule::{Checked, Rule, equal, holds, rules};
use crate::error::{Error, ErrorKind};
use crate::storage::{Account, CheckedStorage, Storage};

pub(super) const RULES: &[Rule] = rules! {
    a_token_without_identity_becomes_the_users_account
    a8_an_account_of_that_identity_takes_its_place
    a_token_without_identity_is_no_strangers
    a_login_without_identity_renews_its_own_account
};

async fn a_token_without_identity_becomes_the_users_account(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str =
        "a token without an identity becomes the user's account at the user's next login at the entry";
    let storage = CheckedStorage::around(storage.clone());
    storage.set(&account("github", None, Some("7"))).await?;
    let before = storage.list(Some("7"), &["github"]).await?;
    let linked = storage.link(&login("github", Some("1"), Some("7")), &keys()).await?;
    let after = storage.list(Some("7"), &["github"]).await?;
    equal(RULE, ids_of(&after), ids_of(&before))?;
    equal(RULE, identities_of(&after), vec![Some("1")])?;
    holds("the account is stored as it is returned", after == [linked.account], || format!("{after:?}"))?;
    for before in &before {
        let late = storage.renew(before, &renewed(before, "late")?).await?;
        equal("a refresh that began before a login does not overwrite its token", late, false)?;
    }
    let returning = storage.link(&login("github", Some("1"), None), &keys()).await?;
    equal("the user signs in with that identity", returning.user.as_deref(), Some("7"))
}

async fn a8_an_account_of_that_identity_takes_its_place(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str =
        "a token without an identity does not stay beside the account that the user signs in with";
    let storage = CheckedStorage::around(storage.clone());
    storage.link(&login("github", Some("1"), Some("7")), &keys()).await?;
    storage.set(&account("github", None, Some("7"))).await?;
    let linked = storage.link(&login("github", Some("1"), Some("7")), &keys()).await?;
    let accounts = storage.list(Some("7"), &["github"]).await?;
    equal(RULE, identities_of(&accounts), vec![Some("1")])?;
    equal(RULE, ids_of(&accounts), vec![linked.account.id])
}

async fn a_token_without_identity_is_no_strangers(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str = "a token without an identity never becomes the account of another user";
    let storage = CheckedStorage::around(storage.clone());
    storage.set(&account("github", None, Some("7"))).await?;
    storage.set(&account("github", None, None)).await?;
    let before = storage.list(Some("7"), &["github"]).await?;
    let refused = storage.link(&login("github", Some("1"), None), &keys()).await;
    let kind = refused.as_ref().err().map(Error::kind);
    holds(RULE, kind == Some(ErrorKind::Refused), || format!("{refused:?}"))?;
    storage.link(&login("github", Some("2"), Some("8")), &keys()).await?;
    holds(RULE, storage.list(Some("7"), &["github"]).await? == before, || "it has changed".into())?;
    equal(RULE, identities_of(&storage.list(None, &["github"]).await?), vec![None])
}

async fn a_login_without_identity_renews_its_own_account(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str = "a login without an identity replaces only an account without one";
    let storage = CheckedStorage::around(storage.clone());
    let first = storage.link(&login("plain", None, Some("7")), &keys()).await?.account;
    let second = storage.link(&login("plain", None, Some("7")), &keys()).await?.account;
    equal(RULE, (second.id, second.version), (first.id, first.version + 1))?;
    let late = storage.renew(&second, &renewed(&second, "next")?).await?;
    equal("an account without an identity is refreshed, too", late, true)?;
    let removed = storage.unlink(Some("7"), "plain", Some(first.id), &["plain"], None).await?;
    equal("an account without an identity is removed by its id", removed.accounts.len(), 1)?;
    holds(RULE, storage.list(Some("7"), &["plain"]).await?.is_empty(), || "it is listed".into())
}

fn ids_of(accounts: &[Account]) -> Vec<i64> {
    accounts.iter().map(|account| account.id).collect()
}

fn identities_of(accounts: &[Account]) -> Vec<Option<&str>> {
    accounts.iter().map(|account| account.provider_user_id.as_deref()).collect()
}
