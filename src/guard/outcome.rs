//! The outcome of a guard.

use std::panic::Location;
use std::pin::Pin;

use rocket::Request;
use rocket::http::Status;
use rocket::request::Outcome;

use super::caller::is_wrapper;
use crate::dance::{Dance, store_guard_failure};
use crate::error::{Error, Result};

/// The future of a guard, as Rocket's `FromRequest` returns it.
pub(super) type GuardFuture<'a, T> = Pin<Box<dyn Future<Output = Outcome<T, Error>> + Send + 'a>>;

/// The outcome of a guard that `caller` has called. `entry` is the entry that it needs.
///
/// An error that a sign-in can solve forwards with 401, so that another route may serve visitors; any other error fails with
/// its status. The catchers answer with the error. In an `Option<G>` or a `Result<G, E>` both fail, so that the handler gets
/// the error.
pub(super) async fn guard_outcome<T>(
    request: &Request<'_>,
    caller: &Location<'_>,
    entry: Option<&str>,
    found: Result<T>,
) -> Outcome<T, Error> {
    let error = match (found, entry) {
        (Ok(guard), _) => return Outcome::Success(guard),
        (Err(error), Some(entry)) if error.entry().is_none() => error.with_entry(entry),
        (Err(error), _) => error,
    };
    let status = error.kind().status();
    if status != Status::Unauthorized
        && let Ok(dance) = Dance::of(request)
    {
        dance.log_error(entry.unwrap_or("app"), None, &error);
    }
    if is_wrapper(request, caller).await {
        return Outcome::Error((status, error));
    }
    store_guard_failure(request, &error);
    match status {
        Status::Unauthorized => Outcome::Forward(status),
        _ => Outcome::Error((status, error)),
    }
}
