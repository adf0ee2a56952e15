//! `Purpose`: what a flow is for.

use serde::{Deserialize, Serialize};

/// What a flow is for.
///
/// ```
/// use rocket_dance::{AuthorizationRequest, Purpose};
///
/// fn ask_for_an_account(authorization: &mut AuthorizationRequest) {
///     if authorization.purpose == Purpose::Connect {
///         authorization.param("prompt", "select_account");
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Purpose {
    /// To sign in: no user was signed in when it began.
    SignIn,
    /// To connect an account to the user who was signed in when it began.
    Connect,
    /// To connect the site's own account: no user signs in.
    Site,
}
