//! `POST /login/<name>/disconnect`: removes an account.

use rocket::Request;

use crate::dance::accounts::report_removed;
use crate::dance::handle::Dance;
use crate::dance::web::{FlashOutcome, Form, Reply, csrf, done, flash_outcome};
use crate::error::{Error, ErrorKind, Result};

/// Removes the account of the form's `account` id; without that field, all accounts of the entry.
pub(super) async fn disconnect(
    dance: &Dance,
    request: &Request<'_>,
    name: &str,
    form: &Form,
) -> Result<Reply> {
    let entry = dance.entry(name)?;
    csrf::check(dance, request, form.get("csrf").as_deref()).await?;
    // An empty `account`, or null in JSON, does not mean all of them: it is a mistake of the page.
    let no_such_account = || Error::new(ErrorKind::BadRequest, "There is no such account.");
    let account = match form.contains("account") {
        true => Some(account_id(form).ok_or_else(no_such_account)?),
        false => None,
    };
    let user = dance.user(request).await?;
    check_owner(dance, request, &entry.name).await?;
    // Without a user, other visitors have accounts in the storage, too.
    let account = match user.is_some() || dance.is_stored_in_browsers() {
        true => account,
        false => {
            let kept = dance.kept_account(request, name).await?.ok_or_else(no_such_account)?;
            account.or(Some(kept.id)).filter(|id| *id == kept.id).map(Some).ok_or_else(no_such_account)?
        }
    };
    let storage = dance.storage(request);
    // The sessions that began with the account end with it: an attacker whose account was connected would stay signed in, and
    // could connect it again. The session of this browser continues with another cookie.
    let own = dance.sessions().id(request);
    let removed = storage.unlink(user, &entry.name, account, &dance.login_names(), own.as_deref()).await?;
    let is_removed = !removed.accounts.is_empty();
    let rotated = match is_removed {
        true => dance.sessions().rotate(request).await,
        false => Ok(()),
    };
    report_removed(dance, Some(request), &storage, removed).await;
    rotated?;
    if user.is_none() && is_removed {
        dance.end_kept_session(request, name).await?;
    }
    if is_removed {
        flash_outcome(dance, request, entry, FlashOutcome::Disconnected);
    }
    let next = dance.checked_next(form.get("next").as_deref());
    Ok(done(request, dance.target_after_disconnect(next)))
}

/// Checks that the user of `request`, or its visitor, can have accounts of `entry`.
///
/// # Errors
/// [`ErrorKind::NotSignedIn`]; [`ErrorKind::Refused`] if the accounts of the entry belong to the site.
pub(super) async fn check_owner(dance: &Dance, request: &Request<'_>, entry: &str) -> Result<()> {
    match dance.can_have_accounts(request).await? {
        true if dance.is_site(entry) => Err(Error::refused(
            "This account belongs to this site. Only the people who run the site can change it.",
        )),
        true => Ok(()),
        false => Err(Error::new(ErrorKind::NotSignedIn, "Please sign in.")),
    }
}

/// The account that `form` names.
pub(super) fn account_id(form: &Form) -> Option<i64> {
    form.get("account")?.parse().ok()
}
