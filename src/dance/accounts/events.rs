//! Reports what happens to accounts to the app's signals.

use std::sync::Arc;

use rocket::Request;

use crate::client::{RevocationReason, revoke};
use crate::dance::handle::Dance;
use crate::link::AuthorizedLogin;
use crate::signals::{Event, EventAccount};
use crate::storage::{Account, Linked, Storage};

/// Reports that `account` was stored. `is_new`: for the first time.
pub(super) async fn report_stored(dance: &Dance, account: &Account, is_new: bool) {
    let event = match is_new {
        true => Event::AccountCreated(account.into()),
        false => Event::AccountUpdated(account.into()),
    };
    dance.signals().event(event).await;
}

/// Reports that a login was stored, and the accounts that it has replaced.
pub(crate) async fn report_linked(dance: &Dance, storage: &Arc<dyn Storage>, linked: &Linked) {
    report_removed(dance, storage, linked.replaced.clone()).await;
    report_stored(dance, &linked.account, linked.previous.is_none()).await;
}

/// Reports that `accounts` were removed, and revokes their tokens at the providers, in the background (RF-06).
pub(crate) async fn report_removed(dance: &Dance, storage: &Arc<dyn Storage>, accounts: Vec<Account>) {
    for account in accounts {
        let event = Event::AccountRemoved((&account).into());
        revoke(dance.context(), storage, account, RevocationReason::AccountRemoved);
        dance.signals().event(event).await;
    }
}

/// Reports the accounts that this request has dropped from the browser's cookies, to make room for a newer one.
pub(crate) async fn report_dropped(dance: &Dance, request: &Request<'_>) {
    let dropped = dance.browser(request).dropped();
    if dropped.is_empty() {
        return;
    }
    for account in &dropped {
        log::warn!(
            "oauth: `{}`: an account was removed from a browser, whose cookies have no room for it beside a newer \
             account: use DieselStorage instead of CookieStorage",
            account.entry
        );
    }
    report_removed(dance, &dance.storage(request), dropped).await;
}

/// Reports that the account of `login` was refused.
pub(crate) async fn report_refused(dance: &Dance, login: &AuthorizedLogin) {
    dance.signals().event(Event::AccountRefused(EventAccount::of_login(login))).await;
}
