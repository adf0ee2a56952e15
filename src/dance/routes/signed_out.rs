//! `GET /login/signed-out`: a page that says that the user is signed out, for `after_logout`.

use rocket::Request;
use serde_json::json;

use crate::dance::handle::Dance;
use crate::dance::web::{Reply, page};
use crate::error::Result;
use crate::local_path::LocalPath;
use crate::paths::Path;

/// Shows the page. A user who is signed in, perhaps again, is redirected to the accounts.
pub(super) async fn show(dance: &Dance, request: &Request<'_>) -> Result<Reply> {
    if dance.user(request).await?.is_some() {
        return Ok(Reply::SeeOther(dance.paths().to(Path::Accounts)));
    }
    let context = json!({
        "sign_in_url": dance.login_url(None, None),
        "home_url": dance.base_path().public(LocalPath::home().as_str()),
    });
    page(dance, request, "signed_out", context)
}
