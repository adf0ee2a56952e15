//! Resealing: a token that an older key has sealed is sealed by the first key.

use std::fmt;

use crate::dance::handle::Dance;
use crate::error::Result;
use crate::storage::{Account, Storage, same_account};

/// Number of accounts that one query reads.
const PAGE_SIZE: usize = 100;

/// Maximum number of attempts for an account that other processes write at the same time.
const MAX_ATTEMPTS: usize = 3;

/// A walk over all accounts that seals their tokens again with the first of `token_keys`: [`Dance::reseal`] returns it.
///
/// ```no_run
/// # async fn rotate(dance: &rocket_dance::Dance) -> rocket_dance::Result<()> {
/// let mut reseal = dance.reseal();                    // .after(4711) continues behind that account
/// let report = match reseal.run().await {
///     Ok(report) => report,
///     Err(_) => reseal.run().await?,                  // an outage of the database: the second run continues
/// };
/// println!("{} of {} resealed, {} can't be opened", report.resealed, report.walked, report.unreadable);
/// # Ok(()) }
/// ```
#[must_use = "nothing is resealed until it runs"]
pub struct Reseal {
    dance: Dance,
    report: ResealReport,
}

/// The progress of a [`Reseal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResealReport {
    /// Number of accounts that were read.
    pub walked: u64,
    /// Number of accounts that were sealed with the first key.
    pub resealed: u64,
    /// Number of accounts that no key opens. They stay as they are, until the user connects again or the key is restored.
    pub unreadable: u64,
    /// The id of the last account that was read, for [`Reseal::after`].
    pub last_id: i64,
}

impl Dance {
    /// Returns a walk that seals all tokens with the first of `token_keys`, also those of entries that are no longer
    /// configured. Nothing happens until [`Reseal::run`].
    ///
    /// The app can keep running. The walk may be stopped and started again at any time, and may run in several processes:
    /// an account that the first key has sealed stays as it is.
    ///
    /// To rotate a key:
    ///
    /// 1. Add the new key at the end of `token_keys`, and restart all processes, so that each can open what another seals.
    /// 2. Move the new key to the front, and restart all processes.
    /// 3. Run this.
    /// 4. Remove the old key.
    ///
    /// If a key is missing that accounts still need, the app names it in the log when it starts.
    pub fn reseal(&self) -> Reseal {
        let report = ResealReport { walked: 0, resealed: 0, unreadable: 0, last_id: i64::MIN };
        Reseal { dance: self.clone(), report }
    }
}

impl Reseal {
    /// Starts after the account with this id: [`ResealReport::last_id`] of an earlier walk.
    pub fn after(mut self, id: i64) -> Self {
        self.report.last_id = id;
        self
    }

    /// Walks to the end and returns the report. Called again after an error, it continues at the same account.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable);
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) with a storage that can't list all accounts, for
    /// example `CookieStorage`.
    pub async fn run(&mut self) -> Result<ResealReport> {
        let storage = self.dance.shared_storage()?.clone();
        loop {
            let page = storage.page(None, self.report.last_id, PAGE_SIZE).await?;
            for account in &page {
                match reseal_account(&self.dance, &*storage, account.clone()).await? {
                    Resealed::Yes => self.report.resealed += 1,
                    Resealed::Unreadable => self.report.unreadable += 1,
                    Resealed::NotNeeded => {}
                }
                self.report.walked += 1;
                self.report.last_id = account.id;
            }
            if page.len() < PAGE_SIZE {
                return Ok(self.report);
            }
        }
    }

    /// Returns the progress so far.
    pub fn report(&self) -> ResealReport {
        self.report
    }
}

impl fmt::Debug for Reseal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reseal").field("report", &self.report).finish_non_exhaustive()
    }
}

/// The result for one account.
enum Resealed {
    Yes,
    /// No key opens it.
    Unreadable,
    /// The first key has sealed it already, or it is gone.
    NotNeeded,
}

async fn reseal_account(dance: &Dance, storage: &dyn Storage, mut account: Account) -> Result<Resealed> {
    for _ in 0..MAX_ATTEMPTS {
        match account.resealed(dance.keys())? {
            Err(_) => return Ok(Resealed::Unreadable),
            Ok(None) => return Ok(Resealed::NotNeeded),
            Ok(Some(sealed)) if storage.reseal(&account, &sealed).await? => return Ok(Resealed::Yes),
            Ok(Some(_)) => {}
        }
        // Another process has written it, maybe one that still has the old key in first place.
        match same_account(storage, &account, storage.get_uncached(&account.key()).await?).await? {
            Some(current) => account = current,
            None => break,
        }
    }
    Ok(Resealed::NotNeeded)
}

