//! A provider of one's own for the length of a test.

use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::thread::JoinHandle;

use rocket::config::{LogLevel, Shutdown};
use rocket::fairing::AdHoc;
use rocket::tokio::runtime;
use rocket::tokio::sync::oneshot;
use rocket::{Build, Config, Rocket};
use serde_json::{Value, json};

use super::answer::{Answer, Endpoint, Recorded, Script};
use super::browser::{self, Followed};
use super::client_key::ClientKey;
use super::issuer::{Client, Inner, Issuer, lock};
use super::oauth1;
use super::signer::Signer;
use crate::provider::{PRESETS, Protocol, SigningAlgorithm};
use crate::secret::{KeyRing, Secret};

const CLIENT_ID: &str = "fake client";
/// With characters that only arrive when the client encodes them as RFC 6749 §2.3.1 wants it.
const CLIENT_SECRET: &str = "s3cret:+/%=&";
const PUBLIC_ID: &str = "public client";
const KEYED_ID: &str = "client with a key";

/// A real OpenID provider, OAuth 2 and OAuth 1 server for tests: on a free loopback port, in a thread of its own, gone when
/// dropped. It signs in `ada`, at once and without a page, unless told otherwise.
///
/// What it does by itself is what a careful provider does: exact redirect URIs, single-use codes, PKCE, refresh tokens
/// that rotate and whose reuse kills the whole family, `iss` in the authorization response, signed ID tokens. What it
/// should do wrong, a test says.
///
/// ```
/// use rocket_dance::testing::{Answer, Endpoint, FakeProvider};
/// use serde_json::json;
///
/// # rocket::async_test(async {
/// let fake = FakeProvider::start().await;
/// let figment = rocket::Config::figment().merge(fake.config("corp"));       // [default.oauth.corp]
///
/// fake.user("grace");                                                        // signs in from now on
/// fake.access_token_ttl(5);
/// fake.answer(Endpoint::Token, Answer::status(500));                         // the next request to it, once
/// fake.claims(|claims| claims["aud"] = json!("somebody else"));              // in every ID token
/// // … sign in, and see it refused …
/// assert_eq!(fake.count(Endpoint::Token), 0);
/// # assert!(figment.find_value("oauth.corp.issuer").is_ok());
/// # });
/// ```
pub struct FakeProvider {
    pub(super) issuer: Issuer,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FakeProvider {
    /// Starts one.
    ///
    /// # Panics
    /// When no port can be had.
    pub async fn start() -> Self {
        // It waits for a thread: the runtime's own threads go on meanwhile.
        let started = rocket::tokio::task::spawn_blocking(Self::start_blocking).await;
        started.expect("the fake provider could not be launched")
    }

    /// Starts one, outside of async code.
    ///
    /// # Panics
    /// When no port can be had.
    pub fn start_blocking() -> Self {
        let keys =
            KeyRing::new([crate::secret::random().expect("the operating system's random generator works")]);
        let any = |id: &str, secret: Option<&str>| Client {
            id: id.into(),
            secret: secret.map(Secret::new),
            redirect_uri: None,
            key: None,
        };
        let keyed = Client { key: Some(ClientKey::generate()), ..any(KEYED_ID, None) };
        let clients = vec![any(CLIENT_ID, Some(CLIENT_SECRET)), any(PUBLIC_ID, None), keyed];
        let issuer = Issuer(Arc::new(Inner::new(None, keys, clients, Some(Script::default()))));

        let (stop, stopped) = oneshot::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let served = issuer.clone();
        // A thread and a runtime of its own: it serves async and blocking tests alike, and nothing of the test's
        // runtime waits for it.
        let thread = std::thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime can be built");
            runtime.block_on(async {
                let launch = rocket(served, tell).launch();
                rocket::tokio::select! {
                    launched = launch => drop(launched),
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        told.recv().expect("the fake provider could not be launched");
        Self { issuer, stop: Some(stop), thread: Some(thread) }
    }

    /// The issuer: `http://127.0.0.1:<port>`.
    pub fn issuer(&self) -> &str {
        self.issuer.url()
    }

    /// The `client_id` of [`config`](FakeProvider::config) and [`preset`](FakeProvider::preset).
    pub fn client_id(&self) -> &str {
        CLIENT_ID
    }

    /// The client's secret.
    pub fn client_secret(&self) -> &str {
        self.issuer.secret_of(CLIENT_ID).unwrap_or_default()
    }

    /// `[default.oauth.<name>]`, an OpenID Connect entry that points here, to be merged into a figment. A second merge
    /// adds keys: `figment.merge(("oauth.corp.scope", ["openid"]))`.
    pub fn config(&self, name: &str) -> (String, Value) {
        self.issuer.entry(name)
    }

    /// `[default.oauth.<name>]` for a public client: without a secret.
    pub fn public_config(&self, name: &str) -> (String, Value) {
        let entry = json!({
            "provider": "oidc", "issuer": self.issuer(), "api_base_url": self.at("/api/"), "client_id": PUBLIC_ID,
            "token_endpoint_auth_method": "none",
        });
        (format!("oauth.{name}"), entry)
    }

    /// `[default.oauth.<name>]` for a client that authenticates by `private_key_jwt` (RFC 7523 §3), with its key. Each
    /// assertion is checked in earnest: signature, `iss`, `sub`, `aud`, times, and that its `jti` is used once.
    pub fn keyed_config(&self, name: &str) -> (String, Value) {
        let entry = json!({
            "provider": "oidc", "issuer": self.issuer(), "api_base_url": self.at("/api/"), "client_id": KEYED_ID,
            "token_endpoint_auth_method": "private_key_jwt", "private_key": self.issuer.pem_of(KEYED_ID),
            "private_key_id": ClientKey::ID,
        });
        (format!("oauth.{name}"), entry)
    }

    /// `[default.oauth.<name>]` of this preset, its URLs pointing here. What the preset reads from the userinfo,
    /// [`userinfo`](FakeProvider::userinfo) gives; `id`, `login`, `name` and the OpenID Connect claims are there. A preset
    /// of OAuth 1, `oauth1` itself, is danced in OAuth 1.
    pub fn preset(&self, name: &str, preset: &str) -> (String, Value) {
        let mut entry = json!({
            "provider": preset, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "api_base_url": self.at("/api/"),
        });
        let known = PRESETS.iter().find(|(known, _)| *known == preset).map(|(_, preset)| preset);
        match known.map_or(Protocol::OAuth2, |preset| preset.protocol) {
            Protocol::OpenIdConnect => entry["issuer"] = json!(self.issuer()),
            Protocol::OAuth2 => {
                entry["authorization_url"] = json!(self.at("/authorize"));
                entry["token_url"] = json!(self.at("/token"));
                entry["revocation_url"] = json!(self.at("/revoke"));
                entry["userinfo_url"] = json!(self.at("/api/user"));
            }
            Protocol::OAuth1 => {
                entry["request_token_url"] = json!(self.at("/oauth1/request_token"));
                entry["authorization_url"] = json!(self.at("/oauth1/authorize"));
                entry["access_token_url"] = json!(self.at("/oauth1/access_token"));
                entry["userinfo_url"] = json!(self.at("/api/user"));
            }
        }
        if let Some(preset) = known {
            oauth1::own_keys(preset, self.issuer(), &mut entry);
        }
        (format!("oauth.{name}"), entry)
    }

    /// `rocket` with this provider in the place of the entry called `name`: of the preset of that name where there is
    /// one, else of an OpenID provider. The rest of its configuration stays.
    pub fn stand_in(&self, rocket: Rocket<Build>, name: &str) -> Rocket<Build> {
        let entry = match PRESETS.iter().any(|(known, _)| *known == name) {
            true => self.preset(name, name),
            false => self.config(name),
        };
        let figment = rocket.figment().clone().merge(entry);
        rocket.configure(figment)
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.issuer())
    }

    /// Follows an authorization URL as a browser would, and says where the provider redirects to: the callback.
    ///
    /// # Panics
    /// When the answer isn't a redirect.
    pub async fn authorize(&self, url: &str) -> String {
        match browser::follow(url).await {
            Followed::To(callback) => callback,
            Followed::Form(to, _) => {
                panic!("the provider answers by a form for {to}: see `authorize_by_form`")
            }
        }
    }

    /// The same for an entry with `response_mode = "form_post"`: the callback, and the form's body for it.
    ///
    /// # Panics
    /// When the answer isn't a form.
    pub async fn authorize_by_form(&self, url: &str) -> (String, String) {
        match browser::follow(url).await {
            Followed::Form(to, body) => (to, body),
            Followed::To(callback) => panic!("the provider redirects, to {callback}"),
        }
    }

    // ---- who, and what about them

    /// Who signs in from now on: the `sub`.
    pub fn user(&self, sub: &str) -> &Self {
        lock(&self.issuer.0.play).user = sub.to_owned();
        self
    }

    /// What is said about the [`user`](FakeProvider::user) from now on, instead of the usual
    /// `{"sub", "id", "id_str", "key", "login", "name", "preferred_username", "email", "email_verified"}`.
    pub fn userinfo(&self, userinfo: Value) -> &Self {
        let mut play = lock(&self.issuer.0.play);
        let user = play.user.clone();
        play.userinfo.insert(user, userinfo);
        self
    }

    /// How long access tokens live, in seconds; an hour when unsaid.
    pub fn access_token_ttl(&self, seconds: i64) -> &Self {
        lock(&self.issuer.0.play).access_token_ttl = seconds;
        self
    }

    /// Moves the provider's clock: codes and tokens grow old.
    pub fn advance(&self, seconds: i64) -> &Self {
        self.issuer.0.clock.advance(seconds);
        self
    }

    // ---- saying no

    /// The person denies, once.
    pub fn deny_next(&self) -> &Self {
        self.error_next("access_denied")
    }

    /// The next authorization ends with this error.
    pub fn error_next(&self, error: &str) -> &Self {
        lock(&self.issuer.0.play).error_next = Some(error.to_owned());
        self
    }

    /// Takes only authorization requests that were pushed (RFC 9126), and says so in its metadata.
    pub fn require_par(&self) -> &Self {
        lock(&self.issuer.0.play).require_par = true;
        self
    }

    /// Refuses all access tokens so far with 401, before their time. Refresh tokens stay good.
    pub fn expire_access_tokens(&self) -> &Self {
        lock(&self.issuer.0.ledger).expire_access_tokens();
        lock(&self.issuer.0.book).expire_access_tokens();
        self
    }

    /// Revokes every token of this user so far; a new sign-in gets new ones.
    pub fn revoke(&self, sub: &str) -> &Self {
        lock(&self.issuer.0.ledger).revoke(sub);
        lock(&self.issuer.0.book).revoke(sub);
        self
    }

    // ---- lying

    /// Answers the next request to `endpoint` like this; several calls queue.
    pub fn answer(&self, endpoint: Endpoint, answer: Answer) -> &Self {
        self.script(|script| script.push(endpoint, answer));
        self
    }

    /// Answers every request to `endpoint` like this, after those of [`answer`](FakeProvider::answer).
    pub fn answer_always(&self, endpoint: Endpoint, answer: Answer) -> &Self {
        self.script(|script| script.set(endpoint, answer));
        self
    }

    /// Changes the claims of every ID token before it is signed.
    pub fn claims(&self, edit: impl Fn(&mut Value) + Send + Sync + 'static) -> &Self {
        lock(&self.issuer.0.play).claims = Some(Arc::new(edit));
        self
    }

    /// Changes every ID token after it is signed.
    pub fn id_token(&self, edit: impl Fn(String) -> String + Send + Sync + 'static) -> &Self {
        lock(&self.issuer.0.play).id_token = Some(Arc::new(edit));
        self
    }

    /// A JWT of this payload, signed with the provider's key; the header is the usual one unless given. The payload is
    /// any text: also what isn't JSON, or has a key twice.
    pub fn sign(&self, header: Option<&Value>, payload: &str) -> String {
        self.issuer.signed(header, payload)
    }

    /// Takes back all lies: from [`answer`](FakeProvider::answer), [`answer_always`](FakeProvider::answer_always),
    /// [`claims`](FakeProvider::claims), [`id_token`](FakeProvider::id_token) and
    /// [`error_next`](FakeProvider::error_next).
    pub fn honest(&self) -> &Self {
        self.script(Script::forget_answers);
        let mut play = lock(&self.issuer.0.play);
        (play.claims, play.id_token, play.error_next) = (None, None, None);
        self
    }

    /// A new signing key under a new id, for EdDSA or ES256; the old key is no longer published.
    ///
    /// # Panics
    /// For any other algorithm.
    pub fn rotate_keys(&self, algorithm: SigningAlgorithm) -> &Self {
        let signer = match algorithm {
            SigningAlgorithm::EdDSA => Signer::ed25519(
                &crate::secret::random().expect("the operating system's random generator works"),
            ),
            SigningAlgorithm::ES256 => Signer::p256(),
            other => panic!("the fake provider signs with EdDSA or ES256, not {other:?}"),
        };
        lock(&self.issuer.0.play).signer = signer;
        self
    }

    // ---- what it saw

    /// How many requests came to `endpoint`, answered genuinely or not.
    pub fn count(&self, endpoint: Endpoint) -> usize {
        self.script(|script| script.requests.iter().filter(|request| request.endpoint == endpoint).count())
    }

    /// The requests so far, in order.
    pub fn requests(&self) -> Vec<Recorded> {
        self.script(|script| script.requests.clone())
    }

    /// The last request to `endpoint`.
    ///
    /// # Panics
    /// When there was none.
    pub fn last(&self, endpoint: Endpoint) -> Recorded {
        let mut requests = self.requests();
        requests.retain(|request| request.endpoint == endpoint);
        requests.pop().unwrap_or_else(|| panic!("no request came to {endpoint:?}"))
    }

    fn script<T>(&self, act: impl FnOnce(&mut Script) -> T) -> T {
        let script = self.issuer.0.script.as_ref().expect("a fake has a script");
        act(&mut lock(script))
    }
}

/// The server. Its configuration is its own: no Rocket.toml, no environment, no signals, no waiting at the end.
fn rocket(issuer: Issuer, tell: std::sync::mpsc::Sender<()>) -> Rocket<rocket::Build> {
    let level = log::max_level();
    let config = Config {
        address: Ipv4Addr::LOCALHOST.into(),
        port: 0,
        // What a request was is in `requests`; at debug level Rocket would print it whole.
        log_level: LogLevel::Off,
        shutdown: Shutdown {
            ctrlc: false,
            signals: Default::default(),
            grace: 0,
            mercy: 0,
            ..Shutdown::default()
        },
        ..Config::debug_default()
    };
    let served = issuer.clone();
    rocket::custom(config).attach(issuer).attach(AdHoc::on_liftoff("issuer", move |rocket| {
        Box::pin(async move {
            let url = format!("http://127.0.0.1:{}", rocket.config().port);
            if served.0.url.set(url).is_ok() {
                // Rocket's log level is the whole process's: an app that was built before keeps its own.
                log::set_max_level(level);
                let _ = tell.send(());
            }
        })
    }))
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for FakeProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeProvider").field("issuer", &self.issuer()).finish_non_exhaustive()
    }
}
