//! [`Error`] as the response of a handler.

use rocket::http::Status;
use rocket::response::{self, Responder};
use rocket::{Ignite, Request, Rocket, Sentinel};

use super::unauthorized_response::challenge_response;
use crate::dance::{Dance, guard_failure, respond};
use crate::error::{Error, ErrorKind};

/// A handler can return an error, for example with `?`. The answer is the same as if a guard had failed with it, and has the
/// status of its [kind](ErrorKind::status):
///
/// - A missing account, a dead grant or a missing scope leads to the sign-in.
/// - Any other error is the error page with the error's words, so that the user reads those of [`Error::refused`]. Catchers of the
///   app are not asked: for them, a handler returns `error.kind().status()`.
/// - A request that names JSON in `Accept` gets `{"error": {"code", "message", "login_url"}}`.
impl<'r> Responder<'r, 'static> for Error {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let Ok(dance) = Dance::of(request) else { return Err(Status::InternalServerError) };
        // A catcher may return the error of a guard, which has logged it.
        if guard_failure(request).is_none() {
            dance.log_error(self.entry().unwrap_or("app"), None, &self);
        }
        Ok(match self.kind() {
            ErrorKind::NotSignedIn
            | ErrorKind::NotConnected
            | ErrorKind::ReconnectNeeded
            | ErrorKind::ScopeMissing => challenge_response(dance, request, self),
            _ => respond(dance, request, Err(self)),
        })
    }
}

/// It never stops a launch. With it, Rocket checks a `Result<G, Error>` as a whole, and a guard's own check sees that a route
/// has the guard in a `Result`.
impl Sentinel for Error {
    fn abort(_: &Rocket<Ignite>) -> bool {
        false
    }
}
