//! The sessions of accounts that are stored without a user.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

use rocket::Request;
use rocket::http::Cookie;

use super::{CookieSessions, SessionOrigin};
use crate::clock::Clock;
use crate::config::Settings;
use crate::cookies;
use crate::error::Result;
use crate::secret::{KeyRing, Secret};
use crate::storage::{AccountKey, Session, SessionSelection, Storage};

const COOKIE_NAME: &str = "rocket_dance_kept";
/// Maximum number of such accounts of which a browser has a session. A further one ends the oldest session.
const MAX_KEPT: usize = 8;

/// The sessions of a browser that have ended.
#[derive(Default)]
pub(crate) struct EndedKeptSessions {
    /// Those that were stored, the newest first.
    pub(crate) sessions: Vec<Session>,
    /// The cookies to set, which remove the cookies of these sessions.
    pub(crate) removals: Vec<Cookie<'static>>,
}

/// The sessions of accounts that are stored without a user ([`Verdict::StoreWithoutUser`](crate::Verdict::StoreWithoutUser)): the
/// browser that has connected such an account has a session of it, and no user is signed in. A browser has one account per entry,
/// each in a cookie of its own, so that two callbacks at the same time do not overwrite each other's.
#[derive(Default)]
pub(crate) struct KeptSessions {
    /// The prefix of the names of the cookies; the entry's name follows.
    prefix: String,
    /// By the name of the entry. Empty if every account needs a user.
    by_entry: BTreeMap<String, CookieSessions>,
}

impl KeptSessions {
    pub(crate) fn new<'e>(
        entries: impl Iterator<Item = &'e String>,
        settings: &Settings,
        clock: &Clock,
        keys: &KeyRing,
        storage: &Arc<dyn Storage>,
    ) -> Self {
        let prefix = format!("{}_", settings.cookie_name(COOKIE_NAME));
        let sessions = |entry: &String| {
            let name = format!("{prefix}{entry}");
            let storage = Some(storage.clone());
            let sessions = CookieSessions::in_cookie(name, settings, clock.clone(), keys.clone(), storage);
            sessions.are_stored().then(|| (entry.clone(), sessions))
        };
        Self { by_entry: entries.filter_map(sessions).collect(), prefix }
    }

    /// Whether no account can be stored without a user.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_entry.is_empty()
    }

    /// The entries of which `request` has a cookie.
    fn sent<'s>(&'s self, request: &Request<'_>) -> Vec<(&'s String, &'s CookieSessions)> {
        self.by_entry.iter().filter(|(_, sessions)| sessions.is_sent(request)).collect()
    }

    /// The size of their cookies in the header of `request`, in bytes.
    pub(crate) fn size(&self, request: &Request<'_>) -> usize {
        match self.by_entry.is_empty() {
            true => 0,
            false => {
                let sent = cookies::with_prefix(request, &self.prefix);
                sent.iter().map(|(name, value)| cookies::size(name, value)).sum()
            }
        }
    }

    /// Returns the ids in the cookies of `request`. They prove nothing: a cookie may be an old one.
    pub(crate) fn ids(&self, request: &Request<'_>) -> Vec<String> {
        self.sent(request).into_iter().filter_map(|(_, sessions)| sessions.id(request)).collect()
    }

    /// Returns the ID token of the login that `session` comes from, if it was stored.
    pub(crate) fn id_token(&self, session: &Session) -> Option<Secret> {
        self.by_entry.get(session.entry.as_deref()?)?.id_token(session)
    }

    /// Returns the key of the account at `entry` of which the browser has a session. The account may have got a user in the
    /// meantime, and is not this visitor's then.
    pub(crate) async fn key(&self, request: &Request<'_>, entry: &str) -> Result<Option<AccountKey>> {
        let Some(sessions) = self.by_entry.get(entry) else { return Ok(None) };
        let session = sessions.current_session(request).await?;
        let session = session.filter(|session| session.user().is_none());
        let identity = session.and_then(|session| session.provider_user_id.clone());
        Ok(identity.map(|identity| AccountKey::identity(entry, identity)))
    }

    /// Returns the keys of all accounts of which the browser has a session.
    pub(crate) async fn keys(&self, request: &Request<'_>) -> Result<Vec<AccountKey>> {
        let mut keys = Vec::new();
        for (entry, _) in self.sent(request) {
            keys.extend(self.key(request, entry).await?);
        }
        Ok(keys)
    }

    /// Begins a session of the account of `origin`, and returns the cookies to set. The oldest session beyond [`MAX_KEPT`] ends
    /// afterwards. If it cannot be ended, the browser has one more until it begins another one.
    ///
    /// # Errors
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) if the account was removed, or got a user, in the meantime.
    pub(crate) async fn begin(
        &self,
        request: &Request<'_>,
        origin: &SessionOrigin<'_>,
    ) -> Result<Vec<Cookie<'static>>> {
        let Some(sessions) = self.by_entry.get(origin.entry) else { return Ok(Vec::new()) };
        let mut others = Vec::new();
        for (entry, sessions) in self.sent(request) {
            if entry != origin.entry {
                let session = sessions.current_session(request).await?;
                others.push((session.map_or(0, |session| session.created_at), sessions));
            }
        }
        others.sort_by_key(|(began_at, _)| *began_at);
        let over = others.len().saturating_sub(MAX_KEPT - 1);
        let mut cookies = vec![sessions.begin(request, None, Some(origin)).await?.cookie];
        for (_, oldest) in others.iter().take(over) {
            match oldest.end_current(request, None).await {
                Ok(ended) => cookies.extend(ended.removal),
                Err(error) => {
                    log::warn!(
                        "oauth: a browser's oldest session without a user could not be ended: {error:?}"
                    )
                }
            }
        }
        Ok(cookies)
    }

    /// Ends the browser's session of the account at `entry`, and returns the cookie that removes its cookie.
    pub(crate) async fn end(&self, request: &Request<'_>, entry: &str) -> Result<Option<Cookie<'static>>> {
        match self.by_entry.get(entry) {
            Some(sessions) => Ok(sessions.end_current(request, None).await?.removal),
            None => Ok(None),
        }
    }

    /// Ends all such sessions of the browser.
    pub(crate) async fn end_all(&self, request: &Request<'_>) -> Result<EndedKeptSessions> {
        let mut ended = EndedKeptSessions::default();
        for (_, sessions) in self.sent(request) {
            let signed_out = sessions.end_current(request, None).await?;
            ended.sessions.extend(signed_out.own);
            ended.removals.extend(signed_out.removal);
        }
        ended.sessions.sort_by_key(|session| Reverse(session.created_at));
        Ok(ended)
    }

    /// Ends the selected sessions, in every browser. Returns those that existed.
    pub(crate) async fn end_selected(&self, selection: &SessionSelection) -> Result<Vec<Session>> {
        // All of them are in the same storage.
        match self.by_entry.values().next() {
            Some(sessions) => sessions.end_selected(selection).await,
            None => Ok(Vec::new()),
        }
    }
}
