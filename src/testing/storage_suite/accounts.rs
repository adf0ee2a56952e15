//! The three required methods: get, set and delete.

use std::sync::Arc;

use rocket::tokio::task::JoinSet;

use super::fixtures::{account, keys, now, renewed};
use super::rule::{Checked, Rule, absent, holds, rules, same};
use crate::storage::{Account, AccountKey, Storage};
use crate::token::Token;

pub(super) const RULES: &[Rule] = rules! {
    an_account_is_stored_under_all_its_keys
    every_field_comes_back
    ids_are_compared_byte_for_byte
    set_replaces
    an_account_stays_after_its_token_has_expired
    delete_removes_the_account_under_all_its_keys
    delete_leaves_the_neighbors
    accounts_without_a_user_or_an_identity
    no_update_is_lost
};

const STORED: &str = "`set` stores an account under its owner's key and under its identity's";
const EXACT: &str = "ids are compared byte for byte (OpenID Connect Core §2: `sub` is case-sensitive)";
const DELETED: &str = "`delete` removes the account of an identity, or all accounts of an owner at the entry, under all \
    their keys, and nothing else";

async fn an_account_is_stored_under_all_its_keys(storage: &Arc<dyn Storage>) -> Checked {
    let account = account("github", Some("Ö 1"), Some("7"));
    for key in account.keys() {
        absent("a new storage is empty", storage.get(&key).await?, &key)?;
        storage.delete(&key).await?;
    }
    storage.set(&account).await?;
    for key in account.keys() {
        let found = same(STORED, storage.get(&key).await?, &account)?;
        same("`get_uncached` returns the same as `get`", storage.get_uncached(&key).await?, &found)?;
        let opened = found.open(&keys());
        holds("a token comes back as it was sealed", opened.is_ok(), || "it cannot be opened".into())?;
    }
    let listed = storage.list(Some("7"), &["gitlab", "github"]).await?;
    same("`list` returns the accounts of the owner at the entries", listed.into_iter().next(), &account)?;
    for (user, entry) in [(Some("7"), "gitlab"), (Some("8"), "github"), (None, "github")] {
        let listed = storage.list(user, &[entry]).await?;
        holds("`list` returns no account of another owner or entry", listed.is_empty(), || {
            format!("an account for the user {user:?} at `{entry}`")
        })?;
    }
    Ok(())
}

async fn every_field_comes_back(storage: &Arc<dyn Storage>) -> Checked {
    let token = Token::new("ä".repeat(16 << 10)).with_refresh_token("r".repeat(16 << 10));
    let full = account("github", Some(&"ö".repeat(255)), Some(&"ü".repeat(255)));
    let mut full = full.with(&token, now(), &keys())?;
    full.scope = "read:user write".into();
    full.token_type = "Bearer".into();
    full.expires_at = Some(i64::from(i32::MAX) + 1);
    full.display_name = Some("👩\u{200d}🚀 Ada".into());
    (full.email, full.email_verified) = (Some("ada@example.test".into()), true);
    full.profile_url = Some("https://op.example/ada".into());
    full.image_url = Some("https://op.example/ada.png".into());
    full.userinfo = serde_json::json!({ "bio": "👩\u{200d}🚀".repeat(3_000), "quoted": "\"\\'" }).to_string();
    full.rank = i32::MAX;
    let empty = Account {
        expires_at: None,
        display_name: None,
        email: None,
        email_verified: false,
        profile_url: None,
        image_url: None,
        scope: String::new(),
        rank: -1,
        ..account("gitlab", Some("1"), Some("7"))
    };
    for wanted in [full, empty] {
        storage.set(&wanted).await?;
        for key in wanted.keys() {
            same("every field of an account comes back as it was stored", storage.get(&key).await?, &wanted)?;
        }
    }
    Ok(())
}

async fn ids_are_compared_byte_for_byte(storage: &Arc<dyn Storage>) -> Checked {
    let stored = account("github", Some("Ada é:1"), Some("Ö 7"));
    storage.set(&stored).await?;
    for key in [
        AccountKey::identity("github", "ada é:1"),
        AccountKey::identity("github", "Ada e\u{301}:1"),
        AccountKey::identity("github", "Ada é:1 "),
        AccountKey::identity("github", " Ada é:1"),
        AccountKey::identity("github", "Ada é:"),
        AccountKey::identity("github", "Ada é:10"),
        AccountKey::identity("gitlab", "Ada é:1"),
        AccountKey::identity("github", "Ö 7"),
        AccountKey::owner("github", "ö 7"),
        AccountKey::owner("github", "O\u{308} 7"),
        AccountKey::owner("github", "Ö 7 "),
        AccountKey::owner("github", "Ö 70"),
        AccountKey::owner("github", "Ö "),
        AccountKey::owner("gitlab", "Ö 7"),
        AccountKey::owner("github", "Ada é:1"),
        AccountKey::Owner { entry: "github".into(), user: None },
    ] {
        absent(EXACT, storage.get(&key).await?, &key)?;
        storage.delete(&key).await?;
    }
    for key in stored.keys() {
        same("`delete` compares ids byte for byte", storage.get(&key).await?, &stored)?;
    }
    // Two people whose ids a database may take for one.
    for (id, user) in [("ada", "7"), ("Ada", "8"), ("ADA ", "9"), ("Ada ", "10")] {
        storage.set(&account("op", Some(id), Some(user))).await?;
    }
    for (id, user) in [("ada", "7"), ("Ada", "8"), ("ADA ", "9"), ("Ada ", "10")] {
        for key in [AccountKey::identity("op", id), AccountKey::owner("op", user)] {
            let found = storage.get(&key).await?;
            let owner =
                found.as_ref().map(|found| (found.provider_user_id.as_deref(), found.user_id.as_deref()));
            holds(EXACT, owner == Some((Some(id), Some(user))), || format!("{owner:?} under `{key}`"))?;
        }
    }
    Ok(())
}

