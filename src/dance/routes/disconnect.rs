//! `POST /login/<name>/disconnect`: removes an account.

use rocket::Request;

use crate::dance::accounts::{report_removed, sessions};
use crate::dance::handle::Dance;
use crate::dance::web::{Form, Reply, csrf};
use crate::error::{Error, ErrorKind, Result};
use crate::paths::Path;
use crate::storage::{Account, SessionSelection};

/// Removes the account of the form's `account` id; without that field, all accounts of the entry.
pub(super) async fn disconnect(
    dance: &Dance,
    request: &Request<'_>,
    name: &str,
    form: &Form,
) -> Result<Reply> {
    let entry = dance.entry(name)?;
    csrf::check(dance, request, form.get("csrf").as_deref()).await?;
    // An empty `account` does not mean all of them: it is a mistake of the page.
    let account = form
        .get("account")
        .map(|id| id.parse().map_err(|_| Error::new(ErrorKind::BadRequest, "There is no such account.")))
        .transpose()?;
    let user = dance.user(request).await?;
    if !dance.can_own_accounts(user) || dance.is_site(&entry.name) {
        return Err(Error::new(ErrorKind::NotSignedIn, "Please sign in."));
    }
    let storage = dance.storage(request);
    let removed = storage.unlink(user, &entry.name, account, &dance.login_names()).await?;
    let sessions = end_sessions_of(dance, request, &removed).await;
    report_removed(dance, &storage, removed).await;
    sessions?;
    Ok(Reply::SeeOther(dance.paths().to(Path::Accounts)))
}

/// Ends the sessions that began with the removed accounts: an attacker whose account was connected would stay signed in,
/// and could connect it again. The session of this browser continues under another id.
async fn end_sessions_of(dance: &Dance, request: &Request<'_>, removed: &[Account]) -> Result<()> {
    let Some(current) = dance.sessions().id(request) else { return Ok(()) };
    for account in removed.iter().filter(|account| account.provider_user_id.is_some()) {
        let Account { entry, issuer, provider_user_id, .. } = account.clone();
        let selection = SessionSelection::ProviderSession { entry, issuer, provider_user_id, sid: None };
        let ended = sessions::end_sessions(dance, &selection).await?;
        if let Some(own) = ended.iter().find(|session| session.id == current) {
            dance.sessions().begin_again(request, &own.user_id).await?;
        }
    }
    Ok(())
}
