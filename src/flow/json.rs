//! JSON from a provider.
//!
//! A document is read even if a part of it is broken that decides nothing:
//!
//! - A byte order mark is skipped. Bytes that are not UTF-8, and surrogates without their other half (`"\ud83d"`), become
//!   U+FFFD. An id with that character is refused, because two ids could become one. A control character that is not escaped is
//!   read as one that is.
//! - A field that an object has twice, with different values, counts as absent: two readers could see different values.
//!   [`deciding_object`] refuses such a document.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads the JSON value in `bytes`.
///
/// # Errors
/// If the bytes are not JSON. The sentence holds no values.
pub(crate) fn value(bytes: &[u8]) -> Result<Value, &'static str> {
    document(bytes).map(|document| document.value)
}

/// Reads the JSON object in `bytes`.
///
/// # Errors
/// As [`value`], and if the value is not an object.
pub(super) fn object(bytes: &[u8]) -> Result<Map<String, Value>, &'static str> {
    deciding_object(bytes, &[])
}

/// Reads the JSON object in `bytes`, in which each of the fields `deciding` may occur once.
///
/// # Errors
/// As [`object`], and if such a field occurs twice, even with the same value.
pub(super) fn deciding_object(bytes: &[u8], deciding: &[&str]) -> Result<Map<String, Value>, &'static str> {
    let document = document(bytes)?;
    match document.value {
        Value::Object(_) if document.repeated.iter().any(|name| deciding.contains(&name.as_str())) => {
            Err("a field is there twice")
        }
        Value::Object(object) => Ok(object),
        _ => Err("not a JSON object"),
    }
}

fn document(bytes: &[u8]) -> Result<Document, &'static str> {
    let bytes = bytes.trim_ascii_start();
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let end = bytes.iter().rposition(|byte| *byte != 0 && !byte.is_ascii_whitespace());
    let bytes = &bytes[..end.map_or(0, |end| end + 1)];
    serde_json::from_slice(bytes).or_else(|_| serde_json::from_str(&repaired(bytes))).map_err(|_| "not JSON")
}

/// Replaces bytes that are not UTF-8, escaped surrogates without their other half, and escapes that JSON does not know. Escapes
/// control characters in texts, and reads `\\'` as `'`. Numbers that JSON does not know, such as NaN, become null.
fn repaired(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut repaired = String::with_capacity(text.len());
    let mut rest = &*text;
    // In JSON, a backslash only occurs in a text.
    while let Some(at) = rest.find('\\') {
        repaired.push_str(&rest[..at]);
        rest = &rest[at..];
        let (kept, length) = match (surrogate(rest), rest.get(6..).and_then(surrogate)) {
            (Some(Surrogate::High), Some(Surrogate::Low)) => (true, 12),
            (Some(_), _) => (false, 6),
            // A backslash and the character that it escapes, which may be a backslash.
            (None, _) => (is_escape(rest), 1 + rest[1..].chars().next().map_or(0, char::len_utf8)),
        };
        repaired.push_str(match &rest[..length] {
            "\\'" => "'",
            escape if kept => escape,
            _ => "\u{fffd}",
        });
        rest = &rest[length..];
    }
    let (mut outside, mut valid) = (true, String::with_capacity(text.len()));
    for part in parts(&(repaired + rest)) {
        match outside {
            true => push_with_valid_numbers(&mut valid, part),
            false => push_with_escaped_controls(&mut valid, part),
        }
        outside = !outside;
    }
    valid
}

/// Whether `text` begins with an escape of RFC 8259 §7.
fn is_escape(text: &str) -> bool {
    let mut chars = text.chars().skip(1);
    match chars.next() {
        Some('u') => chars.by_ref().take(4).filter(char::is_ascii_hexdigit).count() == 4,
        Some(c) => "\"\\/bfnrt".contains(c),
        None => true,
    }
}

