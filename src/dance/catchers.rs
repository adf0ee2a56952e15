//! The catcher of failed guards, and the warning at launch if the app has not registered the one for 401.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use rocket::catcher::{BoxFuture, Catcher};
use rocket::fairing::AdHoc;
use rocket::http::Status;
use rocket::{Ignite, Orbit, Request, Rocket};

use super::handle::Dance;
use super::web::{guard_failure, respond};

/// The name of the catcher in the launch list.
const CATCHER_NAME: &str = "oauth: answers a failed guard with the error page";

/// Registers the catcher of failed guards: a default catcher, so that every catcher of the app for a status takes
/// precedence. An app that has a default catcher of its own keeps that.
///
/// It is a fairing of its own, which runs after the app's: only then is known which catchers the app has. Rocket rejects two
/// catchers for one status at one base.
pub(super) fn error_catcher() -> AdHoc {
    AdHoc::on_ignite("OAuth dance: error pages", |rocket| async {
        let has_own = rocket.catchers().any(|catcher| catcher.code.is_none() && catcher.base == "/");
        if has_own {
            return rocket;
        }
        let mut catcher = Catcher::new(None, catch);
        catcher.name = Some(CATCHER_NAME.into());
        rocket.register("/", vec![catcher])
    })
}

/// Answers with the error of the guard that has failed. Any other cause of the status gets Rocket's own answer.
fn catch<'r>(status: Status, request: &'r Request<'_>) -> BoxFuture<'r> {
    Box::pin(async move {
        let error = guard_failure(request).filter(|error| error.kind().status() == status);
        match (Dance::of(request), error) {
            (Ok(dance), Some(error)) => Ok(respond(dance, request, Err(error))),
            _ => Catcher::default().handler.handle(status, request).await,
        }
    })
}

/// The guards of routes, as the launch has found them.
#[derive(Default)]
pub(super) struct RouteGuards {
    /// One that needs an answer to its 401.
    unauthorized: OnceLock<String>,
    /// Whether one gives the user of the request.
    has_users: AtomicBool,
}

impl RouteGuards {
    /// Whether a route has a guard that gives the user of the request.
    pub(super) fn has_users(&self) -> bool {
        self.has_users.load(Ordering::Relaxed)
    }
}

impl Dance {
    /// Notes at launch that a route has `guard`, which answers 401.
    pub(crate) fn note_guard(rocket: &Rocket<Ignite>, guard: &str) {
        if let Some(noted) = rocket.state::<RouteGuards>() {
            noted.unauthorized.get_or_init(|| guard.to_owned());
        }
    }

    /// Notes at launch that a route has a guard that gives the user of the request: the app has users.
    pub(crate) fn note_users(rocket: &Rocket<Ignite>) {
        if let Some(noted) = rocket.state::<RouteGuards>() {
            noted.has_users.store(true, Ordering::Relaxed);
        }
    }
}

/// Logs a warning if a route has a guard that answers 401, and no catcher handles that.
pub(super) fn warn_if_unregistered(rocket: &Rocket<Orbit>) {
    let Some(guard) = rocket.state::<RouteGuards>().and_then(|noted| noted.unauthorized.get()) else {
        return;
    };
    let is_ours = |catcher: &Catcher| catcher.name.as_deref() == Some(CATCHER_NAME);
    let handles_401 = |catcher: &Catcher| match catcher.code {
        Some(code) => code == Status::Unauthorized.code,
        None => !is_ours(catcher),
    };
    if !rocket.catchers().any(handles_401) {
        log::warn!(
            "oauth: a route has the guard `{guard}`, and no catcher handles its 401: a visitor gets an error page instead of \
             the sign-in. Add `.register(\"/\", rocket_dance::catchers())`"
        );
    }
}
