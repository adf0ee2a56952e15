//! [`FakeProvider`]: a provider that runs as long as a test.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::authorization_response::{AuthorizationResponse, request_authorization};
use super::entry_config::{Clients, built_in_preset, entry_key, openid_entry, preset_entry};
use super::server::{
    AuthorizationServer, ClientKey, ProviderEndpoint, RecordedRequest, RegisteredClient, Script, SigningKey,
    native_id_token, random_id,
};
use super::server_thread::ServerThread;
use crate::config::find_preset;
use crate::provider::{Preset, SigningAlgorithm};
use crate::secret::{KeyRing, Secret, random};

const CLIENT_ID: &str = "fake client";
/// It contains characters that arrive only if the client encodes them as RFC 6749 §2.3.1 requires.
const CLIENT_SECRET: &str = "s3cret:+/%=&";
const PUBLIC_CLIENT_ID: &str = "public client";
const KEY_CLIENT_ID: &str = "client with a key";

/// Lifetime of a logout token, in seconds.
const LOGOUT_TOKEN_TTL: i64 = 120;

/// An OpenID Connect, OAuth 2 and OAuth 1.0a provider for tests.
///
/// [`FakeProvider::new`] has no port: an app in the same process calls it directly. [`FakeProvider::start`] listens on a free
/// loopback port in a thread of its own, for a browser or another process. It signs in the user `ada`, whose verified address is
/// `ada@example.test`, at once and without a page, until a test changes that.
///
/// By default it does what a careful provider does: it compares redirect URIs exactly, accepts a code once, requires
/// PKCE, rotates refresh tokens and revokes the whole family when one is reused, sends `iss` in the authorization
/// response and signs ID tokens. A test makes it misbehave with [`respond_once`](FakeProvider::respond_once),
/// [`edit_claims`](FakeProvider::edit_claims) and the other methods.
///
/// ```
/// use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint};
/// use serde_json::json;
///
/// # rocket::async_test(async {
/// let fake = FakeProvider::start().await;
/// let figment = rocket::Config::figment().merge(fake.config("corp"));       // [default.oauth.corp]
///
/// fake.set_user("grace");                                                    // the user who signs in from now on
/// fake.set_access_token_ttl(5);                                              // in seconds
/// fake.respond_once(ProviderEndpoint::Token, FakeResponse::status(500));     // the next token request fails
/// fake.edit_claims(|claims| claims["aud"] = json!("another client"));        // in every ID token
/// // … sign in, and check that it is refused …
/// assert_eq!(fake.request_count(ProviderEndpoint::Token), 0);
/// # assert!(figment.find_value("oauth.corp.issuer").is_ok());
/// # });
/// ```
pub struct FakeProvider {
    server: AuthorizationServer,
    /// `None`: it has no port.
    thread: Option<ServerThread>,
}

