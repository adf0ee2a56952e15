//! The warning at launch of an app that expects users and attaches no storage.

use rocket::{Orbit, Rocket};

use super::catchers::RouteGuards;
use super::handle::Dance;

/// In the managed state if the app attaches no storage, so that it has the default one.
pub(super) struct NoStorageAttached;

/// Logs a warning if a route has a guard of the signed-in user, and no sign-in can make one: each browser keeps its own accounts,
/// without users. An app with sessions of its own has its own users, and `.storage(CookieStorage)` says that this is meant.
pub(super) fn warn_if_users_are_expected(rocket: &Rocket<Orbit>, dance: &Dance) {
    let is_default = rocket.state::<NoStorageAttached>().is_some() && dance.is_stored_in_browsers();
    let expects_users = rocket.state::<RouteGuards>().is_some_and(RouteGuards::has_users);
    let has_own_sessions = dance.sessions().cookie_sessions().is_none();
    let names: Vec<&str> = dance.entries().keys().map(String::as_str).collect();
    if is_default && expects_users && !has_own_sessions && !names.is_empty() {
        log::warn!(
            "oauth: a route has a guard of the signed-in user (`CurrentUser`, `Visitor`), but no storage is attached, so that a \
             sign-in with a provider ({}) signs no user in. Write \
             `Dance::fairing().storage(DieselStorage::database(\"…\").migrate().link(sign_up))`; or, if the app itself signs users \
             in with `CurrentUser::sign_in`, write `.storage(CookieStorage)`",
            names.join(", ")
        );
    }
}
