//! `MemoryStorage`: stores accounts and sessions in the memory of the process.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::built_in::Sealed;
use super::local::lock;
use super::{
    Account, AccountKey, BuiltIn, KeyRing, Linked, Session, SessionSelection, SessionStorage, Storage, plain,
};
use crate::error::Result;
use crate::link::AuthorizedLogin;

/// Stores accounts and sessions in the memory of this process. For tests.
///
/// ```
/// use rocket_dance::{Dance, storage::MemoryStorage};
///
/// let rocket = rocket::build().attach(Dance::fairing().storage(MemoryStorage::new()));
/// # let _ = rocket;
/// ```
#[derive(Default)]
pub struct MemoryStorage {
    accounts: Mutex<BTreeMap<i64, Account>>,
    sessions: Mutex<BTreeMap<String, Session>>,
}

impl MemoryStorage {
    /// Makes an empty storage.
    pub fn new() -> Self {
        Self::default()
    }
}

impl std::fmt::Debug for MemoryStorage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemoryStorage({} accounts)", lock(&self.accounts).len())
    }
}

#[rocket::async_trait]
impl Storage for MemoryStorage {
    async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
        let accounts = lock(&self.accounts);
        Ok(accounts
            .values()
            .filter(|account| account.is_under(key))
            .min_by_key(|account| account.sort_key())
            .cloned())
    }

    async fn set(&self, account: &Account) -> Result<()> {
        let mut accounts = lock(&self.accounts);
        accounts.retain(|_, old| old.key() != account.key());
        accounts.insert(account.id, account.clone());
        Ok(())
    }

    async fn delete(&self, key: &AccountKey) -> Result<()> {
        lock(&self.accounts).retain(|_, account| !account.is_under(key));
        Ok(())
    }

    async fn list(&self, user: Option<&str>, entries: &[&str]) -> Result<Vec<Account>> {
        let accounts = lock(&self.accounts);
        let mut found: Vec<Account> = accounts
            .values()
            .filter(|account| account.user_id.as_deref() == user && entries.contains(&account.entry.as_str()))
            .cloned()
            .collect();
        found.sort_by_key(Account::sort_key);
        Ok(found)
    }

    async fn page(&self, entry: Option<&str>, after: i64, limit: usize) -> Result<Vec<Account>> {
        let accounts = lock(&self.accounts);
        let next = accounts.range(after.saturating_add(1)..).map(|(_, account)| account);
        let wanted = next.filter(|account| entry.is_none_or(|entry| account.entry == entry));
        Ok(wanted.take(limit).cloned().collect())
    }

    fn sessions(&self) -> Option<&dyn SessionStorage> {
        Some(self)
    }

    fn built_in(&self) -> Option<&dyn BuiltIn> {
        Some(self)
    }
}

impl Sealed for MemoryStorage {}

#[rocket::async_trait]
impl BuiltIn for MemoryStorage {
    async fn link(&self, login: &AuthorizedLogin, keys: &KeyRing) -> Result<Linked> {
        plain::link(self, login, keys).await
    }

    async fn unlink(
        &self,
        user: Option<&str>,
        entry: &str,
        account_id: Option<i64>,
        _: &[&str],
    ) -> Result<Vec<Account>> {
        plain::unlink(self, user, entry, account_id).await
    }

    async fn sealed_by(&self) -> Result<BTreeMap<String, u64>> {
        let mut counts = BTreeMap::new();
        for account in lock(&self.accounts).values() {
            *counts
                .entry(KeyRing::sealing_key_id(&account.token).unwrap_or_default().to_owned())
                .or_default() += 1;
        }
        Ok(counts)
    }
}

#[rocket::async_trait]
impl SessionStorage for MemoryStorage {
    async fn session(&self, id: &str) -> Result<Option<Session>> {
        Ok(lock(&self.sessions).get(id).cloned())
    }

    async fn begin_session(&self, session: &Session, before: Option<&str>, now: i64) -> Result<()> {
        let mut sessions = lock(&self.sessions);
        sessions.retain(|id, session| now < session.expires_at && Some(id.as_str()) != before);
        sessions.insert(session.id.clone(), session.clone());
        Ok(())
    }

    async fn rename_session(&self, id: &str, new: &str) -> Result<bool> {
        let mut sessions = lock(&self.sessions);
        let Some(session) = sessions.remove(id) else { return Ok(false) };
        sessions.insert(new.to_owned(), Session { id: new.to_owned(), ..session });
        Ok(true)
    }

    async fn session_seen(&self, id: &str, at: i64, expires_at: i64) -> Result<()> {
        if let Some(session) = lock(&self.sessions).get_mut(id)
            && session.seen_at < at
        {
            (session.seen_at, session.expires_at) = (at, expires_at);
        }
        Ok(())
    }

    async fn end_sessions(&self, selection: &SessionSelection) -> Result<Vec<Session>> {
        let mut sessions = lock(&self.sessions);
        let ended: Vec<Session> =
            sessions.values().filter(|session| selection.includes(session)).cloned().collect();
        sessions.retain(|_, session| !selection.includes(session));
        Ok(ended)
    }
}
