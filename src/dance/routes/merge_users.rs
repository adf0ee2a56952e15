//! `GET` and `POST /login/merge`: two users of one person become one.
//!
//! The policy has answered `MergeUsers`. Both users are proved: the person is signed in as one, and has signed in at the provider
//! as the other. A callback alone merges nothing, since another person may have begun the flow in this browser: the person
//! confirms in the same session.

use rocket::Request;
use serde_json::{Value, json};

use super::confirm::store_confirmed;
use super::finish::{check_owner, note_proofs};
use crate::dance::accounts::pending::{self, Pending, nothing_waits, page_of};
use crate::dance::handle::Dance;
use crate::dance::web::{Form, Reply, csrf, done, is_head, page};
use crate::error::{Error, ErrorKind, Result};
use crate::flow::not_trusted;
use crate::link::{Postponed, Purpose};
use crate::paths::Path;

/// Shows the accounts of both users, with the form that merges them.
pub(super) async fn show(dance: &Dance, request: &Request<'_>) -> Result<Reply> {
    let pending = pending::find(dance, request).await?.require()?;
    let Postponed::MergeUsers { owner, visitor } = &pending.postponed else {
        return Ok(Reply::SeeOther(page_of(dance, &pending.postponed)?.into()));
    };
    check_session(dance, request, &pending, visitor).await?;
    let entry = dance.entry(&pending.entry)?;
    check_owner(dance, request, entry, owner).await?;
    let context = json!({
        "title": entry.title,
        "account": pending.account_context(entry),
        "merged": accounts_of(dance, request, owner).await?,
        "kept": accounts_of(dance, request, visitor).await?,
        "action": dance.public_paths().to(Path::MergeUsers),
        "csrf": csrf::token(dance, request).await?,
    });
    page(dance, request, "merge_users", context)
}

/// The accounts of `user`, by which the person recognizes that user.
async fn accounts_of(dance: &Dance, request: &Request<'_>, user: &str) -> Result<Vec<Value>> {
    let entries: Vec<&str> = dance.entries().keys().map(String::as_str).collect();
    let accounts = dance.storage(request).list(Some(user), &entries).await?;
    let title = |entry: &str| dance.entry(entry).map_or(entry.to_owned(), |entry| entry.title.clone());
    let shown = accounts
        .iter()
        .map(|account| json!({ "title": title(&account.entry), "display_name": account.display_name }));
    Ok(shown.collect())
}

/// Merges the two users, or drops the account if the form has the field `cancel`.
pub(super) async fn merge(dance: &Dance, request: &Request<'_>, form: &Form) -> Result<Reply> {
    csrf::check(dance, request, form.get("csrf").as_deref()).await?;
    let pending = pending::find(dance, request).await?.require()?;
    let Postponed::MergeUsers { owner, visitor } = pending.postponed.clone() else {
        return Err(nothing_waits());
    };
    check_session(dance, request, &pending, &visitor).await?;
    let entry = dance.entry(&pending.entry)?.clone();
    let next = dance.checked_next(form.get("next").as_deref()).or_else(|| pending.next.clone());
    let reply = |purpose| done(request, dance.target_after(purpose, &entry, next.as_ref()));
    if form.says("cancel") {
        pending::drop_pending(dance, request).await;
        return Ok(reply(Purpose::SignIn));
    }
    let mut login = pending.into_login(dance.clock().now()).ok_or_else(nothing_waits)?;
    if login.issuer != entry.authority() {
        return Err(not_trusted("the entry points to another server than at the time of the dance"));
    }
    check_owner(dance, request, &entry, &owner).await?;
    login.session = dance.sessions().id(request);
    login.merged_user = Some(owner);
    note_proofs(&entry, &mut login);
    store_confirmed(dance, request, &login).await?;
    Ok(reply(Purpose::Connect))
}

/// Checks that the session of `request` is the one that began the flow, of `visitor`. If another user is signed in, the account
/// is dropped.
async fn check_session(dance: &Dance, request: &Request<'_>, pending: &Pending, visitor: &str) -> Result<()> {
    match dance.user_uncached(request).await? {
        Some(user) if user == visitor && dance.sessions().id(request) == pending.session => Ok(()),
        Some(_) => {
            if !is_head(request) {
                pending::drop_pending(dance, request).await;
            }
            Err(Error::refused("You have signed in again in the meantime. Nothing was changed."))
        }
        None => Err(Error::new(ErrorKind::NotSignedIn, "Please sign in.")),
    }
}
