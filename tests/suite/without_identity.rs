//! Providers that do not say who their user is (no userinfo): their tokens, and whose they are.

use rocket::error::ErrorKind::FailedFairings;
use rocket::http::{Header, Status};
use rocket::local::asynchronous::Client;
use rocket::request::{FromRequest, Outcome};
use rocket::{Build, Request, Rocket, get, routes};
use rocket_dance::storage::{CookieStorage, MemoryStorage};
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint, sign_in};
use rocket_dance::{Dance, ErrorKind, Result, Site, Token};
use serde_json::Value;

use crate::app::{App, Op};
use crate::harness::{Browser, Refusal, TestApp, TestRequest, assert_refused, captured_log};
use crate::people::People;

/// `[default.oauth.<name>]` of three URLs at `fake`.
fn three_urls(fake: &FakeProvider, name: &str) -> (String, Value) {
    let (key, mut entry) = fake.preset_config(name, "oauth2");
    entry.as_object_mut().unwrap().remove("userinfo_url");
    (key, entry)
}

/// An app whose entry `op` is one of three URLs. Each browser keeps its accounts.
async fn app_with_cookies() -> TestApp {
    let first = TestApp::launch().await;
    let fake = first.fake.clone();
    first
        .relaunch_with(
            move |figment| figment.merge(three_urls(&fake, "op")),
            |dance| dance.storage(CookieStorage),
        )
        .await
}

/// An app whose entry `op` is one of three URLs, with users in SQLite.
async fn app_with_users() -> TestApp {
    let first = TestApp::launch().await;
    let fake = first.fake.clone();
    first.relaunch_with(move |figment| figment.merge(three_urls(&fake, "op")), |dance| dance).await
}

/// Who the provider's API says the browser's token is of.
async fn token_of(browser: &Browser) -> Option<String> {
    let answer = browser.peek(&TestRequest::get("/api")).await;
    if answer.status != Status::Ok {
        assert_eq!(answer.status, Status::SeeOther, "{answer:?}");
        return None;
    }
    Some(answer.json()["sub"].as_str().unwrap().to_owned())
}

#[rocket::async_test]
async fn a6_each_browser_has_its_own_token() {
    let app = app_with_cookies().await;
    let (mut ada, mut grace) = (app.browser(), app.browser());
    assert_eq!(token_of(&ada).await, None);
    for (browser, name) in [(&mut ada, "ada"), (&mut grace, "grace")] {
        app.fake.set_user(name);
        let begin = browser.get("/api").await.location().to_owned();
        assert_eq!(begin, "/login/op?next=%2Fapi", "no user has to be signed in");
        let callback = browser.ride(&begin).await;
        assert_eq!(browser.get(&callback).await.location(), "/api");
        assert_eq!(browser.get(&callback).await.location(), "/api", "a repeat changes nothing");
    }
    assert_eq!(
        (token_of(&ada).await.as_deref(), token_of(&grace).await.as_deref()),
        (Some("ada"), Some("grace"))
    );
    assert_eq!((ada.user().await, app.count("users"), app.count("oauth_accounts")), (None, 0, 0));

    let me = ada.ask(&TestRequest::get("/login/me")).await.json();
    assert_eq!(me["user"], Value::Null);
    let account = &me["accounts"][0];
    assert_eq!((&account["provider_user_id"], &account["display_name"]), (&Value::Null, &Value::Null));
    assert!(me["entries"].to_string().contains("\"op\""), "{me}");
    let page = ada.get("/login/accounts").await;
    assert!(
        page.body.contains("<strong><bdi>Op</bdi></strong>") && !page.body.contains("unknown"),
        "{page:?}"
    );
    assert!(page.body.contains("action=\"/login/logout\""), "a visitor can end it: {page:?}");
    assert!(ada.get("/login").await.body.contains("\"/login/op\""));

    // Disconnecting ends the one, signing out the other.
    assert_eq!(ada.post("/login/op/disconnect", &[]).await.status, Status::SeeOther);
    assert_eq!(grace.post("/login/logout", &[]).await.status, Status::SeeOther);
    assert_eq!((token_of(&ada).await, token_of(&grace).await), (None, None));
    app.assert_no_secret("the log", &captured_log().unwrap_or_default(), &[]);
}

#[rocket::async_test]
async fn a6_the_next_person_at_a_browser_gets_no_refresh_token_of_the_last_one() {
    let app = app_with_cookies().await;
    let mut browser = app.browser();
    let callback = browser.ride("/login/op").await;
    browser.get(&callback).await;
    app.fake.set_user("grace").respond_once(
        ProviderEndpoint::Token,
        FakeResponse::edit(|answer| {
            answer.as_object_mut().unwrap().remove("refresh_token");
        }),
    );
    let callback = browser.ride("/login/op").await;
    browser.get(&callback).await;
    assert_eq!(token_of(&browser).await.as_deref(), Some("grace"));
    let calls = app.token_calls();
    app.fake.expire_access_tokens();
    app.advance(24 * 60 * 60);
    assert_eq!(token_of(&browser).await, None, "grace connects again; ada's grant is not used for her");
    assert_eq!(app.token_calls(), calls);
}

