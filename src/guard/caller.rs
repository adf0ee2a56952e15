//! Finds out who calls a guard: a route or the app's own code, or Rocket for an `Option<G>` or a `Result<G, E>`.
//!
//! Rocket passes a guard's forward through a `Result<G, E>`, so that the handler never sees the error. And the handler of an
//! `Option<G>` runs after a failure: if it answers 401 itself, that must not lead to a provider. Rocket tells a guard nothing
//! about its caller, but the location of the call does: a probe learns Rocket's own locations.

use std::cell::Cell;
use std::convert::Infallible;
use std::panic::Location;
use std::pin::Pin;
use std::sync::OnceLock;

use rocket::request::{FromRequest, Outcome};
use rocket::{Ignite, Request, Rocket, Sentinel};

/// A guard that only learns who calls it.
struct Probe(&'static Location<'static>);

impl<'r> FromRequest<'r> for Probe {
    type Error = Infallible;

    #[track_caller]
    fn from_request<'life0, 'async_trait>(
        _: &'r Request<'life0>,
    ) -> Pin<Box<dyn Future<Output = Outcome<Self, Infallible>> + Send + 'async_trait>>
    where
        'r: 'async_trait,
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        let caller = Location::caller();
        Box::pin(async move { Outcome::Success(Self(caller)) })
    }
}

/// Whether `caller` is Rocket, for an `Option<G>`, a `Result<G, E>` or an `Outcome<G, E>`: their handlers run after a failure
/// of the guard as well.
pub(super) async fn is_wrapper(request: &Request<'_>, caller: &Location<'_>) -> bool {
    /// The file with Rocket's implementations for these types.
    static FILE: OnceLock<Option<&'static str>> = OnceLock::new();
    let file = match FILE.get() {
        Some(file) => *file,
        None => {
            let probe = Option::<Probe>::from_request(request).await.succeeded().flatten();
            *FILE.get_or_init(|| probe.map(|probe| probe.0.file()))
        }
    };
    file == Some(caller.file())
}

thread_local! {
    static SENTINEL_CALLER: Cell<Option<&'static Location<'static>>> = const { Cell::new(None) };
}

impl Sentinel for Probe {
    #[track_caller]
    fn abort(_: &Rocket<Ignite>) -> bool {
        SENTINEL_CALLER.set(Some(Location::caller()));
        false
    }
}

/// The same for `caller` of a sentinel: whether a route has the guard in an `Option<G>` or a `Result<G, E>`.
pub(super) fn is_wrapper_in_route(rocket: &Rocket<Ignite>, caller: &Location<'_>) -> bool {
    let wrappers = [<Option<Probe> as Sentinel>::abort, <Result<Probe, crate::Error> as Sentinel>::abort];
    wrappers.into_iter().any(|abort| {
        abort(rocket);
        SENTINEL_CALLER.take() == Some(caller)
    })
}
