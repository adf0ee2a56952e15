//! JSON as providers should write it: every field once.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// The JSON value in `bytes`.
///
/// # Errors
/// When it is not JSON, or a field is there twice: two readers would read two things. The sentence holds no values.
pub(crate) fn value(bytes: &[u8]) -> Result<Value, &'static str> {
    serde_json::from_slice::<Unique>(bytes).map_err(|error| match error.classify() {
        serde_json::error::Category::Data => "a field is there twice",
        _ => "not JSON",
    })?;
    serde_json::from_slice(bytes).map_err(|_| "not JSON")
}

/// The JSON object in `bytes`.
pub(crate) fn object(bytes: &[u8]) -> Result<Map<String, Value>, &'static str> {
    match value(bytes)? {
        Value::Object(object) => Ok(object),
        _ => Err("not a JSON object"),
    }
}

/// Any JSON value without a field that is there twice.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self, A::Error> {
        let mut seen = HashSet::new();
        while let Some((name, Unique)) = map.next_entry::<String, _>()? {
            if !seen.insert(name) {
                return Err(A::Error::custom("twice"));
            }
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while let Some(Unique) = list.next_element()? {}
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tr_07_every_field_once() {
        assert!(object(br#"{"a": {"b": [1, -1, 1.5, "x", null, true]}, "b": {}}"#).is_ok());
        assert_eq!(object(br#"{"a": 1, "a": 2}"#), Err("a field is there twice"));
        assert_eq!(object(br#"{"a": [{"b": 1, "\u0062": 2}]}"#), Err("a field is there twice"));
        let deep = [vec![b'['; 10_000], vec![b']'; 10_000]].concat();
        for bad in [&b""[..], b"{}x", b"\xef\xbb\xbf{}", b"{", b"<html>", b"\xff\xfe{\0}\0", &deep] {
            assert_eq!(object(bad), Err("not JSON"));
        }
        assert_eq!(object(b"[]"), Err("not a JSON object"));
    }
}
