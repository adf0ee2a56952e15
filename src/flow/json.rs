//! JSON from a provider, in which every field occurs once.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// Reads the JSON value in `bytes`.
///
/// # Errors
/// If the bytes are not JSON, or if an object has a field twice: two readers of such an object may see two different
/// values. The sentence holds no values.
pub(super) fn value(bytes: &[u8]) -> Result<Value, &'static str> {
    serde_json::from_slice::<Unique>(bytes).map(|Unique(value)| value).map_err(|error| {
        match error.classify() {
            serde_json::error::Category::Data => "a field is there twice",
            _ => "not JSON",
        }
    })
}

/// Reads the JSON object in `bytes`.
///
/// # Errors
/// As [`value`], and if the value is not an object.
pub(super) fn object(bytes: &[u8]) -> Result<Map<String, Value>, &'static str> {
    match value(bytes)? {
        Value::Object(object) => Ok(object),
        _ => Err("not a JSON object"),
    }
}

/// A JSON value. Reading it fails if an object in it has a field twice; `serde_json::Value` would keep the last one.
struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Self)
    }
}

struct UniqueVisitor;

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Unique(value))) = entries.next_entry::<String, _>()? {
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a field is there twice"));
            }
        }
        Ok(Value::Object(object))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unique(value)) = elements.next_element()? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tr_07_every_field_once() {
        let good = br#"{"a": {"b": [1, -1, 1.5, "x", null, true]}, "b": {}}"#;
        assert_eq!(value(good).unwrap(), serde_json::from_slice::<Value>(good).unwrap());
        assert!(object(good).is_ok());
        assert_eq!(object(br#"{"a": 1, "a": 2}"#), Err("a field is there twice"));
        assert_eq!(object(br#"{"a": [{"b": 1, "\u0062": 2}]}"#), Err("a field is there twice"));
        let deep = [vec![b'['; 10_000], vec![b']'; 10_000]].concat();
        for bad in [&b""[..], b"{}x", b"\xef\xbb\xbf{}", b"{", b"<html>", b"\xff\xfe{\0}\0", &deep] {
            assert_eq!(object(bad), Err("not JSON"));
        }
        assert_eq!(object(b"[]"), Err("not a JSON object"));
    }
}
