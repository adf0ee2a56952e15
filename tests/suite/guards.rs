//! The guards and the catcher.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rocket::http::{Accept, Status};
use rocket::local::asynchronous::Client;
use rocket::request::{FromRequest, Outcome};
use rocket::serde::json::{Json, Value};
use rocket::{Request, catch, catchers, get, post, routes};
use rocket_dance::provider::Provider;
use rocket_dance::storage::{Account, AccountKey, MemoryStorage, Storage};
use rocket_dance::testing::{FakeProvider, sign_in};
use rocket_dance::{Accounts, Dance, Error, OAuth, Result, UnauthorizedResponse};
use serde_json::json;

use crate::app::{App, Op, figment, location, rocket};

/// A storage that can be switched off.
#[derive(Default)]
pub struct Switched {
    storage: MemoryStorage,
    off: Arc<AtomicBool>,
}

impl Switched {
    pub fn new() -> (Self, Arc<AtomicBool>) {
        let storage = Self::default();
        let off = storage.off.clone();
        (storage, off)
    }

    fn on(&self) -> Result<&MemoryStorage> {
        match self.off.load(Ordering::SeqCst) {
            true => Err(Error::storage("the plug is out")),
            false => Ok(&self.storage),
        }
    }
}

#[rocket::async_trait]
impl Storage for Switched {
    async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
        self.on()?.get(key).await
    }

    async fn set(&self, account: &Account) -> Result<()> {
        self.on()?.set(account).await
    }

    async fn delete(&self, key: &AccountKey) -> Result<()> {
        self.on()?.delete(key).await
    }
}

struct Op2;

impl Provider for Op2 {
    const NAME: &'static str = "op2";
}

/// A guard of the app that uses one of the library's guards.
struct Mine;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Mine {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        match request.guard::<OAuth<Op>>().await {
            Outcome::Success(_) => Outcome::Success(Mine),
            Outcome::Forward(status) => Outcome::Forward(status),
            Outcome::Error((status, _)) => Outcome::Error((status, ())),
        }
    }
}

#[get("/mine")]
fn mine(_mine: Mine) -> &'static str {
    "mine"
}

#[post("/guarded")]
fn guarded_post(_op: OAuth<Op>) -> &'static str {
    "posted"
}

#[get("/guarded2")]
fn guarded2(op: OAuth<Op2>) -> String {
    op.entry().to_owned()
}

#[get("/maybe")]
fn maybe(op: Option<OAuth<Op>>) -> &'static str {
    if op.is_some() { "some" } else { "none" }
}

#[get("/result")]
fn result(op: Result<OAuth<Op>, Error>) -> String {
    op.map_or_else(|error| error.kind().code().to_owned(), |_| "ok".to_owned())
}

#[get("/falls", rank = 1)]
fn falls(_op: OAuth<Op>) -> &'static str {
    "connected"
}

#[get("/falls", rank = 2)]
fn fallen() -> Status {
    Status::Unauthorized
}

#[get("/no-guard-401")]
fn no_guard_401() -> Status {
    Status::Unauthorized
}

#[get("/context")]
pub fn context(accounts: Accounts) -> Json<Value> {
    Json(serde_json::to_value(accounts).expect("it serializes"))
}

#[get("/methods")]
fn methods(accounts: Accounts) -> Json<Value> {
    let code =
        |entry: &str| accounts.require_client(entry).map_or_else(|error| error.kind().code(), |_| "ok");
    Json(json!({
        "oauth": accounts.oauth(Op).is_some(), "client": accounts.client("op").is_some(),
        "require": code("op"), "unknown": code("nowhere"), "at": accounts.for_entry("op").len(),
        "at_unknown": accounts.for_entry("nowhere").len(), "iter": accounts.iter().count(),
        "uri": accounts.login_uri("op", "/methods?a=1&b=2"), "evil": accounts.login_uri("op", "//evil.example"),
        "loop": accounts.login_uri("op", "/login/logout"),
    }))
}

pub(crate) async fn app(storage: impl Storage) -> App {
    let fake = FakeProvider::start().await;
    let figment = figment(&fake).merge(("dance.cache", false));
    let rocket = rocket(figment, Dance::fairing().storage(storage)).mount(
        "/",
        routes![mine, guarded_post, guarded2, maybe, result, no_guard_401, falls, fallen, context, methods],
    );
    App::of(Client::tracked(rocket).await.expect("the app launches"), fake)
}

async fn connected() -> (App, Arc<AtomicBool>) {
    let (storage, off) = Switched::new();
    let app = app(storage).await;
    app.sign_in_as(7).await;
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    (app, off)
}

