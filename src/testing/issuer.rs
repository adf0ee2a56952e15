//! The provider itself: one implementation of the authorization server's side.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rocket::fairing::{self, Fairing, Info, Kind};
use rocket::{Build, Data, Rocket, Route};
use serde_json::{Value, json};
use url::Url;

use super::answer::{Endpoint, Script};
use super::client_key::ClientKey;
use super::door::{self, Reply, Request};
use super::grants::Ledger;
use super::oauth1::Book;
use super::pushed::PushedRequests;
use super::signer::Signer;
use crate::clock::Clock;
use crate::secret::{KeyRing, Secret};

/// A client that an [`Issuer`] knows.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Client {
    /// The `client_id`.
    pub id: String,
    /// The client's secret; a client without one is public and must use PKCE.
    pub secret: Option<Secret>,
    /// The one redirect URI, byte for byte; none admits every one.
    pub redirect_uri: Option<String>,
    pub(super) key: Option<ClientKey>,
}

impl Client {
    /// A confidential client with exactly one redirect URI.
    pub fn new(id: impl Into<String>, secret: impl Into<Box<str>>, redirect_uri: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            secret: Some(Secret::new(secret)),
            redirect_uri: Some(redirect_uri.into()),
            key: None,
        }
    }
}

/// An OpenID provider: discovery, keys, authorization with PKCE and consent page, token endpoint with rotating refresh
/// tokens, userinfo, and a small API. A fairing; attached, it answers below its own URL's path.
///
/// This is the demo provider, on the app's own port and for the app's own client alone. Its keys, codes and tokens
/// follow from the key ring, so that they outlive a restart; what was used up or revoked is forgotten with the process.
/// It has no passwords: anybody may be anybody. Never attach it where strangers come.
///
/// ```
/// use rocket_dance::storage::KeyRing;
/// use rocket_dance::testing::{Client, Issuer};
///
/// let callback = "http://localhost:8000/login/demo/authorized";
/// let issuer = Issuer::new("http://localhost:8000/demo", &KeyRing::new([[7; 32]]), Client::new("app", "s3cret", callback));
///
/// let rocket = rocket::build();
/// let figment = rocket.figment().clone().merge(issuer.entry("demo"));
/// let rocket = rocket.configure(figment).attach(issuer);
/// # let _ = rocket;
/// ```
#[derive(Clone)]
pub struct Issuer(pub(super) Arc<Inner>);

pub(super) struct Inner {
    /// Known at liftoff where the port is chosen by the system.
    pub(super) url: OnceLock<String>,
    pub(super) keys: KeyRing,
    pub(super) clients: Vec<Client>,
    pub(super) interactive: bool,
    pub(super) clock: Clock,
    pub(super) ledger: Mutex<Ledger>,
    pub(super) pushed: Mutex<PushedRequests>,
    /// What OAuth 1 knows.
    pub(super) book: Mutex<Book>,
    pub(super) play: Mutex<Play>,
    /// A fake's; the demo has none.
    pub(super) script: Option<Mutex<Script>>,
}

pub(super) type EditClaims = Arc<dyn Fn(&mut Value) + Send + Sync>;
pub(super) type EditIdToken = Arc<dyn Fn(String) -> String + Send + Sync>;

/// What a test may turn.
pub(super) struct Play {
    pub(super) signer: Signer,
    pub(super) access_token_ttl: i64,
    pub(super) user: String,
    pub(super) userinfo: HashMap<String, Value>,
    pub(super) error_next: Option<String>,
    pub(super) require_par: bool,
    pub(super) claims: Option<EditClaims>,
    pub(super) id_token: Option<EditIdToken>,
}

