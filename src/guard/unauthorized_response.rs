//! The answer to a guard's 401: a redirect to the sign-in, and back afterwards.

use rocket::Request;
use rocket::catcher::{BoxFuture, Catcher};
use rocket::http::{Method, Status};
use rocket::response::{self, Responder, Response};

use crate::dance::{Dance, Reply, error_json, guard_failure, respond, wants_json, with_missing_scopes};
use crate::error::{Error, ErrorKind};
use crate::redirect_target::RedirectTarget;

/// Returns the answer to a 401 that a guard of this crate has caused; `None` for any other 401.
///
/// A GET request is redirected to that provider's sign-in, and back to the same page afterwards. A request that names
/// JSON in `Accept` gets the error as JSON, with its `login_url`. Any other request gets the error page.
///
/// It is for an app with a 401 catcher of its own; other apps register [`catchers`].
///
/// ```
/// use rocket::Request;
/// use rocket_dance::UnauthorizedResponse;
///
/// #[rocket::catch(401)]
/// fn unauthorized(request: &Request<'_>) -> Result<UnauthorizedResponse, &'static str> {
///     rocket_dance::unauthorized_response(request).ok_or("Please sign in.")
/// }
/// # let _ = rocket::build().register("/", rocket::catchers![unauthorized]);
/// ```
pub fn unauthorized_response(request: &Request<'_>) -> Option<UnauthorizedResponse> {
    let dance = Dance::of(request).ok()?;
    let error = guard_failure(request).filter(|error| error.kind().status() == Status::Unauthorized)?;
    Some(UnauthorizedResponse(challenge_response(dance, request, error)))
}

/// The answer that [`unauthorized_response`] returns, for a catcher to return.
#[derive(Debug)]
#[must_use = "a catcher returns it"]
pub struct UnauthorizedResponse(Response<'static>);

impl<'r> Responder<'r, 'static> for UnauthorizedResponse {
    fn respond_to(self, _: &'r Request<'_>) -> response::Result<'static> {
        Ok(self.0)
    }
}

/// Makes the response to an `error` that a sign-in can solve: with the entry that it names, if it names one.
pub(super) fn challenge_response(dance: &Dance, request: &Request<'_>, error: Error) -> Response<'static> {
    // The path as the app's routes see it: it has no base path in front.
    let next = Some(request.uri().to_string()).filter(|_| request.method() == Method::Get);
    let next = next.and_then(|next| RedirectTarget::try_from(next).ok());
    let next = next.filter(|next| dance.may_redirect_to(next));
    // A visitor who is not signed in chooses how at the app's own sign-in page, if it has one. An entry that only connects can't
    // sign a visitor in, who chooses another one first.
    let leads_there = |name: &&str| {
        error.kind() != ErrorKind::NotSignedIn
            || !dance.has_sign_in_page() && dance.entry(name).is_ok_and(|entry| dance.is_for_visitors(entry))
    };
    let entry = error.entry().filter(leads_there);
    // A sign-in page that requires a user would redirect to itself for ever.
    let is_loop = entry.is_none() && dance.is_sign_in_page(request.uri().path().as_str());
    if is_loop {
        log::error!("oauth: a guard on the `sign_in_page` requires a user who is signed in: remove it there");
    }
    if request.method() == Method::Get && !wants_json(request) && !is_loop {
        let to = with_missing_scopes(dance, dance.login_path(entry, next.as_ref()), entry, &error);
        return respond(dance, request, Ok(Reply::SeeOther(to)));
    }
    if !wants_json(request) {
        return respond(dance, request, Err(error));
    }
    let login_url = with_missing_scopes(dance, dance.login_url(entry, next.as_ref()), entry, &error);
    let mut response = respond(dance, request, Ok(Reply::Json(error_json(&error, Some(&login_url)))));
    response.set_status(Status::Unauthorized);
    response
}

/// Returns the 401 catcher, which redirects from a guard to the sign-in and back.
///
/// A catcher of the app's own for a status takes precedence over these answers:
///
/// | a guard of this crate has failed with | the answer |
/// |---|---|
/// | 401: no user is signed in, no usable account is connected, or a scope is missing | GET: 303 to the sign-in, and back afterwards. Other methods: the error page |
/// | any other status, for example 503 | the error page with the error's words, which the fairing registers as the default catcher |
///
/// A request that names JSON in `Accept` gets `{"error": {"code", "message", "login_url"}}` instead, with the same status
/// (401 instead of a redirect). A handler that returns an [`Error`](crate::Error) gets the same answers.
///
/// Any other cause of the status gets Rocket's own answer. An app with a 401 catcher of its own at the same base calls
/// [`unauthorized_response`] in it instead, since Rocket rejects two catchers for one status; catchers for other statuses
/// find the error with [`guard_error`](crate::guard_error).
///
/// ```
/// use rocket_dance::Dance;
///
/// let rocket = rocket::build().attach(Dance::fairing()).register("/", rocket_dance::catchers());
/// # let _ = rocket;
/// ```
#[must_use = "register the catchers: `.register(\"/\", rocket_dance::catchers())`"]
pub fn catchers() -> Vec<Catcher> {
    fn catch<'r>(status: Status, request: &'r Request<'_>) -> BoxFuture<'r> {
        Box::pin(async move {
            match unauthorized_response(request) {
                Some(response) => Ok(response.0),
                None => Catcher::default().handler.handle(status, request).await,
            }
        })
    }
    let mut catcher = Catcher::new(Status::Unauthorized.code, catch);
    catcher.name = Some("oauth: redirects to the sign-in".into());
    vec![catcher]
}
