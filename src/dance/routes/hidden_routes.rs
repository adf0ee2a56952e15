//! The warning at launch of the app's routes that hide ours: Rocket asks the route with the lower rank first.

use rocket::http::Method;
use rocket::route::Route;
use rocket::{Orbit, Rocket};

use super::mount::callback_method;
use crate::dance::handle::Dance;
use crate::paths::{Path, fits, is_own_route, plain_segments};

/// Maximum number of hidden routes that a warning names.
const MAX_NAMED: usize = 3;

/// A request that one of our routes must answer.
struct OwnRequest {
    method: Method,
    path: String,
    does: &'static str,
}

/// Logs a warning for each route of the app that answers requests to our routes. The app's own pages in place of pages that only
/// show something are no mistake.
pub(in crate::dance) fn warn_of_hidden_routes(rocket: &Rocket<Orbit>, dance: &Dance) {
    let (ours, others): (Vec<&Route>, Vec<&Route>) = rocket.routes().partition(|route| is_own_route(route));
    let requests = own_requests(dance);
    for route in others.into_iter().filter(|route| is_asked_first(route)) {
        let is_hidden = |request: &&OwnRequest| {
            let own = ours.iter().filter(|own| serves(own, request)).map(|own| own.rank).min();
            own.is_some_and(|rank| route.rank < rank) && serves(route, request)
        };
        let hidden: Vec<String> = requests
            .iter()
            .filter(is_hidden)
            .map(|hidden| format!("{} {}, which {}", hidden.method, hidden.path, hidden.does))
            .collect();
        if !hidden.is_empty() {
            let more = match hidden.len().saturating_sub(MAX_NAMED) {
                0 => String::new(),
                more => format!("; and {more} more"),
            };
            log::warn!(
                "oauth: the app's route `{}` ({} {}) gets the requests to {}{more}. Remove it, or mount it at another path",
                route.name.as_deref().unwrap_or("without a name"),
                route.method,
                route.uri,
                hidden[..hidden.len().min(MAX_NAMED)].join("; ")
            );
        }
    }
}

/// Whether `route` of the app is asked for every request to its path. A route with a parameter of fixed value in its query or with
/// a format of its own is not, and a file server passes on what it has no file for.
fn is_asked_first(route: &Route) -> bool {
    let mut query = route.uri.query().unwrap_or_default().split('&');
    let is_form = |format: &rocket::http::MediaType| format.is_form() || format.is_html() || format.is_any();
    query.all(|part| part.is_empty() || part.starts_with('<'))
        && route.format.as_ref().is_none_or(is_form)
        && !route.name.as_deref().is_some_and(|name| name.starts_with("FileServer"))
}

/// Whether Rocket's router finds `route` for `request`.
fn serves(route: &Route, request: &OwnRequest) -> bool {
    route.method == request.method && fits(plain_segments(route.uri.path()), plain_segments(&request.path))
}

/// The requests that begin, finish or change something, for each entry.
fn own_requests(dance: &Dance) -> Vec<OwnRequest> {
    let mut requests = Vec::new();
    for path in Path::ALL.iter().filter(|path| !path.is_page()) {
        for (method, does) in path.methods() {
            let request = |path: String| OwnRequest { method: *method, path, does };
            if !path.has_entry() {
                requests.push(request(dance.paths().to(*path)));
                continue;
            }
            let serving = dance
                .entries()
                .values()
                .filter(|entry| *path != Path::Callback || *method == callback_method(entry));
            requests.extend(serving.map(|entry| request(dance.paths().of_entry(*path, &entry.name))));
        }
    }
    requests
}