/// Splits a document into what is outside of texts and in them, by turns. The quotation marks belong to what is outside.
fn parts(json: &str) -> Vec<&str> {
    let (mut parts, mut begin, mut is_in_text, mut is_escaped) = (Vec::new(), 0, false, false);
    for (at, c) in json.char_indices() {
        if c == '"' && !is_escaped {
            let end = if is_in_text { at } else { at + 1 };
            parts.push(&json[begin..end]);
            (begin, is_in_text) = (end, !is_in_text);
        }
        is_escaped = is_in_text && c == '\\' && !is_escaped;
    }
    parts.push(&json[begin..]);
    parts
}

/// Adds a part outside of texts. A number that JSON does not know or can't hold becomes null.
fn push_with_valid_numbers(valid: &mut String, part: &str) {
    let is_of_number = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    let mut rest = part;
    while let Some(at) = rest.find(is_of_number) {
        let word = &rest[at..];
        let (word, after) = word.split_at(word.find(|c| !is_of_number(c)).unwrap_or(word.len()));
        valid.push_str(&rest[..at]);
        let is_number = word.parse::<f64>().is_ok() && serde_json::from_str::<Value>(word).is_err();
        valid.push_str(if is_number { "null" } else { word });
        rest = after;
    }
    valid.push_str(rest);
}

/// Adds a part of a text, with its control characters escaped. Outside of texts, some of them are white space.
fn push_with_escaped_controls(valid: &mut String, part: &str) {
    for c in part.chars() {
        match c {
            '\0'..='\u{1f}' => valid.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => valid.push(c),
        }
    }
}

/// A half of a character beyond U+FFFF (RFC 8259 §7).
enum Surrogate {
    High,
    Low,
}

/// The escaped surrogate at the beginning of `text`.
fn surrogate(text: &str) -> Option<Surrogate> {
    let digits = text.strip_prefix("\\u")?.get(..4).filter(|digits| !digits.starts_with('+'))?;
    match u16::from_str_radix(digits, 16).ok()? {
        0xd800..=0xdbff => Some(Surrogate::High),
        0xdc00..=0xdfff => Some(Surrogate::Low),
        _ => None,
    }
}

/// A JSON value, and the names that occur twice in it, if it is an object.
struct Document {
    value: Value,
    repeated: BTreeSet<String>,
}

impl From<Value> for Document {
    fn from(value: Value) -> Self {
        Self { value, repeated: BTreeSet::new() }
    }
}

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DocumentVisitor)
    }
}

struct DocumentVisitor;

impl<'de> Visitor<'de> for DocumentVisitor {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Document, A::Error> {
        let (mut object, mut repeated, mut unclear) = (Map::new(), BTreeSet::new(), BTreeSet::new());
        while let Some((name, Document { value, .. })) = entries.next_entry::<String, _>()? {
            match object.get(&name) {
                Some(first) => {
                    if *first != value {
                        unclear.insert(name.clone());
                    }
                    repeated.insert(name);
                }
                None => drop(object.insert(name, value)),
            }
        }
        object.retain(|name, _| !unclear.contains(name));
        Ok(Document { value: Value::Object(object), repeated })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Document, A::Error> {
        let mut list = Vec::new();
        while let Some(Document { value, .. }) = elements.next_element()? {
            list.push(value);
        }
        Ok(Value::Array(list).into())
    }

    fn visit_unit<E>(self) -> Result<Document, E> {
        Ok(Value::Null.into())
    }

