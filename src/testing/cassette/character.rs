//! [`Character`]: a character of a text, which may be percent-encoded.

/// A character, and how it is written: `%3D` is `=`.
#[derive(Clone, Copy)]
pub(super) struct Character<'t> {
    pub(super) char: char,
    pub(super) text: &'t str,
}

impl Character<'_> {
    pub(super) fn is_encoded(&self) -> bool {
        self.text.len() == 3 && self.text.starts_with('%')
    }
}

/// Returns the characters of `text`. A byte that is percent-encoded is one, also if it is a part of another in UTF-8.
pub(super) fn characters(mut text: &str) -> Vec<Character<'_>> {
    let mut characters = Vec::new();
    while let Some(char) = text.chars().next() {
        let byte = decode(text);
        let (this, rest) = text.split_at(byte.map_or(char.len_utf8(), |_| 3));
        characters.push(Character { char: byte.map_or(char, char::from), text: this });
        text = rest;
    }
    characters
}

/// The byte that `text` begins with, if it is percent-encoded.
fn decode(text: &str) -> Option<u8> {
    let digits = text.strip_prefix('%')?.get(..2)?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hex.then(|| u8::from_str_radix(digits, 16).ok()).flatten()
}
