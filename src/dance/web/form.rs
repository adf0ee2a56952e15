//! Forms and queries: the first value of a name counts.

use rocket::Request;
use rocket::data::{Data, ToByteUnit};
use rocket::http::ContentType;

use crate::error::{Error, ErrorKind, Result};

/// Maximum length of a posted form, in KiB.
const MAX_KIB: u32 = 128;

/// A posted form.
pub(crate) struct Form(String);

impl Form {
    /// The first value of `name`, also if it is empty.
    pub(crate) fn get(&self, name: &str) -> Option<String> {
        first_value(&self.0, name)
    }

    /// The whole form, encoded as it came.
    pub(crate) fn encoded(&self) -> &str {
        &self.0
    }
}

/// Reads the form that `request` posts.
///
/// # Errors
/// [`ErrorKind::Csrf`] for another content type, which other sites can send without a preflight request;
/// [`ErrorKind::BadRequest`] if the body is too long or is not UTF-8.
pub(crate) async fn read_form(request: &Request<'_>, data: Data<'_>) -> Result<Form> {
    if request.content_type() != Some(&ContentType::Form) {
        return Err(Error::new(ErrorKind::Csrf, "Please use the form on the page.")
            .with_source("the body is not application/x-www-form-urlencoded"));
    }
    match data.open(MAX_KIB.kibibytes()).into_string().await {
        Ok(body) if body.is_complete() => Ok(Form(body.into_inner())),
        _ => Err(Error::new(ErrorKind::BadRequest, "This form could not be read.")),
    }
}

/// The first value of `name` in the query of `request`.
pub(crate) fn query_param(request: &Request<'_>, name: &str) -> Option<String> {
    first_value(request.uri().query()?.as_str(), name)
}

fn first_value(encoded: &str, name: &str) -> Option<String> {
    url::form_urlencoded::parse(encoded.as_bytes())
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
}
