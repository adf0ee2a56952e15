//! `GET /login`: the sign-in page, with a button for each entry.

use rocket::Request;
use serde_json::json;

use crate::dance::handle::Dance;
use crate::dance::web::{Reply, page, query_param};
use crate::error::Result;
use crate::paths::Path;

/// Shows the sign-in page. A begin that another site has requested shows it too, with the same `next`.
pub(super) async fn show(dance: &Dance, request: &Request<'_>) -> Result<Reply> {
    let next = dance.checked_next(query_param(request, "next").as_deref());
    let entries = dance.login_entries().map(|entry| {
        json!({
            "name": entry.name,
            "title": entry.title,
            "action": dance.public_paths().of_entry(Path::Begin, &entry.name),
            "login_url": dance.login_url(Some(&entry.name), next.as_ref()),
        })
    });
    let context = json!({
        "entries": entries.collect::<Vec<_>>(),
        "sign_in_page": dance.sign_in_page(next.as_ref()),
        "next": dance.next_field(next.as_ref()),
    });
    page(dance, request, "sign_in.html", context)
}
