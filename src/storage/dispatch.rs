//! What the library calls on any storage: its own implementation if it has one, otherwise the one that works on every storage
//! within this process.

use std::collections::BTreeMap;
use std::path::PathBuf;

use rocket::figment::Figment;

use super::refusals::keeps_no_sessions;
use super::{
    Account, AccountKey, ChangeListener, ClaimState, KeyRing, Linked, Removed, Session, SessionStart,
    Storage, UserType, local, plain,
};
use crate::error::Result;
use crate::finding::Finding;
use crate::link::AuthorizedLogin;

impl<'s> dyn Storage + 's {
    /// See [`Coordination::claim`](super::Coordination::claim).
    pub(crate) async fn claim(&self, id: &str, now: i64, until: i64) -> Result<ClaimState> {
        match self.coordination() {
            Some(coordination) => coordination.claim(id, now, until).await,
            None => Ok(local::claim(id, now, until)),
        }
    }

    /// See [`Coordination::settle`](super::Coordination::settle).
    pub(crate) async fn settle(&self, id: &str, outcome: &str) -> Result<()> {
        match self.coordination() {
            Some(coordination) => coordination.settle(id, outcome).await,
            None => {
                local::settle(id, outcome);
                Ok(())
            }
        }
    }

    /// See [`Coordination::settled`](super::Coordination::settled).
    pub(crate) async fn settled(&self, id: &str) -> Result<ClaimState> {
        match self.coordination() {
            Some(coordination) => coordination.settled(id).await,
            None => Ok(local::settled(id)),
        }
    }

    /// See [`Coordination::lease`](super::Coordination::lease). Within one process no lease is needed: the callers take turns.
    pub(crate) async fn lease(&self, account: &Account, now: i64, until: i64) -> Result<bool> {
        match self.coordination() {
            Some(coordination) => coordination.lease(account, now, until).await,
            None => Ok(true),
        }
    }

    /// See [`Coordination::release`](super::Coordination::release).
    pub(crate) async fn release(&self, account: &Account) -> Result<()> {
        match self.coordination() {
            Some(coordination) => coordination.release(account).await,
            None => Ok(()),
        }
    }

    /// See [`Coordination::renew`](super::Coordination::renew).
    pub(crate) async fn renew(&self, account: &Account, renewed: &Account) -> Result<bool> {
        match self.coordination() {
            Some(coordination) => coordination.renew(account, renewed).await,
            None => plain::renew(self, account, renewed).await,
        }
    }

    /// See [`Coordination::reseal`](super::Coordination::reseal).
    pub(crate) async fn reseal(&self, account: &Account, sealed: &str) -> Result<bool> {
        match self.coordination() {
            Some(coordination) => coordination.reseal(account, sealed).await,
            None => plain::reseal(self, account, sealed).await,
        }
    }

    /// See [`Coordination::watch`](super::Coordination::watch).
    pub(crate) fn watch(&self, changed: ChangeListener) {
        if let Some(coordination) = self.coordination() {
            coordination.watch(changed);
        }
    }

    /// See [`BuiltIn::link`](super::BuiltIn::link). Without a policy the login is connected to the user who is signed in.
    pub(crate) async fn link(&self, login: &AuthorizedLogin, keys: &KeyRing) -> Result<Linked> {
        match self.built_in() {
            Some(built_in) => built_in.link(login, keys).await,
            None => plain::link(self, login, keys).await,
        }
    }

    /// See [`BuiltIn::unlink`](super::BuiltIn::unlink). Without a policy the last account is removed, too: users of such an
    /// app sign in by a form of its own.
    pub(crate) async fn unlink(
        &self,
        user: Option<&str>,
        entry: &str,
        account_id: Option<i64>,
        entries: &[&str],
        keep: Option<&str>,
    ) -> Result<Removed> {
        match self.built_in() {
            Some(built_in) => built_in.unlink(user, entry, account_id, entries, keep).await,
            None => plain::unlink(self, user, entry, account_id, keep).await,
        }
    }

    /// See [`BuiltIn::remove`](super::BuiltIn::remove).
    pub(crate) async fn remove(&self, key: &AccountKey) -> Result<Removed> {
        match self.built_in() {
            Some(built_in) => built_in.remove(key).await,
            None => plain::remove(self, key).await,
        }
    }

    /// See [`SessionStorage::begin_session`](super::SessionStorage::begin_session).
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the storage keeps no sessions.
    pub(crate) async fn begin_session(
        &self,
        session: &Session,
        before: Option<&str>,
        now: i64,
    ) -> Result<SessionStart> {
        let sessions = self.sessions().ok_or_else(keeps_no_sessions)?;
        match self.built_in() {
            Some(_) => sessions.begin_session(session, before, now).await,
            None => plain::begin_session(self, sessions, session, before, now).await,
        }
    }

    /// See [`BuiltIn::user_type`](super::BuiltIn::user_type).
    pub(crate) fn user_type(&self) -> Option<UserType> {
        self.built_in()?.user_type()
    }

    /// See [`BuiltIn::key_file`](super::BuiltIn::key_file).
    pub(crate) fn key_file(&self, figment: &Figment) -> Option<PathBuf> {
        self.built_in()?.key_file(figment)
    }

    /// See [`BuiltIn::examine`](super::BuiltIn::examine). An app's own storage is opened.
    pub(crate) async fn examine(&self, figment: &Figment) -> Vec<Finding> {
        const SUBJECT: &str = "storage";
        match self.built_in() {
            Some(built_in) => built_in.examine(figment).await,
            None => vec![match self.open(figment).await {
                Ok(()) => Finding::ok(SUBJECT, "the app's own storage can be opened"),
                Err(error) => Finding::fault(SUBJECT, &error.for_operator()),
            }],
        }
    }

    /// See [`BuiltIn::sealed_by`](super::BuiltIn::sealed_by).
    pub(crate) async fn sealed_by(&self) -> Result<BTreeMap<String, u64>> {
        match self.built_in() {
            Some(built_in) => built_in.sealed_by().await,
            None => Ok(BTreeMap::new()),
        }
    }
}
