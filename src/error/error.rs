//! The error of this crate and its result type.

use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{ErrorKind, ProviderError};

/// The result of functions of this crate, of policies and of signals.
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// An error of this crate: a kind, a sentence for the person who can resolve it, and a cause for the log.
///
/// `Display` shows the sentence. It contains no secret and may be shown to the user. Details for the operator are in the
/// cause, [`source`](std::error::Error::source), which `Debug` shows as well.
///
/// In an app's own policy, signal or session, `?` converts Diesel's errors. Other errors go through [`Error::app`]. A
/// refusal that the user reads is [`Error::refused`]:
///
/// ```
/// use rocket_dance::{Error, ErrorKind};
///
/// let refusal = Error::refused("Only members of the chess club can sign in.");
/// assert_eq!(refusal.kind(), ErrorKind::Refused);
/// assert_eq!(refusal.kind().code(), "refused");
/// assert_eq!(refusal.kind().status().code, 403);
/// assert_eq!(refusal.to_string(), "Only members of the chess club can sign in.");
/// ```
pub struct Error {
    kind: ErrorKind,
    message: Cow<'static, str>,
    entry: Option<String>,
    /// In seconds.
    retry_after: Option<u64>,
    details: Option<Box<Details>>,
    source: Option<Source>,
}

/// What only some errors have.
#[derive(Debug, Default, Clone)]
struct Details {
    /// The local user that the error is about.
    user: Option<String>,
    /// What the login waits for, if it is not stored yet and not refused either.
    postponed: Option<Arc<dyn Any + Send + Sync>>,
    /// Where the user begins again: the entry, or `None` for any sign-in.
    begin_again: Option<Option<String>>,
    /// The page to go to after a sign-in.
    next: Option<String>,
    reason: Option<&'static str>,
    provider_error: Option<ProviderError>,
    /// The scopes that the user must consent to.
    missing_scopes: Vec<String>,
}

/// What users read of a failure that only the log explains.
const APP_FAILED: &str = "This app could not finish the request. Please try again later.";
const STORE_FAILED: &str = "The accounts can't be reached at the moment. Please try again.";

