//! A flow in progress.
//!
//! The app keeps nothing about it: everything is in a cookie of the browser that began it. The seal makes the cookie
//! confidential and unforgeable, and binds it to its name, so that one flow's cookie can't replace another's.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::authorization_params::authorization_params;
use super::id_token_requirements::IdTokenRequirements;
use super::temporary_credentials::TemporaryCredentials;
use crate::clock::MAX_CLOCK_SKEW;
use crate::config::Entry;
use crate::error::{Error, Result};
use crate::link::Purpose;
use crate::redirect_target::RedirectTarget;
use crate::secret::{KeyRing, Secret, encode_base64url, random, sha256};

/// The purpose for which flows are sealed.
const SEAL_PURPOSE: &str = "flow";

/// Time for which the claim of a callback outlives its flow, in seconds: the clocks of processes differ, and repeated callbacks
/// wait for the outcome of the first.
const CLAIM_GRACE: i64 = 600;

/// A flow in progress: what must be remembered between the redirect and the callback. It is sealed in a cookie of its
/// own.
///
/// State, nonce and PKCE verifier are derived from one random seed of 256 bits: each is a SHA-256 hash under its own
/// label, so that none of them reveals another.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Flow {
    /// The name of the entry.
    #[serde(rename = "e")]
    pub(crate) entry: String,
    #[serde(rename = "s")]
    seed: String,
    /// A short hash of the provider that the entry named when the flow began.
    #[serde(rename = "a")]
    authority: String,
    #[serde(rename = "p")]
    pub(crate) purpose: Purpose,
    /// The id of the user who began the flow, as text.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub(crate) visitor: Option<String>,
    /// The page to go to afterwards, already checked.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<RedirectTarget>,
    /// The redirect URI of the authorization request. The code exchange must repeat it byte for byte (RFC 6749 §4.1.3),
    /// even if the configuration has changed since.
    #[serde(rename = "r")]
    pub(crate) redirect_uri: String,
    /// When the flow began, in unix milliseconds.
    #[serde(rename = "t")]
    pub(crate) began_at_millis: i64,
    /// When the flow expires, in unix seconds. It is fixed when the flow begins: another lifetime in the configuration does not
    /// revive it.
    #[serde(rename = "x")]
    expires_at: i64,
    /// What the authorization request requires of the ID token.
    #[serde(rename = "d", default, skip_serializing_if = "IdTokenRequirements::is_empty")]
    pub(super) requirements: IdTokenRequirements,
    /// The temporary credentials of OAuth 1, whose token replaces the state.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(super) temporary: Option<TemporaryCredentials>,
    /// Scopes that the authorization request asks for, in addition to the entry's.
    #[serde(rename = "q", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) extra_scope: Vec<String>,
    /// The scopes that the page at `next` needs.
    #[serde(rename = "w", default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) required_scopes: Vec<String>,
    /// The notes that `Signals::before_login` has added.
    #[serde(rename = "c", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) notes: BTreeMap<String, String>,
}

impl Flow {
    /// Creates a flow at `entry` that begins at `now_millis` (unix time, in milliseconds) and lives for `ttl` seconds, with a new random
    /// seed.
    ///
    /// # Errors
    /// If the system's random number generator fails.
    pub(crate) fn new(
        entry: &Entry,
        purpose: Purpose,
        visitor: Option<String>,
        next: Option<RedirectTarget>,
        now_millis: i64,
        ttl: i64,
    ) -> Result<Self> {
        Ok(Self {
            entry: entry.name.clone(),
            seed: encode_base64url(&random::<32>()?),
            authority: authority_hash(entry),
            purpose,
            visitor,
            next,
            redirect_uri: entry.redirect_uri.clone(),
            began_at_millis: now_millis,
            expires_at: (now_millis / 1000).saturating_add(ttl),
            requirements: IdTokenRequirements::default(),
            temporary: None,
            extra_scope: Vec::new(),
            required_scopes: Vec::new(),
            notes: BTreeMap::new(),
        })
    }

