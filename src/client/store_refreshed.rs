//! Storing a refreshed token. A rotated refresh token must not be lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rocket::tokio;
use rocket::tokio::time::{sleep, timeout};

use super::context::{ClientContext, TokenEvent};
use super::live_account::LiveAccount;
use super::revoke::{RevocationReason, revoke};
use super::unsealed_account::UnsealedAccount;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::local::Turn;
use crate::storage::{Account, AccountKey, same_account};
use crate::token::Token;

/// Timeout for a caller that waits for work of others.
pub(super) const CALLER_TIMEOUT: Duration = Duration::from_secs(5);

/// Interval between two looks of a caller that waits, and the first pause between two attempts to store.
pub(super) const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// Maximum pause between two attempts to store a token.
const MAX_PAUSE: Duration = Duration::from_secs(2);

/// Maximum time for which the attempts go on after the lease has ended. Another process may refresh then, and its token
/// counts; but while the storage is down, no process can.
const MAX_OUTAGE: Duration = Duration::from_secs(600);

/// The name of an account's refresh, for its turn and its failures.
pub(super) fn refresh_name(key: &AccountKey) -> String {
    format!("refresh {key}")
}

/// A refreshed token that is not stored yet.
pub(super) struct Refreshed {
    /// The account as it was read before the refresh.
    pub(super) account: Account,
    /// The account with the new token.
    pub(super) renewed: Account,
    /// The token whose refresh token was used.
    pub(super) used_token: Token,
    pub(super) new_token: Token,
    /// The end of the lease: until then no other process refreshes this account.
    pub(super) lease_until: Instant,
}

impl Refreshed {
    fn in_memory(&self) -> UnsealedAccount {
        UnsealedAccount { account: self.renewed.clone(), token: self.new_token.clone() }
    }
}

/// The result of storing a refreshed token.
pub(super) enum StoreOutcome {
    /// The token is stored.
    Stored,
    /// The token is not stored, because the stored account is newer. The caller gets its turn back.
    Superseded(Option<Turn>),
    /// The storage has not answered yet. The attempts continue in the background; the caller uses the token.
    Pending,
}

/// Stores a refreshed token. Waits for at most [`CALLER_TIMEOUT`]; the attempts continue in the background while the storage
/// is unavailable, for at most [`MAX_OUTAGE`] beyond the lease.
pub(super) async fn store_refreshed(
    live: &Arc<LiveAccount>,
    refreshed: Refreshed,
    turn: Option<Turn>,
) -> Result<StoreOutcome> {
    let live = live.clone();
    let commit = tokio::spawn(async move {
        let entry = &live.entry.name;
        let stored = commit(&live, &refreshed).await;
        live.context.refreshes.stored(&refresh_name(&refreshed.account.key()));
        match stored {
            Ok(true) => {
                // Other callers need not wait for the app's signals.
                drop(turn);
                (live.context.report)(TokenEvent::Refreshed, refreshed.renewed).await;
                Ok(StoreOutcome::Stored)
            }
            // RR-04: no account has this token. If the account was removed in the meantime, the grant must end.
            Ok(false) => {
                revoke(&live.context, &live.storage, refreshed.renewed, RevocationReason::AccountRemoved);
                Ok(StoreOutcome::Superseded(turn))
            }
            Err(error) => {
                log::error!(
                    "oauth: `{entry}`: a refreshed token could not be stored, and the old refresh token is used up; \
                     account {} may have to be connected again: {error:?}",
                    refreshed.account.id
                );
                Err(error)
            }
        }
    });
    match timeout(CALLER_TIMEOUT, commit).await {
        Ok(outcome) => outcome.unwrap_or_else(|error| Err(Error::app(error))),
        Err(_) => Ok(StoreOutcome::Pending),
    }
}

/// Tries to store the new token until the storage answers, or [`MAX_OUTAGE`] after the end of the lease. Returns whether the
/// stored token is the new one.
async fn commit(live: &LiveAccount, refreshed: &Refreshed) -> Result<bool> {
    let ClientContext { refreshes, .. } = &*live.context;
    let name = refresh_name(&refreshed.account.key());
    let mut pause = POLL_INTERVAL;
    loop {
        let stored = match live.storage.renew(&refreshed.account, &refreshed.renewed).await {
            Ok(false) => was_stored(live, refreshed).await,
            stored => stored,
        };
        match stored {
            Err(error)
                if error.kind() == ErrorKind::StoreUnavailable
                    && Instant::now() < refreshed.lease_until + MAX_OUTAGE =>
            {
                // Callers in this process use the token from memory. If that has expired, they see the failure.
                refreshes.not_stored_yet(&name, refreshed.in_memory());
                refreshes.failed(&name, &error);
            }
            Ok(stored) => {
                refreshes.succeeded(&name);
                return Ok(stored);
            }
            failure => return failure,
        }
        sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}

/// Returns whether an earlier attempt, whose answer was lost, has stored the new token.
async fn was_stored(live: &LiveAccount, refreshed: &Refreshed) -> Result<bool> {
    let Refreshed { account, renewed, used_token, new_token, .. } = refreshed;
    let keys = &live.context.keys;
    let found = live.storage.get_uncached(&account.key()).await?;
    let found = same_account(&*live.storage, account, found).await?;
    // The account has moved to another user, with whom its own has become one. Its token is still the one that was refreshed.
    if let Some(moved) = &found
        && let Some(user) = &moved.user_id
        && *user != account.user_id.clone().unwrap_or_default()
        && (moved.id, moved.version) == (account.id, account.version)
    {
        return live.storage.renew(moved, &renewed.moved_to(user, keys)?).await;
    }
    let Some(stored) = found.filter(|stored| (stored.id, &stored.user_id) == (account.id, &account.user_id))
    else {
        return Ok(false);
    };
    let Ok(stored_token) = stored.open(keys) else { return Ok(false) };
    if stored.version == renewed.version
        && stored_token.access_token.matches(new_token.access_token.expose())
        && has_same_refresh_token(&stored_token, new_token)
    {
        return Ok(true);
    }
    // RR-06: another process has used the same refresh token after us, while the storage was away, and was refused. It has stored
    // that the grant is lost, but it lives on in our token.
    if stored_token.refresh_token.is_none()
        && used_token.refresh_token.is_some()
        && stored_token.access_token.matches(used_token.access_token.expose())
    {
        return live.storage.renew(&stored, &stored.with(new_token, renewed.updated_at, keys)?).await;
    }
    // RT-01: a token that was stored in the meantime came without a refresh token and kept the one that we have used up. It
    // gets the new one.
    if has_same_refresh_token(&stored_token, used_token) && !has_same_refresh_token(new_token, used_token) {
        let repaired = Token { refresh_token: new_token.refresh_token.clone(), ..stored_token };
        let repaired = stored.with(&repaired, stored.updated_at, keys)?;
        live.storage.renew(&stored, &repaired).await?;
    }
    Ok(false)
}

fn has_same_refresh_token(one: &Token, other: &Token) -> bool {
    match (&one.refresh_token, &other.refresh_token) {
        (Some(one), Some(other)) => one.matches(other.expose()),
        _ => false,
    }
}
