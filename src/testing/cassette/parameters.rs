//! The secrets in the URLs and the parameters of a text.

use std::ops::Range;

use super::character::{Character, characters};
use super::secret_names::{SCRUBBED, is_secret_name};

/// What ends a value, beside white space.
const VALUE_ENDS: &str = "&#\"'<>";

/// What ends the host of a URL, beside white space.
const AUTHORITY_ENDS: &str = "/?#\"'<>\\";

/// Scrubs the values of parameters, `name=value`, whose names say that they are secrets, and the users and passwords of URLs. All
/// else stays byte for byte.
pub(super) fn scrub_parameters(text: &str) -> String {
    let characters = characters(text);
    let (mut scrubbed, mut name, mut next) = (String::new(), String::new(), 0);
    while let Some(character) = characters.get(next) {
        let start = next + 1;
        let secret = match character.char {
            '=' if is_secret_name(&name) => value(&characters, start),
            '/' if is_scheme_end(&characters[..start]) => user(&characters, start),
            _ => start..start,
        };
        scrubbed.extend(characters[next..secret.start].iter().map(|character| character.text));
        if !secret.is_empty() {
            scrubbed.push_str(SCRUBBED);
        }
        match character.char {
            c if c.is_ascii_alphanumeric() || "_-.$[]".contains(c) => name.push(c),
            _ => name.clear(),
        }
        next = secret.end;
    }
    scrubbed
}

/// Where the value is that begins at `start`, without its quotes.
fn value(characters: &[Character<'_>], mut start: usize) -> Range<usize> {
    let separator = characters[start - 1];
    start += characters[start..].iter().take_while(|character| character.char == '\\').count();
    let first =
        characters.get(start).filter(|first| "\"'".contains(first.char) && is_above(first, separator));
    match first {
        Some(quote) => start + 1..end(characters, start + 1, separator, |c| c == quote.char),
        None => start..end(characters, start, separator, |c| c.is_whitespace() || VALUE_ENDS.contains(c)),
    }
}

/// Where the user and the password are in a URL whose host begins at `start`.
fn user(characters: &[Character<'_>], start: usize) -> Range<usize> {
    let is_end = |c: char| c.is_whitespace() || AUTHORITY_ENDS.contains(c);
    let authority = &characters[start..end(characters, start, characters[start - 1], is_end)];
    let length = authority.iter().rposition(|character| character.char == '@').unwrap_or(0);
    start..start + length
}

/// Where that ends which begins at `start`, after `separator`.
fn end(
    characters: &[Character<'_>],
    start: usize,
    separator: Character<'_>,
    is_end: impl Fn(char) -> bool,
) -> usize {
    let mut rest = characters[start..].iter();
    let length = rest.position(|character| is_end(character.char) && is_above(character, separator));
    length.map_or(characters.len(), |length| start + length)
}

/// Whether `character` can end what `separator` has begun: one that is encoded is a part of a value, unless all of it is encoded.
fn is_above(character: &Character<'_>, separator: Character<'_>) -> bool {
    separator.is_encoded() || !character.is_encoded()
}

fn is_scheme_end(characters: &[Character<'_>]) -> bool {
    characters.iter().rev().take(3).map(|character| character.char).eq("//:".chars())
}
