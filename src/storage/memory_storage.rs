//! `MemoryStorage`: stores accounts and sessions in the memory of the process.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Mutex;

use super::built_in::Sealed;
use super::{
    Account, AccountKey, BuiltIn, KeyRing, Linked, Removed, Session, SessionSelection, SessionStart,
    SessionStorage, Storage, plain,
};
use crate::error::Result;
use crate::link::AuthorizedLogin;
use crate::lock::lock;

/// Stores accounts and sessions in the memory of this process. For tests: `rocket_dance::testing::replace_storage` puts it in place of
/// the storage of a finished app.
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

    /// Removes the accounts that `is_removed` selects and ends the sessions that began with them, except the session with the
    /// id `keep`, in one step.
    // As everywhere, the accounts are locked before the sessions.
    fn remove_where(&self, is_removed: impl Fn(&Account) -> bool, keep: Option<&str>) -> Removed {
        let mut accounts = lock(&self.accounts);
        let removed: Vec<Account> =
            accounts.values().filter(|account| is_removed(account)).cloned().collect();
        accounts.retain(|_, account| !is_removed(account));
        let mut sessions = lock(&self.sessions);
        let selections: Vec<_> =
            removed.iter().filter_map(|account| SessionSelection::began_with(account, keep)).collect();
        let has_ended = |session: &Session| selections.iter().any(|selection| selection.includes(session));
        let ended = sessions.values().filter(|session| has_ended(session)).cloned().collect();
        sessions.retain(|_, session| !has_ended(session));
        Removed { accounts: removed, sessions: ended }
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
        // Without turns: a storage that wraps this one may have them.
        self.remove_where(|account| account.is_under(key), None);
        Ok(())
    }

    async fn list(&self, user: Option<&str>, entries: &[&str]) -> Result<Vec<Account>> {
        let accounts = lock(&self.accounts);
        let mut found: Vec<Account> = accounts
            .values()
            .filter(|account| account.user_id.as_deref() == user && entries.contains(&account.entry.as_str()))
            .cloned()
            .collect();
        found.sort_by(|a, b| (&a.entry, a.sort_key()).cmp(&(&b.entry, b.sort_key())));
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
        let linked = plain::link(self, login, keys).await?;
        let account = &linked.account;
        if account.provider_user_id.is_some() && (account.user_id.is_some() || account.is_sites()) {
            // The token that the app had stored for the user, or for the site, is that of this account now.
            lock(&self.accounts).retain(|_, other| {
                other.provider_user_id.is_some()
                    || (&other.entry, &other.user_id) != (&account.entry, &account.user_id)
                    || other.is_sites() != account.is_sites()
            });
        }
        Ok(linked)
    }

    async fn unlink(
        &self,
        user: Option<&str>,
        entry: &str,
        account_id: Option<i64>,
        _: &[&str],
        keep: Option<&str>,
    ) -> Result<Removed> {
        let _turns = plain::turns_of(self.list(user, &[entry]).await?.iter().map(Account::turn_name)).await;
        let is_removed = |account: &Account| {
            account.entry == entry
                && account.user_id.as_deref() == user
                && account_id.is_none_or(|id| account.id == id)
        };
        Ok(self.remove_where(is_removed, keep))
    }

    async fn remove(&self, key: &AccountKey) -> Result<Removed> {
        let under: Vec<Account> =
            lock(&self.accounts).values().filter(|account| account.is_under(key)).cloned().collect();
        let _turns = plain::turns_of(under.iter().map(Account::turn_name)).await;
        Ok(self.remove_where(|account| account.is_under(key), None))
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

    async fn sessions_of(&self, user: &str) -> Result<Vec<Session>> {
        let sessions = lock(&self.sessions);
        let mut found: Vec<Session> =
            sessions.values().filter(|session| session.user_id == user).cloned().collect();
        found.sort_by_key(|session| Reverse(session.seen_at));
        Ok(found)
    }

    async fn begin_session(&self, session: &Session, before: Option<&str>, now: i64) -> Result<SessionStart> {
        let accounts = lock(&self.accounts);
        if let (Some(entry), Some(identity)) = (&session.entry, &session.provider_user_id) {
            let key = AccountKey::identity(entry, identity);
            let is_origin =
                |account: &Account| account.is_under(&key) && account.user_id.as_deref() == session.user();
            if !accounts.values().any(is_origin) {
                return Ok(SessionStart::AccountGone);
            }
        }
        let mut sessions = lock(&self.sessions);
        sessions.retain(|id, session| now < session.expires_at && Some(id.as_str()) != before);
        sessions.insert(session.id.clone(), session.clone());
        Ok(SessionStart::Begun)
    }

    async fn rotate_session(&self, id: &str, old: &str, new: &str, at: i64) -> Result<bool> {
        let mut sessions = lock(&self.sessions);
        let Some(session) = sessions.get_mut(id).filter(|session| session.cookie_hash == old) else {
            return Ok(false);
        };
        session.cookie_hash = new.to_owned();
        session.previous_cookie_hash = Some(old.to_owned());
        session.rotated_at = Some(at);
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
