//! The sessions of this crate: a sealed cookie and, if the storage keeps sessions, a row.

use std::sync::Arc;

use rocket::Request;
use rocket::http::Cookie;

use super::session_cookie::{OpenedCookies, SessionCookie, hash};
use super::{EndedSession, provider_logout};
use crate::clock::{Clock, MAX_CLOCK_SKEW};
use crate::config::{CacheSettings, SessionSettings, Settings};
use crate::cookies::{self, CookieScope};
use crate::error::{Error, ErrorKind, Result};
use crate::flow::not_trusted;
use crate::secret::{KeyRing, Secret, encode_base64url, random};
use crate::storage::{Account, CachedStorage, Session, SessionSelection, SessionStorage, Storage};

const COOKIE_NAME: &str = "rocket_dance_session";
/// Seal purpose of a cookie that contains a session's secret.
const SECRET_PURPOSE: &str = "session";
/// Seal purpose of a cookie that contains time and user, because the storage keeps no sessions.
const COOKIE_ONLY_PURPOSE: &str = "session alone";
const ID_TOKEN_PURPOSE: &str = "session's ID token";

/// The login that a session comes from.
pub(crate) struct SessionOrigin<'a> {
    pub(crate) entry: &'a str,
    pub(crate) issuer: &'a str,
    pub(crate) provider_user_id: Option<&'a str>,
    /// The provider's id of its own session (OpenID Connect Front-Channel Logout 1.0 §3).
    pub(crate) sid: Option<String>,
    /// Unix time in milliseconds at which the flow began, with OpenID Connect: the provider may have ended the session since then.
    pub(crate) openid_flow_began_at_millis: Option<i64>,
    /// The ID token, if the entry's logout needs it.
    pub(crate) id_token: Option<&'a Secret>,
}

/// A session that has begun.
pub(crate) struct NewSession {
    pub(crate) cookie: Cookie<'static>,
    /// The browser's previous session, which has ended.
    pub(crate) replaced: Option<EndedSession>,
}

/// What signing out has ended.
#[derive(Default)]
pub(crate) struct SignedOut {
    /// The session of this browser, if it was stored.
    pub(crate) own: Option<Session>,
    /// All sessions that have ended.
    pub(crate) ended: Vec<EndedSession>,
    /// The cookie that removes the session cookie, if the browser has one.
    pub(crate) removal: Option<Cookie<'static>>,
}

/// The sessions of this crate. The cookie contains the session's id and 256 random bits, and the storage has the hash of
/// these. If the storage keeps no sessions, the cookie contains the user and the time of the sign-in.
pub(crate) struct CookieSessions {
    cookie_name: String,
    cookie_scope: CookieScope,
    clock: Clock,
    keys: KeyRing,
    settings: SessionSettings,
    /// The storage, if it keeps sessions.
    storage: Option<Arc<dyn Storage>>,
    /// The cache in front of the storage, if there is one.
    cache: Option<Arc<CachedStorage>>,
    /// Without a capacity if there is no cache.
    opened: OpenedCookies,
}

impl CookieSessions {
    pub(crate) fn new(
        settings: &Settings,
        clock: Clock,
        keys: KeyRing,
        storage: Option<Arc<dyn Storage>>,
        cache: Option<Arc<CachedStorage>>,
    ) -> Self {
        let opened = OpenedCookies::new(settings.cache.map_or(0, CacheSettings::bytes_for_cookies));
        let name = settings.cookie_name(COOKIE_NAME);
        Self { cache, opened, ..Self::in_cookie(name, settings, clock, keys, storage) }
    }

    /// The sessions whose cookies are called `cookie_name`. Their secrets open under no other name.
    pub(super) fn in_cookie(
        cookie_name: String,
        settings: &Settings,
        clock: Clock,
        keys: KeyRing,
        storage: Option<Arc<dyn Storage>>,
    ) -> Self {
        Self {
            cache: None,
            opened: OpenedCookies::new(0),
            cookie_name,
            cookie_scope: settings.cookie_scope(),
            clock,
            keys,
            settings: settings.session,
            storage: storage.filter(|storage| storage.sessions().is_some()),
        }
    }

    /// The stored sessions, if the storage keeps any.
    fn stored(&self) -> Option<&dyn SessionStorage> {
        self.storage.as_ref()?.sessions()
    }

    /// Returns whether the storage keeps the sessions.
    pub(crate) fn are_stored(&self) -> bool {
        self.storage.is_some()
    }

    /// Opens `cookie`, the value of a session cookie, if it was sealed for `purpose`.
    fn open_cookie(&self, cookie: &str, purpose: &str) -> Option<String> {
        let plain = self.keys.open(purpose, &[&self.cookie_name], cookie).ok()?;
        String::from_utf8(plain).ok()
    }

