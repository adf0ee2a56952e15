//! The sessions of accounts that are stored without a user.

use std::collections::BTreeMap;
use std::sync::Arc;

use rocket::Request;
use rocket::http::Cookie;

use super::{CookieSessions, SessionOrigin};
use crate::clock::Clock;
use crate::config::Settings;
use crate::cookies;
use crate::error::Result;
use crate::secret::KeyRing;
use crate::storage::{AccountKey, Storage};

const COOKIE_NAME: &str = "rocket_dance_kept";
/// Maximum number of such accounts of which a browser has a session. A further one ends the oldest session.
const MAX_KEPT: usize = 8;

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

    /// Begins a session of the account of `origin`, and returns the cookies to set.
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
            cookies.extend(oldest.end_current(request, None).await?.removal);
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

    /// Ends all such sessions of the browser, and returns the cookies that remove theirs.
    pub(crate) async fn end_all(&self, request: &Request<'_>) -> Result<Vec<Cookie<'static>>> {
        let mut removals = Vec::new();
        for (entry, _) in self.sent(request) {
            removals.extend(self.end(request, entry).await?);
        }
        Ok(removals)
    }
}