#[rocket::async_test]
async fn a6_a_user_who_has_signed_in_meanwhile_keeps_their_accounts() {
    let app = app_with_cookies().await;
    let mut browser = app.browser();
    let callback = browser.ride("/login/op").await;
    browser.enter(7).await;
    let refused = Refusal::new(Status::Forbidden, "refused").after_exchange();
    assert_refused(&mut browser, &TestRequest::get(&callback), refused).await;
    assert_eq!(token_of(&browser).await, None);
    // Connected by the user, it is the user's: not the next visitor's.
    let callback = browser.ride_to_connect("/login/op").await;
    assert_eq!(browser.get(&callback).await.location(), "/");
    assert_eq!(token_of(&browser).await.as_deref(), Some("ada"));
    let kept = browser.jar.clone();
    browser.leave().await;
    browser.jar.extend(kept.into_iter().filter(|(name, _)| name.contains("account")));
    assert_eq!(token_of(&browser).await, None);
}

#[rocket::async_test]
async fn a6_with_users_the_token_is_only_theirs_who_are_signed_in() {
    let app = app_with_users().await;
    let mut browser = app.browser();
    // Signed out, the entry signs nobody in and nothing is sent to the provider.
    let refused = Refusal::new(Status::Forbidden, "refused");
    assert_refused(&mut browser, &TestRequest::get("/login/op"), refused).await;
    assert!(!browser.get("/login").await.body.contains("\"/login/op\""));
    assert_eq!(app.fake.request_count(ProviderEndpoint::Authorize), 0);
    let mut callbacks = Vec::new();
    for name in ["ada", "grace"] {
        let mut user = app.browser();
        app.fake.set_user(name);
        user.sign_in("op2").await;
        let callback = user.ride_to_connect("/login/op").await;
        assert_eq!(user.get(&callback).await.location(), "/");
        assert_eq!(token_of(&user).await.as_deref(), Some(name));
        callbacks.push((user, callback));
    }
    assert_eq!((app.count("users"), app.count("oauth_accounts")), (2, 4));
    let (ada, _) = &callbacks[0];
    assert_eq!(token_of(ada).await.as_deref(), Some("ada"), "grace's is another one");
    // A callback of a user who has signed out since stores nothing.
    let mut user = app.browser();
    user.sign_in("op2").await;
    let callback = user.ride_to_connect("/login/op").await;
    user.leave().await;
    let refused = Refusal::new(Status::BadRequest, "callback_not_trusted");
    assert_refused(&mut user, &TestRequest::get(&callback), refused).await;
}

/// Admits every request with the header.
struct Admin;

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Admin {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        match request.headers().get_one("X-Admin") {
            Some(_) => Outcome::Success(Admin),
            None => Outcome::Forward(Status::Forbidden),
        }
    }
}

#[get("/site")]
async fn site(site: Site<Op>) -> Result<String> {
    site.get("me").text().await
}

async fn site_says(app: &App) -> Option<String> {
    let response = app.get("/site").await;
    let status = response.status();
    let body: Option<Value> = response.into_json().await;
    (status == Status::Ok).then(|| body.unwrap()["sub"].as_str().unwrap().to_owned())
}

async fn ride(app: &App, as_admin: bool) -> Status {
    let callback = app.callback("/login/op").await;
    let mut request = app.client.get(callback);
    if as_admin {
        request.add_header(Header::new("X-Admin", "yes"));
    }
    request.dispatch().await.status()
}

/// The app whose site has a token at `op`, which is one of three URLs unless `has_identity`.
async fn site_app(people: Option<&People>, has_identity: bool, account: Option<&str>) -> App {
    let fake = FakeProvider::start().await;
    let mut figment = crate::app::figment(&fake).merge(("dance.cache", false));
    if !has_identity {
        figment = figment.merge(three_urls(&fake, "op"));
    }
    if let Some(account) = account {
        figment = figment.merge(("oauth.op.account", account));
    }
    let dance = Dance::fairing().site_account_admin::<Admin>("op");
    let dance = match people {
        Some(people) => dance.storage(people.storage()),
        None => dance.storage(MemoryStorage::default()),
    };
    let rocket = rocket::custom(figment).attach(dance).mount("/", routes![site]);
    App::of(Client::tracked(rocket).await.expect("the app launches"), fake)
}

