//! Signing out: `POST /login/logout`, `POST /login/logout/everywhere`, and what the app's own code asks for in a response.

use rocket::http::Method;
use rocket::{Request, Response};

use super::Dance;
use super::reply::Reply;
use super::route::Form;
use crate::error::Result;
use crate::session::{SessionCommand, sessions_belong_to_app};
use crate::storage::{Session, SessionSelection, StorageBackend};
use crate::user::UserId;

impl Dance {
    pub(super) async fn post_logout(
        &self,
        request: &Request<'_>,
        form: &Form,
        everywhere: bool,
    ) -> Result<Reply> {
        self.check_csrf(request, form.get("csrf").as_deref()).await?;
        let everywhere = if everywhere { self.user_now(request).await? } else { None };
        if matches!(self.store, StorageBackend::Browser) {
            self.browser(request).clear();
        }
        self.forget_pending(request).await;
        let ended = self.sessions.sign_out(request, everywhere).await?;
        let provider = match &ended {
            Some(session) => self.provider_logout(request, session).await,
            None => None,
        };
        Ok(Reply::SeeOther(provider.unwrap_or_else(|| self.settings.after_logout.to_string())))
    }

    /// Ends all sessions of `user`, in every browser and on every node: after a change of password, or when somebody has
    /// been in who should not. Gives how many there were. Other nodes than this one know within `cache.ttl`, on PostgreSQL
    /// at once.
    ///
    /// A sign-in that is under way at this very moment may still end in a session: change what it goes by, the password
    /// say, before. Who is to stay signed in here signs in anew afterwards:
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
    /// [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable); they may have ended then. [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured)
    /// where the storage keeps no sessions, or the app
    /// has [sessions of its own](crate::Sessions).
    pub async fn sign_out_everywhere<U: UserId>(&self, user: &U) -> Result<usize> {
        Ok(self.end_sessions(&SessionSelection::User(user.to_string())).await?.len())
    }

    pub(super) async fn end_sessions(&self, whose: &SessionSelection) -> Result<Vec<Session>> {
        self.sessions.cookie_sessions().ok_or_else(sessions_belong_to_app)?.end_selected(whose).await
    }

    /// Whether a user's sessions can be ended elsewhere, too.
    pub(super) fn ends_sessions(&self) -> bool {
        self.sessions.cookie_sessions().is_some_and(|ours| ours.are_stored())
    }

    /// Login CSRF: a form of the app's own, sent by somebody else's page with somebody else's password, would sign a person
    /// in as him, and what she connects then would be his. A link may come from anywhere, from a mail say.
    fn check_form(&self, request: &Request<'_>) -> Result<()> {
        match request.method() {
            Method::Get | Method::Head => Ok(()),
            _ => self.check_origin(request),
        }
    }

    /// Does what `CurrentUser::sign_in` or `sign_out` asked for in `response`.
    pub(super) async fn let_pass<'r>(
        &self,
        request: &Request<'_>,
        pass: Result<SessionCommand>,
        response: &mut Response<'r>,
    ) {
        let Some(ours) = self.sessions.cookie_sessions() else {
            return log::warn!(
                "oauth: `CurrentUser::sign_in` and `sign_out` do nothing beside `.sessions(…)`: use those"
            );
        };
        let cookie = match pass {
            Ok(SessionCommand::SignIn(user)) => match self.check_form(request) {
                Ok(()) => ours.begin(request, &user, None).await.map(Some),
                Err(error) => Err(error),
            },
            Ok(SessionCommand::SignOut) => ours.end_current(request, None).await.map(|(_, removal)| removal),
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
