//! `CurrentUser<U>` as a guard.

use std::panic::Location;

use rocket::request::FromRequest;
use rocket::{Ignite, Request, Rocket, Sentinel};

use super::caller::is_wrapper_in_route;
use super::outcome::{GuardFuture, guard_outcome};
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

impl<'r, U: UserId> FromRequest<'r> for CurrentUser<U> {
    type Error = Error;

    // Written without the `async_trait` attribute, to get the caller's location: see `caller`.
    #[track_caller]
    fn from_request<'life0, 'async_trait>(request: &'r Request<'life0>) -> GuardFuture<'async_trait, Self>
    where
        'r: 'async_trait,
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        let caller = Location::caller();
        Box::pin(async move { guard_outcome(request, caller, None, find(request).await).await })
    }
}

impl<U: UserId> Sentinel for CurrentUser<U> {
    #[track_caller]
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        if !is_wrapper_in_route(rocket, Location::caller()) {
            Dance::note_guard(rocket, &format!("CurrentUser<{}>", std::any::type_name::<U>()));
        }
        must_abort_for_user::<U>(rocket, "CurrentUser")
    }
}
