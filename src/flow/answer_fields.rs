//! The fields of an OAuth 2 endpoint's answer.
//!
//! RFC 6749 §5.1 requires JSON. GitHub and others answer with a form instead (TR-06).

use serde_json::{Map, Value};

use super::http::{Response, is_of_type};
use super::json;
use crate::config::OAuth2Options;

/// Returns the fields of an answer: of a JSON object, or of a form if the answer's type or the entry says that it is one.
/// Returns none if it is neither.
pub(super) fn answer_fields(options: &OAuth2Options, answer: &Response) -> Option<Map<String, Value>> {
    let is_form =
        options.form_token_answer || is_of_type(answer.headers(), "application/x-www-form-urlencoded");
    match json::object(answer.body()) {
        Ok(fields) => Some(fields),
        Err(_) if is_form => form_fields(answer.body()),
        Err(_) => None,
    }
}

/// Reads the fields of a form. Returns none for HTML, JSON or plain text, and if a field occurs twice.
fn form_fields(body: &[u8]) -> Option<Map<String, Value>> {
    let text = std::str::from_utf8(body).ok().map(str::trim)?;
    if text.starts_with(['{', '[', '<', '"']) || !text.contains('=') || text.contains(char::is_whitespace) {
        return None;
    }
    let mut fields = Map::new();
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        if fields.insert(name.into_owned(), Value::String(value.into_owned())).is_some() {
            return None;
        }
    }
    Some(fields)
}
