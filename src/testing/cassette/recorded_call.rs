//! [`RecordedCall`]: one call of an API on a cassette, and the file of a cassette.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use reqwest::ResponseBuilderExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::scrubber::Scrubber;

/// The headers of a response that are recorded. Cookies and all others are not.
const RESPONSE_HEADERS: [&str; 5] = ["content-type", "link", "location", "retry-after", "www-authenticate"];

/// What the body of a request is called that has no bytes to compare.
const STREAM: &str = "<multipart or stream>";

/// The file of a cassette.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct CassetteFile {
    pub(super) calls: Vec<RecordedCall>,
}

impl CassetteFile {
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text = std::fs::read(path).map_err(|error| error.to_string())?;
        serde_json::from_slice(&text).map_err(|error| format!("it is no cassette: {error}"))
    }

    pub(super) fn write(&self, path: &Path) -> std::io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(path, serde_json::to_string_pretty(self)? + "\n")
    }
}

/// A call and its answer, without secrets.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RecordedCall {
    pub(super) request: CalledRequest,
    response: CalledResponse,
}

/// What identifies a call: a replayed one must have the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct CalledRequest {
    method: String,
    url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<RecordedBody>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct CalledResponse {
    status: u16,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<RecordedBody>,
}

/// A body, in the form that reads best in a diff.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RecordedBody {
    Json(Value),
    Text(String),
    Base64(String),
}

impl RecordedBody {
    fn new(bytes: &[u8], scrubber: &Scrubber) -> Option<Self> {
        if bytes.is_empty() {
            return None;
        }
        if let Ok(mut value) = serde_json::from_slice::<Value>(bytes) {
            scrubber.scrub_json(&mut value);
            return Some(Self::Json(value));
        }
        Some(match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(scrubber.scrub_body(text)),
            Err(_) => Self::Base64(STANDARD.encode(bytes)),
        })
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Json(value) => value.to_string().into_bytes(),
            Self::Text(text) => text.clone().into_bytes(),
            Self::Base64(encoded) => STANDARD.decode(encoded).unwrap_or_default(),
        }
    }
}

impl CalledRequest {
    /// Reads `request`, without its headers: they have the token.
    pub(super) fn new(request: &reqwest::Request, scrubber: &Scrubber) -> Self {
        let body = match request.body().map(reqwest::Body::as_bytes) {
            Some(Some(bytes)) => RecordedBody::new(bytes, scrubber),
            Some(None) => Some(RecordedBody::Text(STREAM.into())),
            None => None,
        };
        let url = scrubber.scrub_url(request.url());
        Self { method: request.method().to_string(), url, body }
    }
}

impl fmt::Display for CalledRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.url)?;
        match &self.body {
            Some(body) => write!(f, " with {}", String::from_utf8_lossy(&body.bytes())),
            None => Ok(()),
        }
    }
}

impl RecordedCall {
    /// Reads the answer of the network to `request`: its head and its body.
    pub(super) fn record(
        request: CalledRequest,
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
        scrubber: &Scrubber,
    ) -> Self {
        let headers = headers.iter();
        let headers = headers.filter(|(name, _)| RESPONSE_HEADERS.contains(&name.as_str()));
        let headers = headers
            .filter_map(|(name, value)| Some((name.to_string(), scrubber.scrub_text(value.to_str().ok()?))))
            .collect();
        let body = RecordedBody::new(body, scrubber);
        Self { request, response: CalledResponse { status, headers, body } }
    }

    /// Returns the answer as it came from `url`.
    pub(super) fn replay(&self, url: Url) -> Result<reqwest::Response, http::Error> {
        let CalledResponse { status, headers, body } = &self.response;
        let builder = http::Response::builder().status(*status).url(url);
        let builder = headers.iter().fold(builder, |builder, (name, value)| builder.header(name, value));
        let body = body.as_ref().map(RecordedBody::bytes).unwrap_or_default();
        builder.body(body).map(reqwest::Response::from)
    }
}
