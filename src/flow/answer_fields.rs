//! The fields of an OAuth 2 endpoint's answer.
//!
//! RFC 6749 §5.1 requires JSON. GitHub and others answer with a form instead (TR-06).

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::http::{Response, is_of_type};
use super::json;
use crate::config::OAuth2Options;

/// Fields that decide what an answer is: each may occur once.
const DECIDING: &[&str] = &["access_token", "token_type", "error"];

/// Returns the fields of an answer: of a JSON object, or of a form if the answer's type or the entry says that it is one.
/// Returns none if it is neither.
pub(super) fn answer_fields(options: &OAuth2Options, answer: &Response) -> Option<Map<String, Value>> {
    let is_form =
        options.form_token_answer || is_of_type(answer.headers(), "application/x-www-form-urlencoded");
    match json::deciding_object(answer.body(), DECIDING) {
        Ok(fields) => Some(fields),
        Err(_) if is_form => form_fields(answer.body(), DECIDING),
        Err(_) => None,
    }
}

/// Returns the fields of an answer that [`answer_fields`] does not accept, as far as they can be read. A field with two values
/// counts as absent.
pub(super) fn readable_fields(answer: &Response) -> Map<String, Value> {
    json::object(answer.body()).ok().or_else(|| form_fields(answer.body(), &[])).unwrap_or_default()
}

/// Reads the fields of a form. Returns none for HTML, JSON or plain text, and if one of the fields `deciding` occurs twice. Any
/// other field that occurs twice counts as absent.
fn form_fields(body: &[u8], deciding: &[&str]) -> Option<Map<String, Value>> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    let (name, _) = text.split_once('=')?;
    if text.starts_with(['{', '[', '<', '"']) || name.contains(char::is_whitespace) || text.contains('\n') {
        return None;
    }
    let (mut fields, mut repeated) = (Map::new(), BTreeSet::new());
    for (name, value) in url::form_urlencoded::parse(text.as_bytes()) {
        if fields.insert(name.clone().into_owned(), Value::String(value.into_owned())).is_some() {
            repeated.insert(name.into_owned());
        }
    }
    if repeated.iter().any(|name| deciding.contains(&name.as_str())) {
        return None;
    }
    fields.retain(|name, _| !repeated.contains(name));
    Some(fields)
}
