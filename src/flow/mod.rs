//! The flow: begin and finish one dance.
//!
//! Knows no Rocket and no storage: [`Engine::begin`] returns where to send the person and the [`Flow`] must be
//! remembered by the caller; [`Engine::finish`] takes it back with the callback.

mod callback;
mod http;
mod jwks;
mod jwt;
mod oauth2;
mod oidc;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use url::Url;

pub(crate) use self::callback::Callback;
pub(crate) use self::http::Http;
use crate::clock::Clock;
use crate::config::Entry;
use crate::error::Result;
use crate::link::Purpose;
use crate::profile::Profile;
use crate::secret::{Secret, encode, random, sha256};
use crate::token::Token;

/// How long a flow may take, in seconds.
pub(crate) const FLOW_TTL: i64 = 600;

/// A dance under way: what must be remembered between the redirect and the callback, sealed in a cookie of its own.
///
/// State, nonce and verifier all follow from one random seed (HMAC-SHA256), each under a label of its own: none of
/// them tells another.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Flow {
    #[serde(rename = "e")]
    pub(crate) entry: String,
    #[serde(rename = "s")]
    seed: String,
    #[serde(rename = "p")]
    pub(crate) purpose: Purpose,
    /// The user who began, as text.
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub(crate) visitor: Option<String>,
    /// Where to go afterwards: a path of our own, already checked.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
    /// Sent again, byte for byte, with the code (RFC 6749 §4.1.3), whatever the configuration says by then.
    #[serde(rename = "r")]
    pub(crate) redirect_uri: String,
    #[serde(rename = "t")]
    pub(crate) began_at: i64,
    /// What `Signals::before_login` carried.
    #[serde(rename = "c", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) carried: BTreeMap<String, String>,
}

impl Flow {
    /// A new flow at `entry`, with a seed of 256 random bits.
    pub(crate) fn new(
        entry: &Entry,
        purpose: Purpose,
        visitor: Option<String>,
        next: Option<String>,
        now: i64,
    ) -> Result<Self> {
        Ok(Self {
            entry: entry.name.clone(),
            seed: encode(&random::<32>()?),
            purpose,
            visitor,
            next,
            redirect_uri: entry.redirect_uri.clone(),
            began_at: now,
            carried: BTreeMap::new(),
        })
    }

    fn derived(&self, label: &str) -> Secret {
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, self.seed.as_bytes());
        Secret::new(encode(ring::hmac::sign(&key, label.as_bytes()).as_ref()))
    }

    /// The `state` parameter (RFC 6749 §10.12).
    pub(crate) fn state(&self) -> Secret {
        self.derived("state")
    }

    /// The `nonce` parameter (OpenID Connect Core §3.1.2.1).
    pub(crate) fn nonce(&self) -> Secret {
        self.derived("nonce")
    }

    /// The PKCE code verifier (RFC 7636 §4.1): 43 characters.
    pub(crate) fn verifier(&self) -> Secret {
        self.derived("verifier")
    }

    /// Whether the flow is still good at `now`.
    pub(crate) fn is_fresh(&self, now: i64) -> bool {
        (self.began_at..self.began_at.saturating_add(FLOW_TTL)).contains(&now)
    }
}

/// The public handle of a state: names the flow's cookie and its claim without telling the state.
pub(crate) fn handle(state: &str) -> String {
    encode(&sha256(state)[..12])
}

/// What a finished dance brought.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) token: Token,
    pub(crate) profile: Profile,
}

/// The protocols over one HTTP client, with the discovery documents and keys they have fetched.
#[derive(Clone)]
pub(crate) struct Engine {
    pub(crate) http: Http,
    pub(crate) clock: Clock,
    discovery: oidc::Discovery,
}

impl Engine {
    pub(crate) fn new(clock: Clock) -> Result<Self> {
        let http = Http::new()?;
        Ok(Self { discovery: oidc::Discovery::new(http.clone()), http, clock })
    }

    /// Where to send the person: the authorization request of `flow` (RFC 6749 §4.1.1). `extra` parameters never
    /// override the protocol's own.
    pub(crate) async fn begin(
        &self,
        entry: &Entry,
        flow: &Flow,
        extra: &BTreeMap<String, String>,
    ) -> Result<Url> {
        let _ = (entry, flow, extra);
        todo!()
    }

    /// Checks what can be checked of a callback before its code is used: its `iss` (RFC 9207), and the provider's own
    /// "no".
    pub(crate) async fn check(&self, entry: &Entry, callback: &Callback) -> Result<()> {
        let _ = (entry, callback);
        todo!()
    }

    /// Exchanges the code, verifies the ID token, asks for the userinfo. The code is sent once and never again.
    pub(crate) async fn finish(&self, entry: &Entry, flow: &Flow, code: &Secret) -> Result<Grant> {
        let _ = (entry, flow, code);
        todo!()
    }

    /// The next token for `token`'s refresh token (RFC 6749 §6), with everything kept that the answer leaves out.
    ///
    /// # Errors
    /// [`ErrorKind::Reconnect`](crate::ErrorKind::Reconnect) when the grant is dead (`invalid_grant`, or no refresh
    /// token); anything else says nothing about the grant.
    pub(crate) async fn refresh(&self, entry: &Entry, token: &Token) -> Result<Token> {
        let _ = (entry, token);
        todo!()
    }

    /// Where the userinfo is, from the entry or from discovery.
    pub(crate) async fn userinfo_url(&self, entry: &Entry) -> Result<Url> {
        let _ = entry;
        todo!()
    }
}
