//! The authorization request that a flow is about to send.

use std::collections::BTreeMap;

use crate::link::Purpose;
use crate::redirect_target::RedirectTarget;

/// The authorization request of a flow that is about to begin. [`Signals::before_login`](crate::Signals::before_login) may
/// add to it.
///
/// ```
/// use rocket::Request;
/// use rocket_dance::{AuthorizationRequest, Result, Signals};
///
/// struct Invitations;
///
/// #[rocket::async_trait]
/// impl Signals for Invitations {
///     async fn before_login(&self, request: &Request<'_>, authorization: &mut AuthorizationRequest) -> Result<()> {
///         if let Some(Ok(invitation)) = request.query_value::<String>("invitation") {
///             authorization.add_note("invitation", invitation);      // the policy reads it: login.note("invitation")
///         }
///         authorization.param("prompt", "select_account");
///         Ok(())
///     }
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct AuthorizationRequest {
    /// The entry's name.
    pub entry: String,
    /// What the flow is for.
    pub purpose: Purpose,
    /// The page that the visitor is redirected to afterwards, if the request named one. A signal may set another:
    /// `Some(path.into())` with a [`LocalPath`](crate::LocalPath).
    pub next: Option<RedirectTarget>,
    pub(crate) params: BTreeMap<String, String>,
    pub(crate) notes: BTreeMap<String, String>,
}

impl AuthorizationRequest {
    pub(crate) fn new(entry: &str, purpose: Purpose, next: Option<RedirectTarget>) -> Self {
        Self { entry: entry.into(), purpose, next, params: BTreeMap::new(), notes: BTreeMap::new() }
    }

    /// Adds a parameter to this authorization request, for example `login_hint` or `prompt`.
    ///
    /// A parameter of the protocol itself (`state`, `redirect_uri`, …) cannot be replaced: the flow's own value wins.
    pub fn param(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.params.insert(name.into(), value.into());
    }

    /// Adds a text that the flow keeps until the callback, sealed in the flow's cookie.
    ///
    /// [`AuthorizedLogin::note`](crate::AuthorizedLogin::note) and [`Login::note`](crate::Login::note) return it. Keep it
    /// short: a flow has about 3,000 bytes.
    pub fn add_note(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.notes.insert(key.into(), value.into());
    }
}
