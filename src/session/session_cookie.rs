//! `SessionCookie`: what a session cookie contains, and the cookies that were opened lately.

use std::sync::Arc;

use moka::sync::Cache;

use crate::secret::{encode_base64url, sha256};
use crate::storage::Session;

/// Time after a new cookie in which the old one may finish a flow, in seconds.
const ROTATION_GRACE: i64 = 60;
/// Bytes that an opened cookie takes besides its texts, measured as that of the cache of accounts is.
const OVERHEAD: usize = 640;

/// A session cookie: the id of the session, and the hash of the secret that proves it.
pub(super) struct SessionCookie {
    pub(super) id: String,
    pub(super) hash: String,
}

impl SessionCookie {
    /// Reads the cookie's plain text: id and secret, separated by a space.
    fn parse(mut plain: String) -> Option<Self> {
        let (id, secret) = plain.split_once(' ')?;
        let (length, hash) = (id.len(), hash(secret));
        plain.truncate(length);
        Some(Self { id: plain, hash })
    }

    /// Whether the cookie is the current one of `session`.
    pub(super) fn is_of(&self, session: &Session) -> bool {
        self.hash == session.cookie_hash
    }

    /// Whether the cookie was replaced less than [`ROTATION_GRACE`] ago, and after `began_at`: then it may finish a flow that
    /// began at `began_at`.
    ///
    /// Of two flows that one browser finishes at the same time, the first one replaces the cookie while the callback of the
    /// second one is under way with the old cookie. An attacker who has stolen the old cookie gains at most the
    /// [`ROTATION_GRACE`]: for that time they can finish a flow that they began with it while it was valid. Guards and forms
    /// reject the old cookie at once (SF-01).
    pub(super) fn was_of(&self, session: &Session, began_at: i64, now: i64) -> bool {
        session.previous_cookie_hash.as_ref() == Some(&self.hash)
            && session.rotated_at.is_some_and(|at| began_at <= at && now < at.saturating_add(ROTATION_GRACE))
    }
}

/// The session cookies that were opened lately, by their sealed text. To open a cookie takes longer than all else that a guard
/// does.
///
/// What a cookie contains never changes, so that nothing in here becomes stale; whether it is the cookie of a session that has not
/// ended is checked at each request. A text that cannot be opened is not kept.
pub(super) struct OpenedCookies(Cache<String, Arc<SessionCookie>>);

impl OpenedCookies {
    /// Holds at most `bytes`.
    pub(super) fn new(bytes: u64) -> Self {
        let weight = |sealed: &String, cookie: &Arc<SessionCookie>| {
            u32::try_from(OVERHEAD + sealed.len() + cookie.id.len() + cookie.hash.len()).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(bytes).weigher(weight).build())
    }

    /// Returns what the cookie `sealed` contains. `open` returns its plain text, and nothing if this app has not sealed it.
    pub(super) fn read(
        &self,
        sealed: &str,
        open: impl FnOnce(&str) -> Option<String>,
    ) -> Option<Arc<SessionCookie>> {
        if let Some(known) = self.0.get(sealed) {
            return Some(known);
        }
        let cookie = Arc::new(SessionCookie::parse(open(sealed)?)?);
        self.0.insert(sealed.to_owned(), cookie.clone());
        Some(cookie)
    }
}

/// Returns the hash of a session's secret, as it is stored.
pub(super) fn hash(secret: &str) -> String {
    encode_base64url(&sha256(secret))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cookies: &OpenedCookies, sealed: &str, plain: Option<&str>) -> Option<(String, String)> {
        let read = cookies.read(sealed, |text| {
            assert_eq!(text, sealed);
            plain.map(str::to_owned)
        });
        read.map(|cookie| (cookie.id.clone(), cookie.hash.clone()))
    }

    #[test]
    fn a_cookie_is_opened_once() {
        let cookies = OpenedCookies::new(1 << 20);
        let first = read(&cookies, "v1.a", Some("id secret"));
        assert_eq!(first, Some(("id".to_owned(), hash("secret"))));
        assert_eq!(read(&cookies, "v1.a", None), first, "it is known");
        assert_eq!(read(&cookies, "v1.b", None), None, "another text is opened");
    }

    #[test]
    fn what_cannot_be_opened_is_not_kept() {
        let cookies = OpenedCookies::new(1 << 20);
        for plain in [None, Some(""), Some("without_a_space")] {
            assert_eq!(read(&cookies, "v1.a", plain), None, "{plain:?}");
        }
        cookies.0.run_pending_tasks();
        assert_eq!(cookies.0.entry_count(), 0);
    }

    #[test]
    fn the_bytes_are_bounded() {
        let cookies = OpenedCookies::new(20_000);
        for n in 0..200 {
            assert!(read(&cookies, &format!("v1.{n}"), Some("id secret")).is_some());
        }
        cookies.0.run_pending_tasks();
        assert!(cookies.0.weighted_size() <= 20_000 && cookies.0.entry_count() > 5);
    }
}
