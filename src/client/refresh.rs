//! Refreshing: once, whoever asks, and never half.
//!
//! Of those who want the same account's token refreshed one at a time has the turn within this process, and one process
//! the lease; nothing is held in the store while the provider is asked. The account's version says whether what is to be
//! replaced is still what is stored.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use moka::sync::Cache;
use rocket::tokio;
use rocket::tokio::sync::{OwnedSemaphorePermit, Semaphore};
use rocket::tokio::time::{sleep, timeout};

use super::{Client, ClientContext, OpenAccount, RevocationReason, State, TokenEvent, lost};
use crate::error::{Error, ErrorKind, Result};
use crate::flow::REFRESH_TIMEOUT;
use crate::secret::random;
use crate::storage::local::{Turn, turn};
use crate::storage::{Account, AccountKey, same_account};
use crate::token::Token;

/// Seconds that a refresh may hold its lease: longer than its calls take, those to the store included.
const LEASE: Duration = Duration::from_secs(REFRESH_TIMEOUT.as_secs() + 20);

/// How long a caller waits for what goes on without him.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often those who wait look.
const STEP: Duration = Duration::from_millis(50);
const LONGEST_STEP: Duration = Duration::from_secs(2);

/// RR-07: so many refreshes at once are asked of one entry's provider, whatever expires together.
const AT_ONCE: usize = 16;

/// What the refreshes of one process know of each other.
pub(crate) struct Refreshes {
    /// By entry.
    gates: Mutex<HashMap<String, Arc<Semaphore>>>,
    /// What the last try came to, and when, by account: only failures that may pass, and for a few seconds.
    failures: Cache<String, (Instant, Arc<Error>)>,
}

impl Default for Refreshes {
    fn default() -> Self {
        let failures = Cache::builder().max_capacity(10_000).time_to_live(PATIENCE).build();
        Self { gates: Mutex::default(), failures }
    }
}

impl Refreshes {
    fn failed(&self, account: &str, error: &Error) {
        if may_pass(error) {
            self.failures.insert(account.to_owned(), (Instant::now(), Arc::new(error.copy())));
        }
    }

    fn failed_since(&self, account: &str, began: Instant) -> Option<Error> {
        self.failures.get(account).filter(|(at, _)| *at >= began).map(|(_, error)| error.copy())
    }

    fn succeeded(&self, account: &str) {
        self.failures.invalidate(account);
    }

    fn failed_lately(&self, account: &str) -> bool {
        self.failures.contains_key(account)
    }

    /// Waits for a place among those who ask `entry`'s provider.
    async fn enter(&self, entry: &str) -> Result<OwnedSemaphorePermit> {
        let gate = {
            let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
            gates.entry(entry.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(AT_ONCE))).clone()
        };
        match timeout(REFRESH_TIMEOUT, gate.acquire_owned()).await {
            Ok(permit) => permit.map_err(Error::app),
            Err(_) => Err(busy()),
        }
    }
}

/// Whether a failure says nothing about the grant.
fn may_pass(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::StoreUnavailable | ErrorKind::ProviderUnreachable | ErrorKind::ProviderTimeout
    )
}

fn busy() -> Error {
    Error::new(ErrorKind::ProviderTimeout, "The sign-in is being renewed. Please try again.")
}

/// What the turns and the failures of an account go by.
fn name(key: &AccountKey) -> String {
    format!("refresh {key}")
}

/// Whether `token` can't be used as it is.
fn wants_refresh(token: &Token, now: i64) -> bool {
    now >= token.usable_until()
}

/// A refreshed token on its way into the store.
struct Answer {
    /// What was there when the provider was asked.
    record: Account,
    renewed: Account,
    used: Token,
    token: Token,
    /// Until when nobody else asks the provider.
    until: Instant,
}

impl Client {
    /// Makes sure that the token can be used. One in the cache that can stays sealed.
    pub(crate) async fn check(&self) -> Result<()> {
        let now = self.0.context.engine.clock.now();
        if self.usable_until().is_some_and(|until| now < until) {
            return Ok(());
        }
        self.ready().await.map(drop)
    }

    /// The account, its token refreshed if it is due.
    pub(crate) async fn ready(&self) -> Result<Arc<OpenAccount>> {
        let account = self.account_now()?;
        let ClientContext { engine, refreshes, .. } = &*self.0.context;
        let now = engine.clock.now();
        if !wants_refresh(&account.token, now) {
            return Ok(account);
        }
        if account.token.is_expired(now) {
            return self.renewed(account.record.version).await;
        }
        // Ahead of expiry a refresh that fails costs nothing yet: neither is it tried again at once, nor waited for long.
        if refreshes.failed_lately(&name(&account.record.key())) {
            return Ok(account);
        }
        match timeout(PATIENCE, self.renewed(account.record.version)).await {
            Ok(Err(error)) if error.kind() != ErrorKind::NotConnected => {
                log::warn!("oauth: `{}`: refreshing ahead of expiry failed: {error:?}", self.0.entry.name);
                Ok(account)
            }
            Ok(renewed) => renewed,
            Err(_) => Ok(account),
        }
    }

