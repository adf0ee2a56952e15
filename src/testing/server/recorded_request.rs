//! [`RecordedRequest`]: a request that a fake provider received.

use std::collections::BTreeMap;

use serde_json::Value;

use super::http_request::HttpRequest;
use super::provider_endpoint::ProviderEndpoint;

/// A request that a [`FakeProvider`](crate::testing::FakeProvider) received. See
/// [`requests`](crate::testing::FakeProvider::requests) and
/// [`last_request`](crate::testing::FakeProvider::last_request).
///
/// ```no_run
/// use rocket_dance::testing::{FakeProvider, ProviderEndpoint};
///
/// # fn test(fake: FakeProvider) {
/// let request = fake.last_request(ProviderEndpoint::Token);
/// assert_eq!(request.form["grant_type"], "authorization_code");
/// assert!(request.headers.contains_key("authorization"));
/// # }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The endpoint that received it.
    pub endpoint: ProviderEndpoint,
    /// The method in capitals, for example `POST`.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The parameters of the query, decoded. Of a repeated parameter it holds the last value.
    pub query: BTreeMap<String, String>,
    /// The fields of a form body, decoded. Of a repeated field it holds the last value.
    pub form: BTreeMap<String, String>,
    /// The headers, with names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The raw body.
    pub body: String,
}

impl RecordedRequest {
    /// The body as JSON.
    ///
    /// # Panics
    /// If it is not JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        let parsed = serde_json::from_str(&self.body);
        parsed.unwrap_or_else(|error| panic!("{} has no JSON ({error}): {:?}", self.summary(), self.body))
    }

    /// Method and path: the query of a protocol request has secrets.
    pub(crate) fn line(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Method, path and query, in one line.
    pub(crate) fn summary(&self) -> String {
        let query: Vec<String> = self.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{} {}{mark}{}", self.method, self.path, query.join("&"))
    }

    pub(super) fn new(endpoint: ProviderEndpoint, request: &HttpRequest) -> Self {
        Self {
            endpoint,
            method: request.method.clone(),
            path: request.path.clone(),
            query: request.query.iter().cloned().collect(),
            form: request.form.iter().cloned().collect(),
            headers: request.headers.clone(),
            body: request.body.clone(),
        }
    }
}
