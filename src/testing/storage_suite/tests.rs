//! The suite on storages that keep the rules, and on storages that break one rule each.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard};

use rocket::tokio::task::yield_now;

use super::*;
use crate::storage::{
    Account, AccountKey, CachedStorage, ClaimState, Coordination, MemoryStorage, suite::KeyValue,
};

/// A way to break a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    None,
    FoldsCase,
    TrimsIds,
    DeletesByPrefix,
    DeletesTheOwnersOthers,
    LosesUpdates,
    DropsExpiredAccounts,
    CutsTexts,
    StoresOneKey,
    MixesEntries,
    MixesOwners,
    ForgetsTheOrder,
    KeepsTheFirstOwner,
    LetsTwoClaimsThrough,
    KeepsClaims,
    SettlesWithoutAClaim,
    LeasesToAll,
    LeasesToTwo,
    KeepsLeases,
    IgnoresVersions,
    BringsBackTheRemoved,
    OverwritesTheRank,
    ResealsBlindly,
    Panics,
}

/// A storage of several accounts per owner, with coordination. It is right, but for its fault.
struct Faulty {
    fault: Fault,
    state: Mutex<State>,
}

#[derive(Clone, Default)]
struct State {
    accounts: BTreeMap<i64, Account>,
    /// End and outcome of each claim.
    claims: HashMap<String, (i64, Option<String>)>,
    /// End of the lease of each account and version.
    leases: HashMap<(i64, i64), i64>,
}

impl Faulty {
    fn new(fault: Fault) -> Self {
        Self { fault, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn text(&self, id: &str) -> String {
        match self.fault {
            Fault::FoldsCase => id.to_lowercase(),
            Fault::TrimsIds => id.trim_end().to_owned(),
            _ => id.to_owned(),
        }
    }

    fn is_under(&self, account: &Account, key: &AccountKey) -> bool {
        match key {
            AccountKey::Identity { entry, provider_user_id: id } => {
                let stored = account.provider_user_id.as_deref().map(|stored| self.text(stored));
                account.entry == *entry && stored == Some(self.text(id))
            }
            AccountKey::Owner { entry, user } => {
                !self.has(Fault::StoresOneKey)
                    && (account.entry == *entry || self.has(Fault::MixesEntries))
                    && (account.user_id == *user || self.has(Fault::MixesOwners))
            }
        }
    }

    fn sorted(&self, is_wanted: impl Fn(&Account) -> bool) -> Vec<Account> {
        let mut found: Vec<Account> =
            self.state().accounts.values().filter(|a| is_wanted(a)).cloned().collect();
        found.sort_by_key(|account| (account.entry.clone(), account.rank, account.id));
        if self.has(Fault::ForgetsTheOrder) {
            found.sort_by_key(|account| account.provider_user_id.clone());
        }
        if self.has(Fault::DropsExpiredAccounts) {
            found.retain(|account| account.expires_at.is_none_or(|at| at > fixtures::now()));
        }
        found
    }

    fn put(&self, state: &mut State, account: &Account) {
        let is_moved = |old: &Account| self.has(Fault::KeepsTheFirstOwner) && old.user_id != account.user_id;
        state.accounts.retain(|_, old| old.key() != account.key() || is_moved(old));
        let mut account = account.clone();
        if self.has(Fault::CutsTexts) && account.userinfo.len() > 1024 {
            account.userinfo = "{}".into();
        }
        state.accounts.insert(account.id, account);
    }

    /// The stored account, if it is still `account`.
    fn current(&self, state: &State, account: &Account) -> Option<Account> {
        let stored = state.accounts.get(&account.id).cloned();
        if self.has(Fault::BringsBackTheRemoved) {
            return Some(stored.unwrap_or_else(|| account.clone()));
        }
        stored.filter(|stored| {
            (stored.version == account.version || self.has(Fault::IgnoresVersions))
                && stored.user_id == account.user_id
        })
    }
}

#[rocket::async_trait]
impl Storage for Faulty {
    async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
        assert!(!self.has(Fault::Panics) || key.entry() != "plain", "the storage panics");
        Ok(self.sorted(|account| self.is_under(account, key)).into_iter().next())
    }

    async fn set(&self, account: &Account) -> Result<()> {
        if self.has(Fault::LosesUpdates) {
            let mut read = self.state().clone();
            yield_now().await;
            self.put(&mut read, account);
            *self.state() = read;
        } else {
            self.put(&mut self.state(), account);
        }
        Ok(())
    }

    async fn delete(&self, key: &AccountKey) -> Result<()> {
        let owner = self.get(key).await?.map(|found| (found.entry, found.user_id));
        self.state().accounts.retain(|_, account| {
            let by_prefix = self.has(Fault::DeletesByPrefix)
                && account.keys().iter().any(|stored| stored.to_string().starts_with(&key.to_string()));
            let by_owner = self.has(Fault::DeletesTheOwnersOthers)
                && owner.as_ref() == Some(&(account.entry.clone(), account.user_id.clone()));
            !self.is_under(account, key) && !by_prefix && !by_owner
        });
        Ok(())
    }

    async fn list(&self, user: Option<&str>, entries: &[&str]) -> Result<Vec<Account>> {
        Ok(self.sorted(|account| {
            account.user_id.as_deref() == user && entries.contains(&account.entry.as_str())
        }))
    }

    async fn page(&self, entry: Option<&str>, after: i64, limit: usize) -> Result<Vec<Account>> {
        let mut found = self.sorted(|account| account.id > after && entry.is_none_or(|e| account.entry == e));
        found.sort_by_key(|account| account.id);
        found.truncate(limit);
        Ok(found)
    }

    fn coordination(&self) -> Option<&dyn Coordination> {
        Some(self)
    }
}

#[rocket::async_trait]
impl Coordination for Faulty {
    async fn claim(&self, id: &str, now: i64, until: i64) -> Result<ClaimState> {
        if !self.has(Fault::KeepsClaims) {
            self.state().claims.retain(|_, (end, _)| now < *end);
        }
        if self.has(Fault::LetsTwoClaimsThrough) {
            let seen = self.settled(id).await?;
            yield_now().await;
            self.state().claims.entry(id.to_owned()).or_insert((until, None));
            return Ok(seen);
        }
        let mut state = self.state();
        let seen = seen(state.claims.get(id));
        state.claims.entry(id.to_owned()).or_insert((until, None));
        Ok(seen)
    }