    /// A newer token than that of `version`: whoever gets there first refreshes, the others take what came.
    pub(super) async fn renewed(&self, version: i64) -> Result<Arc<OpenAccount>> {
        let client = self.clone();
        // On a task of its own: a caller that gives up must not lose a rotated refresh token between the answer and
        // the commit.
        let refresh = tokio::spawn(async move {
            let account = Arc::new(client.refresh(version).await?);
            *client.state() = State::Open(account.clone());
            Ok(account)
        });
        refresh.await.unwrap_or_else(|error| Err(Error::app(error)))
    }

    async fn refresh(&self, version: i64) -> Result<OpenAccount> {
        let key = self.account().key();
        let (name, began) = (name(&key), Instant::now());
        let refreshes = &self.0.context.refreshes;
        let mut waiting = Box::pin(turn(&name));
        let mut turn = loop {
            match timeout(STEP, &mut waiting).await {
                Ok(turn) => break Some(turn),
                // RF-03: who waited for one that failed has failed with it. Each trying in its turn, the last of fifty
                // would wait for fifty deadlines.
                Err(_) => refreshes.failed_since(&name, began).map_or(Ok(()), Err)?,
            }
        };
        if let Some(error) = refreshes.failed_since(&name, began) {
            return Err(error);
        }
        let done = self.refresh_in_turn(&key, version, &mut turn).await;
        // Before the turn ends: the next one must hear of it.
        match &done {
            Ok(_) if turn.is_some() => refreshes.succeeded(&name),
            Ok(_) => {}
            Err(error) => refreshes.failed(&name, error),
        }
        done
    }

    async fn refresh_in_turn(
        &self,
        key: &AccountKey,
        version: i64,
        turn: &mut Option<Turn>,
    ) -> Result<OpenAccount> {
        let ClientContext { engine, keys, report, refreshes, .. } = &*self.0.context;
        let entry = &self.0.entry;
        let (began, mut loser) = (Instant::now(), Loser::default());
        loop {
            let record = match self.stored(key).await {
                Err(error) if loser.bears(&error) => {
                    sleep(STEP).await;
                    continue;
                }
                stored => stored?,
            };
            loser.sees();
            let token = record.open(keys).map_err(|_| lost(entry))?;
            if record.version != version && !wants_refresh(&token, engine.clock.now()) {
                return Ok(OpenAccount { record, token });
            }
            if token.refresh_token.is_none() {
                return Err(lost(entry).with_source("the token has expired, and there is no refresh token"));
            }
            // Before the lease: waiting here must not use it up.
            let permit = refreshes.enter(&entry.name).await?;
            let (now, until) = (engine.clock.now(), Instant::now() + LEASE);
            let leased = match self.0.storage.lease(&record, now, now + LEASE.as_secs() as i64).await {
                Err(error) if loser.bears(&error) => false,
                leased => leased?,
            };
            if !leased {
                drop(permit);
                if began.elapsed() >= LEASE + PATIENCE {
                    return Err(busy());
                }
                loser.has_lost = true;
                sleep(STEP + Duration::from_millis(u64::from(random::<1>()?[0]) / 8)).await;
                continue;
            }
            let answer = engine.refresh(entry, &token, record.provider_user_id.as_deref()).await;
            drop(permit);
            match answer {
                Ok(next) => {
                    let renewed = record.with(&next, engine.clock.now(), keys)?;
                    let account = OpenAccount { record: renewed.clone(), token: next.clone() };
                    let answer = Answer { record, renewed, used: token, token: next, until };
                    match self.keep(answer, turn.take()).await? {
                        // RR-04, RR-05: somebody disconnected, or connected anew, meanwhile. What is stored counts.
                        Kept::Newer(back) => *turn = back,
                        Kept::Ours | Kept::Later => return Ok(account),
                    }
                }
                Err(error) if error.kind() == ErrorKind::ReconnectNeeded => {
                    // RR-03, RR-06: a holder whose lease was over, or who was killed after the answer, has rotated the
                    // token under us. What he stored is as good as ours.
                    if self.stored(key).await?.version != record.version {
                        continue;
                    }
                    let dead = Token { refresh_token: None, ..token };
                    let renewed = record.with(&dead, engine.clock.now(), keys)?;
                    match self.0.storage.renew(&record, &renewed).await {
                        Ok(true) => report(TokenEvent::GrantLost, renewed).await,
                        Ok(false) if began.elapsed() < LEASE => {
                            sleep(STEP).await;
                            continue;
                        }
                        Ok(false) => return Err(busy()),
                        Err(failed) => {
                            log::warn!("oauth: `{}`: a lost grant was not noted: {failed:?}", entry.name);
                        }
                    }
                    return Err(error.with_entry(&entry.name));
                }
                Err(error) => {
                    if let Err(failed) = self.0.storage.release(&record).await {
                        // It ends by itself; what the caller should hear of is the refresh.
                        log::warn!("oauth: `{}`: a lease was not given back: {failed:?}", entry.name);
                    }
                    return Err(error);
                }
            }
        }
    }

