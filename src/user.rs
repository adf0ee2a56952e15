//! The app's user ids.

use std::fmt::Display;
use std::str::FromStr;

/// What identifies a local user: `i32`, `i64`, `Uuid`, `String`, or a type of the app's own that writes itself as
/// text and reads itself back.
///
/// Implemented for every type that fits. An app never names it: its [`LinkPolicy`](crate::LinkPolicy) declares the
/// id type, once. In the database a user id is its text, so two ids must not write the same text.
///
/// ```
/// fn takes_an_id<U: rocket_dance::UserId>(_: U) {}
/// takes_an_id(7_i32);
/// takes_an_id("ada".to_string());
/// ```
pub trait UserId: Display + FromStr + Clone + Send + Sync + 'static {}

impl<T: Display + FromStr + Clone + Send + Sync + 'static> UserId for T {}

/// Why no database may be asked for an account of `id`, a user's here or at a provider.
///
/// MG-04: MySQL's keys hold 255 characters, and without its strict mode it cuts off what is longer: two people would
/// become one. PostgreSQL takes no NUL in a text.
pub(crate) fn unstorable(id: &str) -> Option<&'static str> {
    if id.is_empty() {
        Some("is empty")
    } else if id.contains('\0') {
        Some("has a NUL in it")
    } else if id.chars().nth(LONGEST_ID).is_some() {
        Some("has more than 255 characters")
    } else {
        None
    }
}

const LONGEST_ID: usize = 255;

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
