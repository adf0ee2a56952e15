//! [`FakeResponse`]: what a test makes the provider answer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::http_response::HttpResponse;
use super::response_gate::ResponseGate;

type Edit = Arc<dyn Fn(&mut Value) + Send + Sync>;

#[derive(Clone)]
enum Content {
    Unmodified,
    Edited(Edit),
    Replaced(HttpResponse),
    Never,
}

/// What a [`FakeProvider`](crate::testing::FakeProvider) answers instead of its own response. Pass it to
/// [`respond_once`](crate::testing::FakeProvider::respond_once) or
/// [`respond_always`](crate::testing::FakeProvider::respond_always).
///
/// ```
/// use std::time::Duration;
/// use rocket_dance::testing::FakeResponse;
/// use serde_json::json;
///
/// let outage = FakeResponse::status(503).header("Retry-After", "7");
/// let dead_grant = FakeResponse::json(json!({"error": "invalid_grant"})).with_status(400);
/// let slow = FakeResponse::unmodified().delay(Duration::from_millis(200));
/// let text_for_number = FakeResponse::edit(|answer| answer["expires_in"] = json!("3600"));
/// # let _ = (outage, dead_grant, slow, text_for_number);
/// ```
#[derive(Clone)]
#[must_use = "it changes nothing until it is passed to `FakeProvider::respond_once` or `respond_always`"]
pub struct FakeResponse {
    content: Content,
    delay: Duration,
    gate: Option<ResponseGate>,
}

impl FakeResponse {
    fn new(content: Content) -> Self {
        Self { content, delay: Duration::ZERO, gate: None }
    }

    /// The provider's own response, unmodified. Combine it with [`delay`](FakeResponse::delay), or use it to let one
    /// request succeed before scripted failures.
    pub fn unmodified() -> Self {
        Self::new(Content::Unmodified)
    }

    /// The provider's own response with its JSON changed by `edit`. For OAuth 1.0a, which answers with form data,
    /// `edit` receives the fields as an object of strings.
    pub fn edit(edit: impl Fn(&mut Value) + Send + Sync + 'static) -> Self {
        Self::new(Content::Edited(Arc::new(edit)))
    }

    /// An empty response with this HTTP status code.
    pub fn status(status: u16) -> Self {
        Self::new(Content::Replaced(HttpResponse { status, ..HttpResponse::default() }))
    }

    /// A JSON response with status 200.
    pub fn json(value: Value) -> Self {
        Self::new(Content::Replaced(HttpResponse::json(200, &value)))
    }

    /// A response with this content type and body, and status 200.
    pub fn body(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new(Content::Replaced(HttpResponse::body(200, content_type, body)))
    }

    /// A redirect to `location`, with status 302.
    pub fn redirect(location: &str) -> Self {
        Self::status(302).header("Location", location)
    }

    /// No response at all. The connection stays open until the client closes it.
    pub fn hang() -> Self {
        Self::new(Content::Never)
    }

    /// Sets the HTTP status code. It has no effect on [`unmodified`](FakeResponse::unmodified),
    /// [`edit`](FakeResponse::edit) and [`hang`](FakeResponse::hang).
    pub fn with_status(mut self, status: u16) -> Self {
        if let Content::Replaced(response) = &mut self.content {
            response.status = status;
        }
        self
    }

    /// Adds a header. It has no effect on [`unmodified`](FakeResponse::unmodified), [`edit`](FakeResponse::edit) and
    /// [`hang`](FakeResponse::hang).
    pub fn header(mut self, name: &str, value: &str) -> Self {
        if let Content::Replaced(response) = &mut self.content {
            response.headers.push((name.into(), value.into()));
        }
        self
    }

    /// Waits for `delay` before it answers.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Holds the response back until `gate` is open.
    pub fn hold(mut self, gate: &ResponseGate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Returns the response to a request that the provider itself would answer with `own_response`; `None` for none at all.
    pub(super) async fn apply(self, own_response: impl FnOnce() -> HttpResponse) -> Option<HttpResponse> {
        rocket::tokio::time::sleep(self.delay).await;
        if let Some(gate) = &self.gate {
            gate.pass().await;
        }
        match self.content {
            Content::Unmodified => Some(own_response()),
            Content::Edited(edit) => Some(own_response().edited(&*edit)),
            Content::Replaced(response) => Some(response),
            Content::Never => None,
        }
    }
}

impl From<Value> for FakeResponse {
    /// A JSON response with status 200.
    fn from(value: Value) -> Self {
        Self::json(value)
    }
}

impl fmt::Debug for FakeResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let content = match &self.content {
            Content::Unmodified => "unmodified".to_owned(),
            Content::Edited(_) => "edited".to_owned(),
            Content::Replaced(response) => response.status.to_string(),
            Content::Never => "hang".to_owned(),
        };
        write!(f, "FakeResponse({content} after {:?})", self.delay)
    }
}
