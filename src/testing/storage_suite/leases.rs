//! `Coordination`: each token is refreshed once, and resealing does not disturb a refresh.

use std::sync::Arc;
use std::time::Duration;

use rocket::tokio::task::JoinSet;
use rocket::tokio::time::sleep;

use super::fixtures::{account, keys, now, renewed};
use super::rule::{Checked, Rule, absent, equal, holds, rules, same};
use crate::error::Error;
use crate::secret::KeyRing;
use crate::storage::{Account, AccountKey, Storage};

pub(super) const RULES: &[Rule] = rules! {
    a_lease_is_exclusive
    of_simultaneous_leases_one_succeeds
    a_lease_ends
    a_lease_is_for_what_is_stored
    renew_replaces_the_token_once
    renew_keeps_what_is_not_of_the_token
    renew_brings_nothing_back
    reseal_replaces_the_token_that_was_read
};

const LEASED: &str = "`lease` returns true once per version of an account, until it ends (RFC 9700 §4.14: reuse of a refresh \
    token can end the grant)";
const STORED: &str =
    "`lease` and `renew` return false if id, version or user of the account are no longer what is stored";

/// Stores an account and returns it as it is stored.
async fn stored(storage: &dyn Storage) -> Checked<Account> {
    let account = account("github", Some("1"), Some("7"));
    storage.set(&account).await?;
    same("`set` stores an account", storage.get(&account.key()).await?, &account)
}

async fn lease(storage: &dyn Storage, account: &Account) -> Checked<bool> {
    Ok(storage.lease(account, now(), now() + 30).await?)
}

async fn a_lease_is_exclusive(storage: &Arc<dyn Storage>) -> Checked {
    let account = stored(&**storage).await?;
    equal(LEASED, lease(&**storage, &account).await?, true)?;
    equal(LEASED, lease(&**storage, &account).await?, false)?;
    storage.release(&account).await?;
    equal("`release` ends the lease", lease(&**storage, &account).await?, true)?;
    let renewed = renewed(&account, "next")?;
    equal("`renew` succeeds while the lease is held", storage.renew(&account, &renewed).await?, true)?;
    equal("`renew` ends the lease", lease(&**storage, &renewed).await?, true)
}

async fn of_simultaneous_leases_one_succeeds(storage: &Arc<dyn Storage>) -> Checked {
    let account = stored(&**storage).await?;
    for _ in 0..8 {
        let mut tasks = JoinSet::new();
        for _ in 0..16 {
            let (storage, account) = (storage.clone(), account.clone());
            tasks.spawn(async move { storage.lease(&account, now(), now() + 30).await });
        }
        let mut leased = 0;
        while let Some(done) = tasks.join_next().await {
            leased += usize::from(done.map_err(Error::app)??);
        }
        equal("`lease` is atomic: of simultaneous calls exactly one returns true", leased, 1)?;
        storage.release(&account).await?;
    }
    Ok(())
}

async fn a_lease_ends(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str = "a lease ends at `until`: a process that was killed blocks no refresh for ever";
    let account = stored(&**storage).await?;
    let until = now() + 2;
    equal(LEASED, storage.lease(&account, now(), until).await?, true)?;
    while now() <= until {
        sleep(Duration::from_millis(100)).await;
    }
    equal(RULE, lease(&**storage, &account).await?, true)
}

async fn a_lease_is_for_what_is_stored(storage: &Arc<dyn Storage>) -> Checked {
    let account = stored(&**storage).await?;
    for other in [
        Account { version: account.version + 1, ..account.clone() },
        Account { version: account.version - 1, ..account.clone() },
        Account { id: account.id ^ 1, ..account.clone() },
        Account { user_id: Some("8".into()), ..account.clone() },
        Account { user_id: None, ..account.clone() },
    ] {
        equal(STORED, lease(&**storage, &other).await?, false)?;
        equal(STORED, storage.renew(&other, &renewed(&other, "late")?).await?, false)?;
    }
    same(STORED, storage.get(&account.key()).await?, &account)?;
    equal(LEASED, lease(&**storage, &account).await?, true)?;
    storage.delete(&account.key()).await?;
    equal("`lease` returns false for an account that is gone", lease(&**storage, &account).await?, false)
}

async fn renew_replaces_the_token_once(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str =
        "`renew` is atomic: of simultaneous calls exactly one returns true, and its token is stored";
    let account = stored(&**storage).await?;
    let mut tasks = JoinSet::new();
    for n in 0..16 {
        let (storage, account) = (storage.clone(), account.clone());
        let renewed = renewed(&account, &format!("token {n}"))?;
        tasks.spawn(async move {
            storage.renew(&account, &renewed).await.map(|stored| stored.then_some(renewed))
        });
    }
    let mut winners = Vec::new();
    while let Some(done) = tasks.join_next().await {
        winners.extend(done.map_err(Error::app)??);
    }
    equal(RULE, winners.len(), 1)?;
    for key in account.keys() {
        same(RULE, storage.get(&key).await?, &winners[0])?;
    }
    Ok(())
}

async fn renew_keeps_what_is_not_of_the_token(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str = "`renew` replaces the token and keeps the stored rank";
    let account = stored(&**storage).await?;
    storage.set(&Account { rank: 5, ..account.clone() }).await?;
    let renewed = renewed(&account, "next")?;
    equal(RULE, storage.renew(&account, &renewed).await?, true)?;
    let wanted = Account { rank: 5, ..renewed };
    for key in wanted.keys() {
        same(RULE, storage.get(&key).await?, &wanted)?;
    }
    Ok(())
}

async fn renew_brings_nothing_back(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str = "`renew` does not bring back an account that was removed";
    let account = stored(&**storage).await?;
    storage.delete(&account.key()).await?;
    equal(RULE, storage.renew(&account, &renewed(&account, "late")?).await?, false)?;
    for key in account.keys() {
        absent(RULE, storage.get(&key).await?, &key)?;
    }
    Ok(())
}

async fn reseal_replaces_the_token_that_was_read(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str = "`reseal` replaces a sealed token only if it is still the one that was read";
    let ring = KeyRing::new([[8; 32], [7; 32]]);
    let read = stored(&**storage).await?;
    equal(LEASED, lease(&**storage, &read).await?, true)?;
    let sealed = read.resealed(&ring)?.ok().flatten().unwrap_or_default();
    equal(RULE, storage.reseal(&read, &sealed).await?, true)?;
    equal(RULE, storage.reseal(&read, &sealed).await?, false)?;
    let resealed = Account { token: sealed, ..read.clone() };
    for key in read.keys() {
        same(
            "`reseal` replaces the token under all keys and nothing else",
            storage.get(&key).await?,
            &resealed,
        )?;
    }
    let renewed = renewed(&read, "next")?;
    let undisturbed = storage.renew(&read, &renewed).await?;
    equal("`reseal` does not disturb a refresh in progress", undisturbed, true)?;
    equal(RULE, storage.reseal(&resealed, &read.token).await?, false)?;
    same(RULE, storage.get(&read.key()).await?, &renewed)?;
    let nowhere = account("gone", Some("1"), Some("7"));
    equal(RULE, storage.reseal(&nowhere, "x").await?, false)?;
    let found = storage.get(&AccountKey::identity("gone", "1")).await?;
    holds(RULE, found.is_none() && renewed.open(&keys()).is_ok(), || "it stores an account".into())
}
