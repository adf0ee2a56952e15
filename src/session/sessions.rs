//! The trait of an app that has sessions of its own.

use rocket::Request;
use rocket::response::Redirect;

use crate::error::Result;
use crate::user::UserId;

/// The result of [`Sessions::sign_in`].
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "`RedirectFirst` means that the user is not signed in yet"]
pub enum SignInOutcome {
    /// The user is signed in.
    Done,
    /// The user must do something else first, for example enter a second factor, and is redirected there.
    /// `examples/second_factor.rs` is a whole app.
    RedirectFirst(Box<Redirect>),
}

impl SignInOutcome {
    /// Returns [`RedirectFirst`](SignInOutcome::RedirectFirst) with the target `to`.
    ///
    /// ```
    /// use rocket::response::Redirect;
    /// use rocket_dance::SignInOutcome;
    ///
    /// let outcome = SignInOutcome::redirect_first(Redirect::to("/second-factor"));
    /// assert!(matches!(outcome, SignInOutcome::RedirectFirst(_)));
    /// ```
    pub fn redirect_first(to: Redirect) -> Self {
        SignInOutcome::RedirectFirst(Box::new(to))
    }
}

/// The app's own sessions: `Dance::fairing().sessions(AppSessions)`. Without them, rocket_dance keeps the sessions itself,
/// see [`CurrentUser`](crate::CurrentUser).
///
/// # Example
///
/// A session in one of Rocket's private cookies. `examples/own_sessions.rs` is the whole app.
///
/// - Its `SameSite` is `Lax`, because a sign-in ends with a redirect from the provider's site to the app. Browsers do not send
///   a `Strict` cookie, Rocket's default, with that request, so that the user would appear to be signed out.
/// - It is read with [`private_cookie`](crate::private_cookie), because a sibling domain can plant a cookie that
///   `request.cookies()` takes for this one.
///
/// ```
#[doc = include_str!("../../docs/app_sessions.rs")]
///
/// let fairing = rocket_dance::Dance::fairing().sessions(AppSessions);
/// # let _ = fairing;
/// ```
#[rocket::async_trait]
pub trait Sessions: Send + Sync + 'static {
    /// The type of the app's user ids. It must be the type of the policy; the launch compares them.
    type User: UserId;

    /// Returns the user that `request` is from. `None` if no user is signed in.
    ///
    /// # Errors
    /// An error means that the answer is not known at the moment, for example because a database cannot be reached. Never
    /// return `None` then: an outage must not look like a signed-out user.
    async fn current(&self, request: &Request<'_>) -> Result<Option<Self::User>>;

    /// Signs `user` in. Account and user are committed already.
    ///
    /// Give the session a new id, to prevent session fixation.
    ///
    /// # Errors
    /// The user is not signed in and sees the error. Nothing is lost: the next sign-in finds the account and the user.
    async fn sign_in(&self, request: &Request<'_>, user: &Self::User) -> Result<SignInOutcome>;

    /// Signs out the user that `request` is from, if there is one.
    ///
    /// # Errors
    /// The user stays signed in and sees the error.
    async fn sign_out(&self, request: &Request<'_>) -> Result<()>;

    /// Returns whether `owner` may become one with the user of `request` ([`Verdict::MergeUsers`](crate::Verdict::MergeUsers)).
    /// The person has signed in at a provider as `owner`, but [`sign_in`](Sessions::sign_in) was not asked about `owner`. The
    /// default is `false`. Return `true` only if a sign-in of `owner` needs nothing more, for example no second factor.
    ///
    /// # Errors
    /// The users are not merged, and the user sees the error.
    async fn may_merge(&self, request: &Request<'_>, owner: &Self::User) -> Result<bool> {
        let _ = (request, owner);
        Ok(false)
    }
}
