//! A house with a database of its own, any number of browsers before it, and the one assertion that every refused
//! request goes through.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use diesel::prelude::*;
use diesel::{SqliteConnection, sql_query};
use rocket::figment::Figment;
use rocket::http::{ContentType, Cookie, Header, Method, Status};
use rocket::local::asynchronous::Client;
use rocket_dance::storage::DieselStorage;
use rocket_dance::testing::{FakeProvider, FakeResponse as Scripted, ProviderEndpoint};
use rocket_dance::{Dance, DanceFairing, Login, Result, Standing, Verdict};
use serde_json::Value;
use tempfile::TempDir;
use url::form_urlencoded::{Serializer, parse};

use crate::app::{figment, rocket};
pub(crate) use crate::ear::{listen, log};
use crate::sqlite;

pub(crate) const SESSION: &str = "rocket_dance_session";
pub(crate) const FLOW: &str = "rocket_dance_flow_";
pub(crate) const CSRF: &str = "rocket_dance_csrf";
pub(crate) const DONE: &str = "rocket_dance_done";

diesel::table! {
    users (id) {
        id -> Integer,
        name -> Text,
    }
}

/// Strangers are signed up.
pub(crate) fn sign_up(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
    match &login.standing {
        Standing::Stranger => {
            let name = users::name.eq(login.profile.display_name().to_owned());
            let id = diesel::insert_into(users::table).values(name).returning(users::id).get_result(conn)?;
            Ok(Verdict::SignUp(id))
        }
        _ => Ok(login.default_verdict()),
    }
}

/// One process of an app with accounts in SQLite; clones are the same process.
#[derive(Clone)]
pub(crate) struct House {
    client: Arc<Client>,
    pub(crate) fake: Arc<FakeProvider>,
    folder: Arc<TempDir>,
    tokens: Arc<Mutex<Vec<String>>>,
}

impl House {
    pub(crate) async fn open() -> Self {
        Self::with(|figment| figment).await
    }

    pub(crate) async fn with(configure: impl FnOnce(Figment) -> Figment) -> Self {
        Self::built(configure, |dance| dance).await
    }

    pub(crate) async fn built(
        configure: impl FnOnce(Figment) -> Figment,
        attach: impl FnOnce(DanceFairing) -> DanceFairing,
    ) -> Self {
        listen();
        let fake = FakeProvider::start().await;
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("app.sqlite");
        let mut conn = SqliteConnection::establish(&file.display().to_string()).expect("a database");
        let users = "create table users (id integer primary key autoincrement, name text not null)";
        sql_query(users).execute(&mut conn).expect("a table");
        let tokens: Arc<Mutex<Vec<String>>> = Arc::default();
        for endpoint in [ProviderEndpoint::Token, ProviderEndpoint::RequestToken] {
            let seen = tokens.clone();
            let remember = move |answer: &mut Value| {
                let tokens =
                    ["access_token", "refresh_token", "id_token", "oauth_token", "oauth_token_secret"];
                let tokens = tokens.iter().filter_map(|name| answer[name].as_str().map(str::to_owned));
                seen.lock().unwrap_or_else(PoisonError::into_inner).extend(tokens);
            };
            fake.respond_always(endpoint, Scripted::edit(remember));
        }
        Self::launch(Arc::new(fake), Arc::new(folder), tokens, configure, attach).await
    }

    async fn launch(
        fake: Arc<FakeProvider>,
        folder: Arc<TempDir>,
        tokens: Arc<Mutex<Vec<String>>>,
        configure: impl FnOnce(Figment) -> Figment,
        attach: impl FnOnce(DanceFairing) -> DanceFairing,
    ) -> Self {
        let url = folder.path().join("app.sqlite").display().to_string();
        let figment = configure(figment(&fake).merge(("databases.app.url", url)));
        let dance = Dance::fairing().storage(DieselStorage::database("app").migrate().link(sign_up));
        let client = Client::untracked(rocket(figment, attach(dance))).await.expect("the app launches");
        Self { client: Arc::new(client), fake, folder, tokens }
    }

    /// The same database, keys and provider in another process, or after a restart.
    pub(crate) async fn again(&self, configure: impl FnOnce(Figment) -> Figment) -> Self {
        let (fake, folder, tokens) = (self.fake.clone(), self.folder.clone(), self.tokens.clone());
        Self::launch(fake, folder, tokens, configure, |dance| dance).await
    }

