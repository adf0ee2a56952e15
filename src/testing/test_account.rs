//! [`TestAccount`]: an account that a test stores without a sign-in.

use serde_json::json;

use super::server::{IssuedTokens, TokenState, email, issue_for_test, name};
use crate::config::Entry;
use crate::profile::Profile;
use crate::provider::Protocol;
use crate::token::Token;

/// Lifetime of the access token, in seconds.
const TOKEN_TTL: i64 = 3600;

/// An account at a provider, which [`connect`](crate::testing::connect) stores without a sign-in.
///
/// It belongs to `ada` at the provider, whose verified address is `ada@example.test`: the user whom a
/// [`FakeProvider`](crate::testing::FakeProvider) signs in. Every fake provider of the process accepts its tokens.
///
/// ```
/// use rocket_dance::testing::TestAccount;
///
/// let usable = TestAccount::valid();
/// let refreshed_at_the_next_call = TestAccount::expired();
/// let to_be_connected_again = TestAccount::dead();
/// let of_another_person = TestAccount::valid().with_id("grace").with_scope("repo");
/// # let _ = (usable, refreshed_at_the_next_call, to_be_connected_again, of_another_person);
/// ```
#[derive(Debug, Clone)]
#[must_use = "it is stored by `connect`"]
pub struct TestAccount {
    state: TokenState,
    id: String,
    scope: Option<String>,
    profile: Option<Profile>,
    token: Option<Token>,
}

impl TestAccount {
    fn new(state: TokenState) -> Self {
        Self { state, id: "ada".into(), scope: None, profile: None, token: None }
    }

    /// An account whose access token is valid for an hour, with a refresh token.
    pub fn valid() -> Self {
        Self::new(TokenState::Valid)
    }

    /// An account whose access token expired an hour ago. The provider refreshes it.
    pub fn expired() -> Self {
        Self::new(TokenState::Expired)
    }

    /// An account whose access token has expired, and whose grant the user has revoked at the provider, which therefore refuses to
    /// refresh it. The app asks the user to connect again.
    pub fn dead() -> Self {
        Self::new(TokenState::Dead)
    }

    /// Sets the user's id at the provider; name and address follow.
    pub fn with_id(self, id: &str) -> Self {
        Self { id: id.to_owned(), ..self }
    }

    /// Sets the granted scope, separated by spaces. The default is the scope that the entry requests.
    pub fn with_scope(self, scope: &str) -> Self {
        Self { scope: Some(scope.to_owned()), ..self }
    }

    /// Sets the profile, in place of the one with the [id](TestAccount::with_id).
    pub fn with_profile(self, profile: Profile) -> Self {
        Self { profile: Some(profile), ..self }
    }

    /// Sets the token, for example one of a real provider.
    pub fn with_token(self, token: Token) -> Self {
        Self { token: Some(token), ..self }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The profile and the token of this account at `entry`, at the time `now` (unix time, in seconds).
    ///
    /// # Panics
    /// If the entry's protocol has no such token.
    pub(super) fn grant(self, entry: &Entry, now: i64) -> (Profile, Token) {
        let id = &self.id;
        let profile = self.profile.unwrap_or_else(|| {
            let claims = json!({
                "sub": id, "name": name(id), "preferred_username": id, "email": email(id), "email_verified": true,
            });
            Profile::from_claims(&claims).expect("these claims are a profile")
        });
        let scope = self.scope.unwrap_or_else(|| entry.scope().join(" "));
        let token = self.token.unwrap_or_else(|| issue(entry.protocol(), id, &scope, self.state, now));
        (profile, Token { scope: scope.split_whitespace().map(str::to_owned).collect(), ..token })
    }
}

fn issue(protocol: Protocol, id: &str, scope: &str, state: TokenState, now: i64) -> Token {
    let obtained_at = match state {
        TokenState::Valid => now,
        TokenState::Expired | TokenState::Dead => now - 2 * TOKEN_TTL,
    };
    if protocol != Protocol::OAuth1 {
        let IssuedTokens { access_token, refresh_token, .. } =
            issue_for_test(id, scope, state, obtained_at + TOKEN_TTL);
        return Token::new(access_token)
            .with_lifetime(obtained_at, TOKEN_TTL)
            .with_refresh_token(refresh_token);
    }
    assert!(
        state != TokenState::Expired,
        "a token of OAuth 1.0a does not expire: write `TestAccount::valid()`, or `TestAccount::dead()` for a revoked one"
    );
    let IssuedTokens { access_token, token_secret, .. } = issue_for_test(id, scope, state, i64::MAX);
    Token::oauth1(access_token, token_secret)
}
