//! Resealing: what an older key sealed is sealed by the first one.

use std::fmt;

use super::Dance;
use crate::error::Result;
use crate::storage::{Storage, same_account};

/// How many accounts are read at a time.
const PAGE: usize = 100;

/// So often an account is resealed again that was written meanwhile.
const TRIES: usize = 3;

/// A walk over all accounts that seals with the first of `token_keys` what an older one sealed: [`Dance::reseal`].
///
/// ```no_run
/// # async fn rotate(dance: &rocket_dance::Dance) -> rocket_dance::Result<()> {
/// let mut reseal = dance.reseal();                    // .after(4711): where an earlier one stopped
/// let report = match reseal.run().await {
///     Ok(report) => report,
///     Err(_) => reseal.run().await?,                  // the database was away: goes on where it stopped
/// };
/// println!("{} of {} resealed, {} can't be opened", report.resealed, report.walked, report.unreadable);
/// # Ok(()) }
/// ```
#[must_use = "nothing is resealed until it runs"]
pub struct Reseal {
    dance: Dance,
    report: ResealReport,
}

/// What a [`Reseal`] has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResealReport {
    /// So many accounts were looked at.
    pub walked: u64,
    /// So many of them were sealed anew.
    pub resealed: u64,
    /// So many of them no key opens; they stay as they are, until the person connects again or the key is back.
    pub unreadable: u64,
    /// The id of the last one: what [`Reseal::after`] goes on with.
    pub last_id: i64,
}

impl Dance {
    /// Seals all tokens with the first of `token_keys`, those of entries that are no longer configured included. It works
    /// beside everything else, may be stopped and begun again at any time, and may run in several processes: what is
    /// sealed as it should be stays as it is.
    ///
    /// To change a key: put the new one last in `token_keys` and restart all processes, so that each can open what another
    /// seals; put it first, and restart them; run this; take the old one out. A key that accounts still need is named in
    /// the log when the app starts without it.
    pub fn reseal(&self) -> Reseal {
        let report = ResealReport { walked: 0, resealed: 0, unreadable: 0, last_id: i64::MIN };
        Reseal { dance: self.clone(), report }
    }
}

impl Reseal {
    /// Begins after the account with this id.
    pub fn after(mut self, id: i64) -> Self {
        self.report.last_id = id;
        self
    }

    /// Walks to the end, and says what was done. Called again after an error, it goes on where that was.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable); [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) with a storage that
    /// can't walk its accounts, `CookieStorage` say.
    pub async fn run(&mut self) -> Result<ResealReport> {
        let storage = self.dance.shared()?.clone();
        loop {
            let page = storage.page(None, self.report.last_id, PAGE).await?;
            for account in &page {
                match self.one(&*storage, account.clone()).await? {
                    Done::ResealReport => self.report.resealed += 1,
                    Done::Unreadable => self.report.unreadable += 1,
                    Done::Nothing => {}
                }
                self.report.walked += 1;
                self.report.last_id = account.id;
            }
            if page.len() < PAGE {
                return Ok(self.report);
            }
        }
    }

    /// What has been done so far.
    pub fn report(&self) -> ResealReport {
        self.report
    }

    async fn one(&self, storage: &dyn Storage, mut account: crate::storage::Account) -> Result<Done> {
        let keys = self.dance.keys();
        for _ in 0..TRIES {
            match account.resealed(keys)? {
                Err(_) => return Ok(Done::Unreadable),
                Ok(None) => return Ok(Done::Nothing),
                Ok(Some(sealed)) if storage.reseal(&account, &sealed).await? => {
                    return Ok(Done::ResealReport);
                }
                Ok(Some(_)) => {}
            }
            // Written meanwhile: maybe by a process that has the old key in its first place still.
            match same_account(storage, &account, storage.get_uncached(&account.key()).await?).await? {
                Some(now) => account = now,
                None => break,
            }
        }
        Ok(Done::Nothing)
    }
}

enum Done {
    ResealReport,
    Unreadable,
    Nothing,
}

impl fmt::Debug for Reseal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reseal").field("report", &self.report).finish_non_exhaustive()
    }
}

impl Dance {
    /// Tells the operator which keys accounts need that are gone. A scan: it is no part of the launch.
    pub(super) async fn look_for_lost_keys(&self) {
        match self.lost_keys().await {
            Ok(lost) => lost.iter().for_each(|line| log::error!("oauth: {line}")),
            Err(error) => log::warn!("oauth: it could not be seen whether a key is missing: {error:?}"),
        }
    }

    /// One line for each.
    async fn lost_keys(&self) -> Result<Vec<String>> {
        let super::StorageBackend::Shared(storage) = &self.store else { return Ok(Vec::new()) };
        let counts = storage.sealed_by().await?;
        let known: Vec<&str> = self.keys().key_ids().collect();
        let lost = counts.iter().filter(|(key, _)| !known.contains(&key.as_str()));
        let lines = lost.map(|(key, count)| match key.as_str() {
            "" => format!("{count} accounts hold what no key has sealed: their people must connect again"),
            key => format!(
                "{count} accounts are sealed with the key `{key}`, which is gone (there is: {}): put it back into \
                 `token_keys` behind the first, run `dance.reseal()`, then remove it",
                known.join(", ")
            ),
        });
        Ok(lines.collect())
    }
}

#[cfg(test)]
mod tests {
    use rocket::figment::Figment;

    use super::*;
    use crate::storage::{KeyRing, MemoryStorage, suite};

    #[rocket::async_test]
    async fn en_02_a_key_that_is_gone_is_named_with_its_count() {
        let storage = MemoryStorage::new();
        let mine = KeyRing::new([[1; 32]]);
        for (n, ring) in
            [&mine, &mine, &suite::keys(), &suite::keys(), &suite::keys()].into_iter().enumerate()
        {
            let login = suite::login("gone", Some(&n.to_string()), Some("7"));
            storage.set(&crate::storage::Account::of(&login, Some("7"), None, ring).unwrap()).await.unwrap();
        }
        let figment = Figment::from(rocket::Config::debug_default())
            .merge(("dance.token_keys", ["AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="]));
        let rocket = rocket::custom(figment).attach(Dance::fairing().storage(storage));
        let rocket = rocket.ignite().await.unwrap();
        let dance = Dance::fetch(&rocket).unwrap();
        let lines = dance.lost_keys().await.unwrap();
        let (lost, known) = (suite::keys(), mine.key_ids().next().unwrap());
        let wanted = format!("3 accounts are sealed with the key `{}`", lost.key_ids().next().unwrap());
        assert!(lines.len() == 1 && lines[0].starts_with(&wanted) && lines[0].contains(known), "{lines:?}");
        assert!(lines[0].contains("`token_keys`") && lines[0].contains("dance.reseal()"));
        let report = dance.reseal().run().await.unwrap();
        assert_eq!((report.walked, report.resealed, report.unreadable), (5, 0, 3));
        dance.shared().unwrap().delete(&crate::storage::AccountKey::owner("gone", 7)).await.unwrap();
        assert!(dance.lost_keys().await.unwrap().is_empty());
    }
}