async fn set_replaces(storage: &Arc<dyn Storage>) -> Checked {
    let first = account("github", Some("1"), Some("7"));
    storage.set(&first).await?;
    let stored = same(STORED, storage.get(&first.key()).await?, &first)?;
    let second = Account { display_name: None, ..renewed(&stored, "next")? };
    storage.set(&second).await?;
    for key in second.keys() {
        let found = same("`set` replaces the account under all its keys", storage.get(&key).await?, &second)?;
        holds("an account keeps its id when `set` replaces it", found.id == stored.id, || {
            format!("{} instead of {}", found.id, stored.id)
        })?;
    }
    let listed = storage.list(Some("7"), &["github"]).await?.len();
    holds("`set` stores an identity once", listed == 1, || format!("{listed} accounts"))
}

async fn an_account_stays_after_its_token_has_expired(storage: &Arc<dyn Storage>) -> Checked {
    const RULE: &str = "an account stays until it is deleted: its refresh token is needed after `expires_at`";
    let old = Account { expires_at: Some(now() - 86_400), ..account("github", Some("1"), Some("7")) };
    storage.set(&old).await?;
    for key in old.keys() {
        same(RULE, storage.get(&key).await?, &old)?;
    }
    Ok(())
}

async fn delete_removes_the_account_under_all_its_keys(storage: &Arc<dyn Storage>) -> Checked {
    let account = account("github", Some("1"), Some("7"));
    for by in account.keys() {
        storage.set(&account).await?;
        storage.delete(&by).await?;
        for key in account.keys() {
            absent(DELETED, storage.get(&key).await?, &key)?;
            absent(DELETED, storage.get_uncached(&key).await?, &key)?;
        }
        holds(DELETED, storage.list(Some("7"), &["github"]).await?.is_empty(), || "it is listed".into())?;
        storage.delete(&by).await?;
    }
    Ok(())
}

async fn delete_leaves_the_neighbors(storage: &Arc<dyn Storage>) -> Checked {
    let removed = account("github", Some("1"), Some("7"));
    let neighbors = [
        account("github", Some("10"), Some("70")),
        account("github", Some("2"), Some("8")),
        account("github", Some("01"), None),
        account("git", Some("1"), Some("7")),
        account("github_work", Some("1"), Some("7")),
        account("plain", None, Some("7")),
    ];
    for by in removed.keys() {
        storage.set(&removed).await?;
        for neighbor in &neighbors {
            storage.set(neighbor).await?;
        }
        storage.delete(&by).await?;
        absent(DELETED, storage.get(&removed.key()).await?, removed.key())?;
        for neighbor in &neighbors {
            for key in neighbor.keys() {
                same(DELETED, storage.get(&key).await?, neighbor)?;
            }
        }
    }
    Ok(())
}

async fn accounts_without_a_user_or_an_identity(storage: &Arc<dyn Storage>) -> Checked {
    let site = Account { rank: -1, ..account("bot", Some("1"), None) };
    let nameless = account("plain", None, Some("7"));
    for account in [&site, &nameless] {
        storage.set(account).await?;
    }
    for account in [&site, &nameless] {
        for key in account.keys() {
            same(
                "an account without a user or an identity is stored, too",
                storage.get(&key).await?,
                account,
            )?;
        }
    }
    let listed = storage.list(None, &["bot", "plain"]).await?;
    holds("`list` without a user returns the accounts that have none", listed.len() == 1, || {
        format!("{} accounts", listed.len())
    })?;
    for account in [&site, &nameless] {
        storage.delete(&account.key()).await?;
        absent(DELETED, storage.get(&account.key()).await?, account.key())?;
    }
    Ok(())
}

async fn no_update_is_lost(storage: &Arc<dyn Storage>) -> Checked {
    let accounts: Vec<Account> =
        (0..24).map(|n| account("github", Some(&format!("id {n}")), Some(&format!("user {n}")))).collect();
    let mut tasks = JoinSet::new();
    for account in accounts.clone() {
        let storage = storage.clone();
        tasks.spawn(async move { storage.set(&account).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.map_err(crate::error::Error::app)??;
    }
    for account in &accounts {
        for key in account.keys() {
            same(
                "accounts that are stored at the same time are all stored",
                storage.get(&key).await?,
                account,
            )?;
        }
    }
    Ok(())
}
