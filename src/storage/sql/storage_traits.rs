//! The traits of storages, implemented by `DieselStorage`.

use std::collections::BTreeMap;
use std::path::PathBuf;
#[cfg(feature = "postgres")]
use std::sync::Arc;

use rocket::figment::Figment;

use super::diesel_storage::DieselStorage;
#[cfg(feature = "postgres")]
use super::listen;
use super::{accounts, claims, leases, linking, ranks, sessions, walk};
use crate::error::Result;
use crate::link::AuthorizedLogin;
use crate::storage::built_in::Sealed;
use crate::storage::{
    Account, AccountKey, BuiltIn, ChangeListener, ClaimState, Coordination, KeyRing, Linked, Session,
    SessionSelection, SessionStorage, Storage, UserType,
};

#[rocket::async_trait]
impl Storage for DieselStorage {
    async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
        let key = key.clone();
        self.run(move |conn| accounts::get(conn, &key)).await
    }

    async fn set(&self, account: &Account) -> Result<()> {
        let account = account.clone();
        self.write(move |conn| accounts::set(conn, &account)).await
    }

    async fn delete(&self, key: &AccountKey) -> Result<()> {
        let key = key.clone();
        self.write(move |conn| accounts::delete(conn, &key)).await
    }

    async fn list(&self, user: Option<&str>, entries: &[&str]) -> Result<Vec<Account>> {
        let (user, entries) = (user.map(str::to_owned), owned(entries));
        self.run(move |conn| accounts::list(conn, user.as_deref(), &entries)).await
    }

    async fn make_primary(&self, user: &str, entry: &str, account_id: i64) -> Result<bool> {
        let (user, entry) = (user.to_owned(), entry.to_owned());
        self.write(move |conn| ranks::make_primary(conn, &user, &entry, account_id)).await
    }

    async fn page(&self, entry: Option<&str>, after: i64, limit: usize) -> Result<Vec<Account>> {
        let entry = entry.map(str::to_owned);
        self.run(move |conn| walk::page(conn, entry.as_deref(), after, limit)).await
    }

    fn sessions(&self) -> Option<&dyn SessionStorage> {
        Some(self)
    }

    async fn open(&self, figment: &Figment) -> Result<()> {
        self.connect(figment).await
    }

    fn coordination(&self) -> Option<&dyn Coordination> {
        Some(self)
    }

    fn built_in(&self) -> Option<&dyn BuiltIn> {
        Some(self)
    }
}

#[rocket::async_trait]
impl Coordination for DieselStorage {
    async fn claim(&self, id: &str, now: i64, until: i64) -> Result<ClaimState> {
        let id = id.to_owned();
        self.write(move |conn| claims::claim(conn, &id, now, until)).await
    }

    async fn settle(&self, id: &str, outcome: &str) -> Result<()> {
        let (id, outcome) = (id.to_owned(), outcome.to_owned());
        self.write(move |conn| claims::settle(conn, &id, &outcome)).await
    }

    async fn settled(&self, id: &str) -> Result<ClaimState> {
        let id = id.to_owned();
        self.run(move |conn| claims::settled(conn, &id)).await
    }

    async fn lease(&self, account: &Account, now: i64, until: i64) -> Result<bool> {
        let account = account.clone();
        self.write(move |conn| leases::lease(conn, &account, now, until)).await
    }

    async fn release(&self, account: &Account) -> Result<()> {
        let account = account.clone();
        self.write(move |conn| leases::release(conn, &account)).await
    }

    async fn renew(&self, account: &Account, renewed: &Account) -> Result<bool> {
        let (account, renewed) = (account.clone(), renewed.clone());
        self.write(move |conn| leases::renew(conn, &account, &renewed)).await
    }

    async fn reseal(&self, account: &Account, sealed: &str) -> Result<bool> {
        let (account, sealed) = (account.clone(), sealed.to_owned());
        self.write(move |conn| leases::reseal(conn, &account, &sealed)).await
    }

    /// PostgreSQL reports the writes of all processes with their commit. The other databases report nothing.
    fn watch(&self, changed: ChangeListener) {
        #[cfg(feature = "postgres")]
        if let Some(connector) = self.connector.get()
            && connector.is_postgres()
        {
            listen::start(connector.clone(), changed, Arc::downgrade(&self.alive));
        }
        let _ = changed;
    }
}

impl Sealed for DieselStorage {}

#[rocket::async_trait]
impl BuiltIn for DieselStorage {
    async fn link(&self, login: &AuthorizedLogin, keys: &KeyRing) -> Result<Linked> {
        let (policy, login, keys) = (self.policy.clone(), login.clone(), keys.clone());
        self.write(move |conn| linking::link(conn, &*policy, &login, &keys)).await
    }

    async fn unlink(
        &self,
        user: Option<&str>,
        entry: &str,
        account_id: Option<i64>,
        entries: &[&str],
    ) -> Result<Vec<Account>> {
        let (policy, user) = (self.policy.clone(), user.map(str::to_owned));
        let (entry, entries) = (entry.to_owned(), owned(entries));
        self.write(move |conn| linking::unlink(conn, &*policy, user.as_deref(), &entry, account_id, &entries))
            .await
    }

    fn user_type(&self) -> Option<UserType> {
        self.user_type
    }

    fn key_file(&self, figment: &Figment) -> Option<PathBuf> {
        let mut file = self.find_url(figment).ok()?.file?.into_os_string();
        file.push(".key");
        Some(file.into())
    }

    async fn sealed_by(&self) -> Result<BTreeMap<String, u64>> {
        let (mut counts, mut after) = (BTreeMap::new(), i64::MIN);
        // In steps, so that a long scan does not occupy a connection.
        while let Some(step) = self.run(move |conn| walk::sealed_by(conn, after)).await? {
            after = step.last;
            for (key, count) in step.counts {
                *counts.entry(key).or_default() += count;
            }
        }
        Ok(counts)
    }
}

#[rocket::async_trait]
impl SessionStorage for DieselStorage {
    async fn session(&self, id: &str) -> Result<Option<Session>> {
        let id = id.to_owned();
        self.run(move |conn| sessions::get(conn, &id)).await
    }

    async fn begin_session(&self, session: &Session, before: Option<&str>, now: i64) -> Result<()> {
        let (session, before) = (session.clone(), before.map(str::to_owned));
        self.write(move |conn| sessions::begin(conn, &session, before.as_deref(), now)).await
    }

    async fn rename_session(&self, id: &str, new: &str) -> Result<bool> {
        let (id, new) = (id.to_owned(), new.to_owned());
        self.write(move |conn| sessions::rename(conn, &id, &new)).await
    }

    async fn session_seen(&self, id: &str, at: i64, expires_at: i64) -> Result<()> {
        let id = id.to_owned();
        self.write(move |conn| sessions::seen(conn, &id, at, expires_at)).await
    }

    async fn end_sessions(&self, selection: &SessionSelection) -> Result<Vec<Session>> {
        let selection = selection.clone();
        self.write(move |conn| sessions::end(conn, &selection)).await
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
