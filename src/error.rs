//! One error for everything, typed by who must act.
//!
//! An [`Error`] says three things: its [`kind`](Error::kind), from which a stable [`code`](ErrorKind::code), an
//! HTTP [`status`](ErrorKind::status) and [who must act](ErrorKind::responsible) follow; a sentence for whoever must act;
//! and, for the log, its cause. Neither the sentence nor the cause holds a secret.

#[cfg(feature = "_sql")]
mod database;
mod kind;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

#[cfg(feature = "_sql")]
pub(crate) use self::database::DatabaseFault;
pub use self::kind::{ErrorKind, Responsible};

/// What functions of this crate, policies and signals return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What went wrong, for whoever must act.
///
/// `Display` is a sentence without secrets that may be shown to the person; what only the operator should see is in
/// [`source`](std::error::Error::source).
///
/// Inside an app's own policy, signal or session, `?` works on Diesel's errors; anything else goes through
/// [`Error::app`], and a "no" that the person should read is [`Error::refused`]:
///
/// ```
/// use rocket_dance::{Error, ErrorKind};
///
/// let no = Error::refused("Only members of the chess club may come in.");
/// assert_eq!(no.kind(), ErrorKind::Refused);
/// assert_eq!(no.kind().status().code, 403);
/// assert_eq!(no.to_string(), "Only members of the chess club may come in.");
/// ```
pub struct Error {
    kind: ErrorKind,
    message: Cow<'static, str>,
    entry: Option<String>,
    /// Seconds.
    retry_after: Option<u64>,
    user: Option<String>,
    source: Option<Source>,
}

impl Error {
    /// An error of `kind` with a sentence for whoever must act. The sentence must hold no secret.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), entry: None, retry_after: None, user: None, source: None }
    }

    /// The app's "no", in words for the person.
    pub fn refused(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Refused, message)
    }

    /// A failure of the app's own code: a policy, a signal or a session that could not do its work.
    pub fn app(source: impl Into<Source>) -> Self {
        Self::new(ErrorKind::AppError, "This app could not finish the request.").with_source(source)
    }

    /// A store that failed or can't be reached.
    pub fn storage(source: impl Into<Source>) -> Self {
        Self::new(
            ErrorKind::StoreUnavailable,
            "The accounts can't be reached at the moment. Please try again.",
        )
        .with_source(source)
    }

    /// The same error with its cause, for the log. The cause must print no secret.
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error about the entry called `entry`: where the person must sign in again.
    pub fn with_entry(mut self, entry: impl Into<String>) -> Self {
        self.entry = Some(entry.into());
        self
    }

    /// `user`, who is somebody here already, must sign in before the account of a stranger becomes hers.
    pub(crate) fn sign_in_first(user: String) -> Self {
        let error = Self::new(ErrorKind::SignInFirst, "Sign in as you did before to connect this account.");
        Self { user: Some(user), ..error }
    }

    /// Who must sign in first.
    pub(crate) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    /// The entry that it is about, where there is one.
    pub fn entry(&self) -> Option<&str> {
        self.entry.as_deref()
    }

    /// How long the provider asked to be left alone, where it did (`Retry-After`).
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after.map(Duration::from_secs)
    }

    pub(crate) fn retry_after_seconds(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The same kind and sentence, the cause as text: what waiters on one shared attempt get.
    pub(crate) fn copy(&self) -> Self {
        let (entry, user, retry_after) = (self.entry.clone(), self.user.clone(), self.retry_after);
        let copy = Self { entry, user, retry_after, ..Self::new(self.kind, self.message.clone()) };
        match &self.source {
            Some(source) => copy.with_source(source.to_string()),
            None => copy,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.code(), self.message)?;
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_the_whole_chain() {
        let error = Error::storage(Error::app("disk full"));
        assert_eq!(
            format!("{error:?}"),
            "store_unavailable: The accounts can't be reached at the moment. Please try again.: \
             This app could not finish the request.: disk full"
        );
    }
}
