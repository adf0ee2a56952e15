//! Signing out at the provider: after signing out here (RP-Initiated Logout), and told by it (Back-Channel Logout).

use std::io::Cursor;

use rocket::http::{ContentType, Status};
use rocket::{Request, Response};

use super::Dance;
use super::callback::TakenQuery;
use super::reply::Reply;
use super::route::Form;
use crate::config::Entry;
use crate::cookies;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{LOGOUT_TOKEN_TTL, LogoutToken};
use crate::secret::{Secret, encode_base64url, random};
use crate::session::sessions_belong_to_app;
use crate::storage::{ClaimState, Session, SessionSelection};

const COOKIE: &str = "rocket_dance_logout";
/// How long a person may take at the provider, in seconds.
const TTL: i64 = 600;

impl Dance {
    /// Where providers send people back to who have signed out there: what is registered with them.
    pub(super) fn landing(&self) -> String {
        format!("{}{}", self.settings.origin(), self.path("/logged-out"))
    }

    /// Where the provider of `entry` tells of sessions that are over: what is registered with it.
    pub(super) fn backchannel(&self, entry: &str) -> String {
        format!("{}{}", self.settings.origin(), self.path(&format!("/{entry}/backchannel-logout")))
    }

    /// Where the person of `session`, which is over, signs out at the provider; none where the entry doesn't want that, or
    /// nobody knows where. She is signed out here in any case.
    pub(super) async fn provider_logout(&self, request: &Request<'_>, session: &Session) -> Option<String> {
        let entry = self.entries.get(session.entry.as_deref()?)?;
        // An entry that points elsewhere by now would tell somebody else's server.
        if !entry.logout || session.issuer.as_deref() != Some(entry.authority()) {
            return None;
        }
        let id_token = self.sessions.cookie_sessions().and_then(|ours| ours.id_token(session));
        match self.way_out(request, entry, id_token.as_ref()).await {
            Ok(url) => Some(url),
            Err(error) => {
                self.log_error(&entry.name, None, &error);
                None
            }
        }
    }

    async fn way_out(
        &self,
        request: &Request<'_>,
        entry: &Entry,
        id_token: Option<&Secret>,
    ) -> Result<String> {
        let state = encode_base64url(&random::<32>()?);
        let url = self.context.engine.end_session_url(entry, id_token, &self.landing(), &state).await?;
        let url = url.ok_or_else(|| {
            entry.misconfigured(
                "the provider names no `end_session_endpoint`: set `end_session_url`, or leave out `logout`",
            )
        })?;
        let name = self.settings.cookie_name(COOKIE);
        let sealed = self.keys().seal("logout", &[&name], state.as_bytes())?;
        self.set_cookie(request, name, sealed, TTL);
        Ok(url.into())
    }

    /// `GET /login/logged-out`: back from the provider. Whoever comes, and with whatever state, is led to `after_logout`:
    /// all that there was to do is done. Only one that knows our state uses it up.
    pub(super) fn get_logged_out(&self, request: &Request<'_>) -> Reply {
        let query = &request.local_cache(TakenQuery::default).0;
        let given = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "state");
        let name = self.settings.cookie_name(COOKIE);
        let kept = cookies::get(request, &name);
        let kept = kept.and_then(|cookie| self.keys().open("logout", &[&name], cookie).ok());
        let kept = kept.and_then(|plain| String::from_utf8(plain).ok()).map(Secret::new);
        match (given, kept) {
            (Some((_, state)), Some(kept)) if kept.matches(&state) => self.unset_cookie(request, &name),
            _ => log::info!("oauth: somebody comes back from a sign-out that didn't begin in that browser"),
        }
        Reply::SeeOther(self.settings.after_logout.to_string())
    }

    /// `POST /login/<name>/backchannel-logout`: 200 when the sessions are over, else 400 (Back-Channel Logout §2.8).
    pub(super) async fn post_backchannel_logout(
        &self,
        request: &Request<'_>,
        name: &str,
        form: Result<Form>,
    ) -> Response<'static> {
        let done = match form {
            Ok(form) => self.told_to_end(request, name, &form).await,
            Err(error) => Err(error),
        };
        let mut response = Response::build();
        match done {
            Ok(ended) => log::info!("oauth: `{}`: the provider has ended {ended} sessions", self.known(name)),
            Err(error) => {
                self.log_error(name, None, &error);
                let code = match error.kind() {
                    ErrorKind::BadRequest
                    | ErrorKind::Csrf
                    | ErrorKind::UnknownProvider
                    | ErrorKind::BadProviderAnswer => "invalid_request",
                    _ => "server_error",
                };
                let body = format!("{{\"error\":\"{code}\"}}");
                response
                    .status(Status::BadRequest)
                    .header(ContentType::JSON)
                    .sized_body(body.len(), Cursor::new(body));
            }
        }
        self.respond(request, Ok(Reply::Own(response.finalize())))
    }

    async fn told_to_end(&self, request: &Request<'_>, name: &str, form: &Form) -> Result<usize> {
        let entry = self.entry(name)?;
        let token = form
            .get("logout_token")
            .ok_or_else(|| Error::new(ErrorKind::BadRequest, "There is no `logout_token` in this form."))?;
        let LogoutToken { handle, sub, sid } = self.context.engine.logout_token(entry, &token).await?;
        let ours = self.sessions.cookie_sessions().ok_or_else(sessions_belong_to_app)?;
        let storage = self.storage(request);
        // As long as a token is accepted, by any of our clocks. Settled only when it is done: a provider that was told
        // "no" because our database was down comes again with the same one.
        let now = self.clock().now();
        let until = now + LOGOUT_TOKEN_TTL + 2 * entry.clock_skew + 60;
        if let ClaimState::Settled(_) = storage.claim(&handle, now, until).await? {
            return Err(Error::new(ErrorKind::BadRequest, "This logout token has been used."));
        }
        let whose = SessionSelection::ProviderSession {
            entry: entry.name.clone(),
            issuer: entry.authority().to_owned(),
            provider_user_id: sub,
            sid,
        };
        let ended = ours.end_selected(&whose).await?;
        storage.settle(&handle, "done").await?;
        Ok(ended.len())
    }
}
