//! The error of a failed guard, for the app's own catchers.

use rocket::Request;

use crate::dance::guard_failure;
use crate::error::Error;

/// Returns the error with which a guard of this crate has failed `request`; `None` if a status has another cause.
///
/// It is for a catcher of the app's own: it can show the error's words in the app's own page, or return the error, which is
/// answered as from a handler. Without such a catcher the error is answered by itself: see [`catchers`](crate::catchers).
///
/// ```
/// use rocket::Request;
/// use rocket_dance::Error;
///
/// #[rocket::catch(503)]
/// fn unavailable(request: &Request<'_>) -> String {
///     match rocket_dance::guard_error(request) {
///         Some(error) => error.to_string(),
///         None => "This page is not available at the moment.".into(),
///     }
/// }
///
/// #[rocket::catch(default)]
/// fn failed(request: &Request<'_>) -> Result<Error, &'static str> {
///     rocket_dance::guard_error(request).ok_or("Something went wrong.")
/// }
/// # let _ = rocket::build().register("/", rocket::catchers![unavailable, failed]);
/// ```
pub fn guard_error(request: &Request<'_>) -> Option<Error> {
    guard_failure(request)
}