    /// Brings `answer` into the store, however long that takes: the refresh token before it is used up. The caller waits
    /// for a while, and then has his token from memory.
    async fn keep(&self, answer: Answer, turn: Option<Turn>) -> Result<Kept> {
        let client = self.clone();
        let commit = tokio::spawn(async move {
            let entry = &client.0.entry.name;
            let done = client.commit(&answer).await;
            match &done {
                Ok(true) => (client.0.context.report)(TokenEvent::Refreshed, answer.renewed).await,
                // RR-04: nobody has this token. It must not live on where the account was removed meanwhile.
                Ok(false) => client.0.context.revoke(
                    &client.0.storage,
                    answer.renewed,
                    RevocationReason::AccountRemoved,
                ),
                Err(error) => log::error!(
                    "oauth: `{entry}`: a refreshed token could not be stored, and the old refresh token is used up; account \
                     {} may have to be connected again: {error:?}",
                    answer.record.id
                ),
            }
            done.map(|ours| if ours { Kept::Ours } else { Kept::Newer(turn) })
        });
        match timeout(PATIENCE, commit).await {
            Ok(done) => done.unwrap_or_else(|error| Err(Error::app(error))),
            Err(_) => Ok(Kept::Later),
        }
    }

    /// Whether what is stored is now the token of `answer`. Tries for as long as nobody else may ask the provider.
    async fn commit(&self, answer: &Answer) -> Result<bool> {
        let ClientContext { keys, refreshes, .. } = &*self.0.context;
        let name = name(&answer.record.key());
        let mut pause = STEP;
        loop {
            let done = match self.0.storage.renew(&answer.record, &answer.renewed).await {
                Ok(false) => self.is_stored(answer, keys).await,
                done => done,
            };
            match done {
                Err(error)
                    if error.kind() == ErrorKind::StoreUnavailable && Instant::now() < answer.until =>
                {
                    // Those who wait for us in this process hear of it.
                    refreshes.failed(&name, &error);
                }
                Ok(ours) => {
                    refreshes.succeeded(&name);
                    return Ok(ours);
                }
                failed => return failed,
            }
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST_STEP);
        }
    }

    /// Whether `answer` was stored by a try whose own answer was lost.
    async fn is_stored(&self, answer: &Answer, keys: &crate::secret::KeyRing) -> Result<bool> {
        let Answer { record, renewed, used, token, .. } = answer;
        let stored = self.0.storage.get_uncached(&record.key()).await?;
        let stored = same_account(&*self.0.storage, record, stored).await?;
        let Some(stored) =
            stored.filter(|stored| (stored.id, &stored.user_id) == (record.id, &record.user_id))
        else {
            return Ok(false);
        };
        let Ok(found) = stored.open(keys) else { return Ok(false) };
        if stored.version == renewed.version && found.access_token.matches(token.access_token.expose()) {
            return Ok(true);
        }
        // RT-01: what was stored meanwhile brought no refresh token, and kept the one that we have used up.
        let is = |one: &Token, other: &Token| match (&one.refresh_token, &other.refresh_token) {
            (Some(one), Some(other)) => one.matches(other.expose()),
            _ => false,
        };
        if is(&found, used) && !is(token, used) {
            let mended = Token { refresh_token: token.refresh_token.clone(), ..found };
            let mended = stored.with(&mended, stored.updated_at, keys)?;
            self.0.storage.renew(&stored, &mended).await?;
        }
        Ok(false)
    }

    async fn stored(&self, key: &AccountKey) -> Result<Account> {
        let mine = self.account();
        let stored = same_account(&*self.0.storage, &mine, self.0.storage.get_uncached(key).await?).await?;
        stored.filter(|record| record.user_id == mine.user_id).ok_or_else(|| {
            let title = &self.0.entry.title;
            Error::new(ErrorKind::NotConnected, format!("{title} is not connected any more."))
                .with_entry(&self.0.entry.name)
        })
    }
}

/// Who waits for somebody else's refresh: a store that blinks meanwhile must not cost what that one brings.
#[derive(Default)]
struct Loser {
    has_lost: bool,
    /// Since when the store has not answered.
    blind: Option<Instant>,
}

impl Loser {
    fn bears(&mut self, error: &Error) -> bool {
        self.has_lost
            && error.kind() == ErrorKind::StoreUnavailable
            && self.blind.get_or_insert_with(Instant::now).elapsed() < PATIENCE
    }

    fn sees(&mut self) {
        self.blind = None;
    }
}

/// Where a refreshed token is.
enum Kept {
    /// In the store.
    Ours,
    /// Not in the store: what is there is newer. The turn comes back.
    Newer(Option<Turn>),
    /// In memory, and the store has not answered yet.
    Later,
}
