//! Revoking the tokens of removed accounts at their provider, in the background (RFC 7009).

use std::sync::Arc;

use rocket::tokio;

use super::context::{ClientContext, TokenEvent};
use super::revocations::Grantor;
use crate::error::{Error, Result};
use crate::storage::{Account, AccountKey, Storage, reload_by_id};
use crate::token::Token;

/// Why a token is revoked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RevocationReason {
    /// Its account was removed.
    AccountRemoved,
    /// Its account could not be stored. The storage has not answered, and may have an older account of the same user.
    StorageFailed,
}

/// A token that is to be revoked.
struct Revocation<'a> {
    grantor: &'a Grantor,
    storage: &'a dyn Storage,
    account: &'a Account,
    reason: RevocationReason,
}

/// Revokes the tokens of `account` at its provider, in the background: at once, and a second time after a pause if that
/// fails. A second failure is logged and reported as [`TokenEvent::RevocationFailed`]. Nothing in the storage changes.
pub(crate) fn revoke(
    context: &Arc<ClientContext>,
    storage: &Arc<dyn Storage>,
    account: Account,
    reason: RevocationReason,
) {
    let Some(grantor) = context.revocations.grantor(&account.entry) else { return };
    let entry = &grantor.entry;
    let revocation = entry.oauth2().and_then(|options| options.endpoints.revocation.as_ref());
    if revocation.is_none() && entry.issuer.is_none() {
        return;
    }
    // The entry has pointed to another provider before: this provider must not see that one's token.
    if account.issuer != entry.authority() {
        return;
    }
    let (context, storage) = (context.clone(), storage.clone());
    // Counted before its task begins, so that `wait_until_done` waits for it.
    let in_progress = context.revocations.start();
    tokio::spawn(async move {
        let _in_progress = in_progress;
        let Some(slot) = context.revocations.wait_for_slot().await else { return };
        let revocation = Revocation { grantor: &grantor, storage: &*storage, account: &account, reason };
        let revoked = try_twice(&context, &revocation).await;
        // Other revocations need not wait for the app's signals.
        drop(slot);
        if let Err(error) = revoked {
            log::warn!("oauth: `{}`: a token could not be revoked: {error:?}", grantor.entry.name);
            (context.report)(TokenEvent::RevocationFailed, account).await;
        }
    });
}

async fn try_twice(context: &ClientContext, revocation: &Revocation<'_>) -> Result<()> {
    let token = revocation.account.open(&context.keys).map_err(|_| Error::app("no key opens the token"))?;
    if !token.has_access() && token.refresh_token.is_none() {
        return Ok(());
    }
    let Err(error) = try_once(context, revocation, &token).await else { return Ok(()) };
    log::info!(
        "oauth: `{}`: a token could not be revoked, and is tried again: {error:?}",
        revocation.grantor.entry.name
    );
    context.revocations.pause().await;
    try_once(context, revocation, &token).await
}

async fn try_once(context: &ClientContext, revocation: &Revocation<'_>, token: &Token) -> Result<()> {
    let Revocation { grantor, storage, account, reason } = revocation;
    // A provider may have one grant per user and client, and end all of it (RFC 7009 §2.1; Google does). A user who has
    // connected again in the meantime, or at another entry of the same client, would lose that connection.
    match is_stored(*storage, &grantor.sharing, account).await {
        Ok(true) => return Ok(()),
        Err(error) if *reason == RevocationReason::StorageFailed => return Err(error),
        _ => {}
    }
    context.engine.revoke(&grantor.entry, token).await
}

/// Returns whether an account of the provider's user of `account` is stored at one of `entries`. Without an identity it is
/// `account` itself, which may have got one.
async fn is_stored(storage: &dyn Storage, entries: &[String], account: &Account) -> Result<bool> {
    let Some(id) = &account.provider_user_id else {
        return Ok(reload_by_id(storage, account).await?.is_some());
    };
    for entry in entries {
        if storage.get_uncached(&AccountKey::identity(entry, id)).await?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}
