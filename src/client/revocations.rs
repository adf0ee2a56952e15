//! The revocations of one process that are in progress.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rocket::tokio::sync::{Semaphore, SemaphorePermit, watch};
use rocket::tokio::time::timeout;

use crate::config::Entry;

/// Pause between the first attempt to revoke a token and the second.
const RETRY_PAUSE: Duration = Duration::from_secs(2);

/// Maximum number of revocations at the same time, even if many accounts are removed together.
const MAX_CONCURRENT_REVOCATIONS: usize = 16;

/// The revocations of one process.
pub(crate) struct Revocations {
    entries: BTreeMap<String, Arc<Grantor>>,
    in_progress: watch::Sender<usize>,
    shutting_down: watch::Sender<bool>,
    slots: Semaphore,
}

/// An entry whose provider grants tokens.
pub(super) struct Grantor {
    pub(super) entry: Arc<Entry>,
    /// The names of all entries of the same client at the same provider, this one included. They may share a grant.
    pub(super) sharing: Vec<String>,
}

impl Revocations {
    pub(crate) fn new(entries: &BTreeMap<String, Arc<Entry>>) -> Self {
        let client = |entry: &Entry| (entry.authority().to_owned(), entry.client_id.clone());
        let grantor = |entry: &Arc<Entry>| {
            let others = entries.values().filter(|other| client(other) == client(entry));
            Arc::new(Grantor {
                entry: entry.clone(),
                sharing: others.map(|other| other.name.clone()).collect(),
            })
        };
        Self {
            entries: entries.iter().map(|(name, entry)| (name.clone(), grantor(entry))).collect(),
            in_progress: watch::Sender::new(0),
            shutting_down: watch::Sender::new(false),
            slots: Semaphore::new(MAX_CONCURRENT_REVOCATIONS),
        }
    }

    /// Returns the entry called `name`.
    pub(super) fn grantor(&self, name: &str) -> Option<Arc<Grantor>> {
        self.entries.get(name).cloned()
    }

    /// Counts a revocation as in progress, until the returned guard is dropped.
    pub(super) fn start(&self) -> InProgress {
        self.in_progress.send_modify(|count| *count += 1);
        InProgress(self.in_progress.clone())
    }

    /// Waits until another revocation may run.
    pub(super) async fn wait_for_slot(&self) -> Option<SemaphorePermit<'_>> {
        self.slots.acquire().await.ok()
    }

    /// Waits until no revocation is in progress.
    pub(crate) async fn wait_until_done(&self) {
        // The sender is ours, so the channel is not closed.
        let _ = self.in_progress.subscribe().wait_for(|count| *count == 0).await;
    }

    /// Ends all pauses before second attempts, because the process is about to end.
    pub(crate) fn skip_pauses(&self) {
        self.shutting_down.send_replace(true);
    }

    /// Waits before the second attempt.
    pub(super) async fn pause(&self) {
        let mut shutting_down = self.shutting_down.subscribe();
        let _ = timeout(RETRY_PAUSE, shutting_down.wait_for(|shutting_down| *shutting_down)).await;
    }
}

/// A revocation that is in progress. Dropping it ends the count, also if its task is cancelled.
pub(super) struct InProgress(watch::Sender<usize>);

impl Drop for InProgress {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count -= 1);
    }
}
