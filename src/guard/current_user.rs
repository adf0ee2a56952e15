//! `CurrentUser<U>` as a guard.

use std::panic::Location;

use rocket::request::FromRequest;
use rocket::{Ignite, Request, Rocket, Sentinel};

use super::challenge::{GuardFuture, guard_outcome};
use super::sentinel::ATTACH_FAIRING;
use crate::dance::Dance;
use crate::error::{Error, ErrorKind, Result};
use crate::session::CurrentUser;
use crate::storage::UserType;
use crate::user::UserId;

async fn find<U: UserId>(request: &Request<'_>) -> Result<CurrentUser<U>> {
    match Dance::of(request)?.user(request).await? {
        Some(user) => CurrentUser::parse(user),
        None => Err(Error::new(ErrorKind::NotSignedIn, "Please sign in.")),
    }
}

impl<'r, U: UserId> FromRequest<'r> for CurrentUser<U> {
    type Error = Error;

    // Written without the `async_trait` attribute, to get the caller's location: see `challenge::store_challenge`.
    #[track_caller]
    fn from_request<'life0, 'async_trait>(request: &'r Request<'life0>) -> GuardFuture<'async_trait, Self>
    where
        'r: 'async_trait,
        'life0: 'async_trait,
        Self: 'async_trait,
    {
        let caller = Location::caller();
        Box::pin(async move { guard_outcome(request, caller, None, find(request).await) })
    }
}

impl<U: UserId> Sentinel for CurrentUser<U> {
    fn abort(rocket: &Rocket<Ignite>) -> bool {
        let wanted = UserType::of::<U>();
        let fault = match Dance::fetch(rocket) {
            None => ATTACH_FAIRING.to_owned(),
            Some(dance) => match dance.user_type() {
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
