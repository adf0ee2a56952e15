//! `GET /login/accounts`: the page of the connected accounts, and of the places where the user is signed in.

use rocket::Request;

use crate::dance::accounts::sessions::{own_sessions, sessions_context};
use crate::dance::accounts::{Viewer, accounts_context};
use crate::dance::handle::Dance;
use crate::dance::web::{Reply, page, wants_json};
use crate::error::{Error, ErrorKind, Result};
use crate::paths::Path;
use crate::redirect_target::RedirectTarget;

/// Shows the connected accounts, and the user's sessions if the storage keeps them. A visitor who is not signed in is
/// redirected to the sign-in page first.
pub(super) async fn show(dance: &Dance, request: &Request<'_>) -> Result<Reply> {
    if !dance.can_have_accounts(request).await? {
        let accounts = RedirectTarget::try_from(dance.paths().to(Path::Accounts))?;
        if wants_json(request) {
            return Err(Error::new(ErrorKind::NotSignedIn, "Please sign in.").with_next(Some(accounts)));
        }
        return Ok(Reply::SeeOther(dance.login_path(None, Some(&accounts))));
    }
    let accounts = dance.accounts_by_entry(request).await?;
    let sessions = own_sessions(dance, request).await?;
    let viewer = Viewer::of(dance, request).await?;
    let mut context = accounts_context(dance, &viewer, &accounts, &sessions);
    context["sessions"] = sessions_context(dance, request, &accounts, &sessions).into();
    context["logout_session_url"] = dance.public_paths().to(Path::LogoutSession).into();
    page(dance, request, "accounts", context)
}
