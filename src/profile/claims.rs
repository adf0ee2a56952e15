//! Functions that read claims from a provider's JSON by path, for a preset's profile function.
//!
//! A path is field names joined by dots. A number is an index of a list, from 0: `data.0.id`. `emails[primary]` is the first
//! element of the list `emails` whose field `primary` is `true`. A name with dots is in single quotes:
//! `'https://corp.example/groups'.0`.
//!
//! ```
//! use rocket_dance::provider::claims;
//! use serde_json::json;
//!
//! let answer = json!({"data": [{"id": 583231, "login": "octocat", "verified": true, "name": ""}]});
//! assert_eq!(claims::id(&answer, "data.0.id")?.as_deref(), Some("583231"));
//! assert_eq!(claims::text(&answer, "data.0.login").as_deref(), Some("octocat"));
//! assert_eq!(claims::text(&answer, "data.0.name"), None);
//! assert!(claims::is_true(&answer, "data.0.verified"));
//! # Ok::<(), rocket_dance::Error>(())
//! ```

use serde_json::Value;

use crate::error::{Error, ErrorKind, Result};

/// Maximum length of an id, in bytes.
const MAX_ID_LENGTH: usize = 255;

/// Returns the value at `path`. `None` if there is no value, or if it is `null`.
pub fn get<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    get_or_null(value, path).filter(|value| !value.is_null())
}

fn get_or_null<'v>(value: &'v Value, path: &str) -> Option<&'v Value> {
    let (value, rest) = match path.strip_prefix('\'').and_then(|rest| rest.split_once('\'')) {
        Some((name, rest)) => (value.get(name)?, rest.strip_prefix('.')),
        None => {
            let (part, rest) = path.split_once('.').map_or((path, None), |(part, rest)| (part, Some(rest)));
            (step(value, part)?, rest)
        }
    };
    rest.map_or(Some(value), |rest| get_or_null(value, rest))
}

/// Returns the name of the field that `path` begins with.
pub(crate) fn first_name(path: &str) -> &str {
    match path.strip_prefix('\'').and_then(|rest| rest.split_once('\'')) {
        Some((name, _)) => name,
        None => path.split(['.', '[']).next().unwrap_or_default(),
    }
}

/// The value that one part of a path leads to.
fn step<'v>(value: &'v Value, part: &str) -> Option<&'v Value> {
    if let Value::Array(list) = value {
        return list.get(part.parse::<usize>().ok()?);
    }
    match part.strip_suffix(']').and_then(|part| part.split_once('[')) {
        Some((name, flag)) => {
            let list = if name.is_empty() { value } else { value.get(name)? };
            list.as_array()?.iter().find(|one| one.get(flag) == Some(&Value::Bool(true)))
        }
        None => value.get(part),
    }
}

/// Returns the text at `path`. `None` if there is no text, or if it is empty.
pub fn text(value: &Value, path: &str) -> Option<String> {
    get(value, path)?.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// Returns whether the value at `path` is the boolean `true`. The text `"true"` and the number 1 are not.
pub fn is_true(value: &Value, path: &str) -> bool {
    get(value, path) == Some(&Value::Bool(true))
}

/// Returns the id at `path`: a text of 1 to 255 bytes without control characters and U+FFFD, or a whole number as decimal
/// digits. `None` if there is no value.
///
/// # Errors
/// [`ErrorKind::BadProviderAnswer`] for any other value, also for an empty text and `null`, so that two users never get the
/// same id from malformed values.
pub fn id(value: &Value, path: &str) -> Result<Option<String>> {
    let Some(value) = get_or_null(value, path) else { return Ok(None) };
    id_of(value).map(Some).ok_or_else(|| {
        Error::new(
            ErrorKind::BadProviderAnswer,
            "The provider's answer does not say who you are. You were not signed in.",
        )
        .with_source(format!("`{path}` is not an id"))
    })
}

/// Returns `value` as an id, see [`id`].
pub(crate) fn id_of(value: &Value) -> Option<String> {
    // U+FFFD stands for bytes that could not be read: two ids could become one.
    let is_bad = |c: char| c.is_control() || c == '\u{fffd}';
    match value {
        Value::String(id) if (1..=MAX_ID_LENGTH).contains(&id.len()) && !id.contains(is_bad) => {
            Some(id.clone())
        }
        Value::Number(id) if id.is_u64() || id.is_i64() => Some(id.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::error::ErrorKind;
    use crate::profile::claims;

    #[test]
    fn tr_16_an_id_is_a_text_or_a_whole_number() {
        for (value, wanted) in [
            (json!({"id": 583231}), Some("583231")),
            (json!({"id": "583231"}), Some("583231")),
            (json!({}), None),
        ] {
            assert_eq!(claims::id(&value, "id").unwrap().as_deref(), wanted);
        }
        for value in [
            json!(1.0),
            json!(1e300),
            json!(""),
            json!(null),
            json!(true),
            json!({}),
            json!("a\nb"),
            json!("a\u{fffd}"),
            json!("a".repeat(256)),
        ] {
            assert!(claims::id(&json!({ "id": value }), "id").is_err(), "{value}");
        }
        let list = json!({"data": [{"id": "7"}, {"id": null}]});
        assert_eq!(claims::id(&list, "data.0.id").unwrap().as_deref(), Some("7"));
        assert_eq!(claims::id(&list, "data.1.id").unwrap_err().kind(), ErrorKind::BadProviderAnswer);
    }
}
