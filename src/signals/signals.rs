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
/// logged and has no other effect. No receiver runs while a database connection, a transaction or a lock is held: a slow one
/// delays only its own request.
///
/// # The request
///
/// A receiver sees the request: its cookies, its remote address ([`Request::client_ip`]), managed state
/// (`request.rocket().state::<T>()`), request-local state ([`Request::local_cache`]). A cookie that it adds with
/// `request.cookies().add(…)` is sent with the response of the flow, also if that response is an error or a redirect. Give such a
/// cookie `SameSite=Lax`: after a redirect from the provider's site, browsers do not send a `Strict` one, Rocket's default, to the
/// page that the flow leads to.
///
/// [`flash`](crate::flash) shows a message on the app's next page, at any time; the setting `flash = true` does so for the usual
/// outcomes.
///
/// `event` has no request if something happens outside of one: work of the app with [`Dance`](crate::Dance), a
/// revocation, and a refresh, for which several requests may wait.
///
/// [`CurrentUser::sign_in`](crate::CurrentUser::sign_in) and [`sign_out`](crate::CurrentUser::sign_out) begin and end the session
/// while the response is sent: it is then too late for `request.cookies().add(…)`. The same is true if a handler of the app refreshes
/// an account of `CookieStorage`, and another one must make room.
///
/// # Which signal does what
///
/// | here | Flask-Dance | Flask-Social | what differs |
/// |---|---|---|---|
/// | [`before_login`](Signals::before_login) | `oauth_before_login` | – | may add parameters and notes, and may refuse |
/// | [`authorized`](Signals::authorized) | `oauth_authorized` | – | runs after all checks; has the profile, and a client with the new token; [`NextStep::Discard`] is `return False`, [`NextStep::Respond`] is a returned response |
/// | [`error`](Signals::error) | `oauth_error` | – | runs for every failure of a flow, not only for those that the provider reports; [`Error::provider_error`] has `error`, `error_description` and `error_uri`; a link of an attacker cannot forge them |
/// | [`Event::UserCreated`] | – | – | |
/// | [`Event::AccountCreated`] | – | `connection_created` | after the commit |
/// | [`Event::AccountUpdated`] | – | – | Flask-Social keeps the old token |
/// | [`Event::AccountRefused`] | – | `connection_failed` | has the account and the reason |
/// | [`Event::AccountRemoved`] | – | `connection_removed` | has the account; once for each; after the commit |
/// | [`Event::SessionBegan`], [`Event::SessionEnded`] | – | – | Flask-Login's `user_logged_in`, `user_logged_out` |
/// | [`Event::LoginCompleted`] | – | `login_completed` | |
/// | [`Event::LoginFailed`] | – | `login_failed` | also after a denial and after a failed exchange |
/// | [`Event::AccountMerged`], [`Event::AccountPending`], [`Event::TokenRefreshed`], [`Event::GrantLost`], [`Event::GrantOrphaned`], [`Event::RevocationFailed`] | – | – | |
///
/// # Example
///
/// A check whether the visitor is a member of an organization needs a call to the provider's API. It belongs in
/// `authorized`, which is async, and not in the [`LinkPolicy`](crate::LinkPolicy):
///
/// ```
/// use rocket::Request;
/// use rocket_dance::{AuthorizedLogin, Client, Event, NextStep, Result, Signals};
///
/// struct MembersOnly;
///
/// #[rocket::async_trait]
/// impl Signals for MembersOnly {
///     async fn authorized(
///         &self,
///         request: &Request<'_>,
///         login: &mut AuthorizedLogin,
///         client: &Client,
///     ) -> Result<NextStep> {
///         if !login.token.scope.iter().any(|scope| scope == "read:org") {
///             return Ok(NextStep::Refuse("We need to see your organizations.".into()));
///         }
///         let answer = client.get("user/memberships/orgs/rwf2").send().await?;
///         if !answer.status().is_success() {
///             println!("no member, from {:?}", request.client_ip());
///             return Ok(NextStep::Refuse("Only members can sign in.".into()));
///         }
///         login.add_note("member", "yes");                          // the policy reads it: login.note("member")
///         Ok(NextStep::Continue)
///     }
///
///     async fn event(&self, _: Option<&Request<'_>>, event: &Event) {
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
    /// policy reads, and decides how the flow continues. `request` is the callback.
    ///
    /// `client` calls the provider's API with the new token. It cannot refresh that token, because nothing is stored yet:
    /// if the API answers 401, the call fails with [`ErrorKind::ReconnectNeeded`](crate::ErrorKind::ReconnectNeeded).
    ///
    /// # Errors
    /// An error ends the flow: nothing is stored, and no user is signed in.
    async fn authorized(
        &self,
        request: &Request<'_>,
        login: &mut AuthorizedLogin,
        client: &Client,
    ) -> Result<NextStep> {
        let _ = (request, login, client);
        Ok(NextStep::Continue)
    }

    /// Runs when a flow at `entry` fails, at its beginning or at its callback. May return a response, which replaces the error page. The
    /// first response wins.
    async fn error(&self, request: &Request<'_>, entry: &str, error: &Error) -> Option<Response<'static>> {
        let _ = (request, entry, error);
        None
    }

    /// Runs after something has happened and was committed. [`Event`] documents what, and in which order. `request` is the
    /// request in which it has happened, if there is one.
    async fn event(&self, request: Option<&Request<'_>>, event: &Event) {
        let _ = (request, event);
    }
}
