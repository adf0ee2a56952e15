//! [`DemoProvider`]: a provider for the development server.

use rocket::fairing::{self, Fairing, Info, Kind};
use rocket::figment::Figment;
use rocket::{Build, Config, Data, Orbit, Request, Rocket, Route};
use serde_json::Value;
use url::Url;

use super::entry_config::{entry_key, openid_entry};
use super::server::{AuthorizationServer, RegisteredClient, hide_authorization, routes};
use crate::config::is_loopback_host;
use crate::dance::Dance;
use crate::paths::{Path, Paths};
use crate::secret::KeyRing;

/// The name of the entry that [`DemoProvider::fairing`] adds.
const DEMO_ENTRY: &str = "demo";

/// An OpenID provider on the app's own port, with a consent page, to try a sign-in without registering anywhere.
///
/// [`DemoProvider::fairing`] adds it to an app that has no entries. [`DemoProvider::new`] configures one by hand; attach
/// it as a fairing, and it answers below the path of its URL.
///
/// Its keys, codes and tokens are derived from the key ring, so they stay valid after a restart. Which of them were used
/// or revoked is forgotten with the process.
///
/// It has no passwords: every visitor can sign in as any user. Never attach it to an app that others can reach. With a URL on
/// a loopback host it rejects requests whose `Host` is another one, which keeps browsers of other computers out, but no attacker
/// who writes that header.
///
/// ```
/// use rocket_dance::storage::KeyRing;
/// use rocket_dance::testing::{DemoProvider, RegisteredClient};
///
/// let client = RegisteredClient::new("app", "s3cret", "http://localhost:8000/login/demo/authorized");
/// let provider = DemoProvider::new("http://localhost:8000/demo", &KeyRing::new([[7; 32]]), client);
///
/// let rocket = rocket::build();
/// let figment = rocket.figment().clone().merge(provider.config("demo"));
/// let rocket = rocket.configure(figment).attach(provider);
/// # let _ = rocket;
/// ```
#[derive(Debug, Clone)]
pub struct DemoProvider {
    server: AuthorizationServer,
    /// The path at which its routes are mounted.
    mount_path: String,
}

impl DemoProvider {
    /// Returns a fairing that adds a demo provider as entry `demo`, if the profile is `debug`, `base_url` is on a loopback
    /// host, and `oauth` is absent or an empty table. Otherwise it does nothing: an `oauth` that can't be read fails the
    /// launch. Attach it before [`Dance::fairing`](crate::Dance::fairing).
    ///
    /// ```
    /// use rocket_dance::Dance;
    /// use rocket_dance::testing::DemoProvider;
    ///
    /// let rocket = rocket::build();
    /// #[cfg(debug_assertions)]
    /// let rocket = rocket.attach(DemoProvider::fairing());
    /// let rocket = rocket.attach(Dance::fairing());
    /// # let _ = rocket;
    /// ```
    pub fn fairing() -> impl Fairing {
        DemoFairing
    }

    /// Creates a provider at `url`, which must not end with `/`. `client` is the only client that it knows.
    pub fn new(url: impl Into<String>, keys: &KeyRing, client: RegisteredClient) -> Self {
        let server = AuthorizationServer::new(Some(url.into()), keys.clone(), vec![client], None);
        Self { mount_path: server.base_path(), server }
    }

    /// Sets the lifetime of access tokens, in seconds. The default is 3600.
    #[must_use]
    pub fn access_token_ttl(self, seconds: i64) -> Self {
        self.server.behavior().access_token_ttl = seconds;
        self
    }

    /// The routes, relative to the path of the provider's URL. Attaching the provider mounts them.
    pub fn routes(&self) -> Vec<Route> {
        routes(&self.server)
    }

    /// The issuer URL.
    pub fn url(&self) -> &str {
        self.server.url()
    }

    /// Returns `[default.oauth.<name>]` of an entry for this provider, as key and value to merge into a figment.
    pub fn config(&self, name: &str) -> (String, Value) {
        let entry = self.server.clients().first().map(|client| openid_entry(&self.server, client));
        (entry_key(name), entry.unwrap_or_default())
    }
}

#[rocket::async_trait]
impl Fairing for DemoProvider {
    fn info(&self) -> Info {
        self.server.info()
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        Ok(rocket.mount(self.mount_path.as_str(), self.routes()))
    }

