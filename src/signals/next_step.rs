//! How a flow continues after its authorization.

use crate::local_path::LocalPath;
use rocket::Response;

/// The answer of [`Signals::authorized`](crate::Signals::authorized): how the flow continues. The variants are listed
/// from the most lenient to the strictest.
///
/// ```
/// use rocket_dance::NextStep;
///
/// let step = NextStep::Refuse("Only members can sign in.".into());
/// # let _ = step;
/// ```
#[derive(Debug)]
#[non_exhaustive]
#[must_use = "the dance continues as the returned step says"]
pub enum NextStep {
    /// Continue.
    Continue,
    /// Continue, and redirect to this path of the app afterwards.
    ContinueTo(LocalPath),
    /// Discard the login: store no token and no account, and sign no user in. The visitor is redirected to the page that
    /// the flow would have led to. This is Flask-Dance's `return False`.
    Discard,
    /// Store nothing, sign no user in, and send this response.
    Respond(Response<'static>),
    /// Refuse the login with a text for the visitor. Nothing is stored, and no user is signed in.
    Refuse(String),
}

impl NextStep {
    /// The position of this step from the most lenient (0) to the strictest.
    pub(super) fn strictness(&self) -> u8 {
        match self {
            NextStep::Continue => 0,
            NextStep::ContinueTo(_) => 1,
            NextStep::Discard => 2,
            NextStep::Respond(_) => 3,
            NextStep::Refuse(_) => 4,
        }
    }
}
