//! `Postponed`: a login that is neither stored nor refused yet.

use serde::{Deserialize, Serialize};

use super::SignUpForm;
use crate::error::{Error, ErrorKind};

/// What has to happen before a login is stored. It travels in an [`Error`], so that the transaction rolls back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Postponed {
    /// This user has to sign in as before, and confirm.
    SignInFirst(String),
    /// The visitor has to answer this form.
    SignUp(SignUpForm),
    /// The visitor, who is signed in, has to confirm that the owner of the account becomes one with them.
    MergeUsers { owner: String, visitor: String },
}

impl From<Postponed> for Error {
    fn from(postponed: Postponed) -> Self {
        let (kind, message) = match &postponed {
            Postponed::SignInFirst(_) => {
                (ErrorKind::SignInFirst, "Sign in the way you did before to connect this account.")
            }
            Postponed::SignUp(_) => (ErrorKind::SignUpIncomplete, "Please complete your sign-up."),
            Postponed::MergeUsers { .. } => {
                (ErrorKind::MergeUnconfirmed, "Please confirm that your two users become one.")
            }
        };
        Error::new(kind, message).postponing(postponed)
    }
}
