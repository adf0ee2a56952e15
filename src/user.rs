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
