//! The testing kit, as an app's own tests use it: people, accounts, answers of an API, troubles of a provider, and one clock.

use std::time::Duration;

use rocket::figment::Figment;
use rocket::http::{Method, Status};
use rocket::local::{asynchronous, blocking};
use rocket::serde::json::{Json, Value, json};
use rocket::{Build, Rocket, get, put, routes};
use rocket_dance::provider::{GitHub, Provider};
use rocket_dance::storage::{CookieStorage, DieselStorage, MemoryStorage, NullStorage};
use rocket_dance::testing::{
    Browser, Clock, FakeProvider, FakeResponse, ProviderEndpoint, TestAccount, connect, connect_blocking,
    replace_storage, sign_in, sign_in_as, sign_in_as_blocking, sign_in_blocking,
};
use rocket_dance::{CurrentUser, Dance, DanceFairing, Error, ErrorKind, OAuth, Profile, Result, Token};

use crate::users::sign_up;

#[get("/me")]
fn me(user: CurrentUser<i32>) -> String {
    user.to_string()
}

#[get("/repos")]
async fn repos(github: OAuth<GitHub>) -> Result<Json<Value>> {
    Ok(Json(github.get("user/repos").query(&[("per_page", "5")]).json().await?))
}

#[put("/star")]
async fn star(github: OAuth<GitHub>) -> Result<&'static str> {
    github.put("user/starred/rwf2/Rocket").json_body(&json!({ "private": true })).send().await?;
    Ok("starred")
}

#[get("/title")]
async fn title(github: std::result::Result<OAuth<GitHub>, Error>) -> Result<String> {
    Ok(github?.account().display_name.unwrap_or_default())
}

/// An app as its developer has finished it: with a database, which these tests do not have.
pub(crate) fn app() -> Rocket<Build> {
    app_with(|dance| dance.storage(DieselStorage::database("app").migrate().link(sign_up)))
}

pub(crate) fn app_with(attach: impl FnOnce(DanceFairing) -> DanceFairing) -> Rocket<Build> {
    let config =
        rocket::Config { log_level: rocket::config::LogLevel::Off, ..rocket::Config::debug_default() };
    let figment = Figment::from(config)
        .merge(("databases.app.url", "/nowhere/app.sqlite"))
        .merge(("oauth.github", json!({ "client_id": "its own", "client_secret": "its own" })));
    rocket::custom(figment)
        .attach(attach(Dance::fairing()))
        .mount("/", routes![me, repos, star, title])
        .register("/", rocket_dance::catchers())
}

/// The app with its accounts in memory, and `fake` in place of GitHub.
async fn launch(fake: &FakeProvider) -> asynchronous::Client {
    let rocket = fake.stand_in(replace_storage(app(), MemoryStorage::new()), "github");
    asynchronous::Client::tracked(rocket).await.expect("the app launches")
}

/// The same for several browsers.
async fn launch_for_browsers(rocket: Rocket<Build>) -> asynchronous::Client {
    asynchronous::Client::untracked(rocket).await.expect("the app launches")
}

async fn get(client: &asynchronous::Client, path: &'static str) -> (Status, String) {
    let response = client.get(path).dispatch().await;
    (response.status(), response.into_string().await.unwrap_or_default())
}

#[rocket::async_test]
async fn a11_a_whole_sign_in_with_another_storage_and_without_a_port() {
    let fake = FakeProvider::new();
    let client = launch(&fake).await;
    let response = sign_in(&client, "github").await;
    assert_eq!((response.status, response.location.as_deref()), (Status::SeeOther, Some("/")));
    assert_eq!(get(&client, "/me").await, (Status::Ok, "1".into()));
    assert_eq!(get(&client, "/title").await, (Status::Ok, "Ada".into()));
}

#[rocket::async_test]
async fn a11_memory_storage_keeps_each_persons_account() {
    let fake = FakeProvider::new();
    let client =
        launch_for_browsers(fake.stand_in(replace_storage(app(), MemoryStorage::new()), "github")).await;
    for (who, user, name) in [("ada", "1", "Ada"), ("grace", "2", "Grace"), ("ada", "1", "Ada")] {
        fake.set_user(who);
        let browser = Browser::new(&client);
        assert_eq!(sign_in(&browser, "github").await.status, Status::SeeOther);
        for (path, text) in [("/me", user), ("/title", name)] {
            let page = browser.dispatch(browser.get(path)).await;
            assert_eq!(page.into_string().await.as_deref(), Some(text), "{who} {path}");
        }
    }
}

