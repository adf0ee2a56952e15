//! The token that a provider granted.

use std::fmt;

use serde_json::{Map, Value};
use time::OffsetDateTime;

use crate::profile::text;
use crate::secret::Secret;

/// Time after a refresh in which another refresh would bring nothing new, in seconds.
const RECENT: i64 = 60;

/// The token that a provider granted: an access token, its expiry, and the other fields of the token answer (RFC 6749
/// §5.1).
///
/// A token never prints its secrets and does not implement `Serialize`. A storage gets it sealed.
///
/// ```
/// use rocket_dance::Token;
///
/// let token = Token::new("gho_16C7e42F292c6912E7710c838347Ae178B4a")
///     .with_lifetime(1_750_000_000, 3600)
///     .with_refresh_token("ghr_1B4a2e77838347a7E420ce178F2E7c6912E169");
/// assert_eq!(token.expires_at().map(|time| time.unix_timestamp()), Some(1_750_003_600));
/// assert!(!format!("{token:?}").contains("gho_"));
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct Token {
    /// The access token. Empty if there is none, for example after a native sign-in, where a device brings an ID token only: it then
    /// counts as expired.
    pub access_token: Secret,
    /// The secret of an OAuth 1 token, which signs requests together with the client's secret. `None` with OAuth 2.
    pub token_secret: Option<Secret>,
    /// The token type as the provider wrote it: `Bearer`, in upper or lower case; `OAuth` with OAuth 1.
    pub token_type: String,
    /// The refresh token, if the provider granted one.
    pub refresh_token: Option<Secret>,
    /// The raw ID token (OpenID Connect), which was verified.
    pub id_token: Option<Secret>,
    /// The granted scope, at most 8 KiB. If the provider's answer has no scope, the requested scope (RFC 6749 §5.1).
    pub scope: Vec<String>,
    /// The other fields of the token answer, at most 16 KiB of JSON: the largest are left out until they fit.
    pub extra: Map<String, Value>,
    /// Unix time, in seconds.
    pub(crate) obtained_at: i64,
    /// Unix time, in seconds.
    pub(crate) expires_at: Option<i64>,
    /// Whether a refresh brought the token.
    pub(crate) is_refreshed: bool,
}

impl Token {
    /// Creates a bearer token without an expiry. With an empty access token it counts as expired, and is never sent.
    pub fn new(access_token: impl Into<Box<str>>) -> Self {
        Self {
            access_token: Secret::new(access_token),
            token_secret: None,
            token_type: "Bearer".into(),
            refresh_token: None,
            id_token: None,
            scope: Vec::new(),
            extra: Map::new(),
            obtained_at: 0,
            expires_at: None,
            is_refreshed: false,
        }
    }

    /// Creates an OAuth 1 token with its secret (RFC 5849 §2.3), without an expiry.
    pub fn oauth1(access_token: impl Into<Box<str>>, token_secret: impl Into<Box<str>>) -> Self {
        Self {
            token_secret: Some(Secret::new(token_secret)),
            token_type: "OAuth".into(),
            ..Self::new(access_token)
        }
    }

    /// Creates a token that consists of an ID token alone, obtained at `now` (unix time, in seconds). It counts as expired.
    pub(crate) fn without_access(id_token: Secret, now: i64) -> Self {
        Self { id_token: Some(id_token), ..Self::new("") }.with_lifetime(now, 0)
    }

    /// Returns whether there is an access token.
    pub(crate) fn has_access(&self) -> bool {
        !self.access_token.expose().trim().is_empty()
    }

    /// Sets when the token was obtained (unix time, in seconds) and its lifetime (in seconds).
    #[must_use]
    pub fn with_lifetime(mut self, obtained_at: i64, lifetime: i64) -> Self {
        self.obtained_at = obtained_at;
        self.expires_at = Some(obtained_at.saturating_add(lifetime));
        self
    }

    /// Sets the refresh token.
    #[must_use]
    pub fn with_refresh_token(mut self, refresh_token: impl Into<Box<str>>) -> Self {
        self.refresh_token = Some(Secret::new(refresh_token));
        self
    }

    /// Returns when the access token expires, if the provider's answer says so.
    pub fn expires_at(&self) -> Option<OffsetDateTime> {
        self.expires_at.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
    }

    /// Returns until when the token is used without a refresh (unix time, in seconds). A token with a refresh token is used
    /// until a tenth of its lifetime is left, at most 30 seconds; a token without one until it expires. An empty access token never
    /// is.
    pub(crate) fn usable_until(&self) -> i64 {
        if !self.has_access() {
            return i64::MIN;
        }
        let Some(expires_at) = self.expires_at else { return i64::MAX };
        match self.refresh_token {
            Some(_) => {
                let lifetime = expires_at.saturating_sub(self.obtained_at).max(0);
                expires_at.saturating_sub((lifetime / 10).min(30))
            }
            None => expires_at,
        }
    }

