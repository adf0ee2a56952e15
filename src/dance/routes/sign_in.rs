//! `GET /login`: the sign-in page, with a button for each entry, or the way to the app's own.

use rocket::Request;
use serde_json::{Value, json};

use crate::config::Entry;
use crate::dance::handle::Dance;
use crate::dance::web::{Reply, page, query_param, wants_json};
use crate::error::Result;
use crate::page::mark;
use crate::paths::Path;
use crate::redirect_target::RedirectTarget;

/// Shows the sign-in page, or redirects to the app's own one. A begin that another site has requested does so too, with the
/// same `next`. A client that asks for JSON gets the entries.
pub(super) async fn show(dance: &Dance, request: &Request<'_>) -> Result<Reply> {
    let next = dance.checked_next(query_param(request, "next").as_deref());
    if dance.has_sign_in_page() && !wants_json(request) {
        return Ok(Reply::SeeOther(dance.login_path(None, next.as_ref())));
    }
    let entries = dance.entries_for_visitors().map(|entry| entry_context(dance, entry, next.as_ref()));
    let context = json!({
        "entries": entries.collect::<Vec<_>>(),
        "sign_in_page": dance.sign_in_page(next.as_ref()),
        "next": dance.next_field(next.as_ref()),
    });
    page(dance, request, "sign_in", context)
}

/// The context of a button that signs in with `entry` and leads to `next`.
pub(super) fn entry_context(dance: &Dance, entry: &Entry, next: Option<&RedirectTarget>) -> Value {
    json!({
        "name": entry.name,
        "title": entry.title,
        "mark": mark(&entry.title),
        "action": dance.public_paths().of_entry(Path::Begin, &entry.name),
        "login_url": dance.login_url(Some(&entry.name), next),
    })
}
