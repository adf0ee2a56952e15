//! [`Error`] as the response of a handler.

use rocket::Request;
use rocket::http::Status;
use rocket::response::{self, Responder};

use super::challenge::Challenge;
use super::unauthorized_response::challenge_response;
use crate::dance::{Dance, respond, wants_json};
use crate::error::{Error, ErrorKind};

/// A handler can return an error, for example with `?`.
///
/// A missing account or a dead grant leads to the sign-in, as from a guard. For any other error, a request that names JSON
/// in `Accept` gets the error as JSON; other requests get the app's catcher for the error's status.
impl<'r> Responder<'r, 'static> for Error {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let Ok(dance) = Dance::of(request) else { return Err(Status::InternalServerError) };
        let entry = self.entry().map(str::to_owned);
        dance.log_error(entry.as_deref().unwrap_or("app"), None, &self);
        match self.kind() {
            kind @ (ErrorKind::NotSignedIn | ErrorKind::NotConnected | ErrorKind::ReconnectNeeded) => {
                Ok(challenge_response(dance, request, &Challenge { route: None, entry, kind }))
            }
            _ if wants_json(request) => Ok(respond(dance, request, Err(self))),
            kind => Err(kind.status()),
        }
    }
}
