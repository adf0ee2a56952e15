//! Texts and JSON of a provider: cleaned and shortened here, once, where they are read.
//!
//! A text that people read is cleaned: [`printable`] and [`visible`]. A text that decides something or is followed is never
//! changed, since another text could come out; [`exact`] accepts or drops it.

use serde_json::{Map, Value};

/// Maximum length of a name or user name, in characters. The rest is cut off.
pub(crate) const MAX_NAME: usize = 200;
/// Maximum length of a URL, in bytes. A longer one is left out.
pub(crate) const MAX_URL: usize = 2048;
/// Maximum length of an e-mail address, in bytes (RFC 5321 §4.5.3.1.3). A longer one is left out.
pub(crate) const MAX_EMAIL: usize = 254;
/// Maximum length of a token type, in characters. The rest is cut off.
pub(crate) const MAX_TOKEN_TYPE: usize = 64;
/// Maximum length of all granted scopes together, in bytes. Those that do not fit are left out.
pub(crate) const MAX_SCOPE: usize = 8192;
/// Maximum length of a provider's session id (`sid`), in bytes. A longer one is left out.
pub(crate) const MAX_SID: usize = 255;
/// Maximum size of the userinfo as JSON, in bytes. The largest top-level fields are left out until it fits.
pub(crate) const MAX_USERINFO: usize = 65_536;
/// Maximum size of the further fields of a token answer as JSON, in bytes. The largest are left out until they fit.
pub(crate) const MAX_TOKEN_EXTRA: usize = 16_384;
/// Maximum depth of objects and lists in JSON. What is deeper becomes null.
const MAX_DEPTH: usize = 32;

/// Returns `text` in a form that a page or a log line can show: at most `max` characters, without control characters and
/// without those that change the direction of the text around them. A line break is a space.
///
/// Joiners stay: emoji, Persian and Indic names need them.
pub(crate) fn printable(text: &str, max: usize) -> String {
    let shown = text.chars().filter_map(|c| match c {
        '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => Some(' '),
        c => (!is_harmful(c)).then_some(c),
    });
    shown.take(max).collect()
}

/// Returns `text` as [`printable`] does, without spaces around it; `None` if nothing in it can be seen.
pub(crate) fn visible(text: &str, max: usize) -> Option<String> {
    // Cut at the end only: an attacker could put spaces before the name.
    let clean = printable(text, usize::MAX);
    let shown: String = clean.trim().chars().take(max).collect();
    let shown = shown.trim_end_matches(|c: char| c.is_whitespace() || c == '\u{200d}');
    shown.chars().any(is_seen).then(|| shown.to_owned())
}

/// Returns `text` unchanged; `None` if it is empty, has more than `max` bytes, or has a character that [`printable`] would
/// change.
pub(crate) fn exact(text: &str, max: usize) -> Option<&str> {
    ((1..=max).contains(&text.len()) && !text.chars().any(is_unclean)).then_some(text)
}

/// Returns `value` in a form that every database stores and every JSON parser reads, of at most `max` bytes. Texts lose the
/// characters that are harmful. A field whose name has one is left out. If the value is larger, its largest top-level fields
/// are left out until it fits; null if it has none.
pub(crate) fn json(value: Value, max: usize) -> Value {
    match storable(value, MAX_DEPTH) {
        Value::Object(fields) => Value::Object(fit(fields, max)),
        value if value.to_string().len() <= max => value,
        _ => Value::Null,
    }
}

/// As [`json`], for the fields of an object.
pub(crate) fn json_fields(fields: Map<String, Value>, max: usize) -> Map<String, Value> {
    match json(Value::Object(fields), max) {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn fit(mut fields: Map<String, Value>, max: usize) -> Map<String, Value> {
    let size = |(name, value): (&String, &Value)| (name.len() + value.to_string().len() + 4, name.clone());
    let mut sizes: Vec<(usize, String)> = fields.iter().map(size).collect();
    let mut total: usize = sizes.iter().map(|(size, _)| size).sum();
    sizes.sort();
    while total > max
        && let Some((size, name)) = sizes.pop()
    {
        fields.remove(&name);
        total -= size;
    }
    fields
}

fn storable(value: Value, depth: usize) -> Value {
    match value {
        Value::String(text) if text.chars().any(is_harmful) => {
            Value::String(text.chars().filter(|c| !is_harmful(*c)).collect())
        }
        Value::Array(_) | Value::Object(_) if depth == 0 => Value::Null,
        Value::Array(list) => list.into_iter().map(|value| storable(value, depth - 1)).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(name, _)| !name.chars().any(is_unclean));
            Value::Object(fields.map(|(name, value)| (name, storable(value, depth - 1))).collect())
        }
        value => value,
    }
}

