//! [`RecordedCall`]: one call of an API on a cassette, and the file of a cassette.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use reqwest::ResponseBuilderExt;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use super::scrubber::Scrubber;

/// The headers of a response that are recorded. Cookies and all others are not.
const RESPONSE_HEADERS: [&str; 5] = ["content-type", "link", "location", "retry-after", "www-authenticate"];

/// The recorded body of a request whose body is not text.
const BINARY_BODY: &str = "<no text>";

/// The content types whose answers have no secrets, and are recorded although they are not text.
const MEDIA_TYPES: [&str; 4] = ["image/", "audio/", "video/", "font/"];

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
    /// Reads a body, and scrubs it. `None` if it is no text.
    fn of_text(bytes: &[u8], scrubber: &Scrubber) -> Option<Self> {
        if let Ok(mut value) = serde_json::from_slice::<Value>(bytes) {
            scrubber.scrub_json(&mut value);
            return Some(Self::Json(value));
        }
        std::str::from_utf8(bytes).ok().map(|text| Self::Text(scrubber.scrub_body(text)))
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
        let body = request.body().map(reqwest::Body::as_bytes).filter(|bytes| *bytes != Some(&[]));
        let body = body.map(|bytes| {
            let text = bytes.and_then(|bytes| RecordedBody::of_text(bytes, scrubber));
            text.unwrap_or_else(|| RecordedBody::Text(BINARY_BODY.into()))
        });
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
    ///
    /// # Errors
    /// Why it is not recorded: a secret in its body could not be found.
    pub(super) fn record(
        request: CalledRequest,
        status: u16,
        headers: &HeaderMap,
        body: &[u8],
        scrubber: &Scrubber,
    ) -> Result<Self, String> {
        let content_type = headers
            .get(CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_ascii_lowercase();
        let recorded = match RecordedBody::of_text(body, scrubber) {
            None if MEDIA_TYPES.iter().any(|media| content_type.starts_with(media)) => {
                Some(RecordedBody::Base64(STANDARD.encode(body)))
            }
            None => {
                return Err(format!(
                    "the answer to {request} is not recorded: a secret in `{content_type}` could not be found. Only text, images, audio, \
                     video and fonts are recorded. Let a `FakeProvider` answer this call"
                ));
            }
            text => text.filter(|_| !body.is_empty()),
        };
        let headers = headers.iter();
        let headers = headers.filter(|(name, _)| RESPONSE_HEADERS.contains(&name.as_str()));
        let headers = headers
            .filter_map(|(name, value)| Some((name.to_string(), scrubber.scrub_text(value.to_str().ok()?))))
            .collect();
        Ok(Self { request, response: CalledResponse { status, headers, body: recorded } })
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