#[rocket::async_test]
async fn a_signed_in_user_connects_an_entry_with_a_path_of_its_own() {
    for base_url in ["http://localhost:8000", "http://localhost:8000/app"] {
        for login_path in ["/connect/github", "/login/github/start"] {
            let fake = FakeProvider::new();
            let rocket = app();
            let figment = rocket.figment().clone();
            let figment =
                figment.merge(("dance.base_url", base_url)).merge(("oauth.github.login_path", login_path));
            let rocket = replace_storage(rocket.configure(figment), MemoryStorage::new());
            let client = launch_for_browsers(fake.stand_in(rocket, "github")).await;
            let browser = Browser::new(&client);
            sign_in_as(&browser, &12).await;
            let response = sign_in(&browser, "github").await;
            assert_eq!(response.status, Status::SeeOther, "{base_url} {login_path}: {}", response.body);
            let accounts = Dance::fetch(client.rocket()).unwrap().accounts(&12).await.unwrap();
            assert_eq!(accounts.len(), 1, "{base_url} {login_path}");
        }
    }
}

#[rocket::async_test]
async fn an_account_without_an_access_token_asks_for_a_new_connection_and_sends_nothing() {
    let fake = FakeProvider::new();
    let client = launch(&fake).await;
    let dance = Dance::fetch(client.rocket()).unwrap();
    let mut profile = Profile::default();
    profile.id = Some("ada".into());
    dance.import(GitHub, &7, profile, Token::new("")).await.unwrap();
    sign_in_as(&client, &7).await;
    let (_, page) = get(&client, "/login/accounts").await;
    assert!(page.contains("Please reconnect") && !page.contains("Working"), "{page}");
    assert_eq!(get(&client, "/repos").await.0, Status::SeeOther, "the page leads to GitHub");
    let job = dance.client(GitHub, &7).await.unwrap().unwrap().get("user/repos").send().await;
    assert_eq!(job.unwrap_err().kind(), ErrorKind::ReconnectNeeded);
    assert!(fake.requests().is_empty(), "{:?}", fake.requests());
    assert_eq!(sign_in(&client, "github").await.status, Status::SeeOther);
    let (_, page) = get(&client, "/login/accounts").await;
    assert!(page.contains("Working"), "the next sign-in brings a token: {page}");
}

#[rocket::async_test]
async fn a_new_user_has_an_id_that_the_test_has_given_to_nobody_else() {
    let fake = FakeProvider::new();
    let client =
        launch_for_browsers(fake.stand_in(replace_storage(app(), MemoryStorage::new()), "github")).await;
    let (ada, grace) = (Browser::new(&client), Browser::new(&client));
    connect(&ada, &1, GitHub, TestAccount::valid()).await;
    sign_in_as(&grace, &2).await;
    for (who, user) in [("joan", "3"), ("ada", "1"), ("joan", "3"), ("mary", "4")] {
        fake.set_user(who);
        let browser = Browser::new(&client);
        assert_eq!(sign_in(&browser, "github").await.status, Status::SeeOther);
        let me = browser.dispatch(browser.get("/me")).await;
        assert_eq!(me.into_string().await.as_deref(), Some(user), "{who}");
    }
}

#[rocket::async_test]
async fn a11_null_storage_keeps_nothing_and_the_sign_in_succeeds() {
    let fake = FakeProvider::new();
    let client = launch_for_browsers(fake.stand_in(replace_storage(app(), NullStorage), "github")).await;
    for (who, user) in [("ada", "1"), ("grace", "2"), ("ada", "1")] {
        fake.set_user(who);
        let browser = Browser::new(&client);
        let response = sign_in(&browser, "github").await;
        assert_eq!(response.status, Status::SeeOther, "{}", response.body);
        let me = browser.dispatch(browser.get("/me")).await;
        assert_eq!(me.into_string().await.as_deref(), Some(user), "{who}");
        let title = browser.dispatch(browser.get("/title")).await.status();
        assert_eq!(title, Status::SeeOther, "no account is kept: the visitor is asked to connect one");
    }
}

