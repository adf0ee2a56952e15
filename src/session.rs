//! Sessions: who is this request from.

mod cookie;
mod pass;

use std::fmt;
use std::ops::Deref;

use rocket::Request;
use rocket::http::CookieJar;
use rocket::response::Redirect;

pub(crate) use self::cookie::{CookieSessions, Origin};
pub(crate) use self::pass::SessionCommand;
use crate::error::{Error, ErrorKind, Result};
use crate::link::typed;
use crate::storage::{Session, UserType};
use crate::user::UserId;

/// What came of signing a user in.
#[derive(Debug)]
#[non_exhaustive]
pub enum SignInOutcome {
    /// The session is there.
    Done,
    /// Something must come first, a second factor say: the person goes there instead.
    RedirectFirst(Box<Redirect>),
}

impl SignInOutcome {
    /// A detour to `to`.
    pub fn redirect_first(to: Redirect) -> Self {
        SignInOutcome::RedirectFirst(Box::new(to))
    }
}

/// The app's own sessions, for an app that has them: `Dance::fairing().sessions(AppSessions)`. Without, a session is
/// [`CurrentUser`]'s.
///
/// ```
/// use rocket::Request;
/// use rocket::http::Cookie;
/// use rocket_dance::{Result, Sessions, SignInOutcome};
///
/// struct AppSessions;
///
/// #[rocket::async_trait]
/// impl Sessions for AppSessions {
///     type User = i32;
///
///     async fn current(&self, request: &Request<'_>) -> Result<Option<i32>> {
///         Ok(request.cookies().get_private("uid").and_then(|cookie| cookie.value().parse().ok()))
///     }
///
///     async fn sign_in(&self, request: &Request<'_>, user: &i32) -> Result<SignInOutcome> {
///         request.cookies().add_private(("uid", user.to_string()));
///         Ok(SignInOutcome::Done)
///     }
///
///     async fn sign_out(&self, request: &Request<'_>) -> Result<()> {
///         request.cookies().remove_private("uid");
///         Ok(())
///     }
/// }
///
/// let fairing = rocket_dance::Dance::fairing().sessions(AppSessions);
/// # let _ = fairing;
/// ```
#[rocket::async_trait]
pub trait Sessions: Send + Sync + 'static {
    /// The type of the app's user ids: the policy's.
    type User: UserId;

    /// Who this request is from; none for nobody.
    ///
    /// # Errors
    /// When it can't be known now: never "nobody".
    async fn current(&self, request: &Request<'_>) -> Result<Option<Self::User>>;

    /// Signs `user` in: account and user are committed already, so that an error here costs nothing but another try.
    /// The session id must be a new one (session fixation).
    async fn sign_in(&self, request: &Request<'_>, user: &Self::User) -> Result<SignInOutcome>;

    /// Signs out whoever this request is from.
    async fn sign_out(&self, request: &Request<'_>) -> Result<()>;
}

/// [`Sessions`] by the text of the user id.
#[rocket::async_trait]
pub(crate) trait ErasedSessions: Send + Sync + 'static {
    fn user_type(&self) -> Option<UserType>;
    async fn current(&self, request: &Request<'_>) -> Result<Option<String>>;
    async fn sign_in(&self, request: &Request<'_>, user: &str) -> Result<SignInOutcome>;
    async fn sign_out(&self, request: &Request<'_>) -> Result<()>;
}

pub(crate) struct TypedSessions<S>(pub(crate) S);

#[rocket::async_trait]
impl<S: Sessions> ErasedSessions for TypedSessions<S> {
    fn user_type(&self) -> Option<UserType> {
        Some(UserType::of::<S::User>())
    }

    async fn current(&self, request: &Request<'_>) -> Result<Option<String>> {
        Ok(self.0.current(request).await?.map(|user| user.to_string()))
    }

    async fn sign_in(&self, request: &Request<'_>, user: &str) -> Result<SignInOutcome> {
        self.0.sign_in(request, &typed(user)?).await
    }

    async fn sign_out(&self, request: &Request<'_>) -> Result<()> {
        self.0.sign_out(request).await
    }
}

pub(crate) fn sessions_belong_to_app() -> Error {
    Error::new(ErrorKind::Misconfigured, "Sessions can't be ended elsewhere here.")
        .with_source("the sessions are the app's own (`.sessions(…)`): it ends them itself")
}

/// The app's own sessions, or ours.
pub(crate) enum SessionBackend {
    App(Box<dyn ErasedSessions>),
    Cookie(CookieSessions),
}

impl SessionBackend {
    pub(crate) fn ours(&self) -> Option<&CookieSessions> {
        match self {
            SessionBackend::App(_) => None,
            SessionBackend::Cookie(ours) => Some(ours),
        }
    }

    /// The id of `request`'s session, where it is kept.
    pub(crate) fn id(&self, request: &Request<'_>) -> Option<String> {
        self.ours().filter(|ours| ours.are_kept())?.id(request)
    }

    /// Who `request` is from; `fresh`: past our cache.
    pub(crate) async fn current(&self, request: &Request<'_>, fresh: bool) -> Result<Option<String>> {
        match self {
            SessionBackend::App(own) => own.current(request).await,
            SessionBackend::Cookie(ours) => ours.current(request, fresh).await,
        }
    }

    pub(crate) async fn sign_in(
        &self,
        request: &Request<'_>,
        user: &str,
        origin: &Origin<'_>,
    ) -> Result<SignInOutcome> {
        match self {
            SessionBackend::App(own) => own.sign_in(request, user).await,
            SessionBackend::Cookie(ours) => {
                request.cookies().add(ours.begin(request, user, Some(origin)).await?);
                Ok(SignInOutcome::Done)
            }
        }
    }

    /// A new session in place of one that has just ended here.
    pub(crate) async fn stay(&self, request: &Request<'_>, user: &str) -> Result<()> {
        if let Some(ours) = self.ours() {
            request.cookies().add(ours.begin(request, user, None).await?);
        }
        Ok(())
    }

    /// After a user got another way to sign in: the session goes on under another id.
    pub(crate) async fn rotate(&self, request: &Request<'_>) -> Result<()> {
        if let Some(cookie) = match self {
            SessionBackend::App(_) => None,
            SessionBackend::Cookie(ours) => ours.rotate(request).await?,
        } {
            request.cookies().add(cookie);
        }
        Ok(())
    }

    /// Signs out, all of `everywhere`, the user, or this browser; gives its session, where it was kept.
    pub(crate) async fn sign_out(
        &self,
        request: &Request<'_>,
        everywhere: Option<&str>,
    ) -> Result<Option<Session>> {
        match self {
            SessionBackend::App(_) if everywhere.is_some() => Err(sessions_belong_to_app()),
            SessionBackend::App(own) => own.sign_out(request).await.map(|()| None),
            SessionBackend::Cookie(ours) => {
                let (ended, removal) = ours.end_this(request, everywhere).await?;
                removal.into_iter().for_each(|cookie| request.cookies().add(cookie));
                Ok(ended)
            }
        }
    }
}

/// The signed-in user: a guard, and the session that rocket_dance keeps when the app has none of its own.
///
/// As a guard it forwards 401 when nobody is signed in ([`catchers`](crate::catchers) then show the sign-in page). When
/// it can't be known who it is, it fails with the status of the error: 503 for [`Error::storage`](crate::Error::storage), 500
/// for an [`Error::app`](crate::Error::app) of the app's own [`Sessions`]. `Option<CurrentUser<U>>` makes "nobody" of
/// that, which is Rocket's doing; `Result<CurrentUser<U>, Error>` tells the difference. The id type must be the policy's:
/// another one stops the launch.
///
/// ```
/// use rocket_dance::CurrentUser;
///
/// #[rocket::get("/me")]
/// fn me(user: CurrentUser<i32>) -> String {
///     format!("You are user number {}", *user)
/// }
/// ```
///
/// A password form of the app's own signs in with it, and out:
///
/// ```
/// use rocket::http::CookieJar;
/// use rocket::response::Redirect;
/// use rocket_dance::CurrentUser;
///
/// #[rocket::post("/signin")]
/// fn sign_in(jar: &CookieJar<'_>) -> Redirect {
///     let user_id = 7; // whose password it is
///     CurrentUser::sign_in(jar, &user_id);
///     Redirect::to("/")
/// }
/// ```
///
/// # How a session lives
///
/// Its cookie holds 256 random bits, sealed; [`DieselStorage`](crate::storage::DieselStorage) keeps a row under their hash,
/// in `oauth_sessions`. Signing out deletes the row, and with it every copy of the cookie is worthless, in all processes:
/// at once in this one, and on PostgreSQL in all; within `cache.ttl` (5 seconds) elsewhere. Whatever changes something by
/// the dance's own routes asks the database itself.
///
/// A session ends after `session.age` (two weeks), and after `session.idle` (one week) without a request, by the
/// `[default.dance]` of today. When it was last seen is written once in a tenth of `idle`, an hour at most: that much
/// earlier may an idle session end. A request costs no query as long as the session is in the cache, one otherwise.
///
/// Signing in begins a new session and ends the one that the browser came with; connecting an account gives it a new id
/// (session fixation). Call [`sign_in`](CurrentUser::sign_in) again when a user gets other rights, and after a change of
/// password [`Dance::sign_out_everywhere`](crate::Dance::sign_out_everywhere) first.
///
/// With `logout = true` of an entry, a person who came by it is led to the provider when she signs out by
/// `/login/logout`, to sign out there as well. Whether an entry says that or not, an OpenID provider may tell
/// `/login/<name>/backchannel-logout` that a session of its own is over, or all of somebody's: those that began by
/// it end here, and no others. Accounts and their tokens stay.
///
/// Where the storage keeps no sessions ([`CookieStorage`](crate::storage::CookieStorage), a
/// [`Storage`](crate::storage::Storage) without [`sessions`](crate::storage::Storage::sessions)) the cookie is all there is:
/// signing out removes it from this browser, and a copy made before lives on for the rest of `session.age`. Only new
/// keys end it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CurrentUser<U> {
    id: U,
}

impl<U: UserId> CurrentUser<U> {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        Ok(Self { id: typed(text)? })
    }

    /// The user's id.
    pub fn id(&self) -> &U {
        &self.id
    }

    /// Signs `user` in with this response: a new session, begun when the response leaves, in place of the one that the
    /// browser has. When the store can't be reached then, the response is a 503 instead, and nobody is signed in.
    ///
    /// It is a 403 instead where a form was posted from another site or origin, as the browser says by `Sec-Fetch-Site` and
    /// `Origin`: somebody else's page could sign people in as somebody else (login CSRF).
    ///
    /// This is for the default session alone: in an app with [`.sessions(…)`](crate::DanceFairing::sessions) of its own it
    /// does nothing but leave a warning in the log.
    pub fn sign_in(jar: &CookieJar<'_>, user: &U) {
        SessionCommand::SignIn(user.to_string()).put_into(jar);
    }
}

impl CurrentUser<()> {
    /// Signs out whoever is signed in, with this response: the counterpart of [`sign_in`](CurrentUser::sign_in). When the
    /// store can't be reached the response is a 503 instead, and the session stays.
    pub fn sign_out(jar: &CookieJar<'_>) {
        SessionCommand::SignOut.put_into(jar);
    }
}

impl<U> Deref for CurrentUser<U> {
    type Target = U;

    fn deref(&self) -> &U {
        &self.id
    }
}

impl<U: fmt::Display> fmt::Debug for CurrentUser<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CurrentUser({})", self.id)
    }
}
