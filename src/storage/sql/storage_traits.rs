//! The traits of storages, implemented by `DieselStorage`.

use std::collections::BTreeMap;
use std::path::PathBuf;
#[cfg(feature = "postgres")]
use std::sync::Arc;

use rocket::figment::Figment;

use super::diesel_storage::DieselStorage;
#[cfg(feature = "postgres")]
use super::listen;
use super::removal::{self, Unlink};
use super::{accounts, claims, leases, linking, new_sessions, ranks, sessions, walk};
use crate::error::Result;
use crate::finding::Finding;
use crate::link::AuthorizedLogin;
use crate::storage::built_in::Sealed;
use crate::storage::{
    Account, AccountKey, BuiltIn, ChangeListener, ClaimState, Coordination, KeyRing, Linked, Removed,
    Session, SessionSelection, SessionStart, SessionStorage, Storage, UserType,
};

#[rocket::async_trait]
impl Storage for DieselStorage {
    async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
        let key = key.clone();
        self.run(move |conn| accounts::get(conn, &key)).await
    }

    async fn set(&self, account: &Account) -> Result<()> {
        let (account, users) = (account.clone(), self.users());
        self.write(move |conn| accounts::set(conn, users.as_deref(), &account)).await
    }

    async fn delete(&self, key: &AccountKey) -> Result<()> {
        self.remove(key).await.map(drop)
    }

    async fn list(&self, user: Option<&str>, entries: &[&str]) -> Result<Vec<Account>> {
        let (user, entries) = (user.map(str::to_owned), owned(entries));
        self.run(move |conn| accounts::list(conn, user.as_deref(), &entries)).await
    }

    async fn get_without_identity(&self, user: Option<&str>, entry: &str) -> Result<Option<Account>> {
        let (user, entry) = (user.map(str::to_owned), entry.to_owned());
        self.run(move |conn| accounts::exact(conn, &entry, None, user.as_deref())).await
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

    async fn session_with_accounts(
        &self,
        id: &str,
        entries: &[&str],
    ) -> Result<Option<(Session, Vec<Account>)>> {
        let (id, entries) = (id.to_owned(), owned(entries));
        self.run(move |conn| sessions::with_accounts(conn, &id, &entries)).await
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
        match self.connector.get().map(|connector| (connector.listener(), connector.is_behind_pooler())) {
            Some((Some(listener), _)) => listen::start(listener, changed, Arc::downgrade(&self.alive)),
            Some((None, true)) => log::warn!(
                "oauth: writes of other processes are seen after `cache.ttl`, because PgBouncer reports no changes: set \
                 `listen_url` of [default.dance.database] to the URL of the PostgreSQL server itself"
            ),
            _ => {}
        }
        #[cfg(not(feature = "postgres"))]
        drop(changed);
    }
}

impl Sealed for DieselStorage {}

impl DieselStorage {
    /// See [`linking::merge_nameless`].
    async fn merge_nameless(&self, account: &Account) -> Result<Option<Account>> {
        let new = account.clone();
        // Few users have one: a read costs less than a transaction that writes.
        match self.run(move |conn| linking::has_nameless(conn, &new)).await? {
            true => {
                let account = account.clone();
                self.write(move |conn| linking::merge_nameless(conn, &account)).await
            }
            false => Ok(None),
        }
    }
}

#[rocket::async_trait]
impl BuiltIn for DieselStorage {
    async fn link(&self, login: &AuthorizedLogin, keys: &KeyRing) -> Result<Linked> {
        let (policy, users) = (self.policy.clone(), self.users());
        let (login, keys) = (login.clone(), keys.clone());
        let link = move |conn: &mut _| linking::link(conn, &*policy, users.as_deref(), &login, &keys);
        let mut linked = self.write(link).await?;
        if linked.previous.is_none() && linked.user.is_some() {
            match self.merge_nameless(&linked.account).await {
                Ok(merged) => linked.account = merged.unwrap_or(linked.account),
                // The login is stored. The user's next one merges the two accounts.
                Err(error) => {
                    log::warn!(
                        "oauth: could not check whether the app has stored a token for the user of this account: {error:?}"
                    )
                }
            }
        }
        Ok(linked)
    }

    async fn unlink(
        &self,
        user: Option<&str>,
        entry: &str,
        account_id: Option<i64>,
        entries: &[&str],
        keep: Option<&str>,
    ) -> Result<Removed> {
        let policy = self.policy.clone();
        let unlink = Unlink {
            user: user.map(str::to_owned),
            entry: entry.to_owned(),
            account_id,
            logins: owned(entries),
            keep: keep.map(str::to_owned),
        };
        self.write(move |conn| removal::unlink(conn, &*policy, &unlink)).await
    }

    async fn remove(&self, key: &AccountKey) -> Result<Removed> {
        let key = key.clone();
        self.write(move |conn| removal::remove(conn, &key)).await
    }

    fn user_type(&self) -> Option<UserType> {
        self.user_type
    }

    fn key_file(&self, figment: &Figment) -> Option<PathBuf> {
        let mut file = self.find_url(figment).ok()?.file?.into_os_string();
        file.push(".key");
        Some(file.into())
    }

    async fn examine(&self, figment: &Figment) -> Vec<Finding> {
        self.examine_database(figment).await
    }

    async fn sealed_by(&self) -> Result<BTreeMap<String, u64>> {
        let mut counts = BTreeMap::new();
        // In steps, so that a long scan does not occupy a connection.
        for first in self.run(walk::steps).await? {
            for (key, count) in self.run(move |conn| walk::sealed_from(conn, first)).await? {
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

    async fn sessions_of(&self, user: &str) -> Result<Vec<Session>> {
        let user = user.to_owned();
        self.run(move |conn| sessions::of_user(conn, &user)).await
    }

    async fn begin_session(&self, session: &Session, before: Option<&str>, now: i64) -> Result<SessionStart> {
        let (users, session, before) = (self.users(), session.clone(), before.map(str::to_owned));
        let begin =
            move |conn: &mut _| new_sessions::begin(conn, users.as_deref(), &session, before.as_deref());
        let start = self.write(begin).await?;
        if let Err(error) = self.run(move |conn| new_sessions::purge(conn, now)).await {
            log::warn!("oauth: expired sessions could not be removed: {error:?}");
        }
        Ok(start)
    }

    async fn rotate_session(&self, id: &str, old: &str, new: &str, at: i64) -> Result<bool> {
        let (id, old, new) = (id.to_owned(), old.to_owned(), new.to_owned());
        self.write(move |conn| sessions::rotate(conn, &id, &old, &new, at)).await
    }

    async fn session_seen(&self, id: &str, at: i64, expires_at: i64) -> Result<()> {
        let id = id.to_owned();
        self.write(move |conn| sessions::seen(conn, &id, at, expires_at)).await
    }

    async fn end_sessions(&self, selection: &SessionSelection) -> Result<Vec<Session>> {
        let (users, selection) = (self.users(), selection.clone());
        self.write(move |conn| {
            if let (Some(users), SessionSelection::User(user)) = (users.as_deref(), &selection) {
                // Not at the same time as a deletion of the user, which could deadlock.
                users.hold(conn, user)?;
            }
            sessions::end(conn, &selection)
        })
        .await
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