#[rocket::async_test]
async fn a_401_of_ours_leads_to_that_providers_sign_in_and_back() {
    let app = app(MemoryStorage::default()).await;
    for (uri, to) in [
        ("/guarded", "/login/op?next=%2Fguarded"),
        ("/guarded?a=1&b=%2F2", "/login/op?next=%2Fguarded%3Fa%3D1%26b%3D%252F2"),
        ("/guarded2", "/login/op2?next=%2Fguarded2"),
        ("/mine", "/login/op?next=%2Fmine"),
        ("/me", "/login?next=%2Fme"),
    ] {
        let response = app.get(uri).await;
        assert_eq!((response.status(), location(&response).as_str()), (Status::SeeOther, to), "{uri}");
        assert_eq!(response.headers().get_one("Cache-Control"), Some("no-store"));
    }
    let any = app.client.get("/guarded").header(Accept::Any).dispatch().await;
    assert_eq!(any.status(), Status::SeeOther, "`*/*` is not JSON");

    let (status, json) = app.json("/guarded").await;
    assert_eq!(status, Status::Unauthorized);
    assert_eq!(json["error"]["code"], "not_signed_in");
    assert_eq!(json["error"]["message"], "Please sign in.");
    assert_eq!(json["error"]["login_url"], "/login/op?next=%2Fguarded");
    app.sign_in_as(7).await;
    let (status, json) = app.json("/guarded").await;
    assert_eq!((status, &json["error"]["code"]), (Status::Unauthorized, &json!("not_connected")));
    assert_eq!(json["error"]["message"], "Please connect your account.");

    for accept in [Accept::HTML, Accept::JSON] {
        let posted = app.client.post("/guarded").header(accept).dispatch().await;
        assert_eq!(posted.status(), Status::Unauthorized, "a form is not sent elsewhere");
        assert_eq!(posted.headers().get_one("Location"), None);
    }
}

#[rocket::async_test]
async fn an_entry_only_for_connecting_signs_no_user_in() {
    let fake = FakeProvider::start().await;
    let figment = figment(&fake).merge(("oauth.op.login", false));
    let app = App::new(fake, figment, Dance::fairing().storage(MemoryStorage::default())).await;
    assert_eq!(location(&app.get("/guarded").await), "/login?next=%2Fguarded");
    let refused = app.get("/login/op").await;
    assert_eq!(refused.status(), Status::Forbidden);
    assert!(refused.cookies().iter().next().is_none());
    assert!(!app.get("/login").await.into_string().await.expect("a page").contains("/login/op\""));
    // A user who is signed in can connect there.
    app.sign_in_as(7).await;
    assert_eq!(location(&app.get("/guarded").await), "/login/op?next=%2Fguarded");
    let page = app.get("/login/op?next=/guarded").await;
    assert_eq!(page.status(), Status::Ok);
    assert!(page.into_string().await.expect("a page").contains("name=\"csrf\""));
}

#[rocket::async_test]
async fn a_401_of_the_apps_own_stays_the_apps() {
    let app = app(MemoryStorage::default()).await;
    for uri in ["/own-401", "/no-guard-401", "/falls"] {
        let response = app.get(uri).await;
        assert_eq!(response.status(), Status::Unauthorized, "{uri}");
        assert_eq!(response.headers().get_one("Location"), None, "{uri}");
        let (status, json) = app.json(uri).await;
        assert_eq!(
            (status, &json["error"]["reason"]),
            (Status::Unauthorized, &json!("Unauthorized")),
            "{uri}"
        );
    }
}

