//! Texts that a provider sends.

/// Returns a provider's text in a form that a page or a log line can show: at most `max` characters, without control
/// characters and without the characters that change the direction of text.
pub(super) fn printable(text: &str, max: usize) -> String {
    let is_harmless =
        |c: &char| !c.is_control() && !matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(is_harmless).take(max).collect()
}