impl FakeProvider {
    /// Creates a provider without a port, for an app under test in the same process: [`stand_in`](FakeProvider::stand_in) takes it
    /// there. A browser, or another process, needs [`start`](FakeProvider::start).
    ///
    /// A provider that does not answer ([`FakeResponse::hang`](super::FakeResponse::hang)) takes no time: the request fails with a
    /// timeout at once.
    pub fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(1);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self { server: server(Some(format!("http://fake-provider-{number}.localhost"))), thread: None }
    }

    /// Starts a provider that listens on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn start() -> Self {
        // Starting waits for a thread, which would block the test's runtime.
        let started = rocket::tokio::task::spawn_blocking(Self::start_blocking).await;
        started.expect("the fake provider could not be launched")
    }

    /// Starts a provider as [`start`](FakeProvider::start) does, outside of async code.
    ///
    /// # Panics
    /// If no port is free.
    pub fn start_blocking() -> Self {
        let server = server(None);
        Self { thread: Some(ServerThread::start(server.clone())), server }
    }

    /// Whether it listens on a port.
    pub(super) fn has_port(&self) -> bool {
        self.thread.is_some()
    }

    pub(super) fn server(&self) -> &AuthorizationServer {
        &self.server
    }

    /// The issuer URL: `http://127.0.0.1:<port>`, or a name below `.localhost` without a port.
    pub fn issuer(&self) -> &str {
        self.server.url()
    }

    /// The `client_id` in [`config`](FakeProvider::config) and [`preset_config`](FakeProvider::preset_config).
    pub fn client_id(&self) -> &str {
        CLIENT_ID
    }

    /// The `client_secret` in [`config`](FakeProvider::config) and [`preset_config`](FakeProvider::preset_config).
    pub fn client_secret(&self) -> &str {
        CLIENT_SECRET
    }

    /// Returns `[default.oauth.<name>]` of an OpenID Connect entry for this provider, as key and value to merge into a
    /// figment. A second merge adds keys: `figment.merge(("oauth.corp.scope", ["openid"]))`.
    ///
    /// ```
    /// use rocket_dance::testing::FakeProvider;
    ///
    /// # rocket::async_test(async {
    /// let fake = FakeProvider::start().await;
    /// let figment = rocket::Config::figment().merge(fake.config("corp"));
    /// assert_eq!(figment.extract_inner::<String>("oauth.corp.issuer").unwrap(), fake.issuer());
    /// # });
    /// ```
    pub fn config(&self, name: &str) -> (String, Value) {
        (entry_key(name), entry_of_openid(&self.server))
    }

    /// Returns `[default.oauth.<name>]` as [`config`](FakeProvider::config) does, for a public client: one without a
    /// secret (RFC 6749 §2.1).
    pub fn public_client_config(&self, name: &str) -> (String, Value) {
        (entry_key(name), with_auth_method(&self.server, entry_of_openid(&self.server), "none"))
    }

    /// Returns `[default.oauth.<name>]` as [`config`](FakeProvider::config) does, for a client that authenticates with
    /// `private_key_jwt` (RFC 7523 §3), including its key. The provider checks signature, `iss`, `sub`, `aud` and times
    /// of each assertion, and accepts each `jti` once.
    pub fn private_key_jwt_config(&self, name: &str) -> (String, Value) {
        (entry_key(name), with_auth_method(&self.server, entry_of_openid(&self.server), "private_key_jwt"))
    }

    /// Returns `[default.oauth.<name>]` of an entry with this preset, and with all URLs at this provider. The answers have
    /// the fields that a preset of rocket_dance reads. For a preset of the app use [`stand_in`](FakeProvider::stand_in), which
    /// knows it. An OAuth 1.0a preset uses the OAuth 1.0a endpoints.
    pub fn preset_config(&self, name: &str, preset: &str) -> (String, Value) {
        let entry = match find_preset(preset, built_in_preset) {
            Some((preset, known)) => entry_of_preset(&self.server, &preset, Some(known)),
            None => entry_of_preset(&self.server, preset, None),
        };
        (entry_key(name), entry)
    }

    /// Requests an authorization URL as a browser would, and returns the callback URL to which the provider redirects.
    ///
    /// # Panics
    /// If the provider does not redirect.
    pub async fn authorize(&self, url: &str) -> String {
        match request_authorization(self.in_process().as_deref(), url).await {
            AuthorizationResponse::Redirect(callback) => callback,
            AuthorizationResponse::Form { action, .. } => {
                panic!("the provider answered with a form for {action}: use `authorize_form_post`")
            }
        }
    }

    /// Requests an authorization URL of an entry with `response_mode = "form_post"`, and returns the callback URL and the
    /// form body for it.
    ///
    /// # Panics
    /// If the provider does not answer with a form.
    pub async fn authorize_form_post(&self, url: &str) -> (String, String) {
        match request_authorization(self.in_process().as_deref(), url).await {
            AuthorizationResponse::Form { action, body } => (action, body),
            AuthorizationResponse::Redirect(callback) => {
                panic!("the provider redirected to {callback}: use `authorize`")
            }
        }
    }

    /// Sets the user who signs in from now on, by their `sub`. The default is `ada`.
    pub fn set_user(&self, sub: &str) -> &Self {
        self.server.behavior().user = sub.to_owned();
        self
    }

    /// Sets the userinfo of the current [user](FakeProvider::set_user). The default has `sub`, `id`,
    /// `login`, `name`, `preferred_username`, `email` and `email_verified`, and what a preset reads.
    pub fn set_userinfo(&self, userinfo: Value) -> &Self {
        let mut behavior = self.server.behavior();
        let user = behavior.user.clone();
        behavior.userinfo.insert(user, userinfo);
        drop(behavior);
        self
    }

    /// Sets the lifetime of access tokens issued from now on, in seconds. The default is 3600.
    pub fn set_access_token_ttl(&self, seconds: i64) -> &Self {
        self.server.behavior().access_token_ttl = seconds;
        self
    }

    /// Moves the provider's clock forward, in seconds, so that codes and tokens expire. It is for a provider that does not stand in,
    /// for example for another process. One that stands in has the app's clock: move it with
    /// [`Clock::advance`](crate::testing::Clock::advance), which empties the app's caches as well.
    pub fn advance_clock(&self, seconds: i64) -> &Self {
        self.server.clock().advance(seconds);
        self
    }

    /// Makes every access token issued so far invalid (401). Refresh tokens stay valid.
    pub fn expire_access_tokens(&self) -> &Self {
        self.server.tokens().expire_access_tokens();
        self.server.oauth1().expire_access_tokens();
        self
    }

    /// Revokes every token of the user `sub` issued so far. A new sign-in gets new tokens.
    pub fn revoke_tokens(&self, sub: &str) -> &Self {
        self.server.tokens().revoke_user(sub);
        self.server.oauth1().revoke(sub);
        self
    }

    /// Signs a JWT with the provider's key. Without `header` it gets the header of the provider's ID tokens. The payload
    /// may be any text, for example invalid JSON or JSON with a repeated key.
    pub fn sign_jwt(&self, header: Option<&Value>, payload: &str) -> String {
        self.server.sign_jwt(header, payload)
    }

    /// Replaces the signing key by a new one with a new key id. The old key is no longer published.
    ///
    /// # Panics
    /// If `algorithm` is neither EdDSA nor ES256.
    pub fn rotate_keys(&self, algorithm: SigningAlgorithm) -> &Self {
        let signing_key = match algorithm {
            SigningAlgorithm::EdDSA => SigningKey::ed25519(&random_bytes()),
            SigningAlgorithm::ES256 => SigningKey::p256(),
            other => panic!("the fake provider signs with EdDSA or ES256, not with {other:?}"),
        };
        self.server.behavior().signing_key = signing_key;
        self
    }

    /// Returns a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4). Post it as `logout_token` to
    /// `/login/<name>/backchannel-logout`.
    ///
    /// It names all sessions of the user `sub`, the provider's session `sid`, or that session of that user. A test sets
    /// the `sid` of a sign-in with [`edit_claims`](FakeProvider::edit_claims).
    ///
    /// ```
    /// use rocket_dance::testing::FakeProvider;
    ///
    /// # rocket::async_test(async {
    /// let fake = FakeProvider::start().await;
    /// let logout_token = fake.logout_token(Some("ada"), None);
    /// assert_eq!(logout_token.split('.').count(), 3);
    /// # });
    /// ```
    pub fn logout_token(&self, sub: Option<&str>, sid: Option<&str>) -> String {
        let now = self.server.now();
        let mut claims = json!({
            "iss": self.issuer(), "aud": self.client_id(), "iat": now, "exp": now + LOGOUT_TOKEN_TTL, "jti": random_id(),
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        });
        for (name, value) in [("sub", sub), ("sid", sid)] {
            if let Some(value) = value {
                claims[name] = json!(value);
            }
        }
        let mut header = self.server.behavior().signing_key.header();
        header["typ"] = json!("logout+jwt");
        self.sign_jwt(Some(&header), &claims.to_string())
    }

    /// Returns the ID token that the provider's SDK gives the program `client_id` on a device. The token is for the current
    /// [user](FakeProvider::set_user). Send it to `/login/<name>/native/finish`; the entry lists `client_id` in
    /// `native_client_ids`.
    ///
    /// ```
    /// use rocket_dance::testing::FakeProvider;
    ///
    /// # rocket::async_test(async {
    /// let fake = FakeProvider::start().await;
    /// let id_token = fake.native_id_token("my-app-on-ios", "the nonce of /login/corp/native");
    /// assert_eq!(id_token.split('.').count(), 3);
    /// # });
    /// ```
    pub fn native_id_token(&self, client_id: &str, nonce: &str) -> String {
        native_id_token(&self.server, client_id, nonce)
    }

    /// The number of requests that `endpoint` has received, including those with scripted responses.
    pub fn request_count(&self, endpoint: ProviderEndpoint) -> usize {
        self.with_script(|script| {
            script.requests.iter().filter(|request| request.endpoint == endpoint).count()
        })
    }

    /// The requests received so far, in order.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.with_script(|script| script.requests.clone())
    }

    /// The last request that `endpoint` received.
    ///
    /// # Panics
    /// If there was none.
    pub fn last_request(&self, endpoint: ProviderEndpoint) -> RecordedRequest {
        let last = self.with_script(|script| {
            script.requests.iter().rfind(|request| request.endpoint == endpoint).cloned()
        });
        last.unwrap_or_else(|| {
            let came: Vec<String> =
                self.requests().iter().map(|request| format!("\n  {}", request.line())).collect();
            panic!("the fake provider received no request at {endpoint:?}. It received:{}", came.concat())
        })
    }

    pub(super) fn with_script<T>(&self, act: impl FnOnce(&mut Script) -> T) -> T {
        act(&mut self.server.script().expect("a fake provider has a script"))
    }
}

