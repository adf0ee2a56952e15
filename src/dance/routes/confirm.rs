//! `GET` and `POST /login/confirm`: the account that waits for its user.
//!
//! The policy has answered `SignInFirst`. The user signs in as before, in the same browser, and then confirms on this
//! page. Signing in alone does not confirm it: an attacker may have begun the flow in this browser, with the attacker's
//! own account.

use rocket::Request;
use serde_json::{Value, json};

use super::sign_in::entry_context;
use crate::dance::accounts::pending::{self, Pending, nothing_waits, page_of};
use crate::dance::accounts::{report_linked, report_refused};
use crate::dance::handle::Dance;
use crate::dance::web::{FlashOutcome, Form, Reply, csrf, done, flash_outcome, is_head, page, wants_json};
use crate::error::{Error, ErrorKind, Result};
use crate::flow::not_trusted;
use crate::link::{AuthorizedLogin, Postponed, Purpose, account_taken};
use crate::paths::Path;
use crate::redirect_target::RedirectTarget;

/// Shows the account that waits: to its user with the form that connects it, to a visitor with the ways to sign in.
pub(super) async fn show(dance: &Dance, request: &Request<'_>) -> Result<Reply> {
    let pending = pending::find(dance, request).await?.require()?;
    let Postponed::SignInFirst(owner) = &pending.postponed else {
        return Ok(Reply::SeeOther(page_of(dance, &pending.postponed)?.into()));
    };
    let entry = dance.entry(&pending.entry)?;
    let account = pending.account_context(entry);
    match dance.user(request).await? {
        Some(user) if user == owner => {
            let context = json!({
                "title": entry.title,
                "account": account,
                "action": dance.public_paths().to(Path::Confirm),
                "csrf": csrf::token(dance, request).await?,
            });
            page(dance, request, "confirm", context)
        }
        Some(_) => Err(another_user(dance, request).await),
        None if wants_json(request) => Err(pending.postponed.into()),
        None => page(dance, request, "sign_in_first", sign_in_first(dance, &pending, account)?),
    }
}

/// The context of the page that asks to sign in first. It offers all other entries, not only those that the user has:
/// which accounts a user has connected is private.
fn sign_in_first(dance: &Dance, pending: &Pending, account: Value) -> Result<Value> {
    let confirm = RedirectTarget::try_from(dance.paths().to(Path::Confirm))?;
    let entries = dance.entries_for_visitors().filter(|entry| entry.name != pending.entry);
    let entries = entries.map(|entry| entry_context(dance, entry, Some(&confirm)));
    Ok(json!({
        "title": dance.entry(&pending.entry)?.title,
        "account": account,
        "entries": entries.collect::<Vec<_>>(),
        "sign_in_page": dance.sign_in_page(Some(&confirm)),
        "next": dance.next_field(Some(&confirm)),
    }))
}

/// Connects the account that waits, or drops it if the form has the field `cancel`.
pub(super) async fn confirm(dance: &Dance, request: &Request<'_>, form: &Form) -> Result<Reply> {
    let waiting = pending::find(dance, request).await?;
    if let Some(pending) = waiting.pending() {
        // Before the first read of the user: another flow of this browser may replace the session's cookie in the meantime.
        dance.user_in_flow(request, pending.stored_at).await?;
    }
    csrf::check(dance, request, form.get("csrf").as_deref()).await?;
    let pending = waiting.require()?;
    let Postponed::SignInFirst(owner) = &pending.postponed else { return Err(nothing_waits()) };
    match dance.user(request).await? {
        Some(user) if user == owner => {}
        Some(_) => return Err(another_user(dance, request).await),
        None => return Err(pending.postponed.into()),
    }
    let entry = dance.entry(&pending.entry)?.clone();
    let next = dance.checked_next(form.get("next").as_deref()).or_else(|| pending.next.clone());
    let reply = |purpose| done(request, dance.target_after(purpose, &entry, next.as_ref()));
    if form.says("cancel") {
        pending::drop_pending(dance, request).await;
        return Ok(reply(Purpose::SignIn));
    }
    let mut login = pending.into_login(dance.clock().now()).ok_or_else(nothing_waits)?;
    login.session = dance.sessions().id(request);
    if login.issuer != entry.authority() || dance.is_site(&entry.name) {
        return Err(not_trusted("the entry points to another server than at the time of the dance"));
    }
    // The policy runs again, as if the user had pressed "Connect".
    store_confirmed(dance, request, &login).await?;
    flash_outcome(dance, request, &entry, FlashOutcome::Connected);
    Ok(reply(Purpose::Connect))
}

/// Stores the account of `login`, which has waited until its user confirmed it. Of several requests at the same time one does it.
///
/// # Errors
/// If the policy refuses it, or wants something else first than what has happened; if the storage fails.
pub(super) async fn store_confirmed(
    dance: &Dance,
    request: &Request<'_>,
    login: &AuthorizedLogin,
) -> Result<()> {
    if !pending::take(dance, request).await? {
        return Err(nothing_waits());
    }
    let storage = dance.storage(request);
    match storage.link(login, dance.keys()).await {
        Ok(linked) => {
            report_linked(dance, Some(request), &storage, &linked).await;
            dance.sessions().rotate(request).await
        }
        Err(error) => {
            // Nothing waits any more: in the meantime the account has got another owner.
            let error = match error.postponed::<Postponed>() {
                Some(_) => account_taken(),
                None => error,
            };
            if error.kind() == ErrorKind::Refused {
                report_refused(dance, request, login, &error).await;
            }
            Err(error)
        }
    }
}

/// Drops the account, which waits for another user than the one who is signed in.
async fn another_user(dance: &Dance, request: &Request<'_>) -> Error {
    if !is_head(request) {
        pending::drop_pending(dance, request).await;
    }
    Error::refused("You are signed in as another user: nothing was connected.")
}
