//! Refreshing the token of an account: single-flight within the process and over all processes, and atomic.
//!
//! 1. **Is it due?** [`usable`] returns the account as it is while its token is usable.
//! 2. **Who refreshes?** [`refresh`] waits for the account's turn within this process; `refresh_in_turn` then takes the lease
//!    of the account, which one process has at a time. The others wait and read the token that the lease holder stores.
//! 3. **The refresh.** The provider is asked while the lease is held. No lock or connection of the database is held.
//! 4. **What is stored.** [`store_refreshed`] writes the new token, if the account's version is still the one that was
//!    read. A grant that the provider has ended is stored as an account without a refresh token.
//! 5. **What is reported.** [`TokenEvent::Refreshed`] or [`TokenEvent::GrantLost`], after the commit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rocket::tokio;
use rocket::tokio::time::{sleep, timeout};

use super::context::{ClientContext, TokenEvent};
use super::live_account::LiveAccount;
use super::refreshes::refresh_pending;
use super::store_refreshed::{
    CALLER_TIMEOUT, POLL_INTERVAL, Refreshed, StoreOutcome, refresh_name, store_refreshed,
};
use super::unsealed_account::{UnsealedAccount, open_token};
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{REFRESH_TIMEOUT, RefreshOutcome, reconnect_needed};
use crate::secret::random;
use crate::storage::local::{Turn, turn};
use crate::storage::{Account, AccountKey};
use crate::token::Token;

/// Lifetime of the lease of a refresh: longer than its calls take, those to the storage included.
const LEASE_TTL: Duration = Duration::from_secs(REFRESH_TIMEOUT.as_secs() + 20);

/// Returns whether a refresh of `token` is due.
pub(super) fn is_due(token: &Token, now: i64) -> bool {
    now >= token.usable_until()
}

/// Refreshes the token of `live` if that is due. A usable token in the cache stays sealed.
pub(super) async fn refresh_if_due(live: &Arc<LiveAccount>) -> Result<()> {
    let now = live.context.engine.clock.now();
    if live.usable_until().is_some_and(|until| now < until) {
        return Ok(());
    }
    usable(live).await.map(drop)
}

/// Returns the account with a usable token: as it was last read, or refreshed if that is due.
pub(super) async fn usable(live: &Arc<LiveAccount>) -> Result<Arc<UnsealedAccount>> {
    let known = live.unsealed()?;
    let ClientContext { engine, refreshes, .. } = &*live.context;
    let now = engine.clock.now();
    if !is_due(&known.token, now) {
        return Ok(known);
    }
    if known.token.is_expired(now) {
        return refresh(live, known.account.version).await;
    }
    // The token is still valid. A failed refresh is not repeated at once, and the caller does not wait long for one.
    if refreshes.failed_lately(&refresh_name(&known.account.key())) {
        return Ok(known);
    }
    match timeout(CALLER_TIMEOUT, refresh(live, known.account.version)).await {
        Ok(Err(error)) if error.kind() != ErrorKind::NotConnected => {
            log::warn!(
                "oauth: `{}`: refreshing a token before its expiry failed: {error:?}",
                live.entry.name
            );
            Ok(known)
        }
        Ok(refreshed) => refreshed,
        Err(_) => Ok(known),
    }
}

/// Returns the account with a newer token than that of version `known_version`: the one that another caller has stored, or
/// a refreshed one.
pub(super) async fn refresh(live: &Arc<LiveAccount>, known_version: i64) -> Result<Arc<UnsealedAccount>> {
    let (live, entry) = (live.clone(), live.entry.name.clone());
    // A task of its own: if the caller is cancelled between the provider's answer and the commit, the rotated refresh token
    // must not be lost.
    let task = tokio::spawn(async move {
        let refreshed = wait_and_refresh(&live, known_version).await?;
        live.replace(refreshed.clone());
        Ok(refreshed)
    });
    let result = task.await.unwrap_or_else(|error| Err(Error::app(error)));
    result.map_err(|error: Error| error.with_entry(entry))
}

