//! The callback's parameters.

use crate::error::Result;
use crate::secret::Secret;

/// What came to the redirect URI (RFC 6749 §4.1.2), checked for shape: every parameter at most once, UTF-8, bounded,
/// either a code or an error. The state is still to be matched with a flow.
#[derive(Debug)]
pub(crate) struct Callback {
    pub(crate) state: Secret,
    pub(crate) iss: Option<String>,
    pub(crate) answer: Answer,
}

/// A code, or the provider's "no".
#[derive(Debug)]
pub(crate) enum Answer {
    Code(Secret),
    Error { error: String, description: Option<String> },
}

impl Callback {
    /// Reads a callback's query, as it stands in the URL (without `?`).
    ///
    /// # Errors
    /// [`ErrorKind::NotTrusted`](crate::ErrorKind::NotTrusted) for whatever can't be an answer to a dance of ours.
    pub(crate) fn parse(query: &str) -> Result<Self> {
        let _ = query;
        todo!()
    }
}