/// The lock, whoever panicked while holding it: what it guards is whole at every step.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Issuer {
    /// The demo provider at `url` (without a `/` at its end), with pages, for `client` alone.
    pub fn new(url: impl Into<String>, keys: &KeyRing, client: Client) -> Self {
        Self(Arc::new(Inner::new(Some(url.into()), keys.clone(), vec![client], None)))
    }

    /// The same provider with access tokens that live for this many seconds; an hour when unsaid.
    pub fn access_token_ttl(self, seconds: i64) -> Self {
        lock(&self.0.play).access_token_ttl = seconds;
        self
    }

    /// The routes, to be mounted at the path of the issuer's URL; attaching the issuer does that.
    pub fn routes(&self) -> Vec<Route> {
        door::routes(self)
    }

    /// The issuer's URL.
    pub fn url(&self) -> &str {
        self.0.url.get().map_or("", String::as_str)
    }

    /// `[default.oauth.<name>]` for the first client, to be merged into a figment.
    pub fn entry(&self, name: &str) -> (String, Value) {
        let mut entry =
            json!({"provider": "oidc", "issuer": self.url(), "api_base_url": format!("{}/api/", self.url())});
        if let Some(client) = self.0.clients.first() {
            entry["client_id"] = json!(client.id);
            entry["client_secret"] = json!(client.secret.as_ref().map(Secret::expose));
        }
        (format!("oauth.{name}"), entry)
    }

    pub(super) fn path(&self) -> String {
        Url::parse(self.url()).map_or_else(|_| "/".into(), |url| url.path().to_owned())
    }

    /// Answers one request; a script may know better.
    pub(super) async fn serve(&self, endpoint: Endpoint, request: &Request) -> Reply {
        let genuine = || match endpoint {
            Endpoint::Discovery => self.discovery(),
            Endpoint::Jwks => Reply::json(200, &json!({"keys": [lock(&self.0.play).signer.jwk()]})),
            Endpoint::RequestToken => self.temporary(request),
            Endpoint::Authorize if speaks_oauth1(request) => self.authorize_oauth1(request),
            Endpoint::Authorize => self.authorize(request),
            Endpoint::PushedAuthorization => self.push(request),
            Endpoint::Token if speaks_oauth1(request) => self.token_oauth1(request),
            Endpoint::Token => self.token(request),
            Endpoint::Revocation => self.revocation(request),
            Endpoint::EndSession => self.end_session(request),
            Endpoint::Userinfo | Endpoint::Emails | Endpoint::Api => self.api(endpoint, request),
        };
        match &self.0.script {
            Some(script) => {
                let answer = lock(script).next(endpoint, request);
                answer.give(genuine).await
            }
            None => genuine(),
        }
    }

    fn discovery(&self) -> Reply {
        let url = self.url();
        Reply::json(
            200,
            &json!({
                "issuer": url,
                "authorization_endpoint": format!("{url}/authorize"),
                "token_endpoint": format!("{url}/token"),
                "userinfo_endpoint": format!("{url}/userinfo"),
                "jwks_uri": format!("{url}/jwks"),
                "response_types_supported": ["code"],
                "pushed_authorization_request_endpoint": format!("{url}/par"),
                "require_pushed_authorization_requests": lock(&self.0.play).require_par,
                "revocation_endpoint": format!("{url}/revoke"),
                "end_session_endpoint": format!("{url}/logout"),
                "response_modes_supported": ["query", "form_post"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [lock(&self.0.play).signer.alg()],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "claims_supported": ["sub", "name", "preferred_username", "email", "email_verified"],
                "token_endpoint_auth_methods_supported":
                    ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
                "token_endpoint_auth_signing_alg_values_supported": ["ES256"],
                "code_challenge_methods_supported": ["S256"],
                "authorization_response_iss_parameter_supported": true,
            }),
        )
    }
}

/// Whether a request came to an endpoint of OAuth 1.
fn speaks_oauth1(request: &Request) -> bool {
    request.path.contains("/oauth1/")
}

impl Inner {
    pub(super) fn new(
        url: Option<String>,
        keys: KeyRing,
        clients: Vec<Client>,
        script: Option<Script>,
    ) -> Self {
        let interactive = script.is_none();
        Self {
            url: url.map(OnceLock::from).unwrap_or_default(),
            interactive,
            clock: Clock::default(),
            ledger: Mutex::default(),
            pushed: Mutex::default(),
            book: Mutex::default(),
            play: Mutex::new(Play {
                signer: Signer::ed25519(&keys.derive("issuer signing key")),
                access_token_ttl: 3600,
                user: "ada".into(),
                userinfo: HashMap::new(),
                error_next: None,
                require_par: false,
                claims: None,
                id_token: None,
            }),
            script: script.map(Mutex::new),
            keys,
            clients,
        }
    }

    /// The userinfo of `user`.
    pub(super) fn userinfo(&self, user: &str) -> Value {
        lock(&self.play).userinfo.get(user).cloned().unwrap_or_else(|| {
            let mut name = user.to_owned();
            if let Some(first) = name.get_mut(..1) {
                first.make_ascii_uppercase();
            }
            json!({
                "sub": user, "id": user, "id_str": user, "key": user, "login": user, "name": name, "preferred_username": user,
                "email": format!("{user}@example.test"), "email_verified": true,
            })
        })
    }
}

#[rocket::async_trait]
impl Fairing for Issuer {
    fn info(&self) -> Info {
        Info { name: "OpenID provider", kind: Kind::Ignite | Kind::Request }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        Ok(rocket.mount(self.path(), self.routes()))
    }

    async fn on_request(&self, request: &mut rocket::Request<'_>, _: &mut Data<'_>) {
        let (path, base) = (request.uri().path(), self.path());
        if ["/authorize", "/logout"].iter().any(|end| path.ends_with(end)) && path.starts_with(base.as_str())
        {
            door::hide_query(request);
        }
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("url", &self.url())
            .field("interactive", &self.0.interactive)
            .finish_non_exhaustive()
    }
}
