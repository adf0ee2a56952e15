//! [`HttpResponse`]: what the provider answers, before it becomes a Rocket response.

use std::io::Cursor;

use reqwest::ResponseBuilderExt;
use rocket::Response;
use rocket::http::{Header, Status};
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::http_request::parse_pairs;

/// The content type of form data. OAuth 1.0a answers with it.
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";

/// A response, before it becomes a Rocket response.
#[derive(Debug, Clone)]
pub(crate) struct HttpResponse {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Default for HttpResponse {
    fn default() -> Self {
        Self { status: 200, headers: Vec::new(), body: Vec::new() }
    }
}

impl HttpResponse {
    pub(crate) fn body(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, headers: vec![("Content-Type".into(), content_type.into())], body: body.into() }
    }

    pub(crate) fn json(status: u16, value: &Value) -> Self {
        Self::body(status, "application/json", value.to_string())
    }

    pub(crate) fn see_other(location: &str) -> Self {
        Self { status: 303, ..Self::default() }.with_header("Location", location)
    }

    pub(crate) fn with_header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Applies `edit` to a JSON body, or to the fields of a form body. Any other body stays as it is.
    pub(crate) fn edited(mut self, edit: &dyn Fn(&mut Value)) -> Self {
        if self.headers.iter().any(|(_, value)| value == FORM) {
            let mut fields: Value =
                parse_pairs(&self.body).into_iter().map(|(name, value)| (name, Value::from(value))).collect();
            edit(&mut fields);
            let fields = fields.as_object().into_iter().flatten();
            let fields = fields.filter_map(|(name, value)| Some((name, value.as_str()?)));
            self.body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish().into();
        } else if let Ok(mut value) = serde_json::from_slice(&self.body) {
            edit(&mut value);
            self.body = value.to_string().into_bytes();
        }
        self
    }

    /// Converts it to a response that the app gets from `url` without a port.
    pub(crate) fn into_reqwest(self, url: &Url) -> reqwest::Response {
        let builder = http::Response::builder().status(self.status).url(url.clone());
        let headers = self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let response =
            headers.fold(builder, |builder, (name, value)| builder.header(name, value)).body(self.body);
        reqwest::Response::from(response.expect("a test sets valid headers and a valid status"))
    }

    /// Converts it to a Rocket response that no cache stores.
    pub(crate) fn into_rocket<'r>(self) -> Response<'r> {
        let mut response = Response::build();
        response.status(Status::new(self.status)).sized_body(self.body.len(), Cursor::new(self.body));
        for (name, value) in self.headers {
            response.raw_header_adjoin(name, value);
        }
        response.header(Header::new("Cache-Control", "no-store"));
        response.finalize()
    }
}