impl Default for FakeProvider {
    fn default() -> Self {
        Self::new()
    }
}

/// A provider with the clients that it knows.
fn server(url: Option<String>) -> AuthorizationServer {
    let client = |id: &str, secret: Option<&str>, key| RegisteredClient {
        id: id.into(),
        secret: secret.map(Secret::new),
        redirect_uri: None,
        key,
    };
    let clients = vec![
        client(CLIENT_ID, Some(CLIENT_SECRET), None),
        client(PUBLIC_CLIENT_ID, None, None),
        client(KEY_CLIENT_ID, None, Some(ClientKey::generate())),
    ];
    AuthorizationServer::new(url, KeyRing::new([random_bytes()]), clients, Some(Script::default()))
}

/// An entry with the preset called `name`, for the client that authenticates as the preset does.
pub(super) fn entry_of_preset(server: &AuthorizationServer, name: &str, preset: Option<&Preset>) -> Value {
    let clients = Clients {
        with_secret: client(server, CLIENT_ID),
        public: client(server, PUBLIC_CLIENT_ID),
        with_key: client(server, KEY_CLIENT_ID),
    };
    preset_entry(server, &clients, name, preset)
}

/// An OpenID Connect entry for the client with a secret.
pub(super) fn entry_of_openid(server: &AuthorizationServer) -> Value {
    openid_entry(server, client(server, CLIENT_ID))
}

/// `entry` for the client that authenticates with `method`, if it is not the one with a secret.
pub(super) fn with_auth_method(server: &AuthorizationServer, mut entry: Value, method: &str) -> Value {
    let client = match method {
        "none" => client(server, PUBLIC_CLIENT_ID),
        "private_key_jwt" => client(server, KEY_CLIENT_ID),
        _ => return entry,
    };
    if let Some(entry) = entry.as_object_mut() {
        entry.remove("client_secret");
    }
    entry["client_id"] = json!(client.id);
    entry["token_endpoint_auth_method"] = json!(method);
    if let Some(key) = &client.key {
        entry["private_key"] = json!(key.pem.expose());
        entry["private_key_id"] = json!(ClientKey::ID);
    }
    entry
}

fn client<'s>(server: &'s AuthorizationServer, id: &str) -> &'s RegisteredClient {
    server.client(id).expect("the fake provider registers its clients when it starts")
}

fn random_bytes() -> [u8; 32] {
    random().expect("the operating system's random generator works")
}

impl fmt::Debug for FakeProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeProvider").field("issuer", &self.issuer()).finish_non_exhaustive()
    }
}
