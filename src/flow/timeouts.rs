//! The maximum time of all calls of one operation.

use std::time::Duration;

use super::http::CALL_TIMEOUT;
use super::pages::MAX_PAGES;
use crate::config::Entry;

/// Maximum time of all calls of [`Engine::refresh`](super::Engine::refresh): the metadata, the token, and the keys twice.
pub(crate) const REFRESH_TIMEOUT: Duration = Duration::from_secs(4 * CALL_TIMEOUT.as_secs());

/// Returns the maximum time of all calls of [`Engine::check_callback`](super::Engine::check_callback) and
/// [`Engine::finish`](super::Engine::finish): the metadata twice, the token, the keys twice, the userinfo, and the entry's
/// further userinfo URLs with all their pages.
pub(crate) fn callback_timeout(entry: &Entry) -> Duration {
    let further = u32::try_from(entry.userinfo.extra_urls.len()).unwrap_or(u32::MAX);
    CALL_TIMEOUT * further.saturating_mul(MAX_PAGES).saturating_add(6)
}
