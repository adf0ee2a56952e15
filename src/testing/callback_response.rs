//! [`CallbackResponse`]: how a sign-in ends.

use rocket::http::Status;

/// The response of the callback, at which a sign-in ends.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CallbackResponse {
    /// The status: 303 after a successful sign-in.
    pub status: Status,
    /// The `Location` header: where the user is sent.
    pub location: Option<String>,
    /// The body.
    pub body: String,
}