    async fn settle(&self, id: &str, outcome: &str) -> Result<()> {
        let mut state = self.state();
        if self.has(Fault::SettlesWithoutAClaim) {
            state.claims.entry(id.to_owned()).or_insert((i64::MAX, None));
        }
        if let Some(claim) = state.claims.get_mut(id) {
            claim.1 = Some(outcome.to_owned());
        }
        Ok(())
    }

    async fn settled(&self, id: &str) -> Result<ClaimState> {
        Ok(seen(self.state().claims.get(id)))
    }

    async fn lease(&self, account: &Account, now: i64, until: i64) -> Result<bool> {
        let lease = (account.id, account.version);
        let is_free = |state: &State| {
            let end = state.leases.get(&lease).copied();
            end.is_none_or(|end| end <= now && !self.has(Fault::KeepsLeases)) || self.has(Fault::LeasesToAll)
        };
        let may = {
            let state = self.state();
            self.current(&state, account).is_some() && is_free(&state)
        };
        if self.has(Fault::LeasesToTwo) {
            yield_now().await;
            self.state().leases.insert(lease, until);
            return Ok(may);
        }
        let mut state = self.state();
        let leased = may && is_free(&state);
        if leased {
            state.leases.insert(lease, until);
        }
        Ok(leased)
    }

    async fn release(&self, account: &Account) -> Result<()> {
        self.state().leases.remove(&(account.id, account.version));
        Ok(())
    }

