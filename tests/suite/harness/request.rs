//! [`TestRequest`]: a request that a test's browser sends.

use rocket::http::Method;
use serde_json::Value;
use test_support::Navigation;
use url::form_urlencoded::{Serializer, parse};

/// A request that a test's browser sends.
#[derive(Clone, Debug)]
pub(crate) struct TestRequest {
    pub(crate) method: Method,
    pub(crate) uri: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) form: Option<String>,
}

impl TestRequest {
    /// A request without a form.
    pub(crate) fn new(method: Method, uri: &str) -> Self {
        Self { method, uri: uri.to_owned(), headers: Vec::new(), form: None }
    }

    pub(crate) fn get(uri: &str) -> Self {
        Self::new(Method::Get, uri)
    }

    /// A POST of a form.
    pub(crate) fn post(uri: &str, fields: &[(&str, &str)]) -> Self {
        let form = Serializer::new(String::new()).extend_pairs(fields).finish();
        Self { form: Some(form), ..Self::new(Method::Post, uri) }
    }

    /// A POST of a JSON object by a script, which asks for JSON.
    pub(crate) fn json(uri: &str, fields: &Value) -> Self {
        let ask = Self::raw(uri, &fields.to_string()).header("Accept", "application/json");
        ask.header("Content-Type", "application/json")
    }

    /// A POST of this body.
    pub(crate) fn raw(uri: &str, body: &str) -> Self {
        Self { form: Some(body.to_owned()), ..Self::new(Method::Post, uri) }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        // Another content type replaces the first one.
        self.headers.retain(|(known, _)| *known != "Content-Type" || name != "Content-Type");
        self.headers.push((name, value.to_owned()));
        self
    }

    /// How a browser reaches the page: as its `Sec-Fetch-Site` says, and else from the provider's site to a callback.
    pub(super) fn navigation(&self) -> Navigation {
        let site = self.headers.iter().find(|(name, _)| *name == "Sec-Fetch-Site");
        let is_callback = self.uri.contains("/authorized?") || self.uri.contains("/logged-out?");
        match (site.map(|(_, site)| site.as_str()), self.method) {
            (Some("cross-site"), Method::Post) => Navigation::CrossSitePost,
            (Some("cross-site"), _) => Navigation::CrossSite,
            (None, Method::Get) if is_callback => Navigation::CrossSite,
            _ => Navigation::SameSite,
        }
    }

    /// The value of a field of its form, or an empty string.
    pub(crate) fn field(&self, name: &str) -> String {
        let form = self.form.clone().unwrap_or_default();
        let found = parse(form.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        found.unwrap_or_default()
    }
}
