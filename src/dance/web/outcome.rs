//! The outcome of a callback, small enough for a cookie.

use serde::{Deserialize, Serialize};

use super::reply::Reply;
use crate::config::Entry;
use crate::dance::handle::Dance;
use crate::error::{Error, ErrorKind};
use crate::link::Purpose;
use crate::redirect_target::RedirectTarget;

/// Maximum length of the message of a failure, in characters.
const MAX_MESSAGE_CHARS: usize = 200;

/// The outcome of a callback. A repeated callback is answered with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    /// It redirected to this page.
    #[serde(rename = "to")]
    To(RedirectTarget),
    /// It failed, with this code, this message, and the page to go to after another sign-in.
    #[serde(rename = "no")]
    Failed(String, String, Option<RedirectTarget>),
}

impl Outcome {
    pub(crate) fn failed(error: &Error) -> Self {
        let message = error.to_string().chars().take(MAX_MESSAGE_CHARS).collect();
        let next = error.next().and_then(|next| RedirectTarget::try_from(next).ok());
        Outcome::Failed(error.kind().code().into(), message, next)
    }

    /// The answer to a repeated callback of `entry`. An origin may be trusted no more (RD-04).
    pub(crate) fn replay(self, dance: &Dance, entry: &Entry) -> Result<Reply, Error> {
        match self {
            Outcome::To(target) if target.origin().is_some_and(|origin| !dance.trusts_origin(origin)) => {
                Ok(Reply::SeeOther(dance.target_after(Purpose::SignIn, entry, None).into()))
            }
            Outcome::To(target) => Ok(Reply::SeeOther(target.into())),
            Outcome::Failed(code, message, next) => {
                let kind = ErrorKind::from_code(&code).unwrap_or(ErrorKind::CallbackNotTrusted);
                Err(Error::new(kind, message).with_next(next))
            }
        }
    }

    pub(crate) fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(crate) fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}
