//! [`TestApp`]: an app with accounts in SQLite, and its provider.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rocket::figment::Figment;
use rocket::http::Method;
use rocket::local::asynchronous::Client;
use rocket_dance::storage::DieselStorage;
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint};
use rocket_dance::{Dance, DanceFairing};
use serde_json::Value;
use tempfile::TempDir;
use test_support::{CapturedLog, KnownSecret, SecretSearch, Watchdog};

use super::browser::Browser;
use crate::app::{figment, path_and_query, rocket};
use crate::sqlite;
use crate::users::{self, sign_up};

/// An app in one process, with accounts in SQLite. Clones are the same process.
#[derive(Clone)]
pub(crate) struct TestApp {
    pub(crate) client: Arc<Client>,
    pub(crate) fake: Arc<FakeProvider>,
    folder: Arc<TempDir>,
    /// Every token that the provider has issued.
    tokens: Arc<Mutex<Vec<String>>>,
    _watchdog: Watchdog,
}

impl TestApp {
    /// Launches an app with the entries `op` and `op2`.
    pub(crate) async fn launch() -> Self {
        Self::launch_with(|figment| figment).await
    }

    /// Launches an app with a changed configuration.
    pub(crate) async fn launch_with(configure: impl FnOnce(Figment) -> Figment) -> Self {
        Self::launch_built(configure, |dance| dance).await
    }

    /// Launches an app with a changed configuration and a changed fairing.
    pub(crate) async fn launch_built(
        configure: impl FnOnce(Figment) -> Figment,
        attach: impl FnOnce(DanceFairing) -> DanceFairing,
    ) -> Self {
        let watchdog = Watchdog::start();
        CapturedLog::start();
        let fake = FakeProvider::start().await;
        let folder = tempfile::tempdir().expect("a temporary folder");
        users::create_table(&folder.path().join("app.sqlite"));
        let tokens: Arc<Mutex<Vec<String>>> = Arc::default();
        for endpoint in [ProviderEndpoint::Token, ProviderEndpoint::RequestToken] {
            let issued = tokens.clone();
            let record = move |answer: &mut Value| {
                let names =
                    ["access_token", "refresh_token", "id_token", "oauth_token", "oauth_token_secret"];
                let tokens = names.iter().filter_map(|name| answer[name].as_str().map(str::to_owned));
                issued.lock().unwrap_or_else(PoisonError::into_inner).extend(tokens);
            };
            fake.respond_always(endpoint, FakeResponse::edit(record));
        }
        let (fake, folder) = (Arc::new(fake), Arc::new(folder));
        let client = launch_client(&fake, &folder, configure, attach).await;
        Self { client, fake, folder, tokens, _watchdog: watchdog }
    }

    /// Launches another process with the same database, keys and provider, or the same one after a restart.
    pub(crate) async fn relaunch(&self, configure: impl FnOnce(Figment) -> Figment) -> Self {
        let client = launch_client(&self.fake, &self.folder, configure, |dance| dance).await;
        Self { client, ..self.clone() }
    }

    /// Launches another process with the same database, keys and provider, and a changed fairing.
    pub(crate) async fn relaunch_built(&self, attach: impl FnOnce(DanceFairing) -> DanceFairing) -> Self {
        self.relaunch_with(|figment| figment, attach).await
    }

    /// Launches another process with the same database, keys and provider, and a changed configuration and fairing.
    pub(crate) async fn relaunch_with(
        &self,
        configure: impl FnOnce(Figment) -> Figment,
        attach: impl FnOnce(DanceFairing) -> DanceFairing,
    ) -> Self {
        let client = launch_client(&self.fake, &self.folder, configure, attach).await;
        Self { client, ..self.clone() }
    }

    /// A new browser without cookies.
    pub(crate) fn browser(&self) -> Browser {
        Browser::new(self.clone())
    }