    /// Returns the flow with what an authorization request with these `extra` parameters requires of the ID token.
    ///
    /// # Errors
    /// [`ErrorKind::Misconfigured`](crate::ErrorKind::Misconfigured) if a parameter requires something that can't be
    /// checked.
    pub(crate) fn with_requirements(
        mut self,
        entry: &Entry,
        extra: &BTreeMap<String, String>,
    ) -> Result<Self> {
        self.requirements = IdTokenRequirements::new(entry, &authorization_params(entry, extra))?;
        Ok(self)
    }

    /// The scope that the authorization request asks for: that of the entry, and what the flow adds to it.
    pub(super) fn requested_scope(&self, of_entry: &[String]) -> Vec<String> {
        let extra = self.extra_scope.iter().filter(|scope| !of_entry.contains(scope));
        of_entry.iter().chain(extra).cloned().collect()
    }

    fn derive(&self, label: &str) -> Secret {
        Secret::new(encode_base64url(&sha256(&[label, " ", &self.seed].concat())))
    }

    /// The `state` parameter (RFC 6749 §10.12). OAuth 1 has no state: there the temporary token, which the callback
    /// returns as well, takes its place.
    pub(crate) fn state(&self) -> Secret {
        self.temporary.as_ref().map_or_else(|| self.derive("state"), TemporaryCredentials::token)
    }

    /// The `nonce` parameter (OpenID Connect Core §3.1.2.1).
    pub(crate) fn nonce(&self) -> Secret {
        self.derive("nonce")
    }

    /// The PKCE code verifier (RFC 7636 §4.1): 43 characters.
    pub(crate) fn verifier(&self) -> Secret {
        self.derive("verifier")
    }

    /// The id under which the callback of this flow is claimed, so that it is used once. It depends on the flow alone: an
    /// OAuth 1 provider may give two visitors the same temporary token.
    pub(crate) fn claim_id(&self) -> String {
        encode_base64url(&sha256(&format!("claim {} {}", self.entry, self.seed))[..12])
    }

    /// Whether the flow began at `entry`, and `entry` still names the same provider. If not, the code must not be sent.
    pub(crate) fn is_for(&self, entry: &Entry) -> bool {
        self.entry == entry.name && self.authority == authority_hash(entry)
    }

    /// Opens the flow in the cookie `name`, which may have expired. Returns none if the cookie holds no flow.
    pub(crate) fn unseal(keys: &KeyRing, name: &str, sealed: &str) -> Option<Self> {
        let plain = keys.open(SEAL_PURPOSE, &[name], sealed).ok()?;
        serde_json::from_slice(&plain).ok()
    }

    /// Seals the flow for the cookie `name`.
    pub(crate) fn seal(&self, keys: &KeyRing, name: &str) -> Result<String> {
        keys.seal(SEAL_PURPOSE, &[name], &serde_json::to_vec(self).map_err(Error::app)?)
    }

    /// Whether the flow is valid at `now` (unix seconds): it has begun, by the clock of this process or of another, and has not expired.
    pub(crate) fn is_valid(&self, now: i64) -> bool {
        (self.began_at().saturating_sub(MAX_CLOCK_SKEW)..self.expires_at).contains(&now)
    }

    /// Whether the flow has expired at `now` (unix seconds).
    pub(crate) fn has_expired(&self, now: i64) -> bool {
        now >= self.expires_at
    }

    /// When the flow began, in unix seconds.
    pub(crate) fn began_at(&self) -> i64 {
        self.began_at_millis / 1000
    }

    /// When the claim of this flow's callback may be forgotten, in unix seconds.
    pub(crate) fn claimed_until(&self) -> i64 {
        self.expires_at.saturating_add(CLAIM_GRACE)
    }
}

/// A short hash of the provider that `entry` names.
fn authority_hash(entry: &Entry) -> String {
    encode_base64url(&sha256(entry.authority())[..9])
}

/// Returns the public name of the flow with this state: 16 characters that do not reveal the state. The flow's cookie and
/// the claim of its callback are named by it.
pub(crate) fn state_handle(state: &str) -> String {
    encode_base64url(&sha256(state)[..12])
}
