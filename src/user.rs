//! The ids of the app's users.

use std::fmt::Display;
use std::str::FromStr;

/// The id type of the app's users: `i32`, `i64`, `Uuid`, `String`, or another type with `Display` and `FromStr`.
///
/// This trait is implemented for every suitable type. An app declares its id type once, by its
/// [`LinkPolicy`](crate::LinkPolicy), and does not name this trait.
///
/// The database stores a user id as the text of its `Display`. `FromStr` must read that text back, and two different ids
/// must have different texts of 1 to 255 characters.
///
/// ```
/// fn takes_an_id<U: rocket_dance::UserId>(_: U) {}
/// takes_an_id(7_i32);
/// takes_an_id("ada".to_string());
/// ```
pub trait UserId: Display + FromStr + Clone + Send + Sync + 'static {}

impl<T: Display + FromStr + Clone + Send + Sync + 'static> UserId for T {}

/// Returns why `id`, of a local user or of a provider's user, cannot be stored on every database. `None` if it can.
///
/// MG-04: MySQL's key columns have 255 characters. Without its strict mode, MySQL truncates longer values, so that two
/// users would become one. PostgreSQL does not accept NUL in a text.
pub(crate) fn unstorable(id: &str) -> Option<&'static str> {
    if id.is_empty() {
        Some("is empty")
    } else if id.contains('\0') {
        Some("contains a NUL character")
    } else if id.chars().nth(MAX_ID_CHARACTERS).is_some() {
        Some("has more than 255 characters")
    } else {
        None
    }
}

/// Maximum length of an id, in characters.
const MAX_ID_CHARACTERS: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mg_04_what_fits_into_a_key_of_every_database() {
        for id in ["0", "ö", " ", &"ö".repeat(255)] {
            assert_eq!(unstorable(id), None, "{id}");
        }
        for id in ["", "a\0", &"a".repeat(256)] {
            assert!(unstorable(id).is_some(), "{id:?}");
        }
    }
}
