//! JSON from a provider.
//!
//! A document is read even if a part of it is broken that decides nothing:
//!
//! - A byte order mark is skipped, and so are zero bytes at the end. What is wrong in a text or a number is repaired, see
//!   [`repaired`]. An id with U+FFFD is refused, because two ids could become one.
//! - A field that an object has twice, with different values, counts as absent: two readers could see different values.
//!   [`deciding_object`] refuses such a document.

use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::json_repair::repaired;

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