    /// The same, built in another way.
    pub(crate) async fn rebuilt(&self, attach: impl FnOnce(DanceFairing) -> DanceFairing) -> Self {
        let (fake, folder, tokens) = (self.fake.clone(), self.folder.clone(), self.tokens.clone());
        Self::launch(fake, folder, tokens, |figment| figment, attach).await
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser { house: self.clone(), jar: BTreeMap::new() }
    }

    /// Our routes: path and method.
    pub(crate) fn routes(&self) -> Vec<(String, Method)> {
        let ours =
            |route: &&rocket::Route| route.name.as_ref().is_some_and(|name| name.starts_with("oauth "));
        let routes = self.client.rocket().routes().filter(ours);
        routes.map(|route| (route.uri.to_string(), route.method)).collect()
    }

    pub(crate) fn dance(&self) -> &Dance {
        Dance::fetch(self.client.rocket()).expect("the fairing is attached")
    }

    pub(crate) fn advance(&self, seconds: i64) {
        self.dance().advance(seconds);
    }

    /// Every token that the provider handed out, in order: of a sign-in access, refresh and ID token.
    pub(crate) fn tokens(&self) -> Vec<String> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn token_calls(&self) -> usize {
        self.fake.request_count(ProviderEndpoint::Token)
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("app.sqlite")
    }

    /// Every row of every table, as text; but for the callbacks that are used up.
    pub(crate) fn rows(&self) -> String {
        sqlite::dump(&self.file(), |table| table != "oauth_claims")
    }

    /// Every callback that is used up, as text.
    pub(crate) fn claims(&self) -> String {
        sqlite::dump(&self.file(), |table| table == "oauth_claims")
    }

    pub(crate) fn count(&self, table: &str) -> usize {
        sqlite::count(&self.file(), table)
    }

