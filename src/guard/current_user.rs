//! `CurrentUser<U>` as a guard.

use std::panic::Location;
use std::pin::Pin;

use rocket::http::Status;
use rocket::request::{FromRequest, Outcome};
use rocket::{Ignite, Request, Rocket, Sentinel};

use super::challenge::mark;
use crate::dance::Dance;
use crate::error::{Error, ErrorKind};
use crate::session::CurrentUser;
use crate::storage::UserType;
use crate::user::UserId;

type BoxedOutcome<'a, T> = Pin<Box<dyn Future<Output = Outcome<T, Error>> + Send + 'a>>;

impl<'r, U: UserId> FromRequest<'r> for CurrentUser<U> {
    type Error = Error;

    // Written out for the caller's location: see `mark`.
    #[track_caller]
    fn from_request<'life0, 'async_trait>(request: &'r Request<'life0>) -> BoxedOutcome<'async_trait, Self>
    where
        'r: 'async_trait,
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        let caller = Location::caller();
        Box::pin(async move {
            let user = match Dance::of(request) {
                Ok(dance) => dance.user(request).await.and_then(|user| user.map(Self::parse).transpose()),
                Err(error) => Err(error),
            };
            match user {
                Ok(Some(user)) => Outcome::Success(user),
                Ok(None) => {
                    mark(request, caller, None, ErrorKind::NotSignedIn);
                    Outcome::Forward(Status::Unauthorized)
                }
                Err(error) => {
                    log::error!("oauth: the session can't be read: {error:?}");
                    Outcome::Error((error.kind().status(), error))
                }
            }
        })
    }
}

impl<U: UserId> Sentinel for CurrentUser<U> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        let wanted = UserType::of::<U>();
        let fault = match Dance::fetch(rocket) {
            None => "attach the fairing, `.attach(rocket_dance::Dance::fairing())`".to_owned(),
            Some(dance) => match dance.user_type {
                Some(known) if known != wanted => {
                    format!("the app's user ids are `{}`: take `CurrentUser<{0}>`", known.name())
                }
                _ => return false,
            },
        };
        log::error!("oauth: a route has the guard `CurrentUser<{}>`: {fault}", wanted.name());
        true
    }
}
