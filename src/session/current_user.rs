//! The guard of the signed-in user.

use std::fmt;
use std::ops::Deref;

use rocket::http::CookieJar;

use super::SessionCommand;
use crate::error::Result;
use crate::link::parse_user_id;
use crate::user::UserId;

/// The signed-in user: a guard, and the session that rocket_dance keeps if the app has none of its own.
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
/// The id type must be the policy's. With another type the launch fails.
///
/// | the request | `CurrentUser<U>` | `Option<CurrentUser<U>>` | `Result<CurrentUser<U>, Error>` |
/// |---|---|---|---|
/// | is from a user | the user | `Some` | `Ok` |
/// | is from no user | forwards 401; [`catchers`](crate::catchers) show the sign-in page | `None` | `Err`, [`NotSignedIn`](crate::ErrorKind::NotSignedIn) |
/// | cannot be answered, because the storage or the app's [`Sessions`](crate::Sessions) failed | fails with the status of the error, for example 503 | `None`, because Rocket drops the error | `Err` with the error |
///
/// # Signing in with a password
///
/// An app's own form signs a user in and out with the same session:
///
/// ```
/// use rocket::http::CookieJar;
/// use rocket::response::Redirect;
/// use rocket_dance::CurrentUser;
///
/// #[rocket::post("/signin")]
/// fn sign_in(jar: &CookieJar<'_>) -> Redirect {
///     let user_id = 7; // the user whose password was correct
///     CurrentUser::sign_in(jar, &user_id);
///     Redirect::to("/")
/// }
///
/// #[rocket::post("/signout")]
/// fn sign_out(jar: &CookieJar<'_>) -> Redirect {
///     CurrentUser::sign_out(jar);
///     Redirect::to("/")
/// }
/// ```
///
/// # Lifetime of a session
///
/// The session cookie contains the session's id and 256 random bits, sealed.
/// [`DieselStorage`](crate::storage::DieselStorage) stores the hash of these bits in a row of `oauth_sessions`.
///
/// - **Signing out** deletes the row, which invalidates every copy of the cookie: at once in this process, and on PostgreSQL
///   at once in all processes; otherwise within `cache.ttl` (5 seconds). Routes of this crate that change something read
///   the database itself.
/// - **Expiry.** A session ends after `session.age` (two weeks), or after `session.idle` (one week) without a request. The
///   current settings of `[default.dance]` apply to existing sessions as well. The time of the last request is written
///   once per tenth of `idle`, at most once per hour, so that an idle session may end that much earlier.
/// - **Cost.** A request costs no query if its session is in the cache, and one query otherwise.
/// - **New cookies.** Signing in begins a new session and ends the browser's previous one. Connecting and disconnecting an
///   account gives the session a new cookie. Both prevent session fixation. The old cookie signs no user in from then on.
///   For one minute it can still finish a connection that had begun before, so that a browser can connect two accounts at
///   once. Call [`sign_in`](CurrentUser::sign_in) again when a user's rights change. After a change of password, first call
///   [`Dance::sign_out_everywhere`](crate::Dance::sign_out_everywhere).
/// - **Logout at the provider.** With `logout = true` in an entry, a user who signed in with it and signs out at
///   `/login/logout` is redirected to the provider, to sign out there as well. An OpenID provider may also report to
///   `/login/<name>/backchannel-logout` that a session of its own, or all sessions of a user, have ended. The local
///   sessions that began with them end as well. Accounts and tokens stay.
///
/// If the storage keeps no sessions ([`CookieStorage`](crate::storage::CookieStorage), or a
/// [`Storage`](crate::storage::Storage) without [`sessions`](crate::storage::Storage::sessions)), the session is in the cookie
/// alone. Signing out removes the cookie from this browser, but an earlier copy of it stays valid for the rest of
/// `session.age`. Only new keys end it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct CurrentUser<U> {
    id: U,
}

impl<U: UserId> CurrentUser<U> {
    /// Reads the user's id from its text.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        Ok(Self { id: parse_user_id(text)? })
    }

    /// Returns the user's id.
    pub fn id(&self) -> &U {
        &self.id
    }

    /// Signs `user` in with this response. A new session begins when the response is sent, in place of the browser's
    /// previous one.
    ///
    /// The response is replaced, and no user is signed in, in two cases:
    ///
    /// - The storage cannot be reached: 503.
    /// - The request is a form of another site or origin, according to the headers `Sec-Fetch-Site` and `Origin`: 403. An
    ///   attacker's page could otherwise sign the visitor in as the attacker (login CSRF).
    ///
    /// In an app with [sessions of its own](crate::DanceFairing::sessions) this function only logs a warning.
    pub fn sign_in(jar: &CookieJar<'_>, user: &U) {
        SessionCommand::SignIn(user.to_string()).put_into(jar);
    }
}

impl CurrentUser<()> {
    /// Signs the user out with this response. The counterpart of [`sign_in`](CurrentUser::sign_in).
    ///
    /// If the storage cannot be reached, the response is replaced by a 503, and the user stays signed in.
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
