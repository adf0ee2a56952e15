//! Characters that no one sees, which get into a configuration by copying, or with a file that another program wrote.

use crate::profile::text::is_seen;

/// What is wrong with `text`, for the operator, if it has a control character, a space other than U+0020, or a character that
/// leaves no mark: a byte order mark, or one of zero width. It names the character, and nothing else of the text.
pub(super) fn fault(text: &str) -> Option<String> {
    let (at, char) = text.char_indices().find(|(_, char)| *char != ' ' && !is_seen(*char))?;
    let name = match char {
        '\n' | '\r' => "a line break".to_owned(),
        '\t' => "a tab".to_owned(),
        '\u{feff}' => "a byte order mark (U+FEFF)".to_owned(),
        _ => format!("the invisible character U+{:04X}", u32::from(char)),
    };
    let place = match at {
        0 => "at its beginning",
        _ if at + char.len_utf8() == text.len() => "at its end",
        _ => "in it",
    };
    Some(format!("has {name} {place}, which would be sent: remove it"))
}

/// As [`fault`], for a text that may have several lines, for example a key in PEM.
pub(super) fn fault_of_lines(text: &str) -> Option<String> {
    fault(&text.replace(['\n', '\r', '\t'], " "))
}

/// Warns if `text` begins or ends with a blank. `place` is the key, with its source.
pub(super) fn warn_of_blanks(text: &str, place: &str) {
    if text.trim_matches(' ') != text {
        log::warn!(
            "oauth: {place} begins or ends with a blank, which is sent as it is: remove it if it is a mistake"
        );
    }
}
