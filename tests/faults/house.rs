//! An app with accounts in SQLite, a faulty provider, and users with browsers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rocket::figment::Figment;
use rocket::figment::providers::Serialized;
use rocket::http::{Cookie, Header, Status};
use rocket::local::asynchronous::Client;
use rocket::{Config, get, routes};
use rocket_dance::storage::DieselStorage;
use rocket_dance::{CurrentUser, Dance, OAuth, Result, provider};
use serde_json::json;
use url::{Position, Url};

use crate::common::faulty_proxy::Faulty;
use crate::common::openid_provider::{CLIENT_ID, CLIENT_SECRET, Provider};
use crate::common::sqlite;
use crate::common::users::{self, sign_up};
use test_support::{Browser, Html};

pub(crate) const SESSION: &str = "rocket_dance_session";
/// The redirect URI. No server listens there: the test passes callbacks to the app.
pub(crate) const CALLBACK: &str = "http://localhost:8000/login/op/authorized";

struct Op;

impl provider::Provider for Op {
    const NAME: &'static str = "op";
}

#[get("/me")]
fn me(user: CurrentUser<i32>) -> String {
    user.to_string()
}

#[get("/whoami")]
async fn whoami(op: OAuth<Op>) -> Result<String> {
    Ok(op.userinfo().await?["sub"].as_str().unwrap_or_default().to_owned())
}

/// The app in one process.
pub(crate) struct App {
    client: Client,
    file: PathBuf,
}

impl App {
    /// Launches a process on the database in `folder`. It has not read the provider's metadata yet.
    pub(crate) async fn launch(folder: &Path, faulty: &Faulty) -> Self {
        let file = folder.join("app.sqlite");
        let url = file.display().to_string();
        users::create_table(&file);
        let entry = json!({
            "provider": "oidc", "issuer": faulty.issuer(), "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET,
            "scope": ["openid", "profile", "email"],
        });
        let config = Config { log_level: rocket::config::LogLevel::Off, ..Config::debug_default() };
        let figment = Figment::from(config)
            .merge(Serialized::default("secret_key", "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk="))
            .merge(("databases.app.url", url))
            .merge(("dance.base_url", "http://localhost:8000"))
            .merge(("oauth.op", entry));
        let rocket = rocket::custom(figment)
            .attach(Dance::fairing().storage(DieselStorage::database("app").migrate().link(sign_up)))
            .mount("/", routes![me, whoami])
            .register("/", rocket_dance::catchers());
        Self { client: Client::untracked(rocket).await.expect("the app launches"), file }
    }

    /// Moves the library's clock forward, in seconds.
    pub(crate) fn advance(&self, seconds: i64) {
        Dance::fetch(self.client.rocket()).unwrap().advance_clock(seconds);
    }

    /// Every row of every table except `oauth_claims`.
    pub(crate) fn rows(&self) -> String {
        sqlite::dump(&self.file, |table| table != "oauth_claims")
    }

    /// The numbers of users and of accounts.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (sqlite::count(&self.file, "users"), sqlite::count(&self.file, "oauth_accounts"))
    }

    /// The files that must not contain a secret.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        ["", "-wal", "-shm"].map(|suffix| format!("{}{suffix}", self.file.display()).into()).into()
    }
}

/// A response of the app, read completely.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: Status,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        let headers = self.headers.iter().filter(move |(known, _)| known.eq_ignore_ascii_case(name));
        headers.map(|(_, value)| value.as_str())
    }

    pub(crate) fn location(&self) -> Option<&str> {
        self.headers("Location").next().filter(|_| self.status == Status::SeeOther)
    }

    /// The response in one line, for a failure message.
    pub(crate) fn brief(&self) -> String {
        let words = Html::parse(&self.body).text;
        format!("{} {:?} {words:?}", self.status, self.location())
    }

    pub(crate) fn sets_session(&self) -> bool {
        self.headers("Set-Cookie").any(|cookie| cookie.starts_with(SESSION))
    }
}

/// A user with a browser, who signs in at the provider under this name.
pub(crate) struct Person {
    pub(crate) name: &'static str,
    pub(crate) jar: BTreeMap<String, String>,
}

impl Person {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, jar: BTreeMap::new() }
    }

    pub(crate) async fn get(&mut self, app: &App, uri: &str) -> Answer {
        self.ask(app, uri, "text/html").await
    }

    /// Calls a route of the app that calls the provider's API.
    pub(crate) async fn call(&mut self, app: &App) -> Answer {
        self.ask(app, "/whoami", "application/json").await
    }

    async fn ask(&mut self, app: &App, uri: &str, accept: &'static str) -> Answer {
        let mut request = app.client.get(uri.to_owned()).header(Header::new("Accept", accept));
        for (name, value) in &self.jar {
            request = request.cookie((name.clone(), value.clone()));
        }
        let response = request.dispatch().await;
        let headers = response.headers().iter();
        let headers = headers.map(|header| (header.name().to_string(), header.value().to_owned())).collect();
        let status = response.status();
        let answer = Answer { status, headers, body: response.into_string().await.unwrap_or_default() };
        for cookie in answer.headers("Set-Cookie") {
            let cookie = Cookie::parse_encoded(cookie.to_owned()).unwrap();
            let gone = cookie.max_age().is_some_and(|age| age <= rocket::time::Duration::ZERO);
            match gone {
                true => self.jar.remove(cookie.name()),
                false => self.jar.insert(cookie.name().to_owned(), cookie.value().to_owned()),
            };
        }
        answer
    }

    /// Begins and approves at the provider. Returns the callback, or the response of a begin that failed.
    pub(crate) async fn ride(&mut self, app: &App, provider: &Provider) -> Result<String, Answer> {
        let begin = self.get(app, "/login/op").await;
        let Some(authorization) = begin.location() else { return Err(begin) };
        let authorization = Url::parse(authorization).unwrap();
        let mut browser = Browser::new();
        browser.stops_at = Some(Url::parse(CALLBACK).unwrap().origin());
        let page = browser.open(&authorization).await;
        let origin = authorization.origin();
        let back = provider.consent_at(&origin, &mut browser, page, self.name).await;
        Ok(back.location().expect("a callback")[Position::BeforePath..].to_owned())
    }

    /// Signs in and returns the app's last response.
    pub(crate) async fn sign_in(&mut self, app: &App, provider: &Provider) -> Answer {
        match self.ride(app, provider).await {
            Ok(callback) => self.get(app, &callback).await,
            Err(begin) => begin,
        }
    }

    /// The user who is signed in, as the app sees it.
    pub(crate) async fn user(&mut self, app: &App) -> Option<String> {
        let answer = self.get(app, "/me").await;
        (answer.status == Status::Ok).then_some(answer.body)
    }
}
