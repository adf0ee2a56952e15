//! The routes, and what they have in common.

use rocket::data::{Data, ToByteUnit};
use rocket::http::uri::Origin;
use rocket::http::{ContentType, Method, Status};
use rocket::route::{Handler, Outcome, Route};
use rocket::{Request, Response};

use super::Dance;
use crate::error::{Error, ErrorKind, Result};
use crate::provider::ResponseMode;

/// One of our pages or actions.
#[derive(Clone, Debug)]
pub(super) enum Endpoint {
    SignIn,
    Begin,
    /// The callback; of this entry, where it is mounted at a path of its own.
    Callback(Option<String>),
    Accounts,
    Confirm,
    Disconnect,
    Primary,
    BackchannelLogout,
    LoggedOut,
    /// Here, or everywhere.
    Logout {
        everywhere: bool,
    },
}

#[derive(Clone)]
struct Mounted(Endpoint);

/// Rocket's ranks: plain paths from -12 to -9, then paths with parameters from -8 on, -5 and -1 without a query.
const FIRST_WITH_PARAMETERS: isize = -8;

const METHODS: [Method; 7] =
    [Method::Get, Method::Head, Method::Post, Method::Put, Method::Patch, Method::Delete, Method::Options];

/// All our routes: path and routes, for every method, so that a foreign one is 405 and HEAD never begins or uses up a
/// dance (Rocket would answer it with the GET route).
pub(super) fn routes(prefix: &str, callbacks: &[(String, String)]) -> Vec<(String, Vec<Route>)> {
    let fixed = [
        ("", Endpoint::SignIn),
        ("/<name>", Endpoint::Begin),
        ("/<name>/authorized", Endpoint::Callback(None)),
        ("/accounts", Endpoint::Accounts),
        ("/confirm", Endpoint::Confirm),
        ("/<name>/disconnect", Endpoint::Disconnect),
        ("/<name>/primary", Endpoint::Primary),
        ("/<name>/backchannel-logout", Endpoint::BackchannelLogout),
        ("/logged-out", Endpoint::LoggedOut),
        ("/logout", Endpoint::Logout { everywhere: false }),
        ("/logout/everywhere", Endpoint::Logout { everywhere: true }),
    ];
    let mut mounts: Vec<(String, Vec<Route>)> = fixed
        .into_iter()
        .map(|(path, endpoint)| (prefix.to_owned(), at(if path.is_empty() { "/" } else { path }, &endpoint)))
        .collect();
    mounts.extend(
        callbacks
            .iter()
            .map(|(path, entry)| ("/".to_owned(), at(path, &Endpoint::Callback(Some(entry.clone()))))),
    );
    mounts
}

fn at(path: &str, endpoint: &Endpoint) -> Vec<Route> {
    METHODS
        .into_iter()
        .map(|method| {
            // Before an app's `/<_..>` and `/<lang>/help`: at Rocket's own rank ours would collide with either.
            let mut route = Route::new(method, path, Mounted(endpoint.clone()));
            route.rank = route.rank.min(FIRST_WITH_PARAMETERS);
            route.name = Some(format!("oauth {endpoint:?}").into());
            route
        })
        .collect()
}

#[rocket::async_trait]
impl Handler for Mounted {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        let Ok(dance) = Dance::of(request) else { return Outcome::Error(Status::InternalServerError) };
        // Always a success with its status: Rocket drops the cookies of an `Outcome::Error`.
        Outcome::Success(self.0.answer(dance, request, data).await)
    }
}