#[rocket::async_test]
async fn a_user_with_an_account_without_a_sign_in() {
    let fake = FakeProvider::new();
    let client = launch(&fake).await;
    assert_eq!(get(&client, "/title").await.0, Status::SeeOther, "to the sign-in");
    let account = connect(&client, &7, GitHub, TestAccount::valid().with_scope("repo")).await;
    assert_eq!((account.user_id.as_deref(), account.scope.as_str()), (Some("7"), "repo"));
    assert!(!account.token.is_empty() && account.open(&other_keys()).is_err(), "the token is sealed");
    assert_eq!(get(&client, "/title").await.0, Status::SeeOther, "no user is signed in");
    sign_in_as(&client, &7).await;
    assert_eq!(get(&client, "/me").await, (Status::Ok, "7".into()));
    assert_eq!(get(&client, "/title").await, (Status::Ok, "Ada".into()));
    assert_eq!(get(&client, "/repos").await.0, Status::Ok);
    assert_eq!(fake.request_count(ProviderEndpoint::Token), 0);

    // Outside of a request, and with the entry's name.
    let dance = Dance::fetch(client.rocket()).unwrap();
    connect(dance, &8, "github", TestAccount::valid().with_id("grace")).await;
    sign_in_as(&client, &8).await;
    assert_eq!(get(&client, "/title").await, (Status::Ok, "Grace".into()));
}

fn other_keys() -> rocket_dance::storage::KeyRing {
    rocket_dance::storage::KeyRing::new([[7; 32]])
}

#[test]
fn a_user_with_an_account_with_the_blocking_client() {
    let fake = FakeProvider::new();
    for rocket in
        [replace_storage(app(), MemoryStorage::new()), app_with(|dance| dance.storage(CookieStorage))]
    {
        let client = blocking::Client::tracked(fake.stand_in(rocket, "github")).unwrap();
        sign_in_as_blocking(&client, &7);
        connect_blocking(&client, &7, GitHub, TestAccount::valid());
        for (path, text) in [("/me", "7"), ("/title", "Ada")] {
            assert_eq!(client.get(path).dispatch().into_string().as_deref(), Some(text));
        }
    }
    let rocket = fake.stand_in(replace_storage(app(), MemoryStorage::new()), "github");
    let client = blocking::Client::tracked(rocket).unwrap();
    assert_eq!(sign_in_blocking(&client, "github").status, Status::SeeOther);
}

#[rocket::async_test]
async fn an_expired_token_is_refreshed_and_a_dead_grant_is_reconnected() {
    let fake = FakeProvider::new();
    let client = launch(&fake).await;
    connect(&client, &1, GitHub, TestAccount::expired()).await;
    sign_in_as(&client, &1).await;
    assert_eq!(get(&client, "/repos").await.0, Status::Ok);
    assert_eq!(fake.last_request(ProviderEndpoint::Token).form["grant_type"], "refresh_token");
    assert_eq!(get(&client, "/repos").await.0, Status::Ok);
    assert_eq!(fake.request_count(ProviderEndpoint::Token), 1);

    connect(&client, &2, GitHub, TestAccount::dead().with_id("grace")).await;
    sign_in_as(&client, &2).await;
    assert_eq!(get(&client, "/repos").await.0, Status::SeeOther);
    assert_eq!(fake.request_count(ProviderEndpoint::Api), 2, "a dead token is not sent");

    // What the provider does later holds for these accounts, too.
    connect(&client, &3, GitHub, TestAccount::valid().with_id("joan")).await;
    sign_in_as(&client, &3).await;
    fake.expire_access_tokens();
    assert_eq!(get(&client, "/repos").await.0, Status::Ok);
    fake.revoke_tokens("joan");
    assert_eq!(get(&client, "/repos").await.0, Status::SeeOther);
}