    /// Returns whether a refresh brought the token within the last minute before `now` (unix time, in seconds).
    pub(crate) fn was_refreshed_lately(&self, now: i64) -> bool {
        self.is_refreshed && now < self.obtained_at.saturating_add(RECENT)
    }

    /// Returns whether the access token has expired at `now` (unix time, in seconds), or is empty.
    pub(crate) fn is_expired(&self, now: i64) -> bool {
        !self.has_access() || self.expires_at.is_some_and(|expires_at| now >= expires_at)
    }

    /// Cleans and shortens what is not a secret: the token type, the scope and the other fields. A granted scope that would
    /// have to be changed is left out, since another one could come out.
    pub(crate) fn cleaned(mut self) -> Self {
        self.token_type = text::printable(&self.token_type, text::MAX_TOKEN_TYPE);
        let mut size = 0;
        self.scope.retain(|scope| {
            size += scope.len() + 1;
            size <= text::MAX_SCOPE && text::exact(scope, text::MAX_SCOPE).is_some()
        });
        self.extra = text::json_fields(self.extra, text::MAX_TOKEN_EXTRA);
        self
    }

    /// Returns the token as JSON, to be sealed.
    pub(crate) fn to_plain(&self) -> Vec<u8> {
        let text = |secret: &Option<Secret>| secret.as_ref().map(|secret| secret.expose().to_owned());
        serde_json::json!({
            "access_token": self.access_token.expose(),
            "token_secret": text(&self.token_secret),
            "token_type": self.token_type,
            "refresh_token": text(&self.refresh_token),
            "id_token": text(&self.id_token),
            "scope": self.scope,
            "extra": self.extra,
            "obtained_at": self.obtained_at,
            "expires_at": self.expires_at,
            "is_refreshed": self.is_refreshed,
        })
        .to_string()
        .into_bytes()
    }

    /// Reads a token from the JSON of [`to_plain`](Token::to_plain). `None` for anything else.
    pub(crate) fn from_plain(plain: &[u8]) -> Option<Self> {
        let mut fields: Map<String, Value> = serde_json::from_slice(plain).ok()?;
        let mut secret = |name: &str| match fields.remove(name) {
            Some(Value::String(text)) => Some(Secret::new(text)),
            _ => None,
        };
        let (access_token, token_secret) = (secret("access_token")?, secret("token_secret"));
        let (refresh_token, id_token) = (secret("refresh_token"), secret("id_token"));
        Some(Self {
            access_token,
            token_secret,
            refresh_token,
            id_token,
            token_type: fields.get("token_type")?.as_str()?.to_owned(),
            scope: serde_json::from_value(fields.remove("scope")?).ok()?,
            extra: serde_json::from_value(fields.remove("extra")?).ok()?,
            obtained_at: fields.get("obtained_at")?.as_i64()?,
            expires_at: fields.get("expires_at").and_then(Value::as_i64),
            is_refreshed: fields.get("is_refreshed") == Some(&Value::Bool(true)),
        })
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("token_type", &self.token_type)
            .field("scope", &self.scope)
            .field("expires_at", &self.expires_at)
            .field("refreshable", &self.refresh_token.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn due_with_a_tenth_of_its_life_left_but_at_most_thirty_seconds() {
        let hour = Token::new("t").with_lifetime(1000, 3600);
        assert_eq!((hour.usable_until(), hour.with_refresh_token("r").usable_until()), (4600, 1000 + 3570));
        let short = Token::new("t").with_lifetime(1000, 5);
        assert!(short.usable_until() == 1005 && short.is_expired(1005));
        assert_eq!(Token::new("t").usable_until(), i64::MAX);
    }

    #[test]
    fn an_empty_access_token_counts_as_expired() {
        for none in ["", " "] {
            let token = Token::new(none);
            assert!(token.is_expired(0) && token.usable_until() < 0, "{none:?}");
            let token = token.with_lifetime(1000, 3600).with_refresh_token("r");
            assert!(token.is_expired(1000) && token.usable_until() < 0, "{none:?}");
        }
        assert!(!Token::new("t").is_expired(i64::MAX));
    }

    #[test]
    fn plain_and_back() {
        let token = Token::new("a").with_lifetime(10, 20).with_refresh_token("r");
        let back = Token::from_plain(&token.to_plain()).unwrap();
        assert!(back.access_token.matches("a") && back.refresh_token.unwrap().matches("r"));
        assert_eq!((back.obtained_at, back.expires_at), (10, Some(30)));
        let token = Token::oauth1("a", "s");
        let back = Token::from_plain(&token.to_plain()).unwrap();
        assert!(back.token_secret.unwrap().matches("s") && back.token_type == "OAuth");
        assert!(Token::from_plain(b"{}").is_none() && Token::from_plain(b"\xff").is_none());
    }
}
