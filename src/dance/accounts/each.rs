//! All accounts of an entry, one after the other.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use crate::client::Client;
use crate::config::Entry;
use crate::dance::handle::Dance;
use crate::error::Result;
use crate::provider::Provider;
use crate::storage::Account;

/// Number of accounts that one query reads.
const PAGE_SIZE: usize = 100;

impl Dance {
    /// Walks over all accounts at `P`, of all users, and yields an API client for each. It reads the accounts in pages.
    ///
    /// See [`Dance`] for an example.
    pub fn each<P: Provider>(&self, provider: P) -> AccountClients {
        let _ = provider;
        AccountClients {
            dance: self.clone(),
            entry: P::NAME,
            page: VecDeque::new(),
            after: i64::MIN,
            is_last: false,
        }
    }
}

/// The API clients of all accounts at an entry: [`Dance::each`] returns it.
#[must_use = "it reads nothing until `next` is called"]
pub struct AccountClients {
    dance: Dance,
    entry: &'static str,
    page: VecDeque<Account>,
    /// The id of the last account that was read.
    after: i64,
    /// Whether `page` is the last one.
    is_last: bool,
}

impl AccountClients {
    /// Returns the next client, or `None` after the last one.
    ///
    /// An account whose token can't be opened any more is logged and skipped. A client whose grant is dead fails its
    /// first call with [`ErrorKind::ReconnectNeeded`](crate::ErrorKind::ReconnectNeeded).
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable): the next call reads the same page again.
    /// [`ErrorKind::UnknownProvider`](crate::ErrorKind::UnknownProvider) if there is no entry of `P`'s name.
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) with a storage that can't list all accounts, for
    /// example `CookieStorage`.
    pub async fn next(&mut self) -> Result<Option<Client>> {
        let storage = self.dance.shared_storage()?.clone();
        let entry: Arc<Entry> = self.dance.required_entry(self.entry)?.clone();
        loop {
            while let Some(account) = self.page.pop_front() {
                let id = account.id;
                match Client::open(entry.clone(), storage.clone(), self.dance.context().clone(), account) {
                    Ok(client) => return Ok(Some(client)),
                    Err(error) => log::warn!("oauth: `{}`: account {id} is skipped: {error:?}", self.entry),
                }
            }
            if self.is_last {
                return Ok(None);
            }
            let page = storage.page(Some(self.entry), self.after, PAGE_SIZE).await?;
            self.is_last = page.len() < PAGE_SIZE;
            self.after = page.last().map_or(self.after, |account| account.id);
            self.page = page.into();
        }
    }
}

impl fmt::Debug for AccountClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountClients")
            .field("entry", &self.entry)
            .field("after", &self.after)
            .finish_non_exhaustive()
    }
}
