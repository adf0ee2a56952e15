//! Mounts the routes of the table, and sends each request to its handler.

use rocket::data::Data;
use rocket::http::{Method, Status};
use rocket::route::{Handler, Outcome, Route};
use rocket::{Build, Request, Response, Rocket};

use super::logout::LogoutScope;
use super::{
    accounts, backchannel_logout, begin, callback, complete_sign_up, confirm, disconnect, form_post, logout,
    me, merge_users, native, primary, provider_logout, sign_in, signed_out,
};
use crate::config::Entry;
use crate::dance::accounts::report_dropped;
use crate::dance::handle::Dance;
use crate::dance::web::{Form, Reply, answer_in_json, is_head, read_fields, read_form, respond};
use crate::error::{Error, ErrorKind, Result};
use crate::paths::{self, Path, ROUTE_NAME_PREFIX};
use crate::provider::ResponseMode;

/// Highest rank of our routes. Rocket's own ranks are -12 to -9 for plain paths and -8 to -1 for paths with parameters:
/// with these ranks ours win against an app's `/<_..>` and `/<lang>/help`, and collide with neither.
const MAX_RANK: isize = -8;

/// One of our routes.
#[derive(Clone)]
struct RouteHandler {
    path: Path,
    /// The entry whose begin or callback is mounted at a path of its own.
    entry: Option<String>,
}

/// Mounts one Rocket route for each path and method that exists.
pub(crate) fn mount(rocket: Rocket<Build>, dance: &Dance) -> Rocket<Build> {
    let callback_methods = callback_methods(dance);
    let mut routes = Vec::new();
    for path in Path::ALL {
        let pattern = if path.pattern().is_empty() { "/" } else { path.pattern() };
        for (method, does) in path.methods() {
            if *path != Path::Callback || callback_methods.contains(method) {
                routes.push(route(*method, pattern, does, RouteHandler { path: *path, entry: None }));
            }
        }
    }
    let own = dance.paths().own().iter().flat_map(|own| {
        let callback = dance.entry(&own.entry).map_or(Method::Get, |entry| callback_method(entry));
        let is_served = move |method: Method| own.path != Path::Callback || method == callback;
        own.path.methods().iter().filter(move |(method, _)| is_served(*method)).map(|(method, does)| {
            let handler = RouteHandler { path: own.path, entry: Some(own.entry.clone()) };
            route(*method, &own.at, does, handler)
        })
    });
    let own: Vec<Route> = own.collect();
    rocket.mount(dance.paths().prefix(), routes).mount("/", own)
}

/// A Rocket route. Its name says in words what it does, for the launch list.
fn route(method: Method, path: &str, does: &str, handler: RouteHandler) -> Route {
    let mut route = Route::new(method, path, handler);
    route.rank = route.rank.min(MAX_RANK);
    route.name = Some(format!("{ROUTE_NAME_PREFIX}{does}").into());
    route
}

/// CB-08: the method of an entry's callback. The other one is not served.
pub(super) fn callback_method(entry: &Entry) -> Method {
    match entry.response_mode() {
        ResponseMode::FormPost => Method::Post,
        _ => Method::Get,
    }
}

/// The methods of all callbacks.
fn callback_methods(dance: &Dance) -> Vec<Method> {
    let methods: Vec<Method> = dance.entries().values().map(|entry| callback_method(entry)).collect();
    if methods.is_empty() { vec![Method::Get] } else { methods }
}

#[rocket::async_trait]
impl Handler for RouteHandler {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        let Ok(dance) = Dance::of(request) else { return Outcome::Error(Status::InternalServerError) };
        let name = match &self.entry {
            Some(entry) => entry,
            None => request.param::<&str>(0).and_then(std::result::Result::ok).unwrap_or_default(),
        };
        if self.path.is_json() || paths::fixed(name).is_some_and(Path::is_json) {
            answer_in_json(request);
        }
        let response = match allowed_instead(self.path, dance, request, name) {
            Some(allow) => method_not_allowed(dance, request, allow),
            None => answer(self.path, dance, request, name, data).await,
        };
        // Now, so that the response has the cookies that signals add.
        report_dropped(dance, request).await;
        // Always a success, with its status: Rocket drops the cookies of an `Outcome::Error`.
        Outcome::Success(response)
    }
}

