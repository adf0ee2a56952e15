//! Storages that store several accounts of one user at one entry.

use std::sync::Arc;

use super::fixtures::account;
use super::rule::{Checked, Rule, absent, equal, holds, rules, same};
use crate::storage::{Account, AccountKey, Storage};

pub(super) const RULES: &[Rule] = rules! {
    accounts_have_an_order
    deleting_one_leaves_the_owners_others
    a9_an_account_that_gets_another_owner_leaves_the_first
    each_account_can_become_the_primary_one
};

pub(super) const RULES_OF_PAGE: &[Rule] = rules! {
    page_lists_every_account_once
};

fn ids(accounts: &[Account]) -> Vec<&str> {
    accounts.iter().map(|account| account.provider_user_id.as_deref().unwrap_or("-")).collect()
}

/// Stores three accounts of the user 7 at `github`, in the order 3, 2, 1, and others beside them.
async fn fill(storage: &dyn Storage) -> Checked {
    for n in 1..=3 {
        let account = account("github", Some(&n.to_string()), Some("7"));
        storage.set(&Account { rank: 3 - n, ..account }).await?;
    }
    storage.set(&account("github", Some("4"), Some("8"))).await?;
    storage.set(&account("gitlab", Some("1"), Some("7"))).await?;
    Ok(())
}

async fn accounts_have_an_order(storage: &Arc<dyn Storage>) -> Checked {
    fill(&**storage).await?;
    let listed = storage.list(Some("7"), &["github"]).await?;
    equal("`list` orders the accounts of an entry by their rank", ids(&listed), vec!["3", "2", "1"])?;
    let all = storage.list(Some("7"), &["gitlab", "github"]).await?;
    equal("`list` orders by entry, then by rank", ids(&all), vec!["3", "2", "1", "1"])?;
    let primary = storage.get(&AccountKey::owner("github", 7)).await?;
    equal(
        "`get` by an owner returns the primary account, which has the lowest rank",
        ids(primary.as_slice()),
        vec!["3"],
    )
}

async fn deleting_one_leaves_the_owners_others(storage: &Arc<dyn Storage>) -> Checked {
    fill(&**storage).await?;
    storage.delete(&AccountKey::identity("github", "3")).await?;
    let left = storage.list(Some("7"), &["github"]).await?;
    equal("`delete` by an identity leaves the owner's other accounts", ids(&left), vec!["2", "1"])?;
    storage.delete(&AccountKey::owner("github", 7)).await?;
    for id in ["1", "2", "3"] {
        let key = AccountKey::identity("github", id);
        absent(
            "`delete` by an owner removes all accounts of the owner at the entry",
            storage.get(&key).await?,
            &key,
        )?;
    }
    for key in [AccountKey::identity("github", "4"), AccountKey::owner("gitlab", 7)] {
        let found = storage.get(&key).await?;
        holds("`delete` by an owner leaves other owners and entries", found.is_some(), || {
            format!("nothing under `{key}`")
        })?;
    }
    Ok(())
}

async fn a9_an_account_that_gets_another_owner_leaves_the_first(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str = "an account that `set` gives to another owner is no longer the first owner's";
    fill(&**storage).await?;
    let moved = Account { rank: 1, ..account("github", Some("3"), Some("8")) };
    storage.set(&moved).await?;
    equal(RULE, ids(&storage.list(Some("7"), &["github"]).await?), vec!["2", "1"])?;
    equal(RULE, ids(&storage.list(Some("8"), &["github"]).await?), vec!["4", "3"])?;
    same(RULE, storage.get(&moved.key()).await?, &moved).map(drop)
}

async fn each_account_can_become_the_primary_one(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str = "`make_primary` makes an account the first one; the others keep their order";
    fill(&**storage).await?;
    let before = storage.list(Some("7"), &["github"]).await?;
    let Some(last) = before.last() else { return Ok(()) };
    equal("`make_primary` returns true for an account of the user", make(storage, last.id).await?, true)?;
    let after = storage.list(Some("7"), &["github"]).await?;
    equal(RULE, ids(&after), vec!["1", "3", "2"])?;
    let primary = storage.get(&AccountKey::owner("github", 7)).await?;
    equal(RULE, ids(primary.as_slice()), vec!["1"])?;
    let versions: Vec<i64> = after.iter().map(|account| account.version).collect();
    equal("`make_primary` changes no version", versions, vec![1, 1, 1])?;
    let elsewhere = storage.list(Some("8"), &["github"]).await?.into_iter().next();
    for other in [elsewhere.map_or(0, |account| account.id), i64::MAX] {
        let made = make(storage, other).await?;
        equal("`make_primary` returns false for an account of another user, or for none", made, false)?;
    }
    equal(RULE, ids(&storage.list(Some("7"), &["github"]).await?), vec!["1", "3", "2"])
}

async fn make(storage: &Arc<dyn Storage>, account_id: i64) -> Checked<bool> {
    Ok(storage.make_primary("7", "github", account_id).await?)
}

async fn page_lists_every_account_once(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str = "`page` lists every account once, in the order of the ids";
    for n in 0..7 {
        let entry = ["github", "gitlab", "plain"][n % 3];
        storage.set(&account(entry, Some(&n.to_string()), Some(&n.to_string()))).await?;
    }
    for (entry, wanted) in [(None, 7), (Some("github"), 3), (Some("git"), 0)] {
        let (mut seen, mut after) = (Vec::new(), i64::MIN);
        loop {
            let page = storage.page(entry, after, 2).await?;
            holds("`page` returns at most `limit` accounts", page.len() <= 2, || {
                format!("{} accounts", page.len())
            })?;
            let Some(last) = page.last() else { break };
            holds(RULE, page[0].id > after && page.is_sorted_by_key(|account| account.id), || {
                format!("{:?} after {after}", page.iter().map(|account| account.id).collect::<Vec<_>>())
            })?;
            after = last.id;
            seen.extend(page);
        }
        let of_entry = seen.iter().filter(|account| entry.is_none_or(|entry| account.entry == entry)).count();
        equal(
            "`page` lists the accounts of the entry, or of all entries",
            (seen.len(), of_entry),
            (wanted, wanted),
        )?;
    }
    Ok(())
}