/// Returns the account with a usable token that has replaced the token of `known` in the storage, if there is one: another
/// process has refreshed it, or the user has connected the account again.
pub(super) async fn stored_newer(
    live: &Arc<LiveAccount>,
    known: &UnsealedAccount,
) -> Result<Option<Arc<UnsealedAccount>>> {
    let account = live.read_stored(&known.account.key()).await?;
    let ClientContext { engine, keys, .. } = &*live.context;
    if account.version == known.account.version {
        return Ok(None);
    }
    let token = open_token(&live.entry, keys, &account)?;
    let is_known = token.access_token.expose() == known.token.access_token.expose();
    if is_known || is_due(&token, engine.clock.now()) {
        return Ok(None);
    }
    let newer = Arc::new(UnsealedAccount { account, token });
    live.replace(newer.clone());
    Ok(Some(newer))
}

/// Waits for the account's turn within this process, then refreshes.
async fn wait_and_refresh(live: &Arc<LiveAccount>, known_version: i64) -> Result<Arc<UnsealedAccount>> {
    let key = live.account().key();
    let (name, began) = (refresh_name(&key), Instant::now());
    let ClientContext { engine, refreshes, .. } = &*live.context;
    let mut waiting = Box::pin(turn(&name));
    let mut turn = loop {
        let failure = refreshes.failed_since(&name, began);
        // DB-03: the storage is down, and a refreshed token waits in memory.
        if let Some(found) = refreshes.unstored(&name, known_version)
            && found.account.user_id == live.account().user_id
            && !is_due(&found.token, engine.clock.now())
        {
            return Ok(found);
        }
        // RF-03: callers that waited for a refresh that failed get its error. If each tried in its turn, the last of fifty
        // callers would wait for fifty timeouts.
        if let Some(error) = failure {
            return Err(error);
        }
        if let Ok(turn) = timeout(POLL_INTERVAL, &mut waiting).await {
            break Some(turn);
        }
    };
    if let Some(error) = refreshes.failed_since(&name, began) {
        return Err(error);
    }
    let mut lost = None;
    let result = refresh_in_turn(live, &key, known_version, &mut turn, &mut lost).await;
    // Before the turn ends, so that the next caller sees it.
    match &result {
        Ok(_) if turn.is_some() => refreshes.succeeded(&name),
        Ok(_) => {}
        Err(error) => refreshes.failed(&name, error),
    }
    if let Some(account) = lost {
        // Other callers need not wait for the app's signals.
        drop(turn);
        (live.context.report)(TokenEvent::GrantLost, account).await;
    }
    result.map(Arc::new)
}

/// Takes the lease and refreshes; or waits for the process that has the lease, and returns what it has stored. `turn` is
/// `None` afterwards if the commit has it, and `lost` is the account if the provider has ended its grant.
async fn refresh_in_turn(
    live: &Arc<LiveAccount>,
    key: &AccountKey,
    known_version: i64,
    turn: &mut Option<Turn>,
    lost: &mut Option<Account>,
) -> Result<UnsealedAccount> {
    let ClientContext { engine, keys, refreshes, .. } = &*live.context;
    let entry = &live.entry;
    let (began, mut waiter) = (Instant::now(), LeaseWaiter::default());
    loop {
        let account = match live.read_stored(key).await {
            Err(error) if waiter.tolerates(&error) => {
                sleep(POLL_INTERVAL).await;
                continue;
            }
            stored => stored?,
        };
        waiter.storage_answered();
        let token = open_token(entry, keys, &account)?;
        if account.version != known_version && !is_due(&token, engine.clock.now()) {
            return Ok(UnsealedAccount { account, token });
        }
        if token.refresh_token.is_none() {
            return Err(reconnect_needed(entry, "the token has expired, and there is no refresh token"));
        }
        // Before the lease is taken, so that waiting here does not use it up.
        let slot = refreshes.wait_for_slot(&entry.name).await?;
        let (now, lease_until) = (engine.clock.now(), Instant::now() + LEASE_TTL);
        let leased = match live.storage.lease(&account, now, now + LEASE_TTL.as_secs() as i64).await {
            Err(error) if waiter.tolerates(&error) => false,
            leased => leased?,
        };
        if !leased {
            drop(slot);
            if began.elapsed() >= LEASE_TTL + CALLER_TIMEOUT {
                return Err(refresh_pending());
            }
            waiter.waits_for_lease = true;
            sleep(POLL_INTERVAL + Duration::from_millis(u64::from(random::<1>()?[0]) / 8)).await;
            continue;
        }
        let answer = engine.refresh(entry, &token, account.provider_user_id.as_deref()).await;
        drop(slot);
        let (new_token, refusal) = match answer {
            Ok(RefreshOutcome::Renewed(token)) => (token, None),
            Ok(RefreshOutcome::Rotated { token, error }) => (token, Some(error)),
            Err(error) if error.kind() == ErrorKind::ReconnectNeeded => {
                match store_lost_grant(live, key, &account, token, began, &error).await? {
                    LostGrant::AccountChanged => continue,
                    LostGrant::Stored(account) => {
                        *lost = Some(*account);
                        return Err(reconnect_needed(entry, "the provider has ended the grant"));
                    }
                    LostGrant::NotStored => {
                        return Err(reconnect_needed(entry, "the provider has ended the grant"));
                    }
                }
            }
            Err(error) => {
                if let Err(failure) = live.storage.release(&account).await {
                    // The lease ends by itself. The caller gets the error of the refresh.
                    log::warn!(
                        "oauth: `{}`: the lease of a refresh could not be released: {failure:?}",
                        entry.name
                    );
                }
                return Err(error);
            }
        };
        let renewed = account.with(&new_token, engine.clock.now(), keys)?;
        let result = UnsealedAccount { account: renewed.clone(), token: new_token.clone() };
        let refreshed = Refreshed { account, renewed, used_token: token, new_token, lease_until };
        match store_refreshed(live, refreshed, turn.take()).await? {
            // RR-04, RR-05: the account was disconnected, or connected again, in the meantime. The stored account counts.
            StoreOutcome::Superseded(returned) => *turn = returned,
            StoreOutcome::Stored | StoreOutcome::Pending => return refusal.map_or(Ok(result), Err),
        }
    }
}

