//! The default sessions: a sealed cookie, and behind it, where the storage keeps sessions, a row.

use std::sync::Arc;

use rocket::Request;
use rocket::http::{Cookie, SameSite};
use rocket::time::Duration;

use crate::clock::Clock;
use crate::config::{SessionSettings, Settings};
use crate::cookies;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::{KeyRing, Secret, encode_base64url, random, sha256};
use crate::storage::{Session, SessionSelection, SessionStorage, Storage};

const COOKIE: &str = "rocket_dance_session";
/// What the cookie is sealed for: it holds a session's id, or, where nobody keeps sessions, when and who.
const WITH_ID: &str = "session";
const ALONE: &str = "session alone";
const ID_TOKEN: &str = "session's ID token";
/// By how many seconds the clocks of two processes may differ.
const SKEW: i64 = 60;
/// In characters: providers' are random, and much shorter.
const LONGEST_SID: usize = 255;

/// Which dance makes a session.
pub(crate) struct Origin<'a> {
    pub(crate) entry: &'a str,
    pub(crate) issuer: &'a str,
    pub(crate) provider_user_id: Option<&'a str>,
    pub(crate) sid: Option<String>,
    /// Where the entry's logout needs it.
    pub(crate) id_token: Option<&'a Secret>,
}

/// The cookie holds 256 random bits, of which the storage has the hash. Where the storage keeps no sessions the cookie
/// alone says who somebody is, and since when.
pub(crate) struct CookieSessions {
    name: String,
    secure: bool,
    clock: Clock,
    keys: KeyRing,
    ages: SessionSettings,
    /// One that keeps sessions.
    storage: Option<Arc<dyn Storage>>,
}

impl CookieSessions {
    pub(crate) fn new(
        settings: &Settings,
        clock: Clock,
        keys: KeyRing,
        storage: Option<Arc<dyn Storage>>,
    ) -> Self {
        Self {
            name: settings.cookie_name(COOKIE),
            secure: settings.secure(),
            clock,
            keys,
            ages: settings.session,
            storage: storage.filter(|storage| storage.sessions().is_some()),
        }
    }

    fn kept(&self) -> Option<&dyn SessionStorage> {
        self.storage.as_ref()?.sessions()
    }

    pub(crate) fn are_kept(&self) -> bool {
        self.storage.is_some()
    }

    fn opened(&self, request: &Request<'_>, purpose: &str) -> Option<String> {
        let cookie = cookies::get(request, &self.name)?;
        let plain = self.keys.open(purpose, &[&self.name], cookie).ok()?;
        String::from_utf8(plain).ok()
    }

    /// Under which id the storage has the session of `request`'s cookie. Only what we have sealed is looked for there.
    pub(super) fn id(&self, request: &Request<'_>) -> Option<String> {
        self.opened(request, WITH_ID).map(|secret| hash(&secret))
    }

    /// Who `request` is from; `fresh`: as the storage knows it now, past any cache.
    pub(super) async fn current(&self, request: &Request<'_>, fresh: bool) -> Result<Option<String>> {
        let Some(sessions) = self.kept() else { return Ok(self.alone(request)) };
        let Some(id) = self.id(request) else { return Ok(None) };
        let now = self.clock.now();
        let mut found =
            if fresh { sessions.fresh_session(&id).await? } else { sessions.session(&id).await? };
        if !fresh && found.as_ref().is_some_and(|session| !self.is_live(session, now)) {
            // Another process may have seen it since.
            found = sessions.fresh_session(&id).await?;
        }
        let Some(session) = found.filter(|session| self.is_live(session, now)) else { return Ok(None) };
        if now - session.seen_at >= self.ages.step() {
            sessions.session_seen(&id, now, self.end(session.created_at, now)).await?;
        }
        Ok(Some(session.user_id))
    }

    fn alone(&self, request: &Request<'_>) -> Option<String> {
        let plain = self.opened(request, ALONE)?;
        let (at, user) = plain.split_once(' ')?;
        let (at, now): (i64, _) = (at.parse().ok()?, self.clock.now());
        (at <= now + SKEW && now < at.saturating_add(self.ages.age)).then(|| user.to_owned())
    }

    /// When a session ends that began and was seen then.
    fn end(&self, created_at: i64, seen_at: i64) -> i64 {
        created_at.saturating_add(self.ages.age).min(seen_at.saturating_add(self.ages.idle))
    }

    /// By its own end, and by the settings of today, which may be stricter.
    fn is_live(&self, session: &Session, now: i64) -> bool {
        session.created_at <= now + SKEW
            && now < session.expires_at.min(self.end(session.created_at, session.seen_at))
    }

