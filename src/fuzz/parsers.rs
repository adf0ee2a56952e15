//! The parsers as functions from bytes to "accepted".

use super::fixtures::{
    ACCOUNT_COOKIE, BASE_URL, ENTRIES, FLOW_COOKIE, KEYS, STORED_TOKEN, entry, sealed_text,
};
use crate::flow::fuzz::{self as flow, NOW};
use crate::local_path::LocalPath;
use crate::paths::Paths;
use crate::storage::BrowserStorage;
use crate::token::Token;

fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}

/// The query of a callback, of either protocol.
pub(super) fn callback(data: &[u8]) -> bool {
    let Some(query) = text(data) else { return false };
    ENTRIES.iter().filter(|entry| flow::callback(entry, query)).count() > 0
}

/// A token answer, as JSON or as a form.
pub(super) fn token_answer(data: &[u8]) -> bool {
    flow::token_answer(entry("op"), "application/json", data)
        || flow::token_answer(entry("own"), "application/x-www-form-urlencoded", data)
}

/// A userinfo answer. Every entry reads it; accepted if one of them finds a user.
pub(super) fn userinfo(data: &[u8]) -> bool {
    ENTRIES.iter().filter(|entry| flow::userinfo(entry, data)).count() > 0
}

/// An ID token: header and claims in two lines, which are signed here, or a token in one line.
pub(super) fn id_token(data: &[u8]) -> bool {
    let token = match data.iter().position(|byte| *byte == b'\n') {
        Some(at) => flow::sign(&data[..at], &data[at + 1..]),
        None => String::from_utf8_lossy(data).into_owned(),
    };
    flow::id_token(entry("op"), &token)
}

/// A `next` parameter. An accepted path leads to the app only, and is accepted again as it is.
pub(super) fn next(data: &[u8]) -> bool {
    let Some(path) = text(data).and_then(|next| LocalPath::try_from(next).ok()) else { return false };
    let there = BASE_URL.join(path.as_str()).unwrap_or_else(|error| panic!("{path:?}: {error}"));
    assert_eq!(there.origin(), BASE_URL.origin(), "{path:?}");
    assert_eq!(LocalPath::try_from(path.as_str()).ok().as_ref(), Some(&path));
    assert!(path.as_str().bytes().all(|byte| byte.is_ascii_graphic()), "{path:?}");
    !Paths::new("/login").is_own_action(path.as_str())
}

/// The cookie of a flow.
pub(super) fn flow_cookie(data: &[u8]) -> bool {
    sealed_text(data, FLOW_COOKIE)
        .is_some_and(|sealed| flow::flow_cookie(entry("op"), &KEYS, FLOW_COOKIE.1[0], &sealed))
}

/// The cookie of an account.
pub(super) fn account_cookie(data: &[u8]) -> bool {
    let Some(sealed) = sealed_text(data, ACCOUNT_COOKIE) else { return false };
    let browser = BrowserStorage::new(
        "account_",
        [(ACCOUNT_COOKIE.1[0], &*sealed)].into_iter(),
        KEYS.as_ref().clone(),
        NOW,
    );
    browser.clear();
    // Only an accepted account can be removed, so a change means that it was accepted.
    !browser.changes().is_empty()
}

/// A token as a storage keeps it.
pub(super) fn stored_token(data: &[u8]) -> bool {
    let Some(sealed) = sealed_text(data, STORED_TOKEN) else { return false };
    let plain = KEYS.open(STORED_TOKEN.0, STORED_TOKEN.1, &sealed);
    let Some(token) = plain.ok().and_then(|plain| Token::from_plain(&plain)) else { return false };
    token.usable_until() <= token.expires_at.unwrap_or(i64::MAX)
        && (token.expires_at().is_none() || token.is_expired(i64::MAX))
}
