//! [`AuthorizationServer`]: the state of one provider.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use serde_json::Value;
use url::Url;

use super::behavior::Behavior;
use super::issued_by_test::open_issued;
use super::oauth1_credentials::OAuth1Credentials;
use super::pushed_requests::PushedRequests;
use super::registered_client::RegisteredClient;
use super::script::Script;
use super::sealed::{Sealed, open, seal};
use super::signing_key::SigningKey;
use super::token_log::TokenLog;
use crate::clock::Clock;
use crate::lock::lock;
use crate::secret::KeyRing;

/// One provider: its URL, keys, clients, and what it has issued. Clones share the state.
#[derive(Clone)]
pub(crate) struct AuthorizationServer(Arc<State>);

struct State {
    /// For a fake provider the port is known when it has started.
    url: OnceLock<String>,
    keys: KeyRing,
    clients: Vec<RegisteredClient>,
    clock: Mutex<Clock>,
    tokens: Mutex<TokenLog>,
    pushed: Mutex<PushedRequests>,
    oauth1: Mutex<OAuth1Credentials>,
    behavior: Mutex<Behavior>,
    /// A fake provider has a script. The demo provider has none and asks the user for consent.
    script: Option<Mutex<Script>>,
}

impl AuthorizationServer {
    pub(crate) fn new(
        url: Option<String>,
        keys: KeyRing,
        clients: Vec<RegisteredClient>,
        script: Option<Script>,
    ) -> Self {
        let signing_key = SigningKey::ed25519(&keys.derive("issuer signing key"));
        Self(Arc::new(State {
            url: url.map(OnceLock::from).unwrap_or_default(),
            keys,
            clients,
            clock: Mutex::default(),
            tokens: Mutex::default(),
            pushed: Mutex::default(),
            oauth1: Mutex::default(),
            behavior: Mutex::new(Behavior::new(signing_key)),
            script: script.map(Mutex::new),
        }))
    }

    /// The issuer URL, without a trailing `/`.
    pub(crate) fn url(&self) -> &str {
        self.0.url.get().map_or("", String::as_str)
    }

    /// Sets the issuer URL and returns whether it was unset before.
    pub(crate) fn set_url(&self, url: String) -> bool {
        self.0.url.set(url).is_ok()
    }

    /// The path of the issuer URL.
    pub(crate) fn base_path(&self) -> String {
        Url::parse(self.url()).map_or_else(|_| "/".into(), |url| url.path().to_owned())
    }

    /// Scheme, host and port of the issuer URL.
    pub(super) fn origin(&self) -> String {
        Url::parse(self.url()).map(|url| url.origin().ascii_serialization()).unwrap_or_default()
    }

    /// Whether the provider shows a consent page.
    pub(super) fn asks_for_consent(&self) -> bool {
        self.0.script.is_none()
    }

    pub(crate) fn clients(&self) -> &[RegisteredClient] {
        &self.0.clients
    }

    pub(crate) fn client(&self, id: &str) -> Option<&RegisteredClient> {
        self.0.clients.iter().find(|client| client.id == id)
    }

    /// The provider's time, in unix seconds.
    pub(crate) fn now(&self) -> i64 {
        lock(&self.0.clock).now()
    }

    pub(crate) fn clock(&self) -> Clock {
        lock(&self.0.clock).clone()
    }

    /// Makes `clock` the provider's.
    pub(crate) fn set_clock(&self, clock: Clock) {
        *lock(&self.0.clock) = clock;
    }

    pub(crate) fn behavior(&self) -> MutexGuard<'_, Behavior> {
        lock(&self.0.behavior)
    }

    pub(crate) fn tokens(&self) -> MutexGuard<'_, TokenLog> {
        lock(&self.0.tokens)
    }

    pub(super) fn pushed(&self) -> MutexGuard<'_, PushedRequests> {
        lock(&self.0.pushed)
    }

    pub(crate) fn oauth1(&self) -> MutexGuard<'_, OAuth1Credentials> {
        lock(&self.0.oauth1)
    }

    pub(crate) fn script(&self) -> Option<MutexGuard<'_, Script>> {
        self.0.script.as_ref().map(lock)
    }

    pub(super) fn seal<T: Sealed>(&self, value: &T) -> String {
        seal(&self.0.keys, self.url(), value)
    }

    pub(super) fn open<T: Sealed>(&self, sealed: &str) -> Option<T> {
        open(&self.0.keys, self.url(), sealed)
            .or_else(|| open_issued(sealed).filter(|_| !self.asks_for_consent()))
    }

    /// Signs a JWT with the current key. Without `header` it gets the default header of that key.
    pub(crate) fn sign_jwt(&self, header: Option<&Value>, payload: &str) -> String {
        let behavior = self.behavior();
        let header = header.cloned().unwrap_or_else(|| behavior.signing_key.header());
        behavior.signing_key.sign(&header.to_string(), payload)
    }
}

impl fmt::Debug for AuthorizationServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationServer").field("url", &self.url()).finish_non_exhaustive()
    }
}
