//! Tokens that a test has stored without a sign-in. Every fake provider of the process accepts them.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::sealed::{AccessToken, Grant, RefreshToken, Sealed, open, random_id, seal};
use crate::secret::{KeyRing, random};

/// The key of these tokens, which ends with the process.
static KEYS: LazyLock<KeyRing> =
    LazyLock::new(|| KeyRing::new([random().expect("the operating system's random generator works")]));

/// The number of tokens so far: which of them came before a revocation.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// The secret of each OAuth 1.0a token.
pub(super) const TOKEN_SECRET: &str = "a token secret from a test";

/// What the provider says to a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenState {
    /// The access token is valid, and so is the refresh token.
    Valid,
    /// The access token has expired. The refresh token is valid.
    Expired,
    /// The user has revoked the grant: both tokens are invalid.
    Dead,
}

/// The tokens of one account.
pub(crate) struct IssuedTokens {
    pub(crate) access_token: String,
    pub(crate) token_secret: &'static str,
    pub(crate) refresh_token: String,
}

/// Issues tokens for `user` in place of a provider. The access token expires at `expires_at` (unix time, in seconds).
pub(crate) fn issue_for_test(user: &str, scope: &str, state: TokenState, expires_at: i64) -> IssuedTokens {
    let grant = Grant {
        client_id: String::new(),
        user: user.to_owned(),
        scope: scope.to_owned(),
        nonce: None,
        auth_time: 0,
        family: random_id(),
        test_serial: Some(match state {
            TokenState::Dead => 0,
            TokenState::Valid | TokenState::Expired => COUNT.fetch_add(1, Ordering::Relaxed) + 1,
        }),
    };
    let access_token = AccessToken { grant: grant.clone(), serial: 0, expires_at };
    IssuedTokens {
        access_token: seal(&KEYS, "", &access_token),
        token_secret: TOKEN_SECRET,
        refresh_token: seal(&KEYS, "", &RefreshToken { grant, id: random_id() }),
    }
}

/// The serial of the last token so far.
pub(super) fn last_serial() -> u64 {
    COUNT.load(Ordering::Relaxed)
}

/// Opens a token that a test has issued.
pub(super) fn open_issued<T: Sealed>(sealed: &str) -> Option<T> {
    open(&KEYS, "", sealed)
}
