//! JSON with faults that decide nothing, made valid.

use serde_json::Value;

/// Replaces bytes that are not UTF-8, escaped surrogates without their other half, and escapes that JSON does not know. Escapes
/// control characters in texts, and reads `\\'` as `'`. Numbers that JSON does not know, such as NaN, become null.
pub(super) fn repaired(bytes: &[u8]) -> String {
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
