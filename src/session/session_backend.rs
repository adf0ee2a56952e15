//! The sessions that an app uses: its own, or those of this crate.

use rocket::Request;

use super::{
    CookieSessions, EndedSession, ErasedSessions, NewSession, SessionOrigin, SignInOutcome, SignedOut,
};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::Account;

/// The error of ending sessions in other browsers, in an app that keeps its sessions itself.
pub(crate) fn sessions_belong_to_app() -> Error {
    Error::new(ErrorKind::SessionsNotStored, "This app can't end sessions in other browsers.")
        .with_source("the app's own sessions (`.sessions(…)`) are in use: the app must end them itself")
}

/// The sessions that the app uses.
pub(crate) enum SessionBackend {
    /// The app's own sessions.
    App(Box<dyn ErasedSessions>),
    /// The sessions of this crate.
    Cookie(CookieSessions),
}

impl SessionBackend {
    /// Returns the sessions of this crate, if the app uses them.
    pub(crate) fn cookie_sessions(&self) -> Option<&CookieSessions> {
        match self {
            SessionBackend::App(_) => None,
            SessionBackend::Cookie(sessions) => Some(sessions),
        }
    }

    /// Returns the id of the stored session that `request` is from, for a request whose user is known. It stays the same for as
    /// long as the session lives. `None` if the storage keeps no sessions.
    pub(crate) fn id(&self, request: &Request<'_>) -> Option<String> {
        self.cookie_sessions().filter(|sessions| sessions.are_stored())?.id(request)
    }

    /// Returns the user that `request` is from.
    pub(crate) async fn current(&self, request: &Request<'_>) -> Result<Option<String>> {
        match self {
            SessionBackend::App(sessions) => sessions.current(request).await,
            SessionBackend::Cookie(sessions) => sessions.current(request).await,
        }
    }

    /// Returns the user that `request` is from and the user's accounts at `entries`, if one look-up finds both.
    pub(crate) async fn current_with_accounts(
        &self,
        request: &Request<'_>,
        entries: &[&str],
    ) -> Result<Option<(String, Vec<Account>)>> {
        match self {
            SessionBackend::App(_) => Ok(None),
            SessionBackend::Cookie(sessions) => sessions.current_with_accounts(request, entries).await,
        }
    }

    /// Returns the user that `request` is from, as the storage knows it now: without the cache of this crate.
    pub(crate) async fn current_uncached(&self, request: &Request<'_>) -> Result<Option<String>> {
        match self {
            SessionBackend::App(sessions) => sessions.current(request).await,
            SessionBackend::Cookie(sessions) => sessions.current_uncached(request).await,
        }
    }

    /// Returns the user who finishes with `request` a flow that began at `began_at` (unix time, in seconds).
    pub(crate) async fn current_in_flow(
        &self,
        request: &Request<'_>,
        began_at: i64,
    ) -> Result<Option<String>> {
        match self {
            SessionBackend::App(sessions) => sessions.current(request).await,
            SessionBackend::Cookie(sessions) => sessions.current_in_flow(request, began_at).await,
        }
    }

    /// Begins a session of `user`, which comes from the login `origin`, if it comes from one. Returns the browser's previous
    /// session, too, which has ended.
    pub(crate) async fn sign_in(
        &self,
        request: &Request<'_>,
        user: &str,
        origin: Option<&SessionOrigin<'_>>,
    ) -> Result<(SignInOutcome, Option<EndedSession>)> {
        match self {
            SessionBackend::App(sessions) => Ok((sessions.sign_in(request, user).await?, None)),
            SessionBackend::Cookie(sessions) => {
                let NewSession { cookie, replaced } = sessions.begin(request, Some(user), origin).await?;
                request.cookies().add(cookie);
                Ok((SignInOutcome::Done, replaced))
            }
        }
    }

    /// Whether a login at a provider is all that a sign-in of `owner` needs, so that `owner` may become one with another user.
    pub(crate) async fn may_merge(&self, request: &Request<'_>, owner: &str) -> Result<bool> {
        match self {
            SessionBackend::App(sessions) => sessions.may_merge(request, owner).await,
            SessionBackend::Cookie(_) => Ok(true),
        }
    }

    /// Gives the session another cookie, after the user has got or lost a way to sign in.
    pub(crate) async fn rotate(&self, request: &Request<'_>) -> Result<()> {
        if let Some(sessions) = self.cookie_sessions()
            && let Some(cookie) = sessions.rotate(request).await?
        {
            request.cookies().add(cookie);
        }
        Ok(())
    }

    /// Ends all sessions of the user `everywhere`, or, with `None`, the session of this browser, whose user is `user`.
    pub(crate) async fn sign_out(
        &self,
        request: &Request<'_>,
        user: Option<&str>,
        everywhere: Option<&str>,
    ) -> Result<SignedOut> {
        match self {
            SessionBackend::App(_) if everywhere.is_some() => Err(sessions_belong_to_app()),
            SessionBackend::App(sessions) => {
                sessions.sign_out(request).await?;
                let ended = user.map(|user| EndedSession { user: user.to_owned(), entry: None });
                Ok(SignedOut { ended: ended.into_iter().collect(), ..SignedOut::default() })
            }
            SessionBackend::Cookie(sessions) => {
                let mut signed_out = sessions.end_current(request, everywhere).await?;
                signed_out.removal.take().into_iter().for_each(|cookie| request.cookies().add(cookie));
                Ok(signed_out)
            }
        }
    }
}