    async fn renew(&self, account: &Account, renewed: &Account) -> Result<bool> {
        let mut state = self.state();
        let Some(stored) = self.current(&state, account) else { return Ok(false) };
        let rank = if self.has(Fault::OverwritesTheRank) { renewed.rank } else { stored.rank };
        state.accounts.insert(stored.id, Account { rank, ..renewed.clone() });
        Ok(true)
    }

    async fn reseal(&self, account: &Account, sealed: &str) -> Result<bool> {
        let mut state = self.state();
        match state.accounts.get_mut(&account.id) {
            Some(stored) if stored.token == account.token || self.has(Fault::ResealsBlindly) => {
                stored.token = sealed.to_owned();
                Ok(true)
            }
            _ => Ok(false),
        }
    }
}

fn seen(claim: Option<&(i64, Option<String>)>) -> ClaimState {
    match claim {
        None => ClaimState::First,
        Some((_, None)) => ClaimState::Pending,
        Some((_, Some(outcome))) => ClaimState::Settled(outcome.clone()),
    }
}

async fn faults_of(fault: Fault) -> (StorageFeatures, Vec<BrokenRule>) {
    broken_rules(&async || Arc::new(Faulty::new(fault)) as Arc<dyn Storage>).await
}

#[rocket::async_test]
async fn a9_each_broken_storage_breaks_its_rule() {
    let cases = [
        (Fault::FoldsCase, "byte for byte"),
        (Fault::TrimsIds, "byte for byte"),
        (Fault::DeletesByPrefix, "`delete` removes"),
        (Fault::DeletesTheOwnersOthers, "leaves the owner's other accounts"),
        (Fault::LosesUpdates, "at the same time are all stored"),
        (Fault::DropsExpiredAccounts, "stays until it is deleted"),
        (Fault::CutsTexts, "every field of an account"),
        (Fault::StoresOneKey, "`set` stores an account under"),
        (Fault::MixesEntries, "byte for byte"),
        (Fault::MixesOwners, "byte for byte"),
        (Fault::ForgetsTheOrder, "by their rank"),
        (Fault::KeepsTheFirstOwner, "no longer the first owner's"),
        (Fault::LetsTwoClaimsThrough, "exactly one returns First"),
        (Fault::KeepsClaims, "a claim ends at `until`"),
        (Fault::SettlesWithoutAClaim, "`settle` does nothing without a claim"),
        (Fault::LeasesToAll, "once per version"),
        (Fault::LeasesToTwo, "`lease` is atomic"),
        (Fault::KeepsLeases, "a lease ends at `until`"),
        (Fault::IgnoresVersions, "no longer what is stored"),
        (Fault::BringsBackTheRemoved, "does not bring back"),
        (Fault::OverwritesTheRank, "keeps the stored rank"),
        (Fault::ResealsBlindly, "`reseal` replaces a sealed token only"),
        (Fault::Panics, "no method panics"),
    ];
    let runs = cases.map(|(fault, rule)| async move { (fault, rule, faults_of(fault).await.1) });
    for (fault, rule, broken) in rocket::futures::future::join_all(runs).await {
        let message = message(&broken);
        assert!(message.contains(rule), "{fault:?} {message}");
        assert!(!message.contains("v1."), "no sealed token: {message}");
    }
}

#[rocket::async_test]
async fn a9_a_right_storage_passes() {
    let (offers, broken) = faults_of(Fault::None).await;
    assert!(broken.is_empty(), "{}", message(&broken));
    let all = StorageFeatures { several_accounts: true, page: true, sessions: true, coordination: true };
    assert_eq!(offers, StorageFeatures { sessions: false, ..all });
    assert_eq!(storage_suite(async || KeyValue::default()).await, StorageFeatures::default());
    assert_eq!(
        storage_suite(async || MemoryStorage::new()).await,
        StorageFeatures { coordination: false, ..all }
    );
    let cached = async || CachedStorage::new(Arc::new(Faulty::new(Fault::None)), 1 << 20, 60);
    assert_eq!(storage_suite(cached).await, offers);
}
