//! `CurrentUser<U>` as a guard.

use std::panic::Location;

use rocket::{Ignite, Request, Rocket, Sentinel};

use super::caller::is_wrapper_in_route;
use super::outcome::impl_from_request;
use super::sentinel::must_abort_for_user;
use crate::dance::Dance;
use crate::error::{Error, ErrorKind, Result};
use crate::session::CurrentUser;
use crate::user::UserId;

async fn find<U: UserId>(request: &Request<'_>) -> Result<CurrentUser<U>> {
    match Dance::of(request)?.user(request).await? {
        Some(user) => CurrentUser::parse(user),
        None => Err(Error::new(ErrorKind::NotSignedIn, "Please sign in.")),
    }
}

impl_from_request!([U: UserId] CurrentUser<U>, None, find);

impl<U: UserId> Sentinel for CurrentUser<U> {
    #[track_caller]
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        if !is_wrapper_in_route(rocket, Location::caller()) {
            Dance::note_guard(rocket, &format!("CurrentUser<{}>", std::any::type_name::<U>()));
        }
        must_abort_for_user::<U>(rocket, "CurrentUser")
    }
}