#[rocket::async_test]
async fn a6_the_sites_token_needs_no_identity_and_its_admin_renews_it() {
    let people = People::new();
    for people in [Some(&people), None] {
        let app = site_app(people, false, None).await;
        assert_eq!(site_says(&app).await, None);
        assert_eq!(ride(&app, false).await, Status::Forbidden);
        assert_eq!(ride(&app, true).await, Status::SeeOther);
        assert_eq!(site_says(&app).await.as_deref(), Some("ada"));
        app.fake.set_user("mallory");
        assert_eq!(ride(&app, false).await, Status::Forbidden, "a visitor can't put their token there");
        assert_eq!(site_says(&app).await.as_deref(), Some("ada"));
        app.fake.set_user("grace");
        assert_eq!(ride(&app, true).await, Status::SeeOther);
        assert_eq!(site_says(&app).await.as_deref(), Some("grace"));
        if let Some(people) = people {
            assert_eq!((people.accounts(), people.count("users")), (vec!["op/- -> -".to_owned()], 0));
        }
    }
}

#[rocket::async_test]
async fn a6_the_app_hands_in_the_sites_token() {
    for account in [None, Some("bot-7")] {
        let people = People::new();
        for people in [Some(&people), None] {
            let app = site_app(people, true, account).await;
            let dance = Dance::fetch(app.client.rocket()).unwrap();
            let tokens = dance.tokens(Op);
            assert!(tokens.get().await.unwrap().is_none());
            tokens.set(Token::new("handed-in")).await.unwrap();
            let stored = tokens.get().await.unwrap().unwrap();
            assert_eq!(stored.access_token.expose(), "handed-in");
            let sent = async |app: &App| {
                app.get("/site").await;
                let requests = app.fake.requests().into_iter();
                let to_api = requests.filter(|request| request.endpoint == ProviderEndpoint::Api);
                to_api.filter_map(|request| request.headers.get("authorization").cloned()).collect::<Vec<_>>()
            };
            assert_eq!(sent(&app).await, ["Bearer handed-in"]);
            // A later sign-in as that account, or by the admin, becomes the same account.
            app.fake.set_user("mallory");
            assert_eq!(ride(&app, false).await, Status::Forbidden);
            app.fake.set_user("bot-7");
            assert_eq!(ride(&app, true).await, Status::SeeOther);
            assert_eq!(site_says(&app).await.as_deref(), Some("bot-7"));
            let before = tokens.get().await.unwrap().unwrap();
            assert_ne!(before.access_token.expose(), "handed-in");
            if let Some(people) = people {
                assert_eq!(people.accounts(), ["op/bot-7 -> -"]);
            }
            tokens.set(Token::new("again")).await.unwrap();
            assert!(sent(&app).await.contains(&"Bearer again".to_owned()));
            tokens.delete().await.unwrap();
            assert_eq!(site_says(&app).await, None);
            if let Some(people) = people {
                assert_eq!(people.accounts(), Vec::<String>::new());
            }
        }
    }
}