    /// The library's routes: path and method.
    pub(crate) fn routes(&self) -> Vec<(String, Method)> {
        let is_ours =
            |route: &&rocket::Route| route.name.as_ref().is_some_and(|name| name.starts_with("oauth: "));
        let routes = self.client.rocket().routes().filter(is_ours);
        routes.map(|route| (route.uri.to_string(), route.method)).collect()
    }

    /// The names of the library's routes, as the launch list prints them.
    pub(crate) fn route_names(&self) -> Vec<String> {
        let ours = self.client.rocket().routes().filter(|route| route.uri.path().starts_with("/login"));
        ours.map(|route| route.name.as_deref().unwrap_or_default().to_owned()).collect()
    }

    pub(crate) fn dance(&self) -> &Dance {
        Dance::fetch(self.client.rocket()).expect("the fairing is attached")
    }

    /// Moves the library's clock forward, in seconds.
    pub(crate) fn advance(&self, seconds: i64) {
        self.dance().advance_clock(seconds);
    }

    /// Every token that the provider has issued, in order. A sign-in issues an access, a refresh and an ID token.
    pub(crate) fn tokens(&self) -> Vec<String> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The number of token requests so far.
    pub(crate) fn token_calls(&self) -> usize {
        self.fake.request_count(ProviderEndpoint::Token)
    }

    /// The database file.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("app.sqlite")
    }

    /// Every row of every table except `oauth_claims`, as text.
    pub(crate) fn rows(&self) -> String {
        sqlite::dump(&self.file(), |table| table != "oauth_claims")
    }

    /// Every row of `oauth_claims`, as text.
    pub(crate) fn claims(&self) -> String {
        sqlite::dump(&self.file(), |table| table == "oauth_claims")
    }

    /// The number of rows of a table.
    pub(crate) fn count(&self, table: &str) -> usize {
        sqlite::count(&self.file(), table)
    }

    /// Approves an authorization request at the provider and returns path and query of the callback.
    pub(crate) async fn approve(&self, authorization: &str) -> String {
        path_and_query(&self.fake.authorize(authorization).await)
    }

    /// Every secret so far.
    fn secrets(&self) -> Vec<KnownSecret> {
        let mut secrets = vec![
            KnownSecret::new("client secret", self.fake.client_secret()),
            KnownSecret::new("secret key", "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk="),
        ];
        for request in self.fake.requests() {
            for (kind, from) in [
                ("state", request.query.get("state")),
                ("state", request.form.get("state")),
                ("nonce", request.query.get("nonce")),
                ("nonce", request.form.get("nonce")),
                ("assertion", request.form.get("client_assertion")),
                ("code", request.form.get("code")),
                ("verifier", request.form.get("code_verifier")),
            ] {
                secrets.extend(from.map(|value| KnownSecret::new(kind, value)));
            }
        }
        secrets.extend(self.tokens().into_iter().map(|token| KnownSecret::new("token", token)));
        secrets
    }

    /// Fails if `text` contains a secret in any spelling. Values of fewer than 8 bytes are not searched for.
    pub(crate) fn assert_no_secret(&self, place: &str, text: &str, more: &[(&'static str, String)]) {
        let more = more.iter().map(|(kind, value)| KnownSecret::new(*kind, value));
        let secrets = self.secrets().into_iter().chain(more).filter(|secret| secret.value.len() >= 8);
        let found = SecretSearch::new(secrets).find_in(place, text.as_bytes());
        assert!(found.is_empty(), "{found:?}: {text}");
    }
}

async fn launch_client(
    fake: &FakeProvider,
    folder: &TempDir,
    configure: impl FnOnce(Figment) -> Figment,
    attach: impl FnOnce(DanceFairing) -> DanceFairing,
) -> Arc<Client> {
    let url = folder.path().join("app.sqlite").display().to_string();
    let figment = configure(figment(fake).merge(("databases.app.url", url)));
    let dance = Dance::fairing().storage(DieselStorage::database("app").migrate().link(sign_up));
    Arc::new(Client::untracked(rocket(figment, attach(dance))).await.expect("the app launches"))
}
