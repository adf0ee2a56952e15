//! The error with which a guard has failed a request, for the catcher that answers it.

use std::sync::Mutex;

use rocket::Request;

use crate::error::Error;
use crate::lock::lock;

/// The failure of a guard, in the local cache of its request.
#[derive(Default)]
struct StoredFailure(Mutex<Option<GuardFailure>>);

struct GuardFailure {
    /// The route whose guard it was. A failure of another route has another cause.
    route: Option<usize>,
    error: Error,
}

/// Stores that a guard has failed `request` with `error`.
pub(crate) fn store_guard_failure(request: &Request<'_>, error: &Error) {
    let failure = GuardFailure { route: current_route(request), error: error.copy() };
    let stored = request.local_cache(StoredFailure::default);
    *lock(&stored.0) = Some(failure);
}

/// Returns the error with which a guard of the current route has failed `request`.
pub(crate) fn guard_failure(request: &Request<'_>) -> Option<Error> {
    let stored = request.local_cache(StoredFailure::default);
    let stored = lock(&stored.0);
    let failure = stored.as_ref().filter(|failure| failure.route == current_route(request))?;
    Some(failure.error.copy())
}

fn current_route(request: &Request<'_>) -> Option<usize> {
    request.route().map(|route| std::ptr::from_ref(route) as usize)
}