    /// Opens the cookie of a stored session. `None` unless it was sealed by this app.
    fn sent(&self, request: &Request<'_>) -> Option<Arc<SessionCookie>> {
        let cookie = cookies::get(request, &self.cookie_name)?;
        self.opened.read(cookie, |cookie| self.open_cookie(cookie, SECRET_PURPOSE))
    }

    /// Returns the id of the session of `request`. It proves nothing: the cookie may be an old one.
    pub(super) fn id(&self, request: &Request<'_>) -> Option<String> {
        self.sent(request).map(|cookie| cookie.id.clone())
    }

    /// Returns the session that `request` is from. May use the storage's cache.
    async fn session(&self, request: &Request<'_>) -> Result<Option<Arc<Session>>> {
        let (Some(sessions), Some(cookie)) = (self.stored(), self.sent(request)) else { return Ok(None) };
        let now = self.clock.now();
        let is_current = |session: &Session| cookie.is_of(session) && self.is_live(session, now);
        let mut found = match &self.cache {
            Some(cache) => cache.find_session(&cookie.id).await?,
            None => sessions.session(&cookie.id).await?.map(Arc::new),
        };
        if found.as_ref().is_some_and(|session| !is_current(session)) {
            // Another process may have renewed it, or replaced its cookie, since it was cached.
            found = sessions.session_uncached(&cookie.id).await?.map(Arc::new);
        }
        Ok(found.filter(|session| is_current(session)))
    }

    /// Returns the user that `request` is from. May use the storage's cache.
    pub(super) async fn current(&self, request: &Request<'_>) -> Result<Option<String>> {
        if self.stored().is_none() {
            return Ok(self.user_in_cookie(request));
        }
        let found = self.current_session(request).await?;
        Ok(found.and_then(|session| session.user().map(str::to_owned)))
    }

    /// Returns the user that `request` is from and the user's accounts at `entries`, from one look-up. `None` if it has found no
    /// user, or if there is a cache, which has both: ask [`current`](Self::current) then.
    pub(super) async fn current_with_accounts(
        &self,
        request: &Request<'_>,
        entries: &[&str],
    ) -> Result<Option<(String, Vec<Account>)>> {
        let Some(storage) = self.storage.as_ref().filter(|_| self.cache.is_none()) else { return Ok(None) };
        let Some(cookie) = self.sent(request) else { return Ok(None) };
        let Some((session, accounts)) = storage.session_with_accounts(&cookie.id, entries).await? else {
            return Ok(None);
        };
        if !cookie.is_of(&session) || !self.is_live(&session, self.clock.now()) {
            return Ok(None);
        }
        let session = self.used(Some(Arc::new(session))).await?;
        let user = session.as_deref().and_then(Session::user).map(str::to_owned);
        Ok(user.map(|user| (user, accounts)))
    }

    /// Returns the stored session that `request` is from, and stores from time to time that it is in use. May use the storage's
    /// cache.
    pub(crate) async fn current_session(&self, request: &Request<'_>) -> Result<Option<Arc<Session>>> {
        let found = self.session(request).await?;
        self.used(found).await
    }

    /// Returns the user that `request` is from, as the storage knows it now.
    pub(super) async fn current_uncached(&self, request: &Request<'_>) -> Result<Option<String>> {
        self.user_now(request, SessionCookie::is_of).await
    }

    /// Returns the user who finishes with `request` a flow that began at `began_at` (unix time, in seconds), as the storage
    /// knows it now. The cookie may also be the one that was replaced since then: see [`SessionCookie::was_of`].
    pub(super) async fn current_in_flow(
        &self,
        request: &Request<'_>,
        began_at: i64,
    ) -> Result<Option<String>> {
        let now = self.clock.now();
        self.user_now(request, |cookie, session| {
            cookie.is_of(session) || cookie.was_of(session, began_at, now)
        })
        .await
    }

    async fn user_now(
        &self,
        request: &Request<'_>,
        proves: impl FnOnce(&SessionCookie, &Session) -> bool + Send,
    ) -> Result<Option<String>> {
        let Some(sessions) = self.stored() else { return Ok(self.user_in_cookie(request)) };
        let Some(cookie) = self.sent(request) else { return Ok(None) };
        let now = self.clock.now();
        let found = sessions.session_uncached(&cookie.id).await?;
        let found = found.filter(|session| self.is_live(session, now) && proves(&cookie, session));
        let found = self.used(found.map(Arc::new)).await?;
        Ok(found.and_then(|session| session.user().map(str::to_owned)))
    }