impl Endpoint {
    async fn answer(&self, dance: &Dance, request: &Request<'_>, data: Data<'_>) -> Response<'static> {
        let name = match self {
            Endpoint::Callback(Some(entry)) => entry,
            _ => request.param::<&str>(0).and_then(std::result::Result::ok).unwrap_or_default(),
        };
        // CS-04: Rocket lets a form say in its first field, `_method`, that it is no POST. A browser sends no such body
        // with anything else.
        let is_disguised =
            request.method() != Method::Post && request.content_type().is_some_and(|kind| kind.is_form());
        let reply = match (self, request.method()) {
            _ if is_disguised => return self.method_not_allowed(dance, request, name),
            (Endpoint::SignIn, Method::Get) => dance.get_sign_in(request).await,
            (Endpoint::Begin, Method::Get) => return dance.get_begin(request, name).await,
            (Endpoint::Begin, Method::Post) => match form(request, data).await {
                Ok(form) => return dance.post_begin(request, name, &form).await,
                Err(error) => Err(error),
            },
            (Endpoint::Callback(_), method) if method == self.callback_method(dance, name) => {
                return match method {
                    Method::Post => dance.post_callback(request, name, data).await,
                    _ => dance.get_callback(request, name).await,
                };
            }
            (Endpoint::Accounts, Method::Get) => dance.get_accounts(request).await,
            (Endpoint::Confirm, Method::Get) => dance.get_confirm(request).await,
            (Endpoint::Confirm, Method::Post) => match form(request, data).await {
                Ok(form) => dance.post_confirm(request, &form).await,
                Err(error) => Err(error),
            },
            (Endpoint::Disconnect, Method::Post) => match form(request, data).await {
                Ok(form) => dance.post_disconnect(request, name, &form).await,
                Err(error) => Err(error),
            },
            (Endpoint::Primary, Method::Post) => match form(request, data).await {
                Ok(form) => dance.post_primary(request, name, &form).await,
                Err(error) => Err(error),
            },
            (Endpoint::BackchannelLogout, Method::Post) => {
                let form = form(request, data).await;
                return dance.post_backchannel_logout(request, name, form).await;
            }
            (Endpoint::LoggedOut, Method::Get) => Ok(dance.get_logged_out(request)),
            (Endpoint::Logout { everywhere }, Method::Post) => match form(request, data).await {
                Ok(form) => dance.post_logout(request, &form, *everywhere).await,
                Err(error) => Err(error),
            },
            _ => return self.method_not_allowed(dance, request, name),
        };
        if let Err(error) = &reply {
            dance.log_error(name, None, error);
        }
        dance.respond(request, reply)
    }

    /// CB-08: how the callback of the entry `name` comes, and no other way.
    fn callback_method(&self, dance: &Dance, name: &str) -> Method {
        match dance.entry(name).map(|entry| entry.response_mode()) {
            Ok(ResponseMode::FormPost) => Method::Post,
            _ => Method::Get,
        }
    }

    fn method_not_allowed(&self, dance: &Dance, request: &Request<'_>, name: &str) -> Response<'static> {
        let error = Error::new(ErrorKind::MethodNotAllowed, "This page can't be asked for in that way.");
        let mut response = dance.respond(request, Err(error));
        response.set_raw_header(
            "Allow",
            match self {
                Endpoint::SignIn | Endpoint::Accounts | Endpoint::LoggedOut => "GET",
                Endpoint::Callback(_) => self.callback_method(dance, name).as_str(),
                Endpoint::Begin | Endpoint::Confirm => "GET, POST",
                Endpoint::Disconnect
                | Endpoint::Primary
                | Endpoint::BackchannelLogout
                | Endpoint::Logout { .. } => "POST",
            },
        );
        if request.method() == Method::Head {
            response.set_sized_body(0, std::io::Cursor::new(""));
        }
        response
    }
}

/// The first value of `name` in the query of `uri`.
pub(super) fn query(uri: &Origin<'_>, name: &str) -> Option<String> {
    pairs(uri.query()?.as_str(), name)
}

fn pairs(encoded: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(encoded.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}

/// A posted form.
pub(super) struct Form(String);

impl Form {
    /// The first value of `name`, also an empty one.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        pairs(&self.0, name)
    }

    /// All of it, as it came.
    pub(super) fn encoded(&self) -> &str {
        &self.0
    }
}

/// The form that `request` posts.
pub(super) async fn form(request: &Request<'_>, data: Data<'_>) -> Result<Form> {
    if request.content_type() != Some(&ContentType::Form) {
        return Err(Error::new(ErrorKind::Csrf, "Please use the form on the page.")
            .with_source("the body is not application/x-www-form-urlencoded"));
    }
    match data.open(16.kibibytes()).into_string().await {
        Ok(body) if body.is_complete() => Ok(Form(body.into_inner())),
        _ => Err(Error::new(ErrorKind::BadRequest, "This form could not be read.")),
    }
}