#[rocket::async_test]
async fn calls_of_the_api_are_answered_and_counted() {
    let fake = FakeProvider::new();
    let repos = fake.api(Method::Get, "/user/repos").respond(json!([{ "name": "a" }]));
    let repos = repos.respond_once(FakeResponse::json(json!([])));
    let stars = fake.api(Method::Put, "user/starred/rwf2/Rocket").respond(FakeResponse::status(204));
    let client = launch(&fake).await;
    connect(&client, &1, GitHub, TestAccount::valid()).await;
    sign_in_as(&client, &1).await;
    assert_eq!(get(&client, "/repos").await, (Status::Ok, "[]".into()));
    assert_eq!(get(&client, "/repos").await, (Status::Ok, r#"[{"name":"a"}]"#.into()));
    assert_eq!(client.put("/star").dispatch().await.status(), Status::Ok);

    repos.assert_calls(2);
    assert_eq!(repos.calls()[0].query["per_page"], "5");
    let star = stars.only_call();
    assert_eq!(
        (&star.json()["private"], star.headers["content-type"].as_str()),
        (&json!(true), "application/json")
    );
    fake.expire_access_tokens();
    fake.revoke_tokens("ada");
    assert_eq!(get(&client, "/repos").await.0, Status::SeeOther, "the token is checked");
    repos.assert_calls(2);
}

#[rocket::async_test]
#[should_panic(expected = "GET /user/repos: 1 call expected, 0 came")]
async fn a_call_that_did_not_come_says_so() {
    FakeProvider::new().api(Method::Get, "/user/repos").only_call();
}

#[rocket::async_test]
#[should_panic(
    expected = "the API was called with GET /api/user/repos: this test answers PUT /star, and nothing else. To answer \
                           it: `fake.api(Method::Get, \"/user/repos\").respond(json!(…))`"
)]
async fn a_call_that_no_route_answers_fails_the_test() {
    let fake = FakeProvider::new();
    fake.api(Method::Put, "/star").respond(json!({}));
    let client = launch(&fake).await;
    connect(&client, &1, GitHub, TestAccount::valid()).await;
    sign_in_as(&client, &1).await;
    assert_eq!(get(&client, "/repos").await.0, Status::BadGateway);
}

#[rocket::async_test]
async fn the_troubles_of_a_provider_take_one_line_each() {
    let fake = FakeProvider::new();
    let client = launch(&fake).await;
    connect(&client, &1, GitHub, TestAccount::valid()).await;
    sign_in_as(&client, &1).await;

    fake.go_down();
    assert_eq!(get(&client, "/repos").await.0, Status::ServiceUnavailable);
    fake.reset_behavior().respond_once(ProviderEndpoint::Api, FakeResponse::hang());
    assert_eq!(get(&client, "/repos").await.0, Status::GatewayTimeout, "at once");
    fake.reset_behavior().slow_down(Duration::from_millis(20));
    assert_eq!(get(&client, "/repos").await.0, Status::Ok);
    fake.reset_behavior()
        .respond_once(ProviderEndpoint::Api, FakeResponse::status(503).header("Retry-After", "7"));
    assert_eq!(get(&client, "/repos").await.0, Status::BadGateway);

    // A sign-in.
    let slack_says_no = FakeResponse::json(json!({ "ok": false, "error": "invalid_code" }));
    let other =
        launch_for_browsers(fake.stand_in(replace_storage(app(), MemoryStorage::new()), "github")).await;
    for (trouble, status) in [
        (slack_says_no, Status::BadGateway),
        (FakeResponse::hang(), Status::GatewayTimeout),
        (FakeResponse::status(503), Status::ServiceUnavailable),
    ] {
        fake.respond_once(ProviderEndpoint::Token, trouble);
        let browser = Browser::new(&other);
        assert_eq!(sign_in(&browser, "github").await.status, status);
        assert_eq!(browser.dispatch(browser.get("/me")).await.status(), Status::SeeOther);
    }
}

#[rocket::async_test]
async fn less_scope_no_address_and_refresh_tokens_of_each_kind() {
    let fake = FakeProvider::new();
    fake.grant_scope("read:user").omit_email().set_access_token_ttl(600);
    let client = launch(&fake).await;
    sign_in(&client, "github").await;
    let dance = Dance::fetch(client.rocket()).unwrap();
    let account = dance.account(GitHub, "ada").await.unwrap().expect("an account");
    assert_eq!((account.scope.as_str(), account.email), ("read:user", None));

    let clock = Clock::of(client.rocket());
    let mut used = Vec::new();
    for rule in
        [FakeProvider::reset_behavior, FakeProvider::keep_refresh_tokens, FakeProvider::omit_refresh_tokens]
    {
        rule(&fake).set_access_token_ttl(600);
        for _ in 0..2 {
            clock.advance(Duration::from_secs(700));
            assert_eq!(get(&client, "/repos").await.0, Status::Ok);
            used.push(fake.last_request(ProviderEndpoint::Token).form["refresh_token"].clone());
        }
        sign_in(&client, "github").await;
    }
    assert!(used[0] != used[1], "they rotate");
    assert_eq!(used[2], used[3], "one lasts");
}

