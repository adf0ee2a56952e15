//! The outcome of a guard, and its `FromRequest`.

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

/// Implements `FromRequest` for a guard: `find` returns it, or the error. `entry` is the entry that it needs.
macro_rules! impl_from_request {
    ([$($generics:tt)*] $guard:ty, $entry:expr, $find:expr) => {
        impl<'r, $($generics)*> rocket::request::FromRequest<'r> for $guard {
            type Error = crate::error::Error;

            // Written without the `async_trait` attribute, to get the caller's location: see `caller`.
            #[track_caller]
            fn from_request<'life0, 'async_trait>(
                request: &'r rocket::Request<'life0>,
            ) -> $crate::guard::outcome::GuardFuture<'async_trait, Self>
            where
                'r: 'async_trait,
                'life0: 'async_trait,
                Self: 'async_trait,
            {
                let caller = std::panic::Location::caller();
                Box::pin(async move {
                    $crate::guard::outcome::guard_outcome(request, caller, $entry, $find(request).await).await
                })
            }
        }
    };
}
pub(super) use impl_from_request;

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
