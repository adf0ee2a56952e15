//! The page on which a visitor completes their sign-up.

use rocket::Request;
use serde_json::{Value, json};

use super::pending::{self, Pending, nothing_waits};
use crate::dance::handle::Dance;
use crate::dance::web::{csrf, language};
use crate::error::Result;
use crate::link::{Postponed, SignUpForm};
use crate::paths::Path;
use crate::profile::Profile;

/// The context of a page that shows `form`, which `pending` waits for: see [`PendingSignUp`](crate::PendingSignUp), which
/// serializes as this.
///
/// # Errors
/// If the entry is gone, or the user of the request can't be read.
pub(crate) async fn sign_up_context(
    dance: &Dance,
    request: &Request<'_>,
    pending: &Pending,
    form: &SignUpForm,
) -> Result<Value> {
    let entry = dance.entry(&pending.entry)?;
    Ok(json!({
        "name": entry.name,
        "title": entry.title,
        "account": pending.account_context(entry),
        "fields": translated(dance, request, form).fields(),
        "action": dance.public_paths().to(Path::CompleteSignUp),
        "csrf": csrf::token(dance, request).await?,
    }))
}

/// `form` in the language of `request`.
fn translated(dance: &Dance, request: &Request<'_>, form: &SignUpForm) -> SignUpForm {
    let language = language(dance, request);
    form.clone().translated(|text| language.message(text).into_owned())
}

/// The account that waits in this browser for its visitor to sign up: its profile, the form, and the context of the form's page.
///
/// # Errors
/// [`ErrorKind::CallbackNotTrusted`](crate::ErrorKind::CallbackNotTrusted) if none waits; if the storage can't be reached.
pub(crate) async fn waiting_sign_up(
    dance: &Dance,
    request: &Request<'_>,
) -> Result<(Profile, SignUpForm, Value)> {
    let pending = pending::find(dance, request).await?.require()?;
    let Postponed::SignUp(form) = &pending.postponed else { return Err(nothing_waits()) };
    let context = sign_up_context(dance, request, &pending, form).await?;
    let form = translated(dance, request, form);
    Ok((pending.profile.clone(), form, context))
}
