//! The app under test with accounts in memory, and its routes.

use std::collections::BTreeMap;

use rocket::figment::Figment;
use rocket::figment::providers::Serialized;
use rocket::http::{Accept, ContentType, CookieJar, Header, Status};
use rocket::local::asynchronous::{Client, LocalResponse};
use rocket::request::FlashMessage;
use rocket::serde::json::{Json, Value};
use rocket::{Build, Config, Rocket, State, get, post, routes};
use rocket_dance::provider::Provider;
use rocket_dance::storage::MemoryStorage;
use rocket_dance::testing::{FakeProvider, ProviderEndpoint};
use rocket_dance::{Accounts, CurrentUser, Dance, DanceFairing, OAuth, PendingSignUp, Result};
use test_support::Watchdog;

/// `[default.oauth.op]`.
pub struct Op;

impl Provider for Op {
    const NAME: &'static str = "op";
}

#[get("/guarded")]
async fn guarded(op: OAuth<Op>) -> Result<String> {
    Ok(op.userinfo().await?["sub"].as_str().unwrap_or_default().to_owned())
}

/// The provider's API, for an entry without userinfo.
#[get("/api")]
async fn api(op: OAuth<Op>) -> Result<String> {
    op.get("me").text().await
}

#[get("/me")]
fn me(user: CurrentUser<i32>) -> String {
    user.to_string()
}

/// What a `dbg!` left in an app would print.
#[get("/debug")]
async fn debug(op: OAuth<Op>, accounts: Accounts, user: CurrentUser<i32>, dance: &State<Dance>) -> String {
    let request = op.get("me");
    format!("{op:?} {accounts:?} {user:?} {request:?} {dance:?}")
}

/// A 401 of the app, after an optional guard that found no account.
#[get("/own-401")]
fn own_401(_op: Option<OAuth<Op>>) -> Status {
    Status::Unauthorized
}

#[post("/enter/<user>")]
fn enter(user: i32, jar: &CookieJar<'_>) {
    CurrentUser::sign_in(jar, &user);
}

#[post("/leave")]
fn leave(jar: &CookieJar<'_>) {
    CurrentUser::sign_out(jar);
}

#[get("/accounts")]
fn accounts(accounts: Accounts) -> String {
    accounts.iter().map(|account| format!("{} {:?}\n", account.entry, account.provider_user_id)).collect()
}

/// The flash message, if there is one.
#[get("/flash")]
fn flash(message: Option<FlashMessage<'_>>) -> String {
    message.map(|message| format!("{}: {}", message.kind(), message.message())).unwrap_or_default()
}

/// The app's own page of a sign-up that asks, as a template would read it.
#[get("/welcome")]
fn welcome(pending: PendingSignUp) -> Json<PendingSignUp> {
    Json(pending)
}

/// A catch-all route of the app.
#[get("/<_..>", rank = 20)]
pub fn catch_all() -> &'static str {
    "the app's own page"
}

/// The configuration of a test. It does not read the project's Rocket.toml.
pub fn figment(fake: &FakeProvider) -> Figment {
    Figment::from(Config { log_level: rocket::config::LogLevel::Off, ..Config::debug_default() })
        .merge(Serialized::default("secret_key", "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk="))
        .merge(fake.config("op"))
        .merge(fake.config("op2"))
}

/// Returns an app with the routes above.
pub fn rocket(figment: Figment, dance: DanceFairing) -> Rocket<Build> {
    rocket::custom(figment)
        .attach(dance)
        .mount("/", routes![flash, guarded, api, me, debug, own_401, enter, leave, accounts, welcome])
        .register("/", rocket_dance::catchers())
}

/// An app with its only browser and its provider.
pub struct App {
    pub client: Client,
    pub fake: FakeProvider,
    _watchdog: Watchdog,
}

impl App {
    /// Launches an app with accounts in memory.
    pub async fn in_memory() -> Self {
        let fake = FakeProvider::start().await;
        let figment = figment(&fake);
        Self::new(fake, figment, Dance::fairing().storage(MemoryStorage::default())).await
    }

    pub async fn new(fake: FakeProvider, figment: Figment, dance: DanceFairing) -> Self {
        let client = Client::tracked(rocket(figment, dance)).await.expect("the app launches");
        Self::of(client, fake)
    }

    /// An app that is launched already.
    pub fn of(client: Client, fake: FakeProvider) -> Self {
        Self { client, fake, _watchdog: Watchdog::start() }
    }

    pub async fn get(&self, uri: &str) -> LocalResponse<'_> {
        self.client.get(uri.to_owned()).dispatch().await
    }

    pub async fn json(&self, uri: &str) -> (Status, Value) {
        let response = self.client.get(uri.to_owned()).header(Accept::JSON).dispatch().await;
        (response.status(), response.into_json().await.unwrap_or_default())
    }

    /// Posts a form as one of the library's pages would, with the CSRF token.
    pub async fn post(&self, uri: &str, fields: &[(&str, &str)]) -> LocalResponse<'_> {
        let (_, accounts) = self.json("/login/accounts").await;
        let csrf = accounts["csrf"].as_str().unwrap_or_default().to_owned();
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        form.append_pair("csrf", &csrf).extend_pairs(fields);
        self.client.post(uri.to_owned()).header(ContentType::Form).body(form.finish()).dispatch().await
    }

    /// Begins at `uri` and returns the authorization URL.
    pub async fn begin(&self, uri: &str) -> String {
        let response = self.get(uri).await;
        assert_eq!(response.status(), Status::SeeOther, "{uri} begins");
        location(&response)
    }

    /// Begins at `uri`, approves at the provider, and returns path and query of the callback.
    pub async fn callback(&self, uri: &str) -> String {
        let authorization = self.begin(uri).await;
        path_and_query(&self.fake.authorize(&authorization).await)
    }

    pub async fn sign_in_as(&self, user: i32) {
        let response = self.client.post(format!("/enter/{user}")).dispatch().await;
        assert_eq!(response.status(), Status::Ok);
    }

    /// The browser's cookies by name.
    pub fn cookies(&self) -> BTreeMap<String, String> {
        let jar = self.client.cookies();
        jar.iter().map(|cookie| (cookie.name().to_owned(), cookie.value().to_owned())).collect()
    }

    pub fn token_calls(&self) -> usize {
        self.fake.request_count(ProviderEndpoint::Token)
    }
}

pub fn location(response: &LocalResponse<'_>) -> String {
    response.headers().get_one("Location").expect("a redirect has a Location").to_owned()
}

pub fn path_and_query(url: &str) -> String {
    let url = url::Url::parse(url).expect("an absolute URL");
    url[url::Position::BeforePath..].to_owned()
}

/// The header that a browser sends with a form of another site.
pub fn cross_site() -> Header<'static> {
    Header::new("Sec-Fetch-Site", "cross-site")
}