/// Whether `c` is a control character that is no white space, or changes the direction of the text around it.
fn is_harmful(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n' | '\r')
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_unclean(c: char) -> bool {
    is_harmful(c) || matches!(c, '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}')
}

/// Whether `c` leaves a mark on the screen. White space and the characters that Unicode lets a renderer ignore do not.
pub(crate) fn is_seen(c: char) -> bool {
    !c.is_whitespace()
        && !c.is_control()
        && !matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn d11_names_are_cleaned_and_cut() {
        for (name, wanted) in [
            ("A\0da", Some("Ada")),
            ("  Ada\r\n\u{2028}Lovelace\t ", Some("Ada   Lovelace")),
            ("\u{202e}evil\u{202c}\u{2066}!\u{2069}", Some("evil!")),
            ("\u{1b}[31mAda\u{7f}\u{9b}", Some("[31mAda")),
            // Joiners of Persian, Devanagari and emoji, and marks of right-to-left names.
            ("علی\u{200c}رضا", Some("علی\u{200c}رضا")),
            ("क्\u{200d}ष", Some("क्\u{200d}ष")),
            ("👩\u{200d}🚀 Ada", Some("👩\u{200d}🚀 Ada")),
            ("שרה\u{200e}!", Some("שרה\u{200e}!")),
            ("", None),
            (" \t\n", None),
            ("\u{200b}\u{200d}\u{2060}\u{feff}", None),
            ("\u{3164}", None),
            ("\u{2800} \u{ad}\u{e0041}", None),
            ("\0\u{202e}", None),
        ] {
            assert_eq!(visible(name, MAX_NAME).as_deref(), wanted, "{name:?}");
        }
        let long = format!("{}👩\u{200d}🚀{}", " ".repeat(300_000), "x".repeat(300_000));
        assert_eq!(visible(&long, MAX_NAME).unwrap().chars().count(), MAX_NAME);
        assert_eq!(visible(&long, 2).as_deref(), Some("👩"), "no joiner at the end");
        assert_eq!(printable(&"ä".repeat(1000), 64).chars().count(), 64);
    }

    #[test]
    fn d11_what_decides_is_left_out_and_never_changed() {
        assert_eq!(exact("ada@x.example", MAX_EMAIL), Some("ada@x.example"));
        assert_eq!(exact(&"a".repeat(MAX_SID), MAX_SID).map(str::len), Some(MAX_SID));
        for text in ["", "a\0", "a\nb", "\u{202e}a", "a\u{2028}", "a\u{85}", &"a".repeat(MAX_SID + 1)] {
            assert_eq!(exact(text, MAX_SID), None, "{text:?}");
        }
    }

    #[test]
    fn d11_json_fits_into_every_database_and_parser() {
        let value =
            json!({"n\0ame": "Eve", "name": "A\0d\na\u{202e}", "list": ["\0", 1, null, {"x": "\u{1}y"}]});
        let wanted = json!({"name": "Ad\na", "list": ["", 1, null, {"x": "y"}]});
        assert_eq!(json(value, MAX_USERINFO), wanted);
        let deep = (0..120).fold(json!(1), |inner, _| json!([inner]));
        let text = json(json!({ "deep": deep, "sub": "1" }), MAX_USERINFO).to_string();
        assert!(text.contains("[[[") && text.contains("null") && text.contains("\"sub\":\"1\""), "{text}");
        assert!(text.matches('[').count() < MAX_DEPTH);

        let large =
            json!({"sub": "1", "a": "x".repeat(40_000), "b": "x".repeat(50_000), "roles": vec!["y"; 1000]});
        let fitted = json(large, MAX_USERINFO);
        let names: Vec<_> = fitted.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["a", "roles", "sub"], "the largest is left out");
        assert!(fitted.to_string().len() <= MAX_USERINFO);
        assert_eq!(json(json!("x".repeat(70_000)), MAX_USERINFO), Value::Null);
        assert_eq!(json(json!({"only": "x".repeat(70_000)}), MAX_USERINFO), json!({}));
        let many: Map<_, _> = (0..50_000).map(|n| (format!("{n:06}"), json!(n))).collect();
        assert!(Value::Object(json_fields(many, MAX_TOKEN_EXTRA)).to_string().len() <= MAX_TOKEN_EXTRA);
    }
}
