//! [`AppResponse`]: what an app answers to the testing kit.

use rocket::http::Status;

/// The response of the app to the last request of [`sign_in`](crate::testing::sign_in), the callback, or to the form of
/// [`submit`](crate::testing::submit).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct AppResponse {
    /// The status: 303 after a successful sign-in, and after most forms.
    pub status: Status,
    /// The `Location` header: where the user is sent.
    pub location: Option<String>,
    /// The body.
    pub body: String,
}
