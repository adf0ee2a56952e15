//! How a dance ended, small enough to be remembered.

use serde::{Deserialize, Serialize};

use super::reply::Reply;
use crate::error::{Error, ErrorKind};
use crate::local_path::LocalPath;

/// How a dance ended: what a repeat of its callback is answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Outcome {
    /// It went to this path.
    #[serde(rename = "to")]
    To(LocalPath),
    /// It failed with this code and these words.
    #[serde(rename = "no")]
    Failed(String, String),
}

impl Outcome {
    pub(super) fn failed(error: &Error) -> Self {
        let words = error.to_string();
        Outcome::Failed(error.kind().code().into(), words.chars().take(200).collect())
    }

    /// What a repeat is answered with.
    pub(super) fn replay(self) -> Result<Reply, Error> {
        match self {
            Outcome::To(path) => Ok(Reply::SeeOther(path.into())),
            Outcome::Failed(code, words) => {
                let kind = ErrorKind::from_code(&code).unwrap_or(ErrorKind::CallbackNotTrusted);
                Err(Error::new(kind, words))
            }
        }
    }

    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}
