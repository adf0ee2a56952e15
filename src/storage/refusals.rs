//! What storages refuse, in one place.

use super::SessionStart;
use crate::error::{Error, ErrorKind, Result};

/// The refusal of a login whose user has been signed out while the provider answered.
// AL-02: the user may have ended all sessions of an attacker, who would get back in with an account of their own.
pub(crate) fn session_has_ended() -> Error {
    Error::refused("You have been signed out in the meantime: nothing was connected.")
        .with_reason("signed_out")
}

/// The refusal of an account or a session for a user whose row is gone.
pub(crate) fn user_is_gone() -> Error {
    Error::refused("This user does not exist here any more. Nothing was stored.")
        .with_reason("user_deleted")
        .with_source("the row of the user is gone from the table that `cascade_from` names")
}

/// The refusal of a session by a storage that keeps none.
pub(crate) fn keeps_no_sessions() -> Error {
    Error::new(
        ErrorKind::Misconfigured,
        "this storage keeps no sessions: use DieselStorage, or implement `Storage::sessions`",
    )
}

impl SessionStart {
    /// Returns an error if the session has not begun.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`].
    pub(crate) fn check(self) -> Result<()> {
        match self {
            SessionStart::Begun => Ok(()),
            SessionStart::AccountGone => {
                Err(Error::refused("This account was disconnected in the meantime. Please sign in again."))
            }
            SessionStart::UserGone => Err(user_is_gone()),
        }
    }
}