/// Logs which keys accounts need that are missing. It reads up to a million accounts, so that the launch does not wait for it.
pub(crate) async fn log_lost_keys(dance: &Dance) {
    match key_use(dance).await {
        Ok(KeyUse { lost, .. }) => lost.iter().for_each(|(text, cure)| log::error!("oauth: {text}: {cure}")),
        Err(error) => {
            log::warn!("oauth: could not check whether a key of `token_keys` is missing: {error:?}")
        }
    }
}

/// Which keys have sealed the stored accounts.
#[derive(Default)]
pub(crate) struct KeyUse {
    /// For each key that accounts need and that is missing: what is wrong, and what to do.
    pub(crate) lost: Vec<(String, &'static str)>,
    /// How many accounts are sealed with another key than the first one.
    pub(crate) old: u64,
}

/// Counts which keys have sealed the stored accounts. It reads up to a million accounts.
///
/// # Errors
/// [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable).
pub(crate) async fn key_use(dance: &Dance) -> Result<KeyUse> {
    let Ok(storage) = dance.shared_storage() else { return Ok(KeyUse::default()) };
    let counts = storage.sealed_by().await?;
    let known: Vec<&str> = dance.keys().key_ids().collect();
    let lost = counts.iter().filter(|(key, _)| !known.contains(&key.as_str()));
    let lost = lost.map(|(key, count)| match key.as_str() {
        "" => (
            format!("at least {count} accounts have a token that no key has sealed"),
            "their users must connect again",
        ),
        key => (
            format!(
                "at least {count} accounts are sealed with the key `{key}`, which is missing; the keys are {}",
                known.join(", ")
            ),
            "put it back into `token_keys` behind the first one, run `dance.reseal().run()`, then remove it",
        ),
    });
    let lost = lost.collect();
    let is_old = |key: &str| known.iter().skip(1).any(|known| *known == key);
    Ok(KeyUse { lost, old: counts.iter().filter(|(key, _)| is_old(key)).map(|(_, count)| count).sum() })
}

#[cfg(test)]
mod tests {
    use rocket::figment::Figment;

    use super::*;
    use crate::storage::{AccountKey, KeyRing, MemoryStorage, suite};

    #[rocket::async_test]
    async fn en_02_a_key_that_is_gone_is_named_with_its_count() {
        let storage = MemoryStorage::new();
        let mine = KeyRing::new([[1; 32]]);
        for (n, ring) in
            [&mine, &mine, &suite::keys(), &suite::keys(), &suite::keys()].into_iter().enumerate()
        {
            let login = suite::login("gone", Some(&n.to_string()), Some("7"));
            storage.set(&Account::of(&login, Some("7"), None, ring).unwrap()).await.unwrap();
        }
        let figment = Figment::from(rocket::Config::debug_default())
            .merge(("template_dir", "none"))
            .merge(("dance.token_keys", ["AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="]));
        let rocket = rocket::custom(figment).attach(Dance::fairing().storage(storage));
        let rocket = rocket.ignite().await.unwrap();
        let dance = Dance::fetch(&rocket).unwrap();
        let lost_keys = key_use(dance).await.unwrap().lost;
        let [(text, cure)] = &lost_keys[..] else { panic!("{lost_keys:?}") };
        let (lost, known) = (suite::keys(), mine.key_ids().next().unwrap());
        let wanted =
            format!("at least 3 accounts are sealed with the key `{}`", lost.key_ids().next().unwrap());
        assert!(text.starts_with(&wanted) && text.ends_with(&format!("the keys are {known}")), "{text}");
        assert!(cure.contains("`token_keys`") && cure.contains("dance.reseal().run()"), "{cure}");
        let report = dance.reseal().run().await.unwrap();
        assert_eq!((report.walked, report.resealed, report.unreadable), (5, 0, 3));
        dance.shared_storage().unwrap().delete(&AccountKey::owner("gone", 7)).await.unwrap();
        assert!(key_use(dance).await.unwrap().lost.is_empty());
    }
}