    /// Begins a session of `user`'s, always a new one: whatever session the browser came with is over. Gives its cookie.
    pub(crate) async fn begin(
        &self,
        request: &Request<'_>,
        user: &str,
        origin: Option<&Origin<'_>>,
    ) -> Result<Cookie<'static>> {
        let now = self.clock.now();
        let Some(sessions) = self.kept() else {
            return self.cookie(ALONE, &format!("{now} {user}"));
        };
        let secret = encode_base64url(&random::<32>()?);
        let id_token = origin.and_then(|origin| Some((origin.entry, origin.id_token?)));
        let id_token = id_token
            .map(|(entry, token)| self.keys.seal(ID_TOKEN, &[user, entry], token.expose().as_bytes()));
        let session = Session {
            id: hash(&secret),
            user_id: user.to_owned(),
            entry: origin.map(|origin| origin.entry.to_owned()),
            issuer: origin.map(|origin| origin.issuer.to_owned()),
            provider_user_id: origin.and_then(|origin| origin.provider_user_id.map(str::to_owned)),
            sid: origin
                .and_then(|origin| origin.sid.clone())
                .filter(|sid| sid.chars().count() <= LONGEST_SID),
            id_token: id_token.transpose()?,
            created_at: now,
            seen_at: now,
            expires_at: self.end(now, now),
        };
        sessions.begin_session(&session, self.id(request).as_deref(), now).await?;
        self.cookie(WITH_ID, &secret)
    }

    /// Gives the session of `request` another id, and its new cookie: what knew the old one is nobody (SF-01). None where
    /// the session is over.
    pub(super) async fn rotate(&self, request: &Request<'_>) -> Result<Option<Cookie<'static>>> {
        let (Some(sessions), Some(id)) = (self.kept(), self.id(request)) else { return Ok(None) };
        let secret = encode_base64url(&random::<32>()?);
        match sessions.rename_session(&id, &hash(&secret)).await? {
            true => self.cookie(WITH_ID, &secret).map(Some),
            false => Ok(None),
        }
    }

    /// Ends the session of `request`, or all of `everywhere`, its user; gives this one, where it was kept, and the cookie
    /// that takes its cookie away.
    pub(crate) async fn end_this(
        &self,
        request: &Request<'_>,
        everywhere: Option<&str>,
    ) -> Result<(Option<Session>, Option<Cookie<'static>>)> {
        let id = self.id(request);
        let ended = match (everywhere, &id) {
            (Some(user), _) => self.end_all(&SessionSelection::User(user.to_owned())).await?,
            (None, Some(id)) if self.are_kept() => self.end_all(&SessionSelection::Id(id.clone())).await?,
            _ => Vec::new(),
        };
        Ok((ended.into_iter().find(|session| Some(&session.id) == id.as_ref()), self.removal(request)))
    }

    /// Ends sessions wherever they are; gives those that there were.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`] where nobody keeps them.
    pub(crate) async fn end_all(&self, whose: &SessionSelection) -> Result<Vec<Session>> {
        let sessions = self.kept().ok_or_else(|| {
            Error::new(ErrorKind::Misconfigured, "Sessions can't be ended elsewhere here.").with_source(
                "this storage keeps no sessions, each is in its browser's cookie alone: use DieselStorage",
            )
        })?;
        sessions.end_sessions(whose).await
    }

    /// The ID token that `session` was begun with.
    pub(crate) fn id_token(&self, session: &Session) -> Option<Secret> {
        let place = [session.user_id.as_str(), session.entry.as_deref()?];
        let plain = self.keys.open(ID_TOKEN, &place, session.id_token.as_deref()?).ok()?;
        String::from_utf8(plain).ok().map(Secret::new)
    }

    fn cookie(&self, purpose: &str, plain: &str) -> Result<Cookie<'static>> {
        let sealed = self.keys.seal(purpose, &[&self.name], plain.as_bytes())?;
        Ok(self.with_value(sealed, self.ages.age))
    }

    fn with_value(&self, value: String, max_age: i64) -> Cookie<'static> {
        // Strict would not come along from the provider.
        Cookie::build((self.name.clone(), value))
            .same_site(SameSite::Lax)
            .http_only(true)
            .secure(self.secure)
            .path("/")
            .max_age(Duration::seconds(max_age))
            .build()
    }

    fn removal(&self, request: &Request<'_>) -> Option<Cookie<'static>> {
        cookies::get(request, &self.name)?;
        // Chromium keeps a `__Host-` cookie unless the removal carries Secure too.
        let mut cookie = self.with_value(String::new(), 0);
        cookie.make_removal();
        Some(cookie)
    }
}

fn hash(secret: &str) -> String {
    encode_base64url(&sha256(secret))
}
