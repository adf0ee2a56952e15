//! Revoking: what was removed here ends at its provider too, in the background, where nobody waits for it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rocket::tokio;
use rocket::tokio::sync::{Semaphore, watch};
use rocket::tokio::time::timeout;

use super::{ClientContext, TokenEvent};
use crate::config::Entry;
use crate::error::{Error, Result};
use crate::storage::{Account, AccountKey, Storage};
use crate::token::Token;

/// Between the first try and the second.
const PAUSE: Duration = Duration::from_secs(2);

/// So many grants are revoked at once, however many accounts are removed together.
const AT_ONCE: usize = 16;

/// The revocations of one process.
pub(crate) struct Revocations {
    /// The entries by name, each with those that share its grants: the same client at the same provider.
    entries: BTreeMap<String, (Arc<Entry>, Vec<String>)>,
    under_way: watch::Sender<usize>,
    hurried: watch::Sender<bool>,
    gate: Semaphore,
}

/// SessionSelection token is to be revoked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RevocationReason {
    /// An account's that was removed.
    AccountRemoved,
    /// A dance's whose account could not be stored: the store has not answered, and may hold an older account.
    StorageFailed,
}

impl Revocations {
    pub(crate) fn new(entries: &BTreeMap<String, Arc<Entry>>) -> Self {
        let grantor = |entry: &Entry| (entry.authority().to_owned(), entry.client_id.clone());
        let sharing = |entry: &Entry| {
            let others = entries.values().filter(|other| grantor(other) == grantor(entry));
            others.map(|other| other.name.clone()).collect()
        };
        Self {
            entries: entries
                .iter()
                .map(|(name, entry)| (name.clone(), (entry.clone(), sharing(entry))))
                .collect(),
            under_way: watch::Sender::new(0),
            hurried: watch::Sender::new(false),
            gate: Semaphore::new(AT_ONCE),
        }
    }

    /// Waits until none is under way.
    pub(crate) async fn done(&self) {
        // The sender is ours: it can't be gone.
        let _ = self.under_way.subscribe().wait_for(|under_way| *under_way == 0).await;
    }

    /// The process is about to end: from now on no second try waits.
    pub(crate) fn hurry(&self) {
        self.hurried.send_replace(true);
    }

    async fn pause(&self) {
        let mut hurried = self.hurried.subscribe();
        let _ = timeout(PAUSE, hurried.wait_for(|hurried| *hurried)).await;
    }
}

/// One that is under way, for as long as this lives: also where its task is cut off.
struct UnderWay(Arc<ClientContext>);

impl UnderWay {
    fn new(context: &Arc<ClientContext>) -> Self {
        context.revocations.under_way.send_modify(|count| *count += 1);
        Self(context.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.revocations.under_way.send_modify(|count| *count -= 1);
    }
}

impl ClientContext {
    /// Revokes the tokens of `account` at its provider, in the background: at once, and once more after a while if that
    /// fails. A second failure is told. What is stored stays as it is.
    pub(crate) fn revoke(
        self: &Arc<Self>,
        storage: &Arc<dyn Storage>,
        account: Account,
        ended: RevocationReason,
    ) {
        let Some((entry, sharing)) = self.revocations.entries.get(&account.entry).cloned() else { return };
        let revocation = entry.oauth2().and_then(|options| options.endpoints.revocation.as_ref());
        if revocation.is_none() && entry.issuer.is_none() {
            return;
        }
        // Another provider's token, from before the entry was pointed elsewhere: nothing that this one should see.
        if account.issuer != entry.authority() {
            return;
        }
        let (context, storage) = (self.clone(), storage.clone());
        // Counted before its task begins: who waits now waits for this one as well.
        let under_way = UnderWay::new(self);
        tokio::spawn(async move {
            let _under_way = under_way;
            let Ok(_permit) = context.revocations.gate.acquire().await else { return };
            if let Err(error) = context.try_twice(&entry, &sharing, &*storage, &account, ended).await {
                log::warn!("oauth: `{}`: a token could not be revoked: {error:?}", entry.name);
                (context.report)(TokenEvent::RevocationFailed, account).await;
            }
        });
    }

    async fn try_twice(
        &self,
        entry: &Entry,
        sharing: &[String],
        storage: &dyn Storage,
        account: &Account,
        ended: RevocationReason,
    ) -> Result<()> {
        let token = account.open(&self.keys).map_err(|_| Error::app("no key opens the token"))?;
        let first = self.try_once(entry, sharing, storage, account, &token, ended).await;
        let Err(error) = first else { return Ok(()) };
        log::info!("oauth: `{}`: a token could not be revoked, and is tried again: {error:?}", entry.name);
        self.revocations.pause().await;
        self.try_once(entry, sharing, storage, account, &token, ended).await
    }

    async fn try_once(
        &self,
        entry: &Entry,
        sharing: &[String],
        storage: &dyn Storage,
        account: &Account,
        token: &Token,
        ended: RevocationReason,
    ) -> Result<()> {
        // A provider may have one grant for a person and a client, and end all of it (RFC 7009 §2.1; Google does): who
        // has connected anew meanwhile, or is connected at another entry of the same client, would lose that.
        match is_needed(storage, sharing, account.provider_user_id.as_deref()).await {
            Ok(true) => return Ok(()),
            Err(error) if ended == RevocationReason::StorageFailed => return Err(error),
            _ => {}
        }
        self.engine.revoke(entry, token).await
    }
}

/// Whether an account of the provider's user `id` at one of `entries` is stored.
async fn is_needed(storage: &dyn Storage, entries: &[String], id: Option<&str>) -> Result<bool> {
    let Some(id) = id else { return Ok(false) };
    for entry in entries {
        if storage.get_uncached(&AccountKey::identity(entry, id)).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
