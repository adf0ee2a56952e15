//! Sessions: which user a request is from.
//!
//! [`CurrentUser`] is the guard, and the session that rocket_dance keeps (`CookieSessions`). An app with sessions of its own
//! implements [`Sessions`]. `SessionBackend` is whichever of the two the app uses.

mod cookie_sessions;
mod current_user;
mod ended_session;
mod erased_sessions;
mod kept_sessions;
pub(crate) mod provider_logout;
mod session_backend;
mod session_command;
mod session_cookie;
mod sessions;

pub(crate) use self::cookie_sessions::{CookieSessions, NewSession, SessionOrigin, SignedOut};
pub use self::current_user::CurrentUser;
pub(crate) use self::ended_session::EndedSession;
pub(crate) use self::erased_sessions::ErasedSessions;
pub(crate) use self::kept_sessions::KeptSessions;
pub(crate) use self::session_backend::{SessionBackend, sessions_belong_to_app};
pub(crate) use self::session_command::SessionCommand;
pub use self::sessions::{Sessions, SignInOutcome};
