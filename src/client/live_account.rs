//! The account of a client, as it was last read.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};

use super::context::ClientContext;
use super::unsealed_account::UnsealedAccount;
use crate::config::Entry;
use crate::error::{Error, ErrorKind, Result};
use crate::lock::lock;
use crate::storage::{Account, AccountKey, CachedAccount, Storage, same_account};

/// The account of a client, as it was last read. Clones of a client and its requests share it; a refresh replaces it.
pub(super) struct LiveAccount {
    pub(super) entry: Arc<Entry>,
    pub(super) storage: Arc<dyn Storage>,
    pub(super) context: Arc<ClientContext>,
    state: Mutex<State>,
}

enum State {
    /// As the cache has it. The token is unsealed when a request uses it.
    Cached(Arc<CachedAccount>),
    Unsealed(Arc<UnsealedAccount>),
}

impl LiveAccount {
    /// Creates a live account from one in the cache.
    pub(super) fn cached(
        entry: Arc<Entry>,
        storage: Arc<dyn Storage>,
        context: Arc<ClientContext>,
        cached: Arc<CachedAccount>,
    ) -> Self {
        Self { entry, storage, context, state: Mutex::new(State::Cached(cached)) }
    }

    /// Creates a live account and unseals its token.
    ///
    /// # Errors
    /// As [`UnsealedAccount::open`].
    pub(super) fn open(
        entry: Arc<Entry>,
        storage: Arc<dyn Storage>,
        context: Arc<ClientContext>,
        account: Account,
    ) -> Result<Self> {
        let unsealed = Arc::new(UnsealedAccount::open(&entry, &context.keys, account)?);
        Ok(Self { entry, storage, context, state: Mutex::new(State::Unsealed(unsealed)) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Returns the account as it was last read, its token still sealed.
    pub(super) fn account(&self) -> Account {
        match &*self.state() {
            State::Unsealed(unsealed) => unsealed.account.clone(),
            State::Cached(cached) => cached.account(),
        }
    }

    /// Returns the account as it was last read, its token unsealed.
    ///
    /// # Errors
    /// As [`UnsealedAccount::open`].
    pub(super) fn unsealed(&self) -> Result<Arc<UnsealedAccount>> {
        let mut state = self.state();
        let account = match &*state {
            State::Unsealed(unsealed) => return Ok(unsealed.clone()),
            State::Cached(cached) => cached.account(),
        };
        let unsealed = Arc::new(UnsealedAccount::open(&self.entry, &self.context.keys, account)?);
        *state = State::Unsealed(unsealed.clone());
        Ok(unsealed)
    }

    /// Replaces the account by one with a new token.
    pub(super) fn replace(&self, unsealed: Arc<UnsealedAccount>) {
        *self.state() = State::Unsealed(unsealed);
    }

    /// Returns until when the token is used without a refresh (unix time, in seconds). `None` if it must be unsealed to know.
    pub(super) fn usable_until(&self) -> Option<i64> {
        match &*self.state() {
            State::Unsealed(unsealed) => Some(unsealed.token.usable_until()),
            State::Cached(cached) => cached.usable_until(),
        }
    }

    /// Reads the account from the storage, without the cache.
    ///
    /// # Errors
    /// [`ErrorKind::NotConnected`] if it was removed or belongs to another user now; [`ErrorKind::StoreUnavailable`].
    pub(super) async fn read_stored(&self, key: &AccountKey) -> Result<Account> {
        let known = self.account();
        let stored = same_account(&*self.storage, &known, self.storage.get_uncached(key).await?).await?;
        stored.filter(|account| account.user_id == known.user_id).ok_or_else(|| {
            let title = &self.entry.title;
            Error::new(ErrorKind::NotConnected, format!("{title} is not connected any more."))
                .with_entry(&self.entry.name)
        })
    }
}

impl fmt::Debug for LiveAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveAccount")
            .field("entry", &self.entry.name)
            .field("user_id", &self.account().user_id)
            .finish_non_exhaustive()
    }
}
