//! `escape`: escapes a text for HTML.

/// Escapes the five characters that HTML requires. Tera's own function also escapes `/`, which makes paths unreadable.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