#[catch(401)]
fn own_catcher(request: &Request<'_>) -> Result<UnauthorizedResponse, &'static str> {
    rocket_dance::unauthorized_response(request).ok_or("Who are you?")
}

#[rocket::async_test]
async fn unauthorized_serves_a_catcher_of_the_apps_own() {
    let fake = FakeProvider::start().await;
    let rocket = rocket::custom(figment(&fake))
        .attach(Dance::fairing().storage(MemoryStorage::default()))
        .mount("/", routes![mine, no_guard_401])
        .register("/", catchers![own_catcher]);
    let client = Client::tracked(rocket).await.expect("the app launches");
    let ours = client.get("/mine").dispatch().await;
    assert_eq!(ours.headers().get_one("Location"), Some("/login/op?next=%2Fmine"));
    let own = client.get("/no-guard-401").dispatch().await;
    assert_eq!(own.into_string().await.as_deref(), Some("Who are you?"));
}

#[rocket::async_test]
async fn an_outage_of_the_store_looks_like_one() {
    let (app, off) = connected().await;
    assert_eq!(app.get("/guarded").await.into_string().await.as_deref(), Some("ada"));
    let before = app.cookies();
    off.store(true, Ordering::SeqCst);
    for uri in ["/guarded", "/mine", "/accounts", "/context", "/login/accounts"] {
        let response = app.get(uri).await;
        assert_eq!(response.status(), Status::ServiceUnavailable, "{uri}");
        assert_eq!(response.headers().get_one("Location"), None, "{uri}");
        let body = response.into_string().await.unwrap_or_default();
        assert!(!body.contains("plug is out"), "the cause is for the log: {body}");
        assert_eq!(app.json(uri).await.0, Status::ServiceUnavailable, "{uri}");
    }
    // An `Option` does not distinguish the two; a `Result` does.
    assert_eq!(app.get("/maybe").await.into_string().await.as_deref(), Some("none"));
    assert_eq!(app.get("/result").await.into_string().await.as_deref(), Some("store_unavailable"));
    assert_eq!(app.cookies(), before, "no user is signed out");
    off.store(false, Ordering::SeqCst);
    for (uri, says) in [("/guarded", "ada"), ("/maybe", "some"), ("/result", "ok")] {
        assert_eq!(app.get(uri).await.into_string().await.as_deref(), Some(says));
    }
}

#[rocket::async_test]
async fn cb_14_a_callback_during_an_outage_costs_nothing() {
    let (storage, off) = Switched::new();
    let app = app(storage).await;
    app.sign_in_as(7).await;
    let begun = app.post("/login/op", &[]).await;
    let callback = crate::app::path_and_query(&app.fake.authorize(&location(&begun)).await);
    let before = app.cookies();
    off.store(true, Ordering::SeqCst);
    let ended = app.get(&callback).await;
    assert_eq!(ended.status(), Status::ServiceUnavailable);
    assert_eq!(app.get("/me").await.into_string().await.as_deref(), Some("7"), "still signed in");
    assert_eq!(app.cookies()[crate::harness::SESSION], before[crate::harness::SESSION]);
    off.store(false, Ordering::SeqCst);
    assert_eq!(app.get("/maybe").await.into_string().await.as_deref(), Some("none"), "nothing is stored");
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther, "a second time");
}

#[rocket::async_test]
async fn accounts_serialise_for_templates() {
    let (app, _) = connected().await;
    let (_, context) = app.json("/context").await;
    let entry = |name: &str| {
        let entries = context["entries"].as_array().expect("entries");
        entries.iter().find(|entry| entry["name"] == name).expect("an entry").clone()
    };
    let op = entry("op");
    assert_eq!(op["verb"], "Reconnect");
    assert_eq!((&op["action"], &op["disconnect"]), (&json!("/login/op"), &json!("/login/op/disconnect")));
    assert_eq!(op["accounts"][0]["provider_user_id"], "ada");
    assert!(op["accounts"][0]["id"].is_i64() && op["accounts"][0]["display_name"].is_string());
    assert_eq!((&entry("op2")["verb"], &entry("op2")["accounts"]), (&json!("Connect"), &json!([])));
    assert_eq!(context["signed_in"], true);
    assert_eq!(context["accounts_url"], "/login/accounts");
    assert_eq!(context["logout_url"], "/login/logout");
    assert_eq!(context["logout_everywhere_url"], json!(null), "this storage keeps no sessions");
    // The CSRF field for the app's own forms works.
    let csrf = context["csrf"].as_str().expect("a token");
    let posted = app
        .client
        .post("/login/op/disconnect")
        .header(rocket::http::ContentType::Form)
        .body(format!("csrf={csrf}"))
        .dispatch()
        .await;
    assert_eq!((posted.status(), location(&posted).as_str()), (Status::SeeOther, "/login/accounts"));

    let text = context.to_string();
    assert!(!text.contains("token") && !text.contains("refresh"), "{text}");
    let stranger = self::app(MemoryStorage::default()).await;
    let (status, context) = stranger.json("/context").await;
    assert_eq!((status, &context["signed_in"]), (Status::Ok, &json!(false)));
    assert_eq!(context["entries"][0]["verb"], "Sign in with");
}

#[rocket::async_test]
async fn accounts_answer_for_one_entry_or_all() {
    let (app, _) = connected().await;
    let (_, methods) = app.json("/methods").await;
    assert_eq!(
        methods,
        json!({
            "oauth": true, "client": true, "require": "ok", "unknown": "unknown_provider", "at": 1, "at_unknown": 0,
            "iter": 1, "uri": "/login/op?next=%2Fmethods%3Fa%3D1%26b%3D2", "evil": "/login/op", "loop": "/login/op",
        })
    );
    app.post("/login/op/disconnect", &[]).await;
    let (_, methods) = app.json("/methods").await;
    assert_eq!((&methods["oauth"], &methods["require"]), (&json!(false), &json!("not_connected")));
}
