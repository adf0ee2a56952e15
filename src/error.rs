//! One error for everything, typed by who must act.
//!
//! An [`Error`] says three things: its [`kind`](Error::kind), from which a stable [`code`](ErrorKind::code), an
//! HTTP [`status`](ErrorKind::status) and [who must act](ErrorKind::who) follow; a sentence for whoever must act;
//! and, for the log, its cause. Neither the sentence nor the cause holds a secret.

#[cfg(feature = "_sql")]
mod database;

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use rocket::http::Status;

#[cfg(feature = "_sql")]
pub(crate) use self::database::Fault;

/// What functions of this crate, policies and signals return.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Who can do something about an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Who {
    /// The person at the browser: sign in, connect, start again.
    Person,
    /// Whoever runs the provider: its answer was refused or never came.
    Provider,
    /// Whoever runs this app: its configuration, its database, its own code.
    Operator,
}

/// What went wrong.
///
/// | kind | code | status | who |
/// |---|---|---|---|
/// | `NotTrusted` | `callback_not_trusted` | 400 | person |
/// | `BadRequest` | `bad_request` | 400 | person |
/// | `NotSignedIn` | `not_signed_in` | 401 | person |
/// | `NotConnected` | `not_connected` | 401 | person |
/// | `Reconnect` | `reconnect_needed` | 401 | person |
/// | `SignInFirst` | `sign_in_first` | 401 | person |
/// | `Denied` | `access_denied` | 403 | person |
/// | `Refused` | `refused` | 403 | person |
/// | `Csrf` | `csrf` | 403 | person |
/// | `UnknownProvider` | `unknown_provider` | 404 | person |
/// | `MethodNotAllowed` | `method_not_allowed` | 405 | person |
/// | `LastLogin` | `last_login` | 409 | person |
/// | `ProviderAnswer` | `bad_provider_answer` | 502 | provider |
/// | `Api(status)` | `api_error` | 502 | provider |
/// | `ProviderUnreachable` | `provider_unreachable` | 503 | provider |
/// | `Deadline` | `provider_timeout` | 504 | provider |
/// | `Store` | `store_unavailable` | 503 | operator |
/// | `Config` | `misconfigured` | 500 | operator |
/// | `App` | `app_error` | 500 | operator |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A callback that can't be tied to a dance that this browser began: no, wrong, foreign, old or used state.
    NotTrusted,
    /// The request is malformed, or too large to be remembered.
    BadRequest,
    /// Nobody is signed in where somebody must be.
    NotSignedIn,
    /// The person has no account at this entry.
    NotConnected,
    /// There is an account, but its grant is dead or its token can't be opened any more.
    Reconnect,
    /// An account waits for its user to sign in as before ([`Verdict::SignInFirst`](crate::Verdict::SignInFirst)).
    SignInFirst,
    /// The person, or the provider on her behalf, said no (`error=access_denied`).
    Denied,
    /// The app said no: the policy, a signal, or the engine's own check of a verdict.
    Refused,
    /// A form came without its CSRF token, or from another site.
    Csrf,
    /// No entry of that name.
    UnknownProvider,
    /// That route doesn't serve that method.
    MethodNotAllowed,
    /// Disconnecting would remove the person's last way to sign in.
    LastLogin,
    /// The provider's answer fails a check.
    ProviderAnswer,
    /// The provider's API answered a call with this HTTP status (400 to 599).
    Api(u16),
    /// The provider can't be reached, or says that it is unavailable.
    ProviderUnreachable,
    /// The provider didn't answer in time.
    Deadline,
    /// The store can't be reached, or failed.
    Store,
    /// Something was asked for that the configuration doesn't give.
    Config,
    /// The app's own code failed: a policy, a signal or a session.
    App,
}

impl ErrorKind {
    /// The stable, machine-readable code: part of this crate's contract, as in the table of [`ErrorKind`].
    pub fn code(self) -> &'static str {
        match self {
            ErrorKind::NotTrusted => "callback_not_trusted",
            ErrorKind::BadRequest => "bad_request",
            ErrorKind::NotSignedIn => "not_signed_in",
            ErrorKind::NotConnected => "not_connected",
            ErrorKind::Reconnect => "reconnect_needed",
            ErrorKind::SignInFirst => "sign_in_first",
            ErrorKind::Denied => "access_denied",
            ErrorKind::Refused => "refused",
            ErrorKind::Csrf => "csrf",
            ErrorKind::UnknownProvider => "unknown_provider",
            ErrorKind::MethodNotAllowed => "method_not_allowed",
            ErrorKind::LastLogin => "last_login",
            ErrorKind::ProviderAnswer => "bad_provider_answer",
            ErrorKind::Api(_) => "api_error",
            ErrorKind::ProviderUnreachable => "provider_unreachable",
            ErrorKind::Deadline => "provider_timeout",
            ErrorKind::Store => "store_unavailable",
            ErrorKind::Config => "misconfigured",
            ErrorKind::App => "app_error",
        }
    }

    /// The HTTP status of an answer that fails with this kind.
    pub fn status(self) -> Status {
        match self {
            ErrorKind::NotTrusted | ErrorKind::BadRequest => Status::BadRequest,
            ErrorKind::NotSignedIn
            | ErrorKind::NotConnected
            | ErrorKind::Reconnect
            | ErrorKind::SignInFirst => Status::Unauthorized,
            ErrorKind::Denied | ErrorKind::Refused | ErrorKind::Csrf => Status::Forbidden,
            ErrorKind::UnknownProvider => Status::NotFound,
            ErrorKind::MethodNotAllowed => Status::MethodNotAllowed,
            ErrorKind::LastLogin => Status::Conflict,
            ErrorKind::ProviderAnswer | ErrorKind::Api(_) => Status::BadGateway,
            ErrorKind::ProviderUnreachable | ErrorKind::Store => Status::ServiceUnavailable,
            ErrorKind::Deadline => Status::GatewayTimeout,
            ErrorKind::Config | ErrorKind::App => Status::InternalServerError,
        }
    }

    /// Who must act.
    pub fn who(self) -> Who {
        match self {
            ErrorKind::ProviderAnswer
            | ErrorKind::Api(_)
            | ErrorKind::ProviderUnreachable
            | ErrorKind::Deadline => Who::Provider,
            ErrorKind::Store | ErrorKind::Config | ErrorKind::App => Who::Operator,
            _ => Who::Person,
        }
    }
}

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
        Self::new(ErrorKind::App, "This app could not finish the request.").because(source)
    }

    /// A store that failed or can't be reached.
    pub fn store(source: impl Into<Source>) -> Self {
        Self::new(ErrorKind::Store, "The accounts can't be reached at the moment. Please try again.")
            .because(source)
    }

    /// The same error with its cause, for the log. The cause must print no secret.
    pub fn because(mut self, source: impl Into<Source>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The same error about the entry called `entry`: where the person must sign in again.
    pub fn at(mut self, entry: impl Into<String>) -> Self {
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
            Some(source) => copy.because(source.to_string()),
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
        let error = Error::store(Error::app("disk full"));
        assert_eq!(
            format!("{error:?}"),
            "store_unavailable: The accounts can't be reached at the moment. Please try again.: \
             This app could not finish the request.: disk full"
        );
    }
}
