//! Local user ids as texts.

use crate::error::{Error, ErrorKind, Result};
use crate::user::{UserId, unstorable};

/// Checks that every database can store and look up the id `user`.
///
/// # Errors
/// [`ErrorKind::AppError`] if not.
pub(crate) fn check_user_id(user: &str) -> Result<()> {
    match unstorable(user) {
        None => Ok(()),
        Some(why) => Err(Error::app(format!("the app's id of a user {why}"))),
    }
}

/// Parses a stored user id as the app's type.
///
/// # Errors
/// [`ErrorKind::Misconfigured`] if it is not an id of that type.
pub(crate) fn parse_user_id<U: UserId>(text: &str) -> Result<U> {
    text.parse().map_err(|_| {
        Error::new(ErrorKind::Misconfigured, "This app could not read a user's id.").with_source(format!(
            "a stored user id is not a `{}`: has the app's id type changed?",
            std::any::type_name::<U>()
        ))
    })
}