#[rocket::async_test]
async fn a13_one_clock_for_the_app_and_its_providers() {
    let fake = FakeProvider::new();
    let rocket = fake.stand_in(replace_storage(app(), MemoryStorage::new()), "corp");
    let client = launch_for_browsers(rocket).await;
    let (browser, clock) = (Browser::new(&client), Clock::of(client.rocket()));
    clock.advance(Duration::from_secs(400 * 24 * 3600));
    assert_eq!(sign_in(&browser, "corp").await.status, Status::SeeOther, "an ID token of this time");
    let me = || async { browser.dispatch(browser.get("/me")).await.status() };
    assert_eq!(me().await, Status::Ok);

    // The access token expires, and the ID token of the refresh is of the new time.
    clock.advance(Duration::from_secs(3700));
    let dance = Dance::fetch(client.rocket()).unwrap();
    let api = dance.client(Corp, &1).await.unwrap().expect("an account");
    assert!(api.get("me").send().await.unwrap().status().is_success());
    assert_eq!(fake.request_count(ProviderEndpoint::Token), 2);
    // It is the same clock from the provider's side.
    fake.advance_clock(3700);
    assert!(api.get("me").send().await.unwrap().status().is_success());
    assert_eq!(fake.request_count(ProviderEndpoint::Token), 3);

    // The session expires, and so does its cookie in the browser.
    clock.advance(Duration::from_secs(15 * 24 * 3600));
    assert_eq!(me().await, Status::SeeOther, "to the sign-in");

    // A flow expires.
    let begun = browser.dispatch(browser.get("/login/corp")).await;
    let url = begun.headers().get_one("Location").unwrap().to_owned();
    clock.advance(Duration::from_secs(2 * 3600));
    let callback = fake.authorize(&url).await;
    let path = callback.strip_prefix("http://localhost:8000").expect("the callback");
    let late = browser.dispatch(browser.req_from_another_site(Method::Get, path)).await;
    assert_eq!(late.status(), Status::BadRequest);
}

struct Corp;

impl Provider for Corp {
    const NAME: &'static str = "corp";
}

#[rocket::async_test]
async fn a_provider_without_a_stand_in_is_never_called() {
    let fake = FakeProvider::new();
    let rocket = replace_storage(app(), MemoryStorage::new());
    let figment =
        rocket.figment().clone().merge(("oauth.gitlab", json!({ "client_id": "a", "client_secret": "b" })));
    let client =
        asynchronous::Client::tracked(fake.stand_in(rocket.configure(figment), "github")).await.unwrap();
    let dance = Dance::fetch(client.rocket()).unwrap();
    connect(dance, &1, "gitlab", TestAccount::valid()).await;
    let api = dance.client(rocket_dance::provider::GitLab, &1).await.unwrap().expect("an account");
    let error = api.get("user").send().await.expect_err("no stand-in");
    assert!(
        format!("{error:?}").contains("gitlab.com: this test has stand-ins, and none for this host"),
        "{error:?}"
    );
}

#[rocket::async_test]
#[should_panic(
    expected = "sign_in_as: the app's user ids are `i32`, and this one is `i64`. For a number, write its type: `&7_i32`"
)]
async fn a_user_id_of_another_type_says_so() {
    sign_in_as(&launch(&FakeProvider::new()).await, &7_i64).await;
}

#[rocket::async_test]
#[should_panic(expected = "this client stores no cookies: write `Client::tracked(rocket)`")]
async fn an_untracked_client_says_so() {
    let fake = FakeProvider::new();
    let rocket = fake.stand_in(replace_storage(app(), MemoryStorage::new()), "github");
    sign_in_as(&launch_for_browsers(rocket).await, &7).await;
}

#[rocket::async_test]
#[should_panic(
    expected = "each user needs an account of their own: `TestAccount::valid().with_id(\"grace\")`"
)]
async fn an_account_of_another_user_says_so() {
    let client = launch(&FakeProvider::new()).await;
    connect(&client, &1, GitHub, TestAccount::valid()).await;
    connect(&client, &2, GitHub, TestAccount::valid()).await;
}

#[rocket::async_test]
#[should_panic(expected = "the app has no entry `gitea`: it has [\"github\"]")]
async fn an_entry_that_does_not_exist_says_so() {
    connect(&launch(&FakeProvider::new()).await, &1, "gitea", TestAccount::valid()).await;
}
