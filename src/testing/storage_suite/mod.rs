//! `storage_suite`: the rules of a storage, as a test that an app runs on its own.

mod accounts;
mod claims;
mod fixtures;
mod leases;
mod linking;
mod moved_in;
mod rule;
mod session_selections;
mod sessions;
mod several_accounts;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use rocket::futures::FutureExt;
use rocket::tokio::spawn;
use rocket::tokio::time::timeout;

use self::rule::{BrokenRule, Rule};
use crate::error::{ErrorKind, Result};
use crate::storage::Storage;

/// Timeout for one rule: a storage that waits for itself fails with the rule's name instead of hanging.
const RULE_TIMEOUT: Duration = Duration::from_secs(60);

/// What a storage offers beyond the three required methods. [`storage_suite`] returns it, so that a test can check that
/// no part was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct StorageFeatures {
    /// It stores several accounts of one user at one entry, and lists them.
    pub several_accounts: bool,
    /// It lists all its accounts ([`Storage::page`]).
    pub page: bool,
    /// It stores sessions ([`Storage::sessions`]).
    pub sessions: bool,
    /// It coordinates several processes ([`Storage::coordination`]).
    pub coordination: bool,
}

/// Checks that a storage keeps the rules of [`Storage`], of [`SessionStorage`](crate::storage::SessionStorage) and of
/// [`Coordination`](crate::storage::Coordination), as far as it offers them, and that the library's own rules hold on it:
/// linking, removal, tokens without an identity.
///
/// `new` returns a new storage that is empty and ready to use. It is called once per rule. All storages that it returns may be
/// in one store, as long as they do not see each other's accounts: for example with a key prefix each, or in a database each.
///
/// Times are the real time: a store may end a claim or a lease by its own clock. The suite takes a few seconds for that reason.
///
/// ```
/// use rocket_dance::storage::MemoryStorage;
/// use rocket_dance::testing::storage_suite;
///
/// # rocket::async_test(async {
/// let offers = storage_suite(async || MemoryStorage::new()).await;
/// assert!(offers.several_accounts && offers.sessions);
/// # });
/// ```
///
/// # Panics
/// If a rule is broken. The message lists each broken rule, and what the storage has done instead.
pub async fn storage_suite<S: Storage>(new: impl AsyncFn() -> S) -> StorageFeatures {
    let new = async || Arc::new(new().await) as Arc<dyn Storage>;
    match broken_rules(&new).await {
        (offers, broken) if broken.is_empty() => offers,
        (_, broken) => panic!("{}", message(&broken)),
    }
}

fn message(broken: &[BrokenRule]) -> String {
    let lines: Vec<String> = broken.iter().map(ToString::to_string).collect();
    let rules = if broken.len() == 1 { "rule" } else { "rules" };
    format!("the storage breaks {} {rules}:\n{}", broken.len(), lines.join("\n"))
}

/// Runs all rules that apply.
async fn broken_rules(new: &impl AsyncFn() -> Arc<dyn Storage>) -> (StorageFeatures, Vec<BrokenRule>) {
    let mut broken = Vec::new();
    let offers = match features(new).await {
        Ok(offers) => offers,
        Err(error) => {
            broken.push(BrokenRule::failed("a method of the storage fails", &error));
            return (StorageFeatures::default(), broken);
        }
    };
    let mut applying: Vec<Rule> = [accounts::RULES, linking::RULES, moved_in::RULES].concat();
    if offers.several_accounts {
        applying.extend(several_accounts::RULES);
    } else {
        applying.extend(linking::RULES_OF_ONE_ACCOUNT);
    }
    if offers.page {
        applying.extend(several_accounts::RULES_OF_PAGE);
    }
    if offers.sessions {
        applying.extend([sessions::RULES, session_selections::RULES].concat());
    }
    if offers.coordination {
        applying.extend([claims::RULES, leases::RULES].concat());
    }
    for (name, rule) in applying {
        let storage = new().await;
        // A task of its own, so that a panic in the storage is the fault of this rule only.
        let run = timeout(RULE_TIMEOUT, spawn(async move { rule(&storage).await }).map(Result::ok));
        let fault = match run.await {
            Ok(Some(Ok(()))) => continue,
            Ok(Some(Err(fault))) => fault,
            Ok(None) => BrokenRule::new("no method panics", "it panicked; see the message above".into()),
            Err(_) => BrokenRule::new("every method answers", format!("it has not for {RULE_TIMEOUT:?}")),
        };
        broken.push(fault.in_case(name));
    }
    (offers, broken)
}

/// Finds out what the storage offers.
async fn features(new: &impl AsyncFn() -> Arc<dyn Storage>) -> Result<StorageFeatures> {
    let storage = new().await;
    for id in ["1", "2"] {
        storage.set(&fixtures::account("github", Some(id), Some("7"))).await?;
    }
    let page = match storage.page(None, i64::MIN, 1).await {
        Err(error) if error.kind() == ErrorKind::Misconfigured => false,
        page => page.map(|_| true)?,
    };
    Ok(StorageFeatures {
        several_accounts: storage.list(Some("7"), &["github"]).await?.len() > 1,
        page,
        sessions: storage.sessions().is_some(),
        coordination: storage.coordination().is_some(),
    })
}