    /// Stores from time to time that the session `found` is in use.
    async fn used(&self, found: Option<Arc<Session>>) -> Result<Option<Arc<Session>>> {
        if let (Some(session), Some(sessions), now) = (&found, self.stored(), self.clock.now())
            && now - session.seen_at >= self.settings.step()
        {
            sessions.session_seen(&session.id, now, self.end(session.created_at, now)).await?;
        }
        Ok(found)
    }

    /// Returns the session of `request`, if its cookie is the whole session.
    fn session_in_cookie(&self, request: &Request<'_>) -> Option<EndedSession> {
        let user = self.user_in_cookie(request).filter(|_| !self.are_stored())?;
        Some(EndedSession { user, entry: None })
    }

    /// Returns the user of a cookie that is the whole session, because the storage keeps none.
    fn user_in_cookie(&self, request: &Request<'_>) -> Option<String> {
        let plain = self.open_cookie(cookies::get(request, &self.cookie_name)?, COOKIE_ONLY_PURPOSE)?;
        let (created_at, user) = plain.split_once(' ')?;
        let (created_at, now): (i64, _) = (created_at.parse().ok()?, self.clock.now());
        let is_live =
            created_at <= now + MAX_CLOCK_SKEW && now < created_at.saturating_add(self.settings.age);
        is_live.then(|| user.to_owned())
    }

    /// Returns when a session ends that began at `created_at` and was last used at `seen_at` (unix time, in seconds).
    fn end(&self, created_at: i64, seen_at: i64) -> i64 {
        created_at.saturating_add(self.settings.age).min(seen_at.saturating_add(self.settings.idle))
    }

    /// Returns whether `session` has not ended at `now`: neither by its stored end, nor by the current settings, which may be
    /// stricter.
    fn is_live(&self, session: &Session, now: i64) -> bool {
        session.created_at <= now + MAX_CLOCK_SKEW
            && now < session.expires_at.min(self.end(session.created_at, session.seen_at))
    }

    /// Begins a new session of `user` and ends the browser's previous one. Without a user, the session is that of the account of
    /// `origin`.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`] if the account that it comes from, or the user, was removed in the meantime;
    /// [`ErrorKind::CallbackNotTrusted`] if the provider has reported in the meantime that the session has ended there.
    pub(crate) async fn begin(
        &self,
        request: &Request<'_>,
        user: Option<&str>,
        origin: Option<&SessionOrigin<'_>>,
    ) -> Result<NewSession> {
        let (now, user) = (self.clock.now(), user.unwrap_or_default());
        let Some(storage) = &self.storage else {
            let cookie = self.cookie(COOKIE_ONLY_PURPOSE, &format!("{now} {user}"))?;
            return Ok(NewSession { cookie, replaced: self.session_in_cookie(request) });
        };
        let (id, secret) = (encode_base64url(&random::<24>()?), encode_base64url(&random::<32>()?));
        let id_token = origin.and_then(|origin| Some((origin.entry, origin.id_token?)));
        let id_token = id_token.map(|(entry, token)| {
            self.keys.seal(ID_TOKEN_PURPOSE, &[user, entry], token.expose().as_bytes())
        });
        let session = Session {
            id: id.clone(),
            cookie_hash: hash(&secret),
            previous_cookie_hash: None,
            rotated_at: None,
            user_id: user.to_owned(),
            entry: origin.map(|origin| origin.entry.to_owned()),
            issuer: origin.map(|origin| origin.issuer.to_owned()),
            provider_user_id: origin.and_then(|origin| origin.provider_user_id.map(str::to_owned)),
            sid: origin.and_then(|origin| origin.sid.clone()),
            id_token: id_token.transpose()?,
            created_at: now,
            seen_at: now,
            expires_at: self.end(now, now),
        };
        // Not by the id alone: a copy of an old cookie must not end a session.
        let before = self.session(request).await?;
        let before_id = before.as_ref().map(|session| session.id.as_str());
        let flow_began_at = origin.and_then(|origin| origin.openid_flow_began_at_millis);
        // Checked before the old session is replaced, so that a refused sign-in ends no session.
        if before.is_some() {
            self.refuse_if_ended_by_provider(&**storage, &session, flow_began_at).await?;
        }
        storage.begin_session(&session, before_id, now).await?.check()?;
        if let Err(error) = self.refuse_if_ended_by_provider(&**storage, &session, flow_began_at).await {
            self.end_selected(&SessionSelection::Id(id)).await?;
            return Err(error);
        }
        let cookie = self.cookie(SECRET_PURPOSE, &format!("{id} {secret}"))?;
        Ok(NewSession { cookie, replaced: before.as_deref().and_then(EndedSession::of) })
    }