    fn visit_bool<E>(self, value: bool) -> Result<Document, E> {
        Ok(Value::from(value).into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Document, E> {
        Ok(Value::from(value).into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Document, E> {
        Ok(Value::from(value).into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Document, E> {
        Ok(Value::from(value).into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Document, E> {
        Ok(Value::from(value).into())
    }

    fn visit_string<E>(self, value: String) -> Result<Document, E> {
        Ok(Value::from(value).into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tr_07_what_is_no_json() {
        let good = br#"{"a": {"b": [1, -1, 1.5, "x", null, true]}, "b": {}}"#;
        assert_eq!(value(good).unwrap(), serde_json::from_slice::<Value>(good).unwrap());
        let deep = [vec![b'['; 10_000], vec![b']'; 10_000]].concat();
        for bad in
            [&b""[..], b"{}x", b"{", b"<html>", b"\xff\xfe{\0}\0", b"\xfe\xff\0{\0}", b"\\ud800", &deep]
        {
            assert_eq!(object(bad), Err("not JSON"));
        }
        assert_eq!(object(b"[]"), Err("not a JSON object"));
    }

    #[test]
    fn r6_a_field_that_is_there_twice() {
        let read = |text: &str| deciding_object(text.as_bytes(), &["a"]).map(Value::Object);
        for text in [r#"{"a": 1, "a": 2}"#, r#"{"a": 1, "\u0061": 1}"#] {
            assert_eq!(read(text), Err("a field is there twice"), "{text}");
        }
        assert_eq!(read(r#"{"a": 1, "b": 1, "b": 2, "b": 1, "c": 1, "c": 1}"#), Ok(json!({"a": 1, "c": 1})));
        assert_eq!(read(r#"{"a": [{"a": 1, "a": 2, "b": 3}]}"#), Ok(json!({"a": [{"b": 3}]})));
    }

    #[test]
    fn r6_many_fields_that_are_there_twice_cost_no_time() {
        let fields = |value: u8| (0..40_000).map(|n| format!("\"{n:05}\":{value},")).collect::<String>();
        let text = format!("{{{}{}\"end\":1}}", fields(0), fields(1));
        assert!(text.len() < 1 << 20);
        let began = std::time::Instant::now();
        assert_eq!(value(text.as_bytes()), Ok(json!({"end": 1})));
        // A search through all of them for each of them takes many seconds.
        assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    }

    #[test]
    fn r6_one_odd_character() {
        let read = |bytes: &[u8]| value(bytes).map(|value| value["a"].as_str().map(str::to_owned));
        for (text, wanted) in [
            (&br#"{"a": "I \ud83d"}"#[..], "I \u{fffd}"),
            (br#"{"a": "\ud83d\ud83d\ude00\ude00"}"#, "\u{fffd}\u{1f600}\u{fffd}"),
            (br#"{"a": "\\ud83d \ud83dx"}"#, "\\ud83d \u{fffd}x"),
            (br#"{"a": "\uD83D\n\"\uDE00"}"#, "\u{fffd}\n\"\u{fffd}"),
            (b"\xef\xbb\xbf{\"a\": \"Ren\xe9\"}", "Ren\u{fffd}"),
            (b"{\"a\": \"\xed\xa0\x80\"}", "\u{fffd}\u{fffd}\u{fffd}"),
            ("{\"a\": \"é\\ud83d\"}".as_bytes(), "é\u{fffd}"),
            (b"{\n\t\"a\":\r\"two\nlines\t\0\x1b\\\\\"}", "two\nlines\t\0\x1b\\"),
            (b"{\"a\": \"a\\\"\nb\", \"b\": \"\"}", "a\"\nb"),
            (br#"{"a": "it\'s"}"#, "it's"),
            (br#"{"a": "\v\x41\\x"}"#, "\u{fffd}\u{fffd}41\\x"),
            (br#"{"a": "\u12\u"}"#, "\u{fffd}12\u{fffd}"),
            (b"{\"a\": \"\\\xff\"}", "\u{fffd}"),
            (b"{\"a\": \"\\\n\"}", "\u{fffd}"),
            (b" \n\xef\xbb\xbf{\"a\": \"x\"} \n\0\0", "x"),
            (b"{\"n\": [NaN, -Infinity, 1e999, 01, .5, +1], \"a\": \"NaN 1e999\"}", "NaN 1e999"),
        ] {
            assert_eq!(read(text), Ok(Some(wanted.to_owned())), "{}", String::from_utf8_lossy(text));
        }
        for bad in [
            &br#"{"a": "\"#[..],
            br#"{"a": "\ud83d}"#,
            br#"{"a": NaNs}"#,
            br#"{"a": x, "b": 1}"#,
            b"{\"a\": \0\"\"}",
        ] {
            assert_eq!(read(bad), Err("not JSON"), "{}", String::from_utf8_lossy(bad));
        }
    }
}
