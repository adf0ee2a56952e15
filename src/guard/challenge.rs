//! The challenge of a guard: a 401 that leads to a sign-in.

use std::panic::Location;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};

use rocket::Request;
use rocket::http::Status;
use rocket::request::Outcome;

use crate::dance::Dance;
use crate::error::{Error, ErrorKind, Result};

/// The future of a guard, as Rocket's `FromRequest` returns it.
pub(super) type GuardFuture<'a, T> = Pin<Box<dyn Future<Output = Outcome<T, Error>> + Send + 'a>>;

/// Why a guard has forwarded a request with 401.
#[derive(Clone)]
pub(super) struct Challenge {
    /// The route whose guard it was. The 401 of another route has another cause.
    pub(super) route: Option<usize>,
    /// The entry that the guard needs; `None`: any sign-in.
    pub(super) entry: Option<String>,
    pub(super) kind: ErrorKind,
}

/// The challenge of a request, in its local cache.
#[derive(Default)]
struct StoredChallenge(Mutex<Option<Challenge>>);

/// Stores why a guard forwards `request` with 401. It does nothing if `caller` is Rocket's own `Option<G>` or
/// `Result<G, E>`: the handler runs then, and if it answers 401 itself, that must not lead to a provider.
fn store_challenge(request: &Request<'_>, caller: &Location<'_>, entry: Option<&str>, kind: ErrorKind) {
    let file = caller.file().replace('\\', "/");
    if !file.ends_with("src/request/from_request.rs") {
        let challenge = Challenge { route: current_route(request), entry: entry.map(str::to_owned), kind };
        let stored = request.local_cache(StoredChallenge::default);
        *stored.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(challenge);
    }
}

/// The challenge that a guard of the current route has stored.
pub(super) fn stored_challenge(request: &Request<'_>) -> Option<Challenge> {
    let stored = request.local_cache(StoredChallenge::default);
    let challenge = stored.0.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
    (challenge.route == current_route(request)).then_some(challenge)
}

fn current_route(request: &Request<'_>) -> Option<usize> {
    request.route().map(|route| std::ptr::from_ref(route) as usize)
}

/// The outcome of a guard. An error that a sign-in can solve forwards with 401, to the catchers; any other one fails.
pub(super) fn guard_outcome<T>(
    request: &Request<'_>,
    caller: &Location<'_>,
    entry: Option<&str>,
    found: Result<T>,
) -> Outcome<T, Error> {
    match found {
        Ok(guard) => Outcome::Success(guard),
        Err(error) if error.kind().status() == Status::Unauthorized => {
            store_challenge(request, caller, entry, error.kind());
            Outcome::Forward(Status::Unauthorized)
        }
        Err(error) => guard_failure(request, entry, error),
    }
}

/// The outcome of a guard after an error that the visitor can't solve.
pub(super) fn guard_failure<T>(
    request: &Request<'_>,
    entry: Option<&str>,
    error: Error,
) -> Outcome<T, Error> {
    if let Ok(dance) = Dance::of(request) {
        dance.log_error(entry.unwrap_or("app"), None, &error);
    }
    Outcome::Error((error.kind().status(), error))
}
