//! The trait that an app implements to take part in a flow.

use rocket::{Request, Response};

use super::{AuthorizationRequest, Event, NextStep};
use crate::client::Client;
use crate::error::{Error, Result};
use crate::link::AuthorizedLogin;

/// The app's hooks around the flow.
///
/// Every method has a default that does nothing. An app may attach several receivers: `Dance::fairing().signals(…)`
/// attaches one for all entries, `.signals_for("github", …)` one for a single entry. They run one after the other, in the
/// order in which they were attached. Every receiver runs, also after another one has failed or panicked; only
/// `before_login` stops at the first error. The strictest [`NextStep`] of all receivers wins; an error is stricter than
/// any `NextStep`.
///
/// A panic in a receiver counts as an [`Error::app`] of `before_login` and `authorized`. In `error` and `event` it is
/// logged and has no other effect.
///
/// # Which signal does what
///
/// | here | Flask-Dance | Flask-Social |
/// |---|---|---|
/// | [`before_login`](Signals::before_login) | `oauth_before_login` | – |
/// | [`authorized`](Signals::authorized) | `oauth_authorized` | – |
/// | [`error`](Signals::error) | `oauth_error` | – |
/// | [`Event::AccountCreated`] | – | `connection_created` |
/// | [`Event::AccountUpdated`] | – | – |
/// | [`Event::AccountMerged`], [`Event::AccountPending`] | – | – |
/// | [`Event::AccountRefused`] | – | `connection_failed` |
/// | [`Event::AccountRemoved`] | – | `connection_removed` |
/// | [`Event::LoginCompleted`] | – | `login_completed` |
/// | [`Event::LoginFailed`] | – | `login_failed` |
/// | [`Event::TokenRefreshed`], [`Event::GrantLost`], [`Event::GrantOrphaned`], [`Event::RevocationFailed`] | – | – |
///
/// # Example
///
/// Whether the visitor is a member of an organisation needs a call to the provider's API. Such a check belongs in
/// `authorized`, which is async, and not in the [`LinkPolicy`](crate::LinkPolicy):
///
/// ```
/// use rocket_dance::{AuthorizedLogin, Client, Event, NextStep, Result, Signals};
///
/// struct MembersOnly;
///
/// #[rocket::async_trait]
/// impl Signals for MembersOnly {
///     async fn authorized(&self, login: &mut AuthorizedLogin, client: &Client) -> Result<NextStep> {
///         if !login.token.scope.iter().any(|scope| scope == "read:org") {
///             return Ok(NextStep::Refuse("We need to see your organisations.".into()));
///         }
///         let answer = client.get("user/memberships/orgs/rwf2").send().await?;
///         if !answer.status().is_success() {
///             return Ok(NextStep::Refuse("Only members can sign in.".into()));
///         }
///         login.add_note("member", "yes");                          // the policy reads it: login.note("member")
///         Ok(NextStep::Continue)
///     }
///
///     async fn event(&self, event: &Event) {
///         if let Event::LoginCompleted { entry, user, .. } = event {
///             println!("user {user} signed in with {entry}");
///         }
///     }
/// }
///
/// let fairing = rocket_dance::Dance::fairing().signals_for("github", MembersOnly);
/// # let _ = fairing;
/// ```
#[rocket::async_trait]
pub trait Signals: Send + Sync + 'static {
    /// Runs before the visitor is redirected to the provider. May add parameters to the authorization request, and notes
    /// that the policy reads.
    ///
    /// # Errors
    /// An error stops the flow before it begins.
    async fn before_login(
        &self,
        request: &Request<'_>,
        authorization: &mut AuthorizationRequest,
    ) -> Result<()> {
        let _ = (request, authorization);
        Ok(())
    }

    /// Runs after the provider's answer was verified and before anything is stored. May add notes to the login that the
    /// policy reads, and decides how the flow continues.
    ///
    /// `client` calls the provider's API with the new token. It cannot refresh that token, because nothing is stored yet:
    /// if the API answers 401, the call fails with [`ErrorKind::ReconnectNeeded`](crate::ErrorKind::ReconnectNeeded).
    ///
    /// # Errors
    /// An error ends the flow: nothing is stored, and no user is signed in.
    async fn authorized(&self, login: &mut AuthorizedLogin, client: &Client) -> Result<NextStep> {
        let _ = (login, client);
        Ok(NextStep::Continue)
    }

    /// Runs when a flow at `entry` fails. May return a response, which replaces the error page. The first response
    /// wins.
    async fn error(&self, entry: &str, error: &Error) -> Option<Response<'static>> {
        let _ = (entry, error);
        None
    }

    /// Runs after something has happened and was committed. [`Event`] documents what, and in which order.
    async fn event(&self, event: &Event) {
        let _ = event;
    }
}
