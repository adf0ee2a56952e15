//! Codes, tokens and pending authorizations as sealed text, so that they stay valid after a restart.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::registered_client::RegisteredClient;
use crate::secret::{KeyRing, encode_base64url, random};

/// What a user has allowed a client.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Grant {
    pub(super) client_id: String,
    pub(super) user: String,
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    /// Unix time, in seconds.
    pub(super) auth_time: i64,
    /// An id that all tokens of one sign-in share. They are revoked together.
    pub(super) family: String,
    /// The serial of tokens that a test has stored without a sign-in.
    #[serde(default)]
    pub(super) test_serial: Option<u64>,
}

impl Grant {
    /// Whether `client` may use it. A grant that a test has made is for every client.
    pub(super) fn is_for(&self, client: &RegisteredClient) -> bool {
        self.test_serial.is_some() || self.client_id == client.id
    }

    /// Whether `scope` was allowed.
    pub(super) fn has_scope(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|granted| granted == scope)
    }
}

/// A value that can be sealed. The purpose is authenticated with it: a sealed code does not open as an access token.
pub(super) trait Sealed: Serialize + DeserializeOwned {
    const PURPOSE: &'static str;
}

/// An authorization code (RFC 6749 §4.1.2).
#[derive(Serialize, Deserialize)]
pub(super) struct AuthorizationCode {
    pub(super) grant: Grant,
    pub(super) redirect_uri: String,
    pub(super) code_challenge: Option<String>,
    /// Unix time, in seconds.
    pub(super) expires_at: i64,
}

/// An access token.
#[derive(Serialize, Deserialize)]
pub(super) struct AccessToken {
    pub(super) grant: Grant,
    pub(super) serial: u64,
    /// Unix time, in seconds.
    pub(super) expires_at: i64,
}

/// A refresh token.
#[derive(Serialize, Deserialize)]
pub(super) struct RefreshToken {
    pub(super) grant: Grant,
    pub(super) id: String,
}

/// An authorization request that waits for the user's decision.
#[derive(Serialize, Deserialize)]
pub(super) struct PendingAuthorization {
    pub(super) redirect_uri: String,
    pub(super) client_id: String,
    pub(super) state: Option<String>,
    pub(super) scope: String,
    pub(super) nonce: Option<String>,
    pub(super) code_challenge: Option<String>,
    /// Whether the response uses `response_mode=form_post`.
    pub(super) form_post: bool,
    /// Unix time, in seconds.
    pub(super) expires_at: i64,
}

impl Sealed for AuthorizationCode {
    const PURPOSE: &'static str = "issuer code";
}
impl Sealed for AccessToken {
    const PURPOSE: &'static str = "issuer access token";
}
impl Sealed for RefreshToken {
    const PURPOSE: &'static str = "issuer refresh token";
}
impl Sealed for PendingAuthorization {
    const PURPOSE: &'static str = "issuer authorization request";
}

/// Seals `value` for the issuer with this URL.
///
/// # Panics
/// If the operating system's random generator fails.
pub(super) fn seal<T: Sealed>(keys: &KeyRing, issuer: &str, value: &T) -> String {
    let plain = serde_json::to_vec(value).expect("strings and numbers serialize to JSON");
    keys.seal(T::PURPOSE, &[issuer], &plain).expect("the operating system's random generator works")
}

/// Opens what [`seal`] returned for the same issuer and the same type.
pub(super) fn open<T: Sealed>(keys: &KeyRing, issuer: &str, sealed: &str) -> Option<T> {
    serde_json::from_slice(&keys.open(T::PURPOSE, &[issuer], sealed).ok()?).ok()
}

/// A new random id of 128 bits.
pub(crate) fn random_id() -> String {
    encode_base64url(&random::<16>().expect("the operating system's random generator works"))
}
