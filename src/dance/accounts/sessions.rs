//! Ending sessions, also in other browsers.

use crate::dance::handle::Dance;
use crate::error::Result;
use crate::session::sessions_belong_to_app;
use crate::storage::{Session, SessionSelection};
use crate::user::UserId;

/// Ends the sessions of `selection`, and returns those that it has ended.
///
/// # Errors
/// As [`Dance::sign_out_everywhere`].
pub(crate) async fn end_sessions(dance: &Dance, selection: &SessionSelection) -> Result<Vec<Session>> {
    dance.sessions().cookie_sessions().ok_or_else(sessions_belong_to_app)?.end_selected(selection).await
}

/// Whether the sessions of a user can be ended in other browsers.
pub(crate) fn can_end_sessions(dance: &Dance) -> bool {
    dance.sessions().cookie_sessions().is_some_and(|sessions| sessions.are_stored())
}

impl Dance {
    /// Ends all sessions of `user`, in every browser and on every node, and returns their number. Call it after a change
    /// of password, or after an attacker had access.
    ///
    /// On this node the sessions end at once. On other nodes they end within `cache.ttl`; with PostgreSQL at once.
    ///
    /// A sign-in that runs at the same moment may still begin a session. Therefore change first what that sign-in checks,
    /// for example the password. A user who should stay signed in here is signed in again afterwards:
    ///
    /// ```
    /// use rocket::State;
    /// use rocket::http::CookieJar;
    /// use rocket_dance::{CurrentUser, Dance, Result};
    ///
    /// #[rocket::post("/password")]
    /// async fn change_password(user: CurrentUser<i32>, dance: &State<Dance>, jar: &CookieJar<'_>) -> Result<()> {
    ///     // … first the new password is stored …
    ///     dance.sign_out_everywhere(user.id()).await?;
    ///     CurrentUser::sign_in(jar, user.id());
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable): the sessions may have ended or not.
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if the storage keeps no sessions, or the app has
    /// [sessions of its own](crate::Sessions).
    pub async fn sign_out_everywhere<U: UserId>(&self, user: &U) -> Result<usize> {
        Ok(end_sessions(self, &SessionSelection::User(user.to_string())).await?.len())
    }
}