/// The `Allow` header for a request that the path does not serve; `None` if it serves the request.
fn allowed_instead(path: Path, dance: &Dance, request: &Request<'_>, name: &str) -> Option<String> {
    // The router takes `POST /login/accounts` for the route that begins a flow at an entry called `accounts`.
    if path == Path::Begin
        && let Some(fixed) = paths::fixed(name)
    {
        return Some(fixed.allow());
    }
    // CS-04: in the first field of a form, `_method`, Rocket accepts another method than POST. Browsers send forms by POST
    // only.
    let is_disguised_form =
        request.method() != Method::Post && request.content_type().is_some_and(|kind| kind.is_form());
    if path == Path::Callback {
        let method = dance.entry(name).map_or(Method::Get, |entry| callback_method(entry));
        let is_refused = request.method() != method || is_head(request) || is_disguised_form;
        return is_refused.then(|| method.to_string());
    }
    // A HEAD request is routed as GET. It must not begin a flow.
    let begins = path == Path::Begin && is_head(request);
    (is_disguised_form || begins).then(|| path.allow())
}

fn method_not_allowed(dance: &Dance, request: &Request<'_>, allow: String) -> Response<'static> {
    let error = Error::new(ErrorKind::MethodNotAllowed, "This page doesn't accept that method.");
    let mut response = respond(dance, request, Err(error));
    response.set_raw_header("Allow", allow);
    response
}

async fn answer(
    path: Path,
    dance: &Dance,
    request: &Request<'_>,
    name: &str,
    data: Data<'_>,
) -> Response<'static> {
    let reply = match (path, request.method()) {
        (Path::Begin, Method::Get) => return begin::by_link(dance, request, name).await,
        (Path::Callback, Method::Get) => return callback::by_query(dance, request, name).await,
        (Path::Callback, _) => return form_post::by_form(dance, request, name, data).await,
        (Path::SignIn, _) => sign_in::show(dance, request).await,
        (Path::Me, _) => me::show(dance, request).await,
        (Path::Accounts, _) => accounts::show(dance, request).await,
        (Path::Confirm, Method::Get) => confirm::show(dance, request).await,
        (Path::SignedOut, _) => signed_out::show(dance, request).await,
        (Path::CompleteSignUp, Method::Get) => complete_sign_up::show(dance, request).await,
        (Path::MergeUsers, Method::Get) => merge_users::show(dance, request).await,
        (Path::LoggedOut, _) => Ok(provider_logout::back_from_provider(dance, request)),
        (Path::BackchannelLogout, _) => {
            let form = read_form(request, data).await;
            return backchannel_logout::receive(dance, request, name, form).await;
        }
        (path, _) => match read_fields(request, data).await {
            Ok(form) if path == Path::Begin => return begin::by_form(dance, request, name, &form).await,
            Ok(form) if path == Path::Native => return native::begin(dance, request, name, &form).await,
            Ok(form) if path == Path::NativeFinish => {
                return native::finish(dance, request, name, &form).await;
            }
            Ok(form) => answer_form(path, dance, request, name, &form).await,
            Err(error) => Err(error),
        },
    };
    if let Err(error) = &reply {
        dance.log_error(name, None, error);
    }
    respond(dance, request, reply)
}

async fn answer_form(
    path: Path,
    dance: &Dance,
    request: &Request<'_>,
    name: &str,
    form: &Form,
) -> Result<Reply> {
    match path {
        Path::Confirm => confirm::confirm(dance, request, form).await,
        Path::CompleteSignUp => complete_sign_up::complete(dance, request, form).await,
        Path::MergeUsers => merge_users::merge(dance, request, form).await,
        Path::Disconnect => disconnect::disconnect(dance, request, name, form).await,
        Path::MakePrimary => primary::make_primary(dance, request, name, form).await,
        Path::Logout => logout::log_out(dance, request, form, LogoutScope::ThisBrowser).await,
        Path::LogoutEverywhere => logout::log_out(dance, request, form, LogoutScope::AllBrowsers).await,
        Path::LogoutSession => logout::end_session(dance, request, form).await,
        path => Err(Error::app(format!("{path:?} takes no form"))),
    }
}
