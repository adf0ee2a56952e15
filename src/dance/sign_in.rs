//! `GET /login`: a button per entry.

use rocket::Request;
use serde_json::json;

use super::Dance;
use super::reply::Reply;
use super::route::query;
use crate::error::Result;
use crate::local_path::LocalPath;

impl Dance {
    /// The sign-in page. When it stands in for a begin that another site asked for, `next` is that one's.
    pub(super) async fn get_sign_in(&self, request: &Request<'_>) -> Result<Reply> {
        let next = self.checked_next(query(request.uri(), "next").as_deref());
        let entries = self.logins().into_iter().map(|name| {
            json!({
                "name": name,
                "title": self.entries[name].title,
                "action": self.path(&format!("/{name}")),
                "login_url": self.login_path(Some(name), next.as_ref().map(LocalPath::as_str)),
            })
        });
        let entries: Vec<_> = entries.collect();
        self.page(
            request,
            "sign_in.html",
            json!({
                "entries": entries,
                "sign_in_page": self.sign_in_page(next.as_ref().map(LocalPath::as_str)),
                "next": next,
            }),
        )
    }
}
