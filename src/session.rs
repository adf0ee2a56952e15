//! Sessions: who is this request from.

use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};

use rocket::Request;
use rocket::http::{Cookie, CookieJar, SameSite};
use rocket::response::Redirect;

use crate::clock::Clock;
use crate::error::Result;
use crate::link::typed;
use crate::storage::UserType;
use crate::user::UserId;

/// What came of signing a user in.
#[derive(Debug)]
#[non_exhaustive]
pub enum SignedIn {
    /// The session is there.
    Done,
    /// Something must come first, a second factor say: the person goes there instead.
    Detour(Box<Redirect>),
}

impl SignedIn {
    /// A detour to `to`.
    pub fn detour(to: Redirect) -> Self {
        SignedIn::Detour(Box::new(to))
    }
}

/// The app's own sessions, for an app that has them: `Dance::fairing().sessions(AppSessions)`. Without, a session is
/// [`CurrentUser`]'s private cookie.
///
/// ```
/// use rocket::Request;
/// use rocket::http::Cookie;
/// use rocket_dance::{Result, Sessions, SignedIn};
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
///     async fn sign_in(&self, request: &Request<'_>, user: &i32) -> Result<SignedIn> {
///         request.cookies().add_private(("uid", user.to_string()));
///         Ok(SignedIn::Done)
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
    async fn sign_in(&self, request: &Request<'_>, user: &Self::User) -> Result<SignedIn>;

    /// Signs out whoever this request is from.
    async fn sign_out(&self, request: &Request<'_>) -> Result<()>;
}

/// [`Sessions`] by the text of the user id.
#[rocket::async_trait]
pub(crate) trait AnySessions: Send + Sync + 'static {
    fn user_type(&self) -> Option<UserType>;
    async fn current(&self, request: &Request<'_>) -> Result<Option<String>>;
    async fn sign_in(&self, request: &Request<'_>, user: &str) -> Result<SignedIn>;
    async fn sign_out(&self, request: &Request<'_>) -> Result<()>;
}

pub(crate) struct Typed<S>(pub(crate) S);

#[rocket::async_trait]
impl<S: Sessions> AnySessions for Typed<S> {
    fn user_type(&self) -> Option<UserType> {
        Some(UserType::of::<S::User>())
    }

    async fn current(&self, request: &Request<'_>) -> Result<Option<String>> {
        Ok(self.0.current(request).await?.map(|user| user.to_string()))
    }

    async fn sign_in(&self, request: &Request<'_>, user: &str) -> Result<SignedIn> {
        self.0.sign_in(request, &typed(user)?).await
    }

    async fn sign_out(&self, request: &Request<'_>) -> Result<()> {
        self.0.sign_out(request).await
    }
}

const COOKIE: [&str; 2] = ["rocket_dance_session", "__Host-rocket_dance_session"];
/// How long a session lasts, in seconds: two weeks.
const LIFETIME: i64 = 14 * 24 * 60 * 60;

/// Whether the app of this process is served over https: `CurrentUser::sign_in` has nothing but a cookie jar to go by.
static SECURE: AtomicBool = AtomicBool::new(false);

/// The default sessions: Rocket's private cookie (encrypted, authenticated), Lax, with its time of issue inside.
pub(crate) struct PrivateCookie {
    secure: bool,
    clock: Clock,
}

impl PrivateCookie {
    pub(crate) fn new(secure: bool, clock: Clock) -> Self {
        SECURE.store(secure, Ordering::Relaxed);
        Self { secure, clock }
    }

    fn of(jar: &CookieJar<'_>, secure: bool, now: i64) -> Option<String> {
        let cookie = jar.get_private(COOKIE[usize::from(secure)])?;
        let (at, user) = cookie.value().split_once(' ')?;
        let at: i64 = at.parse().ok()?;
        (at <= now.saturating_add(60) && now < at.saturating_add(LIFETIME)).then(|| user.to_owned())
    }

    fn set(jar: &CookieJar<'_>, secure: bool, now: i64, user: &str) {
        let value = format!("{now} {user}");
        let cookie = Cookie::build((COOKIE[usize::from(secure)], value))
            // Strict, Rocket's default, would not come along from the provider.
            .same_site(SameSite::Lax)
            .http_only(true)
            .secure(secure)
            .path("/")
            .max_age(rocket::time::Duration::seconds(LIFETIME));
        jar.add_private(cookie);
    }

    fn unset(jar: &CookieJar<'_>, secure: bool) {
        // Chromium keeps a `__Host-` cookie unless the removal carries Secure too.
        jar.remove_private(
            Cookie::build(COOKIE[usize::from(secure)]).path("/").same_site(SameSite::Lax).secure(secure),
        );
    }
}

#[rocket::async_trait]
impl AnySessions for PrivateCookie {
    fn user_type(&self) -> Option<UserType> {
        None
    }

    async fn current(&self, request: &Request<'_>) -> Result<Option<String>> {
        Ok(Self::of(request.cookies(), self.secure, self.clock.now()))
    }

    async fn sign_in(&self, request: &Request<'_>, user: &str) -> Result<SignedIn> {
        Self::set(request.cookies(), self.secure, self.clock.now(), user);
        Ok(SignedIn::Done)
    }

    async fn sign_out(&self, request: &Request<'_>) -> Result<()> {
        Self::unset(request.cookies(), self.secure);
        Ok(())
    }
}

/// The signed-in user: a guard, and the session that rocket_dance keeps when the app has none of its own.
///
/// As a guard it forwards 401 when nobody is signed in ([`catchers`](crate::catchers) then show the sign-in page). When
/// the app's own [`Sessions`] can't say, it fails with the status of their error: 503 for
/// [`Error::store`](crate::Error::store), 500 for [`Error::app`](crate::Error::app). The id type must be the policy's:
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
/// The session is a cookie and nothing else: signing out removes it from this browser, a copy made before lives on for
/// the rest of its two weeks.
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

    /// Signs `user` in, in the private cookie of this response.
    ///
    /// This is for the default session alone: in an app with [`.sessions(…)`](crate::DanceFairing::sessions) of its own
    /// nobody reads that cookie. Whether the cookie is `Secure` is what the `base_url` of the app that was launched last
    /// in this process says: one process serves one app.
    pub fn sign_in(jar: &CookieJar<'_>, user: &U) {
        PrivateCookie::set(jar, SECURE.load(Ordering::Relaxed), Clock::default().now(), &user.to_string());
    }
}

impl CurrentUser<()> {
    /// Signs out whoever is signed in, in this response: the counterpart of [`sign_in`](CurrentUser::sign_in).
    pub fn sign_out(jar: &CookieJar<'_>) {
        PrivateCookie::unset(jar, SECURE.load(Ordering::Relaxed));
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
