//! `PendingSignUp`: the account that waits for its visitor to sign up.

use std::fmt;

use rocket::{Ignite, Request, Rocket, Sentinel};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::outcome::impl_from_request;
use super::sentinel::must_abort_without_fairing;
use crate::dance::{Dance, waiting_sign_up};
use crate::error::Result;
use crate::link::{SignUpField, SignUpForm};
use crate::profile::Profile;

/// Gives the account that waits in this browser until its visitor has completed the sign-up: for an app's own page of a
/// [`SignUpForm`], see [`at`](SignUpForm::at). It fails with 400 if none waits, for example because it has expired, and with 503
/// if the storage can't be reached; `Result<PendingSignUp, Error>` gives the handler the error.
///
/// The page has a form that posts to [`action`](PendingSignUp::action), with the field `csrf` and those of
/// [`fields`](PendingSignUp::fields). The library checks the answers and runs the policy again. It then signs the user in, or
/// redirects back to this page, where the fields say what is wrong. A form with the field `cancel` drops the account.
///
/// It serializes, for templates:
///
/// | key | value |
/// |---|---|
/// | `name`, `title` | the entry's name, and the provider's name for users |
/// | `account` | what the provider says: `display_name`, `username`, `id`; `email` only if the entry trusts the provider for it |
/// | `fields` | the fields: `name`, `label`, `kind` (`text`, `email` or `checkbox`), `required`, `value`, `error` |
/// | `action` | the action of the form |
/// | `csrf` | the CSRF token: the hidden field `csrf` |
///
/// ```
/// use rocket::response::content::RawHtml;
/// use rocket_dance::PendingSignUp;
///
/// #[rocket::get("/welcome")]
/// fn welcome(pending: PendingSignUp) -> RawHtml<String> {
///     let fields = pending.fields().iter().map(|field| {
///         // With a template engine, which escapes the values.
///         # let escape = |text: &str| text.to_owned();
///         let (label, error) = (escape(&field.label), escape(field.error.as_deref().unwrap_or_default()));
///         format!("<label>{label} <input name={} value='{}'></label> {error}", field.name, escape(&field.value))
///     });
///     RawHtml(format!(
///         "<form method=post action={}><input type=hidden name=csrf value={}>{}<button>Sign up</button></form>",
///         pending.action(),
///         pending.csrf(),
///         fields.collect::<String>(),
///     ))
/// }
/// ```
pub struct PendingSignUp {
    profile: Profile,
    form: SignUpForm,
    context: Value,
}

impl PendingSignUp {
    /// The name of the entry.
    pub fn entry(&self) -> &str {
        self.text("name")
    }

    /// The provider's name for users.
    pub fn title(&self) -> &str {
        self.text("title")
    }

    /// The provider's user.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The fields of the form, with the visitor's last answers.
    pub fn fields(&self) -> &[SignUpField] {
        self.form.fields()
    }

    /// The action of the form, as browsers see it.
    pub fn action(&self) -> &str {
        self.text("action")
    }

    /// The CSRF token: the hidden field `csrf` of the form.
    pub fn csrf(&self) -> &str {
        self.text("csrf")
    }

    fn text(&self, key: &str) -> &str {
        self.context[key].as_str().unwrap_or_default()
    }
}

impl fmt::Debug for PendingSignUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingSignUp").field("entry", &self.entry()).finish_non_exhaustive()
    }
}

impl Serialize for PendingSignUp {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.context.serialize(serializer)
    }
}

async fn find(request: &Request<'_>) -> Result<PendingSignUp> {
    let (profile, form, context) = waiting_sign_up(Dance::of(request)?, request).await?;
    Ok(PendingSignUp { profile, form, context })
}

impl_from_request!([] PendingSignUp, None, find);

impl Sentinel for PendingSignUp {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        must_abort_without_fairing(rocket, "PendingSignUp")
    }
}
