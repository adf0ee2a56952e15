//! What a route answers, as HTML or as JSON.

use std::io::Cursor;
use std::time::Duration;

use rocket::http::{Accept, ContentType, Header, MediaType, Status};
use rocket::{Request, Response};
use serde_json::{Value, json};

use super::Dance;
use crate::error::{Error, ErrorKind, Result};

/// How long to wait where nobody says it.
const WAIT: Duration = Duration::from_secs(5);

/// What a route answers.
pub(crate) enum Reply {
    Page(String),
    Json(Value),
    /// 303, always: 307 and 308 would send a form on (RFC 9700 §4.12).
    SeeOther(String),
    /// The app's own.
    Own(Response<'static>),
}

/// Whether the request names JSON as what it takes; `*/*` doesn't.
pub(crate) fn wants_json(request: &Request<'_>) -> bool {
    let accepts = |accept: &Accept| accept.media_types().any(|media_type: &MediaType| media_type.is_json());
    request.accept().is_some_and(accepts)
}

/// The contract's JSON for an error.
pub(crate) fn error_json(error: &Error, login_url: Option<&str>) -> Value {
    let mut body = json!({ "code": error.kind().code(), "message": error.to_string() });
    if let Some(login_url) = login_url {
        body["login_url"] = login_url.into();
    }
    json!({ "error": body })
}

impl Dance {
    /// A page, or its JSON where that is asked for.
    pub(super) fn page(&self, request: &Request<'_>, name: &str, context: Value) -> Result<Reply> {
        Ok(match wants_json(request) {
            true => Reply::Json(context),
            false => Reply::Page(self.pages.render(name, context)?),
        })
    }

    /// The response of `reply`.
    pub(crate) fn respond(&self, request: &Request<'_>, reply: Result<Reply>) -> Response<'static> {
        let wait = reply.as_ref().err().and_then(Error::retry_after).unwrap_or(WAIT);
        let (status, reply) = match reply {
            Ok(Reply::SeeOther(_)) => (Status::SeeOther, reply),
            Ok(_) => (Status::Ok, reply),
            Err(error) => {
                let status = error.kind().status();
                (status, Ok(self.failure(request, &error)))
            }
        };
        let mut response = Response::build();
        response.status(status);
        match reply {
            Ok(Reply::Page(html)) => {
                response.header(ContentType::HTML).sized_body(html.len(), Cursor::new(html));
            }
            Ok(Reply::Json(value)) => {
                let json = value.to_string();
                response.header(ContentType::JSON).sized_body(json.len(), Cursor::new(json));
            }
            Ok(Reply::SeeOther(to)) => {
                response.header(Header::new("Location", to));
            }
            Ok(Reply::Own(own)) => {
                response = Response::build_from(own);
            }
            Err(_) => {}
        }
        let mut response = response.finalize();
        if status == Status::ServiceUnavailable {
            response.set_raw_header("Retry-After", wait.as_secs().to_string());
        }
        for (name, value) in [
            ("Cache-Control", "no-store"),
            ("Vary", "Cookie, Accept"),
            ("Referrer-Policy", "no-referrer"),
            ("Content-Security-Policy", &self.pages.content_security_policy),
        ] {
            if !response.headers().contains(name) {
                response.set_raw_header(name, value.to_owned());
            }
        }
        response
    }

    fn failure(&self, request: &Request<'_>, error: &Error) -> Reply {
        let login_url = match error.kind() {
            ErrorKind::NotSignedIn | ErrorKind::NotConnected | ErrorKind::ReconnectNeeded => {
                Some(self.login_path(None, None))
            }
            ErrorKind::SignInFirst => Some(self.login_path(None, Some(&self.confirm_path()))),
            _ => None,
        };
        if wants_json(request) {
            return Reply::Json(error_json(error, login_url.as_deref()));
        }
        let context = json!({
            "headline": error.kind().headline(),
            "message": error.to_string(),
            "code": error.kind().code(),
            "back": match error.kind() {
                ErrorKind::LastLogin => json!({ "to": self.path("/accounts"), "label": "Back to your accounts" }),
                _ => json!({ "to": self.login_path(None, None), "label": "Back to sign-in" }),
            },
        });
        // A page that can't be rendered must not hide the error.
        Reply::Page(
            self.pages.render("error.html", context).unwrap_or_else(|_| "Something went wrong.".into()),
        )
    }
}
