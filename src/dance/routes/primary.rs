//! `POST /login/<name>/primary`: makes an account the primary one of its entry.

use rocket::Request;

use super::disconnect::{account_id, check_owner};
use crate::dance::handle::Dance;
use crate::dance::web::{Form, Reply, csrf, done};
use crate::error::{Error, ErrorKind, Result};

/// Makes the account of the form's `account` id the primary one.
pub(super) async fn make_primary(
    dance: &Dance,
    request: &Request<'_>,
    name: &str,
    form: &Form,
) -> Result<Reply> {
    let entry = dance.entry(name)?;
    csrf::check(dance, request, form.get("csrf").as_deref()).await?;
    let account =
        account_id(form).ok_or_else(|| Error::new(ErrorKind::BadRequest, "There is no such account."))?;
    let user = dance.user(request).await?;
    check_owner(dance, request, &entry.name).await?;
    // A browser has one account per entry: there is nothing to choose. An account that belongs to another user, or is
    // gone, changes nothing, and the page shows the accounts as they are.
    if let Some(user) = user {
        dance.storage(request).make_primary(user, &entry.name, account).await?;
    }
    let next = dance.checked_next(form.get("next").as_deref());
    Ok(done(request, dance.target_or_accounts(next)))
}