    async fn on_request(&self, request: &mut Request<'_>, _: &mut Data<'_>) {
        hide_authorization(request, &self.mount_path);
    }
}

/// Adds a [`DemoProvider`] to an app without entries.
struct DemoFairing;

/// The managed state that says that the demo provider was added.
struct DemoAdded;

#[rocket::async_trait]
impl Fairing for DemoFairing {
    fn info(&self) -> Info {
        Info { name: "Demo provider", kind: Kind::Ignite | Kind::Liftoff | Kind::Singleton }
    }

    async fn on_ignite(&self, rocket: Rocket<Build>) -> fairing::Result {
        let figment = rocket.figment().clone();
        if figment.profile() != Config::DEBUG_PROFILE {
            return Ok(rocket);
        }
        if !has_no_entries(&figment) || !is_on_loopback(&rocket) {
            return Ok(rocket);
        }
        if rocket.state::<Dance>().is_some() {
            log::error!(
                "oauth: the demo provider is attached too late. Attach `DemoProvider::fairing()` before `Dance::fairing()`"
            );
            return Ok(rocket);
        }
        let base_url = base_url(&rocket);
        let prefix = figment.extract_inner::<String>("dance.prefix").unwrap_or_else(|_| "/login".into());
        let callback = Paths::new(prefix.trim_end_matches('/')).of_entry(Path::Callback, DEMO_ENTRY);
        let callback = format!("{base_url}{callback}");
        // A public key is enough: a provider without passwords protects nothing. It keeps the demo's accounts valid
        // after a restart.
        let keys = KeyRing::new([*b"the demo provider keeps no secret".first_chunk().unwrap_or(&[0; 32])]);
        let client = RegisteredClient::new(DEMO_ENTRY, DEMO_ENTRY, callback);
        let provider = DemoProvider::new(format!("{base_url}/{DEMO_ENTRY}"), &keys, client);
        // A proxy strips the path of base_url.
        let provider = DemoProvider { mount_path: format!("/{DEMO_ENTRY}"), ..provider };
        let figment = figment
            .merge(provider.config(DEMO_ENTRY))
            .merge((format!("oauth.{DEMO_ENTRY}.title"), "Demo"))
            .merge((format!("oauth.{DEMO_ENTRY}.extra_scope"), "offline_access"));
        Ok(rocket.configure(figment).attach(provider).manage(DemoAdded))
    }

    async fn on_liftoff(&self, rocket: &Rocket<Orbit>) {
        if rocket.state::<DemoAdded>().is_some() {
            log::info!(
                "oauth: no entry is configured, so a demo provider was added. Open {} and sign in",
                base_url(rocket)
            );
            let address = rocket.config().address;
            if !address.is_loopback() {
                log::warn!(
                    "oauth: the app listens on {address}, and the demo provider has no passwords: every computer that reaches \
                     it can sign in as any user. Set `address = \"127.0.0.1\"`, or configure an entry"
                );
            }
        }
    }
}

/// Whether `oauth` is absent or an empty table. A value of another type is a fault, which [`Dance::fairing`] reports: with a
/// demo provider in its place, every visitor could sign in as any user.
fn has_no_entries(figment: &Figment) -> bool {
    match figment.find_value("oauth") {
        Ok(oauth) => oauth.as_dict().is_some_and(|entries| entries.is_empty()),
        Err(error) => error.missing(),
    }
}

/// Whether only this machine can reach the app, as far as its `base_url` says. An unset one is on `localhost`.
fn is_on_loopback(rocket: &Rocket<Build>) -> bool {
    let is_readable = match rocket.figment().find_value("dance.base_url") {
        Ok(url) => url.as_str().is_some(),
        Err(error) => error.missing(),
    };
    let url = Url::parse(&base_url(rocket));
    is_readable && url.is_ok_and(|url| url.host_str().is_some_and(is_loopback_host))
}

/// The app's `base_url` as the library reads it.
fn base_url<P: rocket::Phase>(rocket: &Rocket<P>) -> String {
    let figment = rocket.figment();
    let port = figment.extract_inner::<u16>("port").unwrap_or(8000);
    figment
        .extract_inner::<String>("dance.base_url")
        .map_or_else(|_| format!("http://localhost:{port}"), |url| url.trim_end_matches('/').to_owned())
}
