//! Signing out: `POST /login/logout`, `POST /login/logout/everywhere`, and what the app's own code asks for in a response.

use rocket::{Request, Response};

use super::Dance;
use super::reply::Reply;
use super::route::Form;
use crate::error::{Error, ErrorKind, Result};
use crate::session::Pass;
use crate::storage::{Place, Whose};
use crate::user::UserId;

impl Dance {
    pub(super) async fn post_logout(
        &self,
        request: &Request<'_>,
        form: &Form,
        everywhere: bool,
    ) -> Result<Reply> {
        self.check_csrf(request, form.get("csrf").as_deref()).await?;
        if everywhere && let Some(user) = self.user_now(request).await? {
            self.end_sessions(&Whose::User(user.to_owned())).await?;
        }
        if matches!(self.store, Place::Browser) {
            self.browser(request).clear();
        }
        self.forget_pending(request).await;
        self.sessions.sign_out(request).await?;
        Ok(Reply::SeeOther(self.settings.after_logout.clone()))
    }

    /// Ends all sessions of `user`, in every browser and on every node: after a change of password, or when somebody has
    /// been in who should not. Gives how many there were. Other nodes than this one know within `cache.ttl`, on PostgreSQL
    /// at once.
    ///
    /// Who is to stay signed in here signs in anew afterwards:
    ///
    /// ```
    /// use rocket::State;
    /// use rocket::http::CookieJar;
    /// use rocket_dance::{CurrentUser, Dance, Result};
    ///
    /// #[rocket::post("/password")]
    /// async fn change_password(user: CurrentUser<i32>, dance: &State<Dance>, jar: &CookieJar<'_>) -> Result<()> {
    ///     // … the new password is stored …
    ///     dance.sign_out_everywhere(user.id()).await?;
    ///     CurrentUser::sign_in(jar, user.id());
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::Store`]; some may have ended then. [`ErrorKind::Config`] where the storage keeps no sessions, or the app
    /// has [sessions of its own](crate::Sessions).
    pub async fn sign_out_everywhere<U: UserId>(&self, user: &U) -> Result<usize> {
        self.end_sessions(&Whose::User(user.to_string())).await
    }

    pub(super) async fn end_sessions(&self, whose: &Whose) -> Result<usize> {
        match self.sessions.ours() {
            Some(ours) => ours.end_all(whose).await,
            None => Err(Error::new(ErrorKind::Config, "Sessions can't be ended elsewhere here.")
                .because("the sessions are the app's own (`.sessions(…)`): it ends them itself")),
        }
    }

    /// Whether a user's sessions can be ended elsewhere, too.
    pub(super) fn ends_sessions(&self) -> bool {
        self.sessions.ours().is_some_and(|ours| ours.are_kept())
    }

    /// Does what `CurrentUser::sign_in` or `sign_out` asked for in `response`.
    pub(super) async fn let_pass<'r>(
        &self,
        request: &Request<'_>,
        pass: Result<Pass>,
        response: &mut Response<'r>,
    ) {
        let Some(ours) = self.sessions.ours() else {
            return log::warn!(
                "oauth: `CurrentUser::sign_in` and `sign_out` do nothing beside `.sessions(…)`: use those"
            );
        };
        let cookie = match pass {
            Ok(Pass::In(user)) => ours.begin(request, &user, None).await.map(Some),
            Ok(Pass::Out) => ours.end_this(request).await.map(|(_, removal)| removal),
            Err(error) => Err(error),
        };
        match cookie {
            Ok(cookie) => cookie.iter().for_each(|cookie| {
                response.adjoin_header(cookie);
            }),
            Err(error) => {
                self.log_error("", None, &error);
                *response = self.respond(request, Err(error));
            }
        }
    }
}
