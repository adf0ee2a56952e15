//! What the refreshes of one process know of each other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use moka::sync::Cache;
use rocket::tokio::sync::{OwnedSemaphorePermit, Semaphore};
use rocket::tokio::time::timeout;

use super::unsealed_account::UnsealedAccount;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::REFRESH_TIMEOUT;
use crate::lock::lock;

/// Maximum number of refreshes at one entry's provider at the same time, even if many tokens expire together (RR-07).
const MAX_CONCURRENT_REFRESHES: usize = 16;

/// Lifetime of a remembered failure.
const FAILURE_TTL: Duration = Duration::from_secs(5);

/// Maximum number of accounts whose failures are remembered.
const MAX_FAILURES: u64 = 10_000;

/// The refreshes of one process: how many run at each entry, and which accounts have failed within the last seconds.
pub(crate) struct Refreshes {
    /// By entry.
    slots: Mutex<HashMap<String, Arc<Semaphore>>>,
    /// The last failure of an account and its time. Only failures that say nothing about the grant.
    failures: Cache<String, (Instant, Arc<Error>)>,
    /// Accounts with a refreshed token that the storage could not store yet.
    unstored: Mutex<HashMap<String, Arc<UnsealedAccount>>>,
}

impl Default for Refreshes {
    fn default() -> Self {
        let failures = Cache::builder().max_capacity(MAX_FAILURES).time_to_live(FAILURE_TTL).build();
        Self { slots: Mutex::default(), failures, unstored: Mutex::default() }
    }
}

impl Refreshes {
    /// Remembers that a refresh of `account` failed, if the failure says nothing about the grant.
    pub(super) fn failed(&self, account: &str, error: &Error) {
        if !matches!(error.kind(), ErrorKind::ReconnectNeeded | ErrorKind::NotConnected) {
            self.failures.insert(account.to_owned(), (Instant::now(), Arc::new(error.copy())));
        }
    }

    /// Forgets the failure of `account`.
    pub(super) fn succeeded(&self, account: &str) {
        self.failures.invalidate(account);
    }

    /// Forgets all failures.
    #[cfg(feature = "testing")]
    pub(crate) fn forget_failures(&self) {
        self.failures.invalidate_all();
    }

    /// Returns the failure of a refresh of `account` since `began`.
    pub(super) fn failed_since(&self, account: &str, began: Instant) -> Option<Error> {
        self.failures.get(account).filter(|(at, _)| *at >= began).map(|(_, error)| error.copy())
    }

    /// Returns whether a refresh of `account` failed within the last seconds.
    pub(super) fn failed_lately(&self, account: &str) -> bool {
        self.failures.contains_key(account)
    }

    /// Remembers an account until its refreshed token is [stored](Self::stored).
    pub(super) fn not_stored_yet(&self, account: &str, refreshed: UnsealedAccount) {
        lock(&self.unstored).insert(account.to_owned(), Arc::new(refreshed));
    }

    /// Forgets the account: its token is stored, or is no longer the one to store.
    pub(super) fn stored(&self, account: &str) {
        lock(&self.unstored).remove(account);
    }

    /// Returns `account` with a token that is not stored yet and is newer than that of `known_version`.
    pub(super) fn unstored(&self, account: &str, known_version: i64) -> Option<Arc<UnsealedAccount>> {
        lock(&self.unstored).get(account).filter(|found| found.account.version > known_version).cloned()
    }

    /// Waits until another refresh may run at `entry`'s provider.
    ///
    /// # Errors
    /// [`ErrorKind::ProviderTimeout`] if no slot is free in time.
    pub(super) async fn wait_for_slot(&self, entry: &str) -> Result<OwnedSemaphorePermit> {
        let slots = {
            let mut slots = lock(&self.slots);
            let new = || Arc::new(Semaphore::new(MAX_CONCURRENT_REFRESHES));
            slots.entry(entry.to_owned()).or_insert_with(new).clone()
        };
        match timeout(REFRESH_TIMEOUT, slots.acquire_owned()).await {
            Ok(permit) => permit.map_err(Error::app),
            Err(_) => Err(refresh_pending()),
        }
    }
}

/// The error of a caller that has waited too long for a refresh.
pub(super) fn refresh_pending() -> Error {
    Error::new(
        ErrorKind::ProviderTimeout,
        "The sign-in is still being renewed. Please try again in a moment.",
    )
}
