//! The mark of a provider or a user: the first letter of the name in a colored tile.

use serde_json::{Value, json};

/// Number of colors in the style sheet: the classes `m0` to `m11`. White text has enough contrast on each (WCAG 1.4.3).
const TONES: u32 = 12;

/// Returns the mark of `name`, for templates: `letter` in upper case, and `tone`, the number of a color. The same name always has
/// the same mark.
pub(crate) fn mark(name: &str) -> Value {
    let letter = name.chars().find(|c| c.is_alphanumeric());
    let letter = letter.map_or_else(|| "?".to_owned(), |letter| letter.to_uppercase().to_string());
    // FNV-1a: a hash that is the same in every version of Rust.
    let hash =
        name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    json!({ "letter": letter, "tone": (hash >> 8) % TONES })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_has_the_first_letter_and_a_color_of_the_style_sheet() {
        assert_eq!(mark("github")["letter"], "G");
        assert_eq!(mark(" ✨ école")["letter"], "É");
        assert_eq!(mark("ßa")["letter"], "SS");
        assert_eq!(mark("微信")["letter"], "微");
        assert_eq!((&mark("")["letter"], &mark("…")["letter"]), (&json!("?"), &json!("?")));
        assert_eq!(mark("GitHub"), mark("GitHub"));
        let style = include_str!("../../templates/oauth/style.css");
        for tone in 0..TONES {
            assert!(style.contains(&format!(".m{tone}{{background:#")));
        }
    }
}
