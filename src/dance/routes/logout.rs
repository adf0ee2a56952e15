//! `POST /login/logout` and `POST /login/logout/everywhere`: signing out.

use rocket::Request;

use super::provider_logout;
use crate::dance::accounts::pending;
use crate::dance::handle::Dance;
use crate::dance::web::{Form, Reply, csrf};
use crate::error::Result;

/// The sessions that end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LogoutScope {
    ThisBrowser,
    AllBrowsers,
}

/// Signs the user out, and redirects to the provider's sign-out or to `after_logout`.
pub(super) async fn log_out(
    dance: &Dance,
    request: &Request<'_>,
    form: &Form,
    scope: LogoutScope,
) -> Result<Reply> {
    csrf::check(dance, request, form.get("csrf").as_deref()).await?;
    let everywhere = match scope {
        LogoutScope::AllBrowsers => dance.user_uncached(request).await?,
        LogoutScope::ThisBrowser => None,
    };
    if dance.is_stored_in_browsers() {
        dance.browser(request).clear();
    }
    pending::drop_pending(dance, request).await;
    let ended = dance.sessions().sign_out(request, everywhere).await?;
    let provider = match &ended {
        Some(session) => provider_logout::begin(dance, request, session).await,
        None => None,
    };
    Ok(Reply::SeeOther(provider.unwrap_or_else(|| dance.settings().after_logout.to_string())))
}