/// The result of storing that a grant is lost.
enum LostGrant {
    /// It is stored: the account without its refresh token.
    Stored(Box<Account>),
    /// It could not be stored.
    NotStored,
    /// The stored account has changed since it was read: read it again.
    AccountChanged,
}

/// Stores that the provider has ended the grant of `account`, unless the account has changed since `account` was read. Logs
/// `error`, with which the provider has ended it, once.
async fn store_lost_grant(
    live: &LiveAccount,
    key: &AccountKey,
    account: &Account,
    token: Token,
    began: Instant,
    error: &Error,
) -> Result<LostGrant> {
    let ClientContext { engine, keys, .. } = &*live.context;
    // RR-03, RR-06: another process, whose lease ran out or that was killed after the provider's answer, may have rotated the
    // refresh token. The token that it has stored is as good as ours.
    if live.read_stored(key).await?.version != account.version {
        return Ok(LostGrant::AccountChanged);
    }
    let now = engine.clock.now();
    // A token that is not due is refreshed only after the API has refused it. If the provider says that the grant has ended, and not
    // a gateway in front of it, the access token is of no more use either.
    let is_refused = !is_due(&token, now) && error.provider_error().is_some();
    let expires_at = if is_refused { Some(now) } else { token.expires_at };
    let without_grant = Token { refresh_token: None, expires_at, ..token };
    let renewed = account.with(&without_grant, now, keys)?;
    match live.storage.renew(account, &renewed).await {
        Ok(true) => {
            log::warn!(
                "oauth: `{}`: the provider has ended the grant of account {}, which must be connected again: {error:?}",
                live.entry.name,
                account.id
            );
            Ok(LostGrant::Stored(Box::new(renewed)))
        }
        Ok(false) if began.elapsed() < LEASE_TTL => {
            sleep(POLL_INTERVAL).await;
            Ok(LostGrant::AccountChanged)
        }
        Ok(false) => Err(refresh_pending()),
        Err(failure) => {
            log::warn!("oauth: `{}`: a lost grant could not be stored: {failure:?}", live.entry.name);
            Ok(LostGrant::NotStored)
        }
    }
}

/// A caller that waits for another process's refresh. It survives a short outage of the storage.
#[derive(Default)]
struct LeaseWaiter {
    waits_for_lease: bool,
    storage_failing_since: Option<Instant>,
}

impl LeaseWaiter {
    /// Returns whether to go on waiting after `error`.
    fn tolerates(&mut self, error: &Error) -> bool {
        self.waits_for_lease
            && error.kind() == ErrorKind::StoreUnavailable
            && self.storage_failing_since.get_or_insert_with(Instant::now).elapsed() < CALLER_TIMEOUT
    }

    fn storage_answered(&mut self) {
        self.storage_failing_since = None;
    }
}