impl Error {
    /// Creates an error of `kind` with a sentence for the person who can resolve it. The sentence must not contain a
    /// secret.
    ///
    /// ```
    /// use rocket_dance::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::NotConnected, "Please connect your calendar first.");
    /// assert_eq!(error.kind().status().code, 401);
    /// ```
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), entry: None, retry_after: None, details: None, source: None }
    }

    /// Creates a refusal by the app ([`ErrorKind::Refused`]). The user reads `message`.
    pub fn refused(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Refused, message)
    }

    /// Creates an error for a failure of the app's own code ([`ErrorKind::AppError`]), for example of a policy, a signal or
    /// a session. `source` goes to the log only.
    ///
    /// ```
    /// use rocket_dance::{Error, Result};
    ///
    /// fn invited(line: &str) -> Result<u32> {
    ///     line.parse().map_err(Error::app)
    /// }
    /// assert_eq!(invited("seven").unwrap_err().kind().code(), "app_error");
    /// ```
    pub fn app(source: impl Into<Source>) -> Self {
        Self::new(ErrorKind::AppError, APP_FAILED).with_source(source)
    }

    /// Creates an error for a storage that failed or cannot be reached ([`ErrorKind::StoreUnavailable`]). `source` goes to
    /// the log only.
    pub fn storage(source: impl Into<Source>) -> Self {
        Self::new(ErrorKind::StoreUnavailable, STORE_FAILED).with_source(source)
    }

    /// Sets the cause, for the log. The cause must not print a secret. From the message of an error of Diesel, the values of
    /// rows that it quotes are removed.
    ///
    /// ```
    /// use rocket_dance::{Error, ErrorKind};
    ///
    /// let error = Error::new(ErrorKind::Misconfigured, "Invitations are not set up.")
    ///     .with_source("INVITATIONS_URL is not set");
    /// assert!(std::error::Error::source(&error).is_some());
    /// ```
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Source>) -> Self {
        let source = source.into();
        #[cfg(feature = "_sql")]
        let source = super::row_values::without_values(source);
        self.source = Some(source);
        self
    }

    /// Sets the entry that the error is about. If the user must sign in or connect an account, the error's page and JSON
    /// lead to this entry.
    #[must_use]
    pub fn with_entry(mut self, entry: impl Into<String>) -> Self {
        self.entry = Some(entry.into());
        self
    }

    fn details_mut(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }

    /// Sets the local user that the error is about, unless it names one already.
    pub(crate) fn about_user(mut self, user: impl Into<String>) -> Self {
        self.details_mut().user.get_or_insert(user.into());
        self
    }

    /// The local user that the error is about.
    pub(crate) fn user(&self) -> Option<&str> {
        self.details.as_ref()?.user.as_deref()
    }

    /// Sets what the login waits for: it is neither stored nor refused yet.
    pub(crate) fn postponing<T: Any + Send + Sync>(mut self, postponed: T) -> Self {
        self.details_mut().postponed = Some(Arc::new(postponed));
        self
    }

    /// What the login waits for, if it is a `T`.
    pub(crate) fn postponed<T: Any>(&self) -> Option<&T> {
        self.details.as_ref()?.postponed.as_ref()?.downcast_ref()
    }

    /// Sets where the user begins again: at `entry`, or with any sign-in.
    pub(crate) fn begin_again_at(mut self, entry: Option<&str>) -> Self {
        self.details_mut().begin_again = Some(entry.map(str::to_owned));
        self
    }

    /// Where the user begins again: the entry, or `None` for any sign-in.
    pub(crate) fn begin_again(&self) -> Option<Option<&str>> {
        Some(self.details.as_ref()?.begin_again.as_ref()?.as_deref())
    }

    /// Sets the page to go to after a sign-in, unless one is set.
    pub(crate) fn with_next(mut self, next: Option<impl Into<String>>) -> Self {
        if let (Some(next), None) = (next, self.next()) {
            self.details_mut().next = Some(next.into());
        }
        self
    }

    /// The page to go to after a sign-in.
    pub(crate) fn next(&self) -> Option<&str> {
        self.details.as_ref()?.next.as_deref()
    }

    /// Sets why a login was refused, as a stable code.
    pub(crate) fn with_reason(mut self, reason: &'static str) -> Self {
        self.details_mut().reason = Some(reason);
        self
    }

    /// Why a login was refused, as a stable code: see [`Event::AccountRefused`](crate::Event::AccountRefused). `None` if the app
    /// refused it with an error of its own.
    pub fn reason(&self) -> Option<&'static str> {
        self.details.as_ref()?.reason
    }

    /// Sets what the provider said.
    pub(crate) fn with_provider_error(mut self, said: ProviderError) -> Self {
        self.details_mut().provider_error = Some(said);
        self
    }

    /// What the provider said, if it answered an authorization request or a token request with an error.
    pub fn provider_error(&self) -> Option<&ProviderError> {
        self.details.as_ref()?.provider_error.as_ref()
    }

    /// The name of the entry that the error is about, if there is one.
    pub fn entry(&self) -> Option<&str> {
        self.entry.as_deref()
    }

    /// The scopes that the page needs and the user has not granted: with [`ErrorKind::ScopeMissing`] and
    /// [`ErrorKind::ScopeDenied`], and if a guard with [`RequiredScopes`](crate::RequiredScopes) finds no usable account.
    pub fn missing_scopes(&self) -> &[String] {
        self.details.as_ref().map_or(&[], |details| &details.missing_scopes)
    }

    /// Sets the scopes that the user must consent to.
    pub(crate) fn with_missing_scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let scopes: Vec<String> = scopes.into_iter().map(Into::into).collect();
        if !scopes.is_empty() {
            self.details_mut().missing_scopes = scopes;
        }
        self
    }

    /// How long the provider asked to wait before the next request (`Retry-After`), if it did.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after.map(Duration::from_secs)
    }

    pub(crate) fn retry_after_seconds(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The kind of error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The sentence and the chain of causes, as the message of a failed launch. A cause that is quoted before is not repeated, and
    /// a sentence that only helps users is left out.
    pub(crate) fn for_operator(&self) -> String {
        let chain = std::iter::successors(Some(self as &dyn std::error::Error), |error| error.source());
        let mut message = String::new();
        for text in chain.map(ToString::to_string) {
            let is_for_users = text == APP_FAILED || text == STORE_FAILED;
            if is_for_users || message.contains(&text) {
                continue;
            }
            if !message.is_empty() {
                message.push_str(": ");
            }
            message.push_str(&text);
        }
        match message.is_empty() {
            true => self.to_string(),
            false => message,
        }
    }

    /// A copy for another caller that waited for the same work. Its cause is the text of this error's causes.
    pub(crate) fn copy(&self) -> Self {
        let (entry, details, retry_after) = (self.entry.clone(), self.details.clone(), self.retry_after);
        let copy = Self { entry, details, retry_after, ..Self::new(self.kind, self.message.clone()) };
        let first = std::error::Error::source(self);
        let texts: Vec<_> =
            std::iter::successors(first, |error| error.source()).map(ToString::to_string).collect();
        match texts.is_empty() {
            false => copy.with_source(texts.join(": ")),
            true => copy,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Shows the code, the sentence and the whole chain of causes, for the log.
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
    fn b5_a_launch_message_has_the_cure_and_each_cause_once() {
        let lacking =
            |cause| Error::new(ErrorKind::Misconfigured, "no table: write `.migrate()`").with_source(cause);
        assert_eq!(lacking("code 7").for_operator(), "no table: write `.migrate()`: code 7");
        assert_eq!(lacking("no table").for_operator(), "no table: write `.migrate()`");
        assert_eq!(Error::storage(Error::app("disk full")).for_operator(), "disk full");
        assert_eq!(Error::refused("Members only.").for_operator(), "Members only.");
    }

    #[test]
    fn debug_shows_the_whole_chain() {
        let error = Error::storage(Error::app("disk full"));
        assert_eq!(
            format!("{error:?}"),
            "store_unavailable: The accounts can't be reached at the moment. Please try again.: \
             This app could not finish the request. Please try again later.: disk full"
        );
    }
}
