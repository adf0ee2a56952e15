//! Reports what happens to accounts and sessions to the app's signals. `request` is the request in which it has happened, if there
//! is one.

use std::sync::Arc;

use rocket::Request;

use crate::client::{RevocationReason, revoke};
use crate::dance::handle::Dance;
use crate::error::Error;
use crate::link::AuthorizedLogin;
use crate::session::EndedSession;
use crate::signals::{Event, EventAccount, SessionEndReason};
use crate::storage::{Account, Linked, Removed, Session, Storage};

/// Reports that a login was stored, the accounts that it has replaced, and the sessions that it has ended.
pub(crate) async fn report_linked(
    dance: &Dance,
    request: Option<&Request<'_>>,
    storage: &Arc<dyn Storage>,
    linked: &Linked,
) {
    let Linked { account, user, merged, merged_user, .. } = linked;
    if linked.signed_up {
        dance.signals().event(request, Event::UserCreated(account.into())).await;
    }
    report_removed_accounts(dance, request, storage, linked.replaced.clone()).await;
    let stored = match linked.previous {
        None => Event::AccountCreated(account.into()),
        Some(_) => Event::AccountUpdated(account.into()),
    };
    dance.signals().event(request, stored).await;
    let reason = match *merged || merged_user.is_some() {
        true => SessionEndReason::AccountMerged,
        false => SessionEndReason::AccountRemoved,
    };
    report_ended(dance, request, &linked.ended, reason).await;
    if let (true, Some(user)) = (merged, user) {
        let merged = EventAccount::from(account).with_user(user);
        dance.signals().event(request, Event::AccountMerged(merged)).await;
    }
    if let (Some(from), Some(into)) = (merged_user.clone(), user.clone()) {
        let entry = account.entry.clone();
        dance.signals().event(request, Event::UsersMerged { entry, from, into }).await;
    }
}

/// Reports accounts that were removed and the sessions that have ended with them, and revokes the tokens at the providers, in the
/// background (RF-06).
pub(crate) async fn report_removed(
    dance: &Dance,
    request: Option<&Request<'_>>,
    storage: &Arc<dyn Storage>,
    removed: Removed,
) {
    report_removed_accounts(dance, request, storage, removed.accounts).await;
    report_ended(dance, request, &removed.sessions, SessionEndReason::AccountRemoved).await;
}

async fn report_removed_accounts(
    dance: &Dance,
    request: Option<&Request<'_>>,
    storage: &Arc<dyn Storage>,
    accounts: Vec<Account>,
) {
    for account in accounts {
        let event = Event::AccountRemoved((&account).into());
        revoke(dance.context(), storage, account, RevocationReason::AccountRemoved);
        dance.signals().event(request, event).await;
    }
}

/// Reports the accounts that this request has dropped from the browser's cookies, to make room for a newer one.
pub(crate) async fn report_dropped(dance: &Dance, request: &Request<'_>) {
    if !dance.is_stored_in_browsers() {
        return;
    }
    let dropped = dance.browser(request).dropped();
    for account in &dropped {
        log::warn!(
            "oauth: `{}`: an account was removed from a browser, whose cookies have no room for it beside a newer \
             account: use DieselStorage instead of CookieStorage",
            account.entry
        );
    }
    report_removed_accounts(dance, Some(request), &dance.storage(request), dropped).await;
}

/// Reports that the account of `login` was refused with `error`.
pub(crate) async fn report_refused(
    dance: &Dance,
    request: &Request<'_>,
    login: &AuthorizedLogin,
    error: &Error,
) {
    let account = EventAccount::of_login(login);
    let event = Event::AccountRefused {
        account: EventAccount { user: error.user().or(login.visitor()).map(str::to_owned), ..account },
        reason: error.reason().unwrap_or("policy"),
        message: error.to_string(),
    };
    dance.signals().event(Some(request), event).await;
}

/// Reports that a session of `user` began with the entry `entry`, or with the app's own form, in place of the browser's session
/// `replaced`.
pub(crate) async fn report_session_began(
    dance: &Dance,
    request: &Request<'_>,
    user: &str,
    entry: Option<&str>,
    replaced: Option<EndedSession>,
) {
    report_sessions_ended(dance, Some(request), replaced, SessionEndReason::Replaced).await;
    let event = Event::SessionBegan { user: user.to_owned(), entry: entry.map(str::to_owned) };
    dance.signals().event(Some(request), event).await;
}

/// Reports that sessions have ended.
pub(crate) async fn report_sessions_ended(
    dance: &Dance,
    request: Option<&Request<'_>>,
    ended: impl IntoIterator<Item = EndedSession>,
    reason: SessionEndReason,
) {
    for EndedSession { user, entry } in ended {
        dance.signals().event(request, Event::SessionEnded { user, entry, reason }).await;
    }
}

/// As [`report_sessions_ended`], for sessions that were stored.
pub(crate) async fn report_ended(
    dance: &Dance,
    request: Option<&Request<'_>>,
    ended: &[Session],
    reason: SessionEndReason,
) {
    let ended: Vec<_> = ended.iter().filter_map(EndedSession::of).collect();
    report_sessions_ended(dance, request, ended, reason).await;
}