#[rocket::async_test]
async fn a6_a_users_account_is_not_taken_for_the_site() {
    let people = People::new();
    people.sql("INSERT INTO users (id, name) VALUES (7, 'ada')");
    let app = site_app(Some(&people), true, None).await;
    let dance = Dance::fetch(app.client.rocket()).unwrap();
    dance.tokens(Op).of(&7).set(Token::new("of-ada")).await.unwrap();
    people.sql("UPDATE oauth_accounts SET provider_user_id = 'ada'");
    drop(app);
    let app = site_app(Some(&people), true, Some("ada")).await;
    let dance = Dance::fetch(app.client.rocket()).unwrap();
    let before = people.snapshot();
    let error = dance.tokens(Op).set(Token::new("site")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(dance.tokens(Op).get().await.unwrap().is_none());
    assert_eq!(people.snapshot(), before);
}

#[rocket::async_test]
async fn a6_an_entry_that_is_to_sign_users_in_must_say_who_they_are() {
    let fake = FakeProvider::start().await;
    let launch = async |dance: rocket_dance::DanceFairing| {
        let figment =
            crate::app::figment(&fake).merge(three_urls(&fake, "op")).merge(("oauth.op.login", true));
        let launched = Client::untracked(rocket::custom(figment).attach(dance)).await;
        launched.map_or_else(|error| !matches!(error.kind(), FailedFairings(_)), |_| true)
    };
    let log = test_support::CapturedLog::start();
    assert!(!launch(Dance::fairing().storage(MemoryStorage::default())).await);
    assert!(log.is_none_or(|log| log.text().contains("entry `op`: `login = true` needs a userinfo_url")));
    assert!(
        launch(Dance::fairing().storage(CookieStorage)).await,
        "a browser keeps a token without an identity"
    );
}

/// Whether a launch warns of the entry `name`, which no other test has.
async fn is_warned(name: &str, configure: &str, dance: rocket_dance::DanceFairing, has_guard: bool) -> bool {
    #[get("/")]
    fn user(_user: rocket_dance::Visitor<i32>) {}

    let fake = FakeProvider::start().await;
    let (_, entry) = match configure {
        "identity" | "login = false" => fake.config(name),
        _ => three_urls(&fake, name),
    };
    // Without the other entries of the suite.
    let config =
        rocket::Config { log_level: rocket::config::LogLevel::Off, ..rocket::Config::debug_default() };
    let mut figment = rocket::figment::Figment::from(config)
        .merge(("secret_key", "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk="))
        .merge((format!("oauth.{name}"), entry));
    if configure == "login = false" {
        figment = figment.merge((format!("oauth.{name}.login"), false));
    }
    let routes = if has_guard { routes![user] } else { Vec::new() };
    let client = Client::untracked(rocket::custom(figment).attach(dance).mount("/", routes)).await;
    drop(client.expect("a warning stops no launch"));
    captured_log().unwrap_or_default().contains(&format!("no visitor can use the entry `{name}`"))
}

#[rocket::async_test]
async fn a6_the_launch_warns_of_an_entry_that_nobody_can_use() {
    // Another test may have set Rocket's logger.
    if test_support::CapturedLog::start().is_none() {
        return;
    }
    let memory = || Dance::fairing().storage(MemoryStorage::default());
    let people = People::new();
    let policy = || Dance::fairing().storage(people.storage());
    assert!(is_warned("w1", "three URLs", memory(), false).await, "nobody can connect it");
    assert!(is_warned("w2", "identity", memory(), false).await, "nobody is signed up");
    assert!(is_warned("w3", "login = false", policy(), false).await, "no other entry signs users in");
    assert!(is_warned("w4", "three URLs", policy(), false).await, "a policy that no sign-in reaches");
    assert!(!is_warned("w5", "identity", policy(), false).await);
    assert!(!is_warned("w6", "three URLs", memory(), true).await, "the app has users");
    assert!(!is_warned("w7", "three URLs", Dance::fairing().storage(CookieStorage), false).await);
    assert!(is_warned("w8", "login = false", Dance::fairing().storage(CookieStorage), false).await);
    assert!(!is_warned("w9", "three URLs", memory().site_account_admin::<Admin>("w9"), false).await);
}

#[allow(dead_code)]
mod custom {
    include!("../../examples/custom.rs");

    pub fn app() -> rocket::Rocket<rocket::Build> {
        rocket()
    }
}

#[allow(dead_code)]
mod custom_users {
    include!("../../examples/custom_users.rs");

    pub fn app() -> rocket::Rocket<rocket::Build> {
        rocket()
    }
}

/// `rocket`, an example, with its entry `oauth_example` at `fake`, and a database of its own.
async fn launched(rocket: Rocket<Build>, fake: &FakeProvider, folder: &tempfile::TempDir) -> Client {
    let url = folder.path().join("app.sqlite").display().to_string();
    let figment =
        rocket.figment().clone().merge(("databases.app.url", url)).merge(three_urls(fake, "oauth_example"));
    Client::tracked(rocket.configure(figment)).await.unwrap()
}

#[rocket::async_test]
async fn a6_the_example_of_three_urls_with_cookies() {
    let (fake, folder) = (FakeProvider::start().await, tempfile::tempdir().unwrap());
    let client = launched(custom::app(), &fake, &folder).await;
    let home = async || client.get("/").dispatch().await;
    let first = home().await;
    assert_eq!(first.headers().get_one("Location"), Some("/login/oauth_example?next=%2F"));
    assert_eq!(sign_in(&client, "oauth_example").await.location.as_deref(), Some("/"));
    assert_eq!(home().await.into_json::<Value>().await.unwrap()["sub"], "ada");
}

#[rocket::async_test]
async fn a6_the_example_of_three_urls_with_users() {
    let (fake, folder) = (FakeProvider::start().await, tempfile::tempdir().unwrap());
    let client = launched(custom_users::app(), &fake, &folder).await;
    let home = async || client.get("/").dispatch().await;
    assert_eq!(home().await.headers().get_one("Location"), Some("/login?next=%2F"));
    let entered = client.post("/enter").body("ada").dispatch().await;
    assert_eq!(entered.headers().get_one("Location"), Some("/"));
    assert_eq!(home().await.headers().get_one("Location"), Some("/login/oauth_example?next=%2F"));
    assert_eq!(sign_in(&client, "oauth_example").await.location.as_deref(), Some("/"));
    assert!(home().await.into_string().await.unwrap().starts_with("ada: {"));
}