    /// Checks that the provider has not ended `session` since the flow of its sign-in began (unix time, in milliseconds; `None` if
    /// the login was no OpenID Connect).
    ///
    /// # Errors
    /// [`ErrorKind::CallbackNotTrusted`] if it has.
    async fn refuse_if_ended_by_provider(
        &self,
        storage: &dyn Storage,
        session: &Session,
        flow_began_at_millis: Option<i64>,
    ) -> Result<()> {
        let Some(began_at) = flow_began_at_millis else { return Ok(()) };
        match provider_logout::has_ended(storage, session, began_at, self.clock.now_millis()).await? {
            true => Err(not_trusted("the provider has ended the session during the sign-in")),
            false => Ok(()),
        }
    }

    /// Gives the session of `request` another secret (SF-01: a copy of the old cookie is invalid then). The session stays the
    /// same. Returns the new cookie, or `None` if the session has ended, has replaced this cookie already, or is not stored.
    pub(super) async fn rotate(&self, request: &Request<'_>) -> Result<Option<Cookie<'static>>> {
        let (Some(sessions), Some(old)) = (self.stored(), self.sent(request)) else { return Ok(None) };
        let secret = encode_base64url(&random::<32>()?);
        match sessions.rotate_session(&old.id, &old.hash, &hash(&secret), self.clock.now()).await? {
            true => self.cookie(SECRET_PURPOSE, &format!("{} {secret}", old.id)).map(Some),
            false => Ok(None),
        }
    }

    /// Ends all sessions of the user `everywhere`, or, with `None`, the session of `request`.
    pub(crate) async fn end_current(
        &self,
        request: &Request<'_>,
        everywhere: Option<&str>,
    ) -> Result<SignedOut> {
        let own = self.session(request).await?.map(|session| session.id.clone());
        let ended = match (everywhere, &own) {
            (Some(user), _) => self.end_selected(&SessionSelection::User(user.to_owned())).await?,
            (None, Some(id)) => self.end_selected(&SessionSelection::Id(id.clone())).await?,
            (None, None) => Vec::new(),
        };
        Ok(SignedOut {
            ended: ended.iter().filter_map(EndedSession::of).chain(self.session_in_cookie(request)).collect(),
            own: ended.into_iter().find(|session| Some(&session.id) == own.as_ref()),
            removal: self.removal(request),
        })
    }

    /// Returns the sessions of `user` that have not ended, the most recently used first. Empty if they are not stored.
    pub(crate) async fn list(&self, user: &str) -> Result<Vec<Session>> {
        let Some(sessions) = self.stored() else { return Ok(Vec::new()) };
        let now = self.clock.now();
        let mut found = sessions.sessions_of(user).await?;
        found.retain(|session| self.is_live(session, now));
        Ok(found)
    }

    /// Returns an error if sessions can't be ended in other browsers.
    ///
    /// # Errors
    /// [`ErrorKind::SessionsNotStored`] if the storage keeps no sessions.
    pub(crate) fn require_stored(&self) -> Result<&dyn SessionStorage> {
        self.stored().ok_or_else(|| {
            Error::new(ErrorKind::SessionsNotStored, "This app can't end sessions in other browsers.")
                .with_source("the storage keeps no sessions, they are in cookies alone: use DieselStorage")
        })
    }

    /// Ends the selected sessions, in every browser. Returns those that existed.
    ///
    /// # Errors
    /// [`ErrorKind::SessionsNotStored`] if the storage keeps no sessions.
    pub(crate) async fn end_selected(&self, selection: &SessionSelection) -> Result<Vec<Session>> {
        self.require_stored()?.end_sessions(selection).await
    }

    /// Returns the ID token of the login that `session` comes from, if it was stored.
    pub(crate) fn id_token(&self, session: &Session) -> Option<Secret> {
        let place = [session.user_id.as_str(), session.entry.as_deref()?];
        let plain = self.keys.open(ID_TOKEN_PURPOSE, &place, session.id_token.as_deref()?).ok()?;
        String::from_utf8(plain).ok().map(Secret::new)
    }

    /// Returns a session cookie with `plain`, sealed for `purpose`.
    fn cookie(&self, purpose: &str, plain: &str) -> Result<Cookie<'static>> {
        let sealed = self.keys.seal(purpose, &[&self.cookie_name], plain.as_bytes())?;
        Ok(cookies::build(self.cookie_name.clone(), sealed, &self.cookie_scope, self.settings.age))
    }

    /// Returns whether `request` has a session cookie, valid or not.
    pub(super) fn is_sent(&self, request: &Request<'_>) -> bool {
        cookies::is_sent(request, &self.cookie_name)
    }

    /// Returns a cookie that removes the session cookie of `request`. `None` if the request has none.
    fn removal(&self, request: &Request<'_>) -> Option<Cookie<'static>> {
        self.is_sent(request).then(|| cookies::removal(self.cookie_name.clone(), &self.cookie_scope))
    }
}
