//! 401: to the sign-in, and back.

use std::panic::Location;
use std::sync::{Mutex, PoisonError};

use rocket::catcher::{BoxFuture, Catcher};
use rocket::http::{Method, Status};
use rocket::request::Outcome;
use rocket::response::{self, Responder, Response};
use rocket::{Request, catcher};

use crate::dance::{Dance, Reply, error_json, wants_json};
use crate::error::{Error, ErrorKind, Result};
use crate::local_path::LocalPath;

/// Left by a guard that forwarded 401, for the catcher.
#[derive(Default)]
struct Mark(Mutex<Option<Challenge>>);

#[derive(Clone)]
struct Challenge {
    /// The route at which it was left: another one's 401 is its own.
    route: Option<usize>,
    entry: Option<String>,
    kind: ErrorKind,
}

/// Marks `request` as failed by a guard of ours that wanted `entry`, unless `caller` is Rocket's own `Option<G>` or
/// `Result<G, E>`: then the handler runs, and a 401 of its own must not send the person to a provider.
fn mark(request: &Request<'_>, caller: &Location<'_>, entry: Option<&str>, kind: ErrorKind) {
    let file = caller.file().replace('\\', "/");
    if !file.ends_with("src/request/from_request.rs") {
        let challenge = Challenge { route: route(request), entry: entry.map(str::to_owned), kind };
        *request.local_cache(Mark::default).0.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(challenge);
    }
}

/// Which route `request` is at.
fn route(request: &Request<'_>) -> Option<usize> {
    request.route().map(|route| std::ptr::from_ref(route) as usize)
}

/// What a guard answers: where the person can help it the 401 is left to the catchers, marked.
pub(super) fn outcome<T>(
    request: &Request<'_>,
    caller: &Location<'_>,
    entry: Option<&str>,
    found: Result<T>,
) -> Outcome<T, Error> {
    match found {
        Ok(guard) => Outcome::Success(guard),
        Err(error) if error.kind().status() == Status::Unauthorized => {
            mark(request, caller, entry, error.kind());
            Outcome::Forward(Status::Unauthorized)
        }
        Err(error) => failed(request, entry, error),
    }
}

/// What a guard answers when nobody at the browser can help it.
pub(super) fn failed<T>(request: &Request<'_>, entry: Option<&str>, error: Error) -> Outcome<T, Error> {
    if let Ok(dance) = Dance::of(request) {
        dance.log_error(entry.unwrap_or("app"), None, &error);
    }
    Outcome::Error((error.kind().status(), error))
}

/// What answers a 401 that a guard of ours caused: for GET a redirect to that provider's sign-in, and back here
/// afterwards; for JSON the contract's error with its `login_url`. None for any other 401.
///
/// For an app with a 401 catcher of its own:
///
/// ```
/// use rocket::Request;
/// use rocket_dance::Unauthorized;
///
/// #[rocket::catch(401)]
/// fn unauthorized(request: &Request<'_>) -> Result<Unauthorized, &'static str> {
///     rocket_dance::unauthorized(request).ok_or("Who are you?")
/// }
/// ```
pub fn unauthorized(request: &Request<'_>) -> Option<Unauthorized> {
    let dance = Dance::of(request).ok()?;
    let challenge =
        request.local_cache(Mark::default).0.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
    if challenge.route != route(request) {
        return None;
    }
    Some(Unauthorized(answer(dance, request, &challenge)))
}

/// The answer of [`unauthorized`]. Rocket's own `Response` is no `Responder`, so that a catcher couldn't return it.
#[derive(Debug)]
pub struct Unauthorized(Response<'static>);

impl<'r> Responder<'r, 'static> for Unauthorized {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        Ok(self.0)
    }
}

fn answer(dance: &Dance, request: &Request<'_>, challenge: &Challenge) -> Response<'static> {
    let next = Some(request.uri().to_string()).filter(|_| request.method() == Method::Get);
    let next = dance.checked_next(next.as_deref());
    // An entry that is only for connecting signs nobody in.
    let entry = challenge.entry.as_deref().filter(|name| dance.entry(name).is_ok_and(|entry| entry.login));
    let login_url = dance.login_path(entry, next.as_ref().map(LocalPath::as_str));
    let error = Error::new(
        challenge.kind,
        match challenge.kind {
            ErrorKind::NotSignedIn => "Please sign in.",
            _ => "Please connect your account.",
        },
    );
    if request.method() == Method::Get && !wants_json(request) {
        return dance.respond(request, Ok(Reply::SeeOther(login_url)));
    }
    let mut response = match wants_json(request) {
        true => dance.respond(request, Ok(Reply::Json(error_json(&error, Some(&login_url))))),
        false => dance.respond(request, Err(error)),
    };
    response.set_status(Status::Unauthorized);
    response
}

/// The 401 catcher that sends people from a guard to the sign-in: `.register("/", rocket_dance::catchers())`.
///
/// Any other 401 gets a plain answer. An app with a 401 catcher of its own at the same base calls [`unauthorized`] in
/// it instead: Rocket refuses two.
pub fn catchers() -> Vec<Catcher> {
    fn catch<'r>(status: Status, request: &'r Request<'_>) -> BoxFuture<'r> {
        Box::pin(async move {
            let plain = || {
                let mut response = Response::new();
                response.set_status(status);
                response
            };
            catcher::Result::Ok(unauthorized(request).map_or_else(plain, |answer| answer.0))
        })
    }
    vec![Catcher::new(401, catch)]
}

/// In a handler, `?` on an error of ours answers: a dead grant leads to the sign-in, as from a guard; anything else is
/// left to the app's catchers under its status, or is the contract's JSON where the request names JSON.
impl<'r> Responder<'r, 'static> for Error {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let Ok(dance) = Dance::of(request) else { return Err(Status::InternalServerError) };
        let entry = self.entry().map(str::to_owned);
        dance.log_error(entry.as_deref().unwrap_or("app"), None, &self);
        match self.kind() {
            kind @ (ErrorKind::NotSignedIn | ErrorKind::NotConnected | ErrorKind::ReconnectNeeded) => {
                Ok(answer(dance, request, &Challenge { route: None, entry, kind }))
            }
            _ if wants_json(request) => Ok(dance.respond(request, Err(self))),
            kind => Err(kind.status()),
        }
    }
}