    /// Everything so far that nobody may see.
    fn secrets(&self) -> Vec<(&'static str, String)> {
        let mut secrets = vec![
            ("client secret", self.fake.client_secret().to_owned()),
            ("secret key", "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk=".to_owned()),
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
                secrets.extend(from.map(|value| (kind, value.clone())));
            }
        }
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        secrets.extend(tokens.iter().map(|token| ("token", token.clone())));
        secrets
    }

    /// Fails if `text` holds a secret, in whatever spelling.
    pub(crate) fn assert_no_secret(&self, place: &str, text: &str, more: &[(&'static str, String)]) {
        for (kind, secret) in self.secrets().iter().chain(more).filter(|(_, secret)| secret.len() >= 8) {
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            assert!(!text.contains(secret.as_str()) && !text.contains(&encoded), "{kind} in {place}: {text}");
        }
    }
}

/// A request of a browser.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    method: Method,
    uri: String,
    headers: Vec<(&'static str, String)>,
    form: Option<String>,
}

impl Ask {
    pub(crate) fn new(method: Method, uri: &str) -> Self {
        Self { method, uri: uri.to_owned(), headers: Vec::new(), form: None }
    }

    pub(crate) fn get(uri: &str) -> Self {
        Self::new(Method::Get, uri)
    }

    pub(crate) fn post(uri: &str, fields: &[(&str, &str)]) -> Self {
        let form = Serializer::new(String::new()).extend_pairs(fields).finish();
        Self { form: Some(form), ..Self::new(Method::Post, uri) }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// The value of a field of its form.
    pub(crate) fn field(&self, name: &str) -> String {
        let form = self.form.clone().unwrap_or_default();
        let found = parse(form.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        found.unwrap_or_default()
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: Status,
    headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        headers.next().map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub(crate) fn location(&self) -> &str {
        assert_eq!(self.status, Status::SeeOther, "{self:?}");
        self.header("Location").expect("a redirect has a Location")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    fn set_cookies(&self) -> impl Iterator<Item = Cookie<'static>> {
        let headers = self.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Set-Cookie"));
        headers.map(|(_, value)| Cookie::parse_encoded(value.clone()).expect("a cookie"))
    }

    /// Whether it says anything about the session.
    pub(crate) fn sets(&self, name: &str) -> bool {
        self.set_cookies().any(|cookie| cookie.name() == name)
    }
}

/// A browser: a cookie jar.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) house: House,
    pub(crate) jar: BTreeMap<String, String>,
}

impl Browser {
    /// Asks, and keeps its cookies as they are.
    pub(crate) async fn peek(&self, ask: &Ask) -> Answer {
        let mut request = self.house.client.req(ask.method, ask.uri.clone());
        for (name, value) in &self.jar {
            request = request.cookie((name.clone(), value.clone()));
        }
        for (name, value) in &ask.headers {
            request = request.header(Header::new(*name, value.clone()));
        }
        if let Some(form) = &ask.form {
            let kind = ask.headers.iter().any(|(name, _)| *name == "Content-Type");
            request = if kind { request } else { request.header(ContentType::Form) }.body(form);
        }
        let response = request.dispatch().await;
        let status = response.status();
        let headers = response.headers().iter();
        let headers = headers.map(|header| (header.name().to_string(), header.value().to_owned())).collect();
        Answer { status, headers, body: response.into_string().await.unwrap_or_default() }
    }

    /// Asks, as a browser does.
    pub(crate) async fn ask(&mut self, ask: &Ask) -> Answer {
        let answer = self.peek(ask).await;
        for cookie in answer.set_cookies() {
            let gone = cookie.max_age().is_some_and(|age| age <= rocket::time::Duration::ZERO);
            match gone {
                true => self.jar.remove(cookie.name()),
                false => self.jar.insert(cookie.name().to_owned(), cookie.value().to_owned()),
            };
        }
        answer
    }

    pub(crate) async fn get(&mut self, uri: &str) -> Answer {
        self.ask(&Ask::get(uri)).await
    }

    /// The CSRF token of this browser's pages; a new browser gets its cookie with it.
    pub(crate) async fn csrf(&mut self) -> String {
        let page = self.ask(&Ask::get("/login/accounts").header("Accept", "application/json")).await;
        page.json()["csrf"].as_str().unwrap_or_default().to_owned()
    }

    /// Posts one of our own forms.
    pub(crate) async fn post(&mut self, uri: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf().await;
        let fields = [&[("csrf", csrf.as_str())], fields].concat();
        self.ask(&Ask::post(uri, &fields)).await
    }

    /// Signs in with the app's own form.
    pub(crate) async fn enter(&mut self, user: i32) {
        self.ask(&Ask::new(Method::Post, &format!("/enter/{user}"))).await;
        assert_eq!(self.user().await, Some(user));
    }

    pub(crate) async fn leave(&mut self) {
        assert_eq!(self.post("/login/logout", &[]).await.status, Status::SeeOther);
        assert_eq!(self.user().await, None);
    }

    /// Who is signed in, as the app sees it.
    pub(crate) async fn user(&self) -> Option<i32> {
        let answer = self.peek(&Ask::get("/me")).await;
        (answer.status == Status::Ok).then(|| answer.body.parse().expect("an id"))
    }

    /// Begins, and gives the authorization URL.
    pub(crate) async fn begin(&mut self, uri: &str) -> String {
        self.get(uri).await.location().to_owned()
    }

    /// Begins, says yes at the provider, and gives the callback.
    pub(crate) async fn ride(&mut self, uri: &str) -> String {
        let authorization = self.begin(uri).await;
        self.house.approve(&authorization).await
    }

    /// The same, signed in.
    pub(crate) async fn ride_to_connect(&mut self, uri: &str) -> String {
        let authorization = self.post(uri, &[]).await.location().to_owned();
        self.house.approve(&authorization).await
    }

    /// Signs in, and gives the callback that did it.
    pub(crate) async fn sign_in(&mut self, entry: &str) -> String {
        let callback = self.ride(&format!("/login/{entry}")).await;
        assert_eq!(self.get(&callback).await.location(), "/");
        assert!(self.user().await.is_some());
        callback
    }

    pub(crate) fn flows(&self) -> Vec<(String, String)> {
        let flows = self.jar.iter().filter(|(name, _)| name.starts_with(FLOW));
        flows.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
}

impl House {
    pub(crate) async fn approve(&self, authorization: &str) -> String {
        crate::app::path_and_query(&self.fake.authorize(authorization).await)
    }
}

/// The value of a parameter in the query of `uri`.
pub(crate) fn param(uri: &str, name: &str) -> Option<String> {
    let query = uri.split_once('?').map_or("", |(_, query)| query);
    parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// `uri` with another value of a parameter, or without it.
pub(crate) fn with(uri: &str, name: &str, value: Option<&str>) -> String {
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    let kept = parse(query.as_bytes()).filter(|(key, _)| key != name);
    let mut query = Serializer::new(String::new());
    query.extend_pairs(kept);
    if let Some(value) = value {
        query.append_pair(name, value);
    }
    format!("{path}?{}", query.finish())
}

/// How a request is refused.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refused {
    pub(crate) status: Status,
    pub(crate) code: &'static str,
    /// How many token calls it may come to.
    pub(crate) token_calls: usize,
}

pub(crate) const NOT_TRUSTED: Refused =
    Refused { status: Status::BadRequest, code: "callback_not_trusted", token_calls: 0 };

impl Refused {
    /// Refused only after the provider's token endpoint was asked.
    pub(crate) const fn after_exchange(self) -> Self {
        Self { token_calls: 1, ..self }
    }

    pub(crate) const fn new(status: Status, code: &'static str) -> Self {
        Self { status, code, token_calls: 0 }
    }
}

/// What holds for every refused request, whatever the cause.
pub(crate) async fn refused(browser: &mut Browser, ask: &Ask, expected: Refused) -> Answer {
    let house = browser.house.clone();
    let (rows, calls, user) = (house.rows(), house.token_calls(), browser.user().await);
    let session = browser.jar.get(SESSION).cloned();

    let answer = browser.ask(ask).await;

    assert_eq!(answer.status, expected.status, "{ask:?}: {answer:?}");
    assert!(!answer.sets(SESSION), "the session is not touched: {ask:?}: {answer:?}");
    assert_eq!(browser.jar.get(SESSION), session.as_ref());
    assert_eq!(browser.user().await, user, "who is signed in stays: {ask:?}");
    assert_eq!(house.rows(), rows, "the database stays: {ask:?}");
    assert_eq!(house.token_calls() - calls, expected.token_calls, "token calls: {ask:?}");
    assert_guarded(&answer);

    let own = ["state", "code", "oauth_token", "oauth_verifier", "denied"].into_iter().flat_map(|name| {
        let values = [param(&ask.uri, name), Some(ask.field(name))];
        values.into_iter().flatten().map(move |value| (name, value))
    });
    let own: Vec<_> = own.collect();
    house.assert_no_secret("an answer", &format!("{answer:?}"), &own);
    if let Some(log) = log() {
        house.assert_no_secret("the log", &log, &own);
    }

    let is_head = ask.form.as_ref().is_some_and(|form| form.starts_with("_method=head"));
    if ask.method != Method::Head && !is_head {
        assert!(answer.body.contains(expected.code), "{ask:?}: {answer:?}");
    }
    if expected.code == NOT_TRUSTED.code && !answer.body.starts_with('{') {
        // One page for all causes: an attacker learns nothing from it.
        let mut any = house.browser().peek(&Ask::get("/login/op/authorized")).await;
        if any.status == Status::MethodNotAllowed {
            any = house.browser().peek(&Ask::post("/login/op/authorized", &[])).await;
        }
        assert_eq!((any.status, any.body), (answer.status, answer.body.clone()), "{ask:?}");
    }
    answer
}

/// The headers that every page of ours has.
pub(crate) fn assert_guarded(answer: &Answer) {
    assert_eq!(answer.header("Cache-Control"), Some("no-store"), "{answer:?}");
    assert_eq!(answer.header("Referrer-Policy"), Some("no-referrer"), "{answer:?}");
    assert_eq!(answer.header("X-Frame-Options"), Some("DENY"), "{answer:?}");
    assert_eq!(answer.header("X-Content-Type-Options"), Some("nosniff"), "{answer:?}");
    let vary = answer.header("Vary").unwrap_or_default();
    assert!(vary.contains("Cookie") && vary.contains("Accept"), "{answer:?}");
    let policy = answer.header("Content-Security-Policy").unwrap_or_default();
    assert!(policy.contains("frame-ancestors 'none'") && policy.contains("default-src 'none'"), "{answer:?}");
    assert!(!policy.contains("unsafe") && !policy.contains("http"), "{answer:?}");
}
