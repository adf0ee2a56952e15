//! Incremental consent: a page that needs more than the entry's scope leads the user to consent to it, and back.

use rocket::error::ErrorKind;
use rocket::http::Status;
use rocket::{Build, Rocket, get, routes};
use rocket_dance::provider::{Preset, Provider};
use rocket_dance::storage::CookieStorage;
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint, sign_in};
use rocket_dance::{Accounts, Dance, DanceFairing, Error, OAuth, RequiredScopes, Result};
use serde_json::{Value, json};
use test_support::Html;

use crate::app::{App, Op, figment, location, path_and_query, rocket};
use crate::harness::query_parameter;
use crate::people::People;
use crate::signals::{Heard, Listener};

struct Repos;

impl RequiredScopes for Repos {
    const SCOPES: &'static [&'static str] = &["repo"];
}

struct Gists;

impl RequiredScopes for Gists {
    const SCOPES: &'static [&'static str] = &["gist", "openid"];
}

#[get("/repos")]
fn repos(op: OAuth<Op, Repos>) -> String {
    op.account().scope
}

#[get("/gists")]
fn gists(op: OAuth<Op, Gists>) -> String {
    op.account().scope
}

#[get("/result")]
fn result(op: Result<OAuth<Op, Repos>, Error>) -> String {
    op.map_or_else(|error| format!("{} {:?}", error.kind().code(), error.missing_scopes()), |_| "ok".into())
}

#[get("/handler")]
fn handler(accounts: Accounts) -> Result<String> {
    Ok(accounts.require_scopes("op", &["repo"])?.account().scope)
}

const OPENID: &str = "openid profile email";

fn with_pages(fake: &FakeProvider, dance: DanceFairing) -> Rocket<Build> {
    rocket(figment(fake), dance).mount("/", routes![repos, gists, result, handler])
}

/// An app, and its users.
async fn app() -> (App, People) {
    let (fake, people) = (FakeProvider::start().await, People::new());
    let rocket = with_pages(&fake, Dance::fairing().storage(people.storage()));
    let client = rocket::local::asynchronous::Client::tracked(rocket).await.expect("the app launches");
    (App::of(client, fake), people)
}

/// The same, with a user who is signed in with the entry's scope.
async fn signed_in() -> (App, People) {
    let (app, people) = app().await;
    let callback = app.callback("/login/op").await;
    assert_eq!(app.get(&callback).await.status(), Status::SeeOther);
    (app, people)
}

/// The next token answer names this scope.
fn grants(app: &App, scope: Value) {
    app.fake.respond_once(
        ProviderEndpoint::Token,
        FakeResponse::edit(move |answer| answer["scope"] = scope.clone()),
    );
}

/// Follows the redirect of a page to the form that asks first, and returns the page.
async fn asked(app: &App, page: &str) -> String {
    let begin = location(&app.get(page).await);
    let asks = app.get(&begin).await;
    assert_eq!(asks.status(), Status::Ok, "a link connects nothing");
    asks.into_string().await.expect("a page")
}

/// Sends the form of `page`, and returns the authorization URL.
async fn sent(app: &App, page: &str) -> String {
    let form = Html::parse(page).form("/login/op").expect("the form").clone();
    let field = |name: &str| form.field(name).unwrap_or_default().to_owned();
    let fields = [("next", field("next")), ("scope", field("scope"))];
    let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
    location(&app.post("/login/op", &fields).await)
}

async fn approved(app: &App, authorization: &str) -> String {
    path_and_query(&app.fake.authorize(authorization).await)
}

fn scope(authorization: &str) -> String {
    query_parameter(authorization, "scope").expect("a scope")
}

async fn text(app: &App, uri: &str) -> (u16, String) {
    let response = app.get(uri).await;
    (response.status().code, response.into_string().await.unwrap_or_default())
}

#[rocket::async_test]
async fn a_missing_scope_leads_to_the_provider_and_back() {
    let (app, people) = signed_in().await;
    let before = people.snapshot();
    let page = asked(&app, "/repos?a=1").await;
    assert!(page.contains("repo") && page.contains("Allow more"), "{page}");
    assert_eq!(people.snapshot(), before);
    let authorization = sent(&app, &page).await;
    assert_eq!(scope(&authorization), format!("{OPENID} repo"));
    let back = app.get(&approved(&app, &authorization).await).await;
    assert_eq!((back.status(), location(&back).as_str()), (Status::SeeOther, "/repos?a=1"));
    assert_eq!(text(&app, "/repos?a=1").await, (200, format!("{OPENID} repo")));
    for uri in ["/handler", "/guarded"] {
        assert_eq!(app.get(uri).await.status(), Status::Ok, "{uri}");
    }
    // The account keeps what it had: the next request asks for that, too.
    let authorization = sent(&app, &asked(&app, "/gists").await).await;
    assert_eq!(scope(&authorization), format!("{OPENID} gist repo"));
    let back = app.get(&approved(&app, &authorization).await).await;
    assert_eq!(location(&back), "/gists");
    assert_eq!(text(&app, "/repos").await.0, 200);
    assert_eq!(people.count("oauth_accounts"), 1);
}

/// A preset of a provider that adds to what the user has granted before.
struct Adds;

impl Provider for Adds {
    const NAME: &'static str = "adds";
    const PRESET: Preset = Preset {
        incremental_params: Some(&[("include_granted_scopes", "true"), ("nonce", "never the flow's own")]),
        ..Preset::OIDC
    };
}

#[get("/adds")]
fn adds(adds: OAuth<Adds, Repos>) -> String {
    adds.account().scope
}

#[rocket::async_test]
async fn a_provider_with_incremental_authorization_is_asked_for_the_new_scope_only() {
    let (fake, people) = (FakeProvider::start().await, People::new());
    let figment = figment(&fake).merge(fake.config("adds")).merge(("oauth.adds.provider", "adds"));
    let dance = Dance::fairing().storage(people.storage()).provider(Adds);
    let rocket = rocket(figment, dance).mount("/", routes![adds]);
    let client = rocket::local::asynchronous::Client::tracked(rocket).await.expect("the app launches");
    let app = App::of(client, fake);
    let begun = app.begin("/login/adds").await;
    assert_eq!(query_parameter(&begun, "include_granted_scopes"), None);
    grants(&app, json!(format!("{OPENID} gist")));
    assert_eq!(app.get(&approved(&app, &begun).await).await.status(), Status::SeeOther);
    let page = text(&app, &location(&app.get("/adds").await)).await.1;
    let scope_field = Html::parse(&page).form("/login/adds").unwrap().field("scope").unwrap().to_owned();
    let authorization = location(&app.post("/login/adds", &[("scope", &scope_field)]).await);
    assert_eq!(scope(&authorization), format!("{OPENID} repo"));
    assert_eq!(query_parameter(&authorization, "include_granted_scopes").as_deref(), Some("true"));
    assert_ne!(query_parameter(&authorization, "nonce").as_deref(), Some("never the flow's own"));
    grants(&app, json!(format!("{OPENID} gist repo")));
    assert_eq!(app.get(&approved(&app, &authorization).await).await.status(), Status::SeeOther);
    assert_eq!(text(&app, "/adds").await, (200, format!("{OPENID} gist repo")));
}

#[rocket::async_test]
async fn a_handler_and_a_script_get_the_error() {
    let (app, _people) = signed_in().await;
    assert_eq!(text(&app, "/result").await, (200, "scope_missing [\"repo\"]".into()));
    for page in ["/repos", "/handler"] {
        let (status, json) = app.json(page).await;
        assert_eq!((status, &json["error"]["code"]), (Status::Unauthorized, &json!("scope_missing")));
        assert!(json["error"]["message"].as_str().unwrap().contains("repo"), "{json}");
        let login_url = json["error"]["login_url"].as_str().unwrap();
        assert_eq!(login_url, location(&app.get(page).await));
        let authorization = sent(&app, &text(&app, login_url).await.1).await;
        assert_eq!(scope(&authorization), format!("{OPENID} repo"));
    }
}

#[rocket::async_test]
async fn a_visitor_is_asked_for_everything_at_once() {
    let (app, _people) = app().await;
    let authorization = app.begin(&location(&app.get("/repos").await)).await;
    assert_eq!(scope(&authorization), format!("{OPENID} repo"));
    let back = app.get(&approved(&app, &authorization).await).await;
    assert_eq!(location(&back), "/repos");
    assert_eq!(text(&app, "/repos").await.0, 200);
}

#[rocket::async_test]
async fn a_provider_that_grants_less_does_not_loop() {
    let (app, people) = signed_in().await;
    let authorization = sent(&app, &asked(&app, "/repos").await).await;
    grants(&app, json!(OPENID));
    let callback = approved(&app, &authorization).await;
    let (calls, cookies) = (app.token_calls(), app.cookies().len());
    let (status, page) = text(&app, &callback).await;
    assert_eq!((status, app.token_calls()), (403, calls + 1));
    assert!(page.contains("scope_denied") && page.contains("repo") && page.contains("Ask again"), "{page}");
    assert!(app.cookies().len() <= cookies, "{:?}", app.cookies());
    // The user is signed in, the account is connected, and other pages work.
    assert_eq!(text(&app, "/guarded").await, (200, "ada".into()));
    assert_eq!(people.count("oauth_accounts"), 1);
    // The link asks again, and now the user agrees.
    let again = Html::parse(&page).links.iter().find(|link| link.text == "Ask again").unwrap().href.clone();
    let authorization = sent(&app, &text(&app, &again).await.1).await;
    assert_eq!(scope(&authorization), format!("{OPENID} repo"));
    let back = app.get(&approved(&app, &authorization).await).await;
    assert_eq!(location(&back), "/repos");
    assert_eq!(text(&app, "/repos").await.0, 200);
}

#[rocket::async_test]
async fn less_than_was_needed_is_a_failed_flow_for_the_signals_and_for_after_error() {
    let (fake, people, heard) = (FakeProvider::start().await, People::new(), Heard::default());
    let dance = Dance::fairing().storage(people.storage()).signals(Listener(heard.clone()));
    let rocket = with_pages(&fake, dance);
    let figment = rocket.figment().clone().merge(("dance.after_error", "/oops"));
    let client =
        rocket::local::asynchronous::Client::tracked(rocket.configure(figment)).await.expect("launched");
    let app = App::of(client, fake);
    sign_in(&app.client, "op").await;
    heard.take();
    let authorization = sent(&app, &asked(&app, "/repos").await).await;
    grants(&app, json!(OPENID));
    let back = app.get(&approved(&app, &authorization).await).await;
    assert_eq!(
        (back.status(), location(&back).as_str()),
        (Status::SeeOther, "/oops?error=scope_denied&entry=op")
    );
    assert_eq!(heard.take(), ["updated op ada 1", "failed op scope_denied"]);
    // The account is connected with what was granted, and the user stays signed in.
    assert_eq!(text(&app, "/guarded").await, (200, "ada".into()));
}

#[rocket::async_test]
async fn a_browser_with_its_own_accounts_does_not_loop_either() {
    let fake = FakeProvider::start().await;
    let rocket = with_pages(&fake, Dance::fairing().storage(CookieStorage));
    let client = rocket::local::asynchronous::Client::tracked(rocket).await.expect("the app launches");
    let app = App::of(client, fake);
    for granted in [OPENID.to_owned(), format!("{OPENID} repo")] {
        let authorization = app.begin(&location(&app.get("/repos").await)).await;
        assert_eq!(scope(&authorization), format!("{OPENID} repo"));
        grants(&app, json!(granted));
        let (status, page) = text(&app, &approved(&app, &authorization).await).await;
        match granted == OPENID {
            true => assert!(status == 403 && page.contains("scope_denied"), "{page}"),
            false => assert_eq!(status, 303),
        }
    }
    assert_eq!(text(&app, "/repos").await.0, 200);
}

#[rocket::async_test]
async fn a_provider_that_names_no_scope_has_granted_what_was_asked_for() {
    let (app, _people) = signed_in().await;
    for granted in [Value::Null, json!("")] {
        let authorization = sent(&app, &asked(&app, "/repos").await).await;
        let edit = granted.clone();
        grants(&app, edit);
        let back = app.get(&approved(&app, &authorization).await).await;
        // An empty scope is a scope (RFC 6749 §5.1).
        let status = if granted.is_null() { Status::SeeOther } else { Status::Forbidden };
        assert_eq!(back.status(), status, "{granted}");
        drop(back);
        if granted.is_null() {
            assert_eq!(text(&app, "/repos").await, (200, format!("{OPENID} repo")));
            // Without it again, for the next round.
            let callback = {
                let page = text(&app, "/login/op").await.1;
                let authorization = sent(&app, &page).await;
                assert_eq!(scope(&authorization), OPENID);
                approved(&app, &authorization).await
            };
            assert_eq!(app.get(&callback).await.status(), Status::SeeOther);
        }
    }
}

#[rocket::async_test]
async fn a_refusal_at_the_provider_changes_nothing() {
    let (app, people) = signed_in().await;
    let before = people.snapshot();
    let authorization = sent(&app, &asked(&app, "/repos").await).await;
    app.fake.deny_next_authorization();
    let (status, page) = text(&app, &approved(&app, &authorization).await).await;
    assert!(status == 403 && page.contains("access_denied"), "{page}");
    assert_eq!(people.snapshot(), before);
    assert_eq!(text(&app, "/guarded").await, (200, "ada".into()));
}

#[rocket::async_test]
async fn al_09_a_consent_of_another_users_account_changes_neither() {
    let (app, people) = signed_in().await;
    assert_eq!(app.post("/login/logout", &[]).await.status(), Status::SeeOther);
    app.fake.set_user("bob");
    let callback = app.callback("/login/op").await;
    assert_eq!(app.get(&callback).await.status(), Status::SeeOther);
    let authorization = sent(&app, &asked(&app, "/repos").await).await;
    let before = people.snapshot();
    app.fake.set_user("ada");
    let (status, page) = text(&app, &approved(&app, &authorization).await).await;
    assert!(status == 403 && page.contains("refused"), "{page}");
    assert_eq!(people.snapshot(), before, "neither user's account has changed");
    assert_eq!(text(&app, "/guarded").await, (200, "bob".into()));
    assert_eq!(text(&app, "/result").await.1, "scope_missing [\"repo\"]");
}

#[rocket::async_test]
async fn another_process_finishes_what_one_has_begun() {
    let (app, people) = signed_in().await;
    let rocket = with_pages(&app.fake, Dance::fairing().storage(people.storage()));
    let other = rocket::local::asynchronous::Client::tracked(rocket).await.expect("the app launches");
    let page = asked(&app, "/repos").await;
    let authorization = sent(&app, &page).await;
    let callback = approved(&app, &authorization).await;
    let cookies: Vec<_> = app.cookies().into_iter().map(rocket::http::Cookie::from).collect();
    let back = other.get(callback.clone()).cookies(cookies).dispatch().await;
    assert_eq!((back.status(), location(&back).as_str()), (Status::SeeOther, "/repos"));
    let repos = other.get("/repos").dispatch().await;
    assert_eq!(repos.into_string().await, Some(format!("{OPENID} repo")));
    assert_eq!(people.count("oauth_accounts"), 1);
    // The same callback at the first process, which has read the account before: its outcome, and no second exchange.
    let calls = app.token_calls();
    assert_eq!(location(&app.get(&callback).await), "/repos");
    assert_eq!(app.token_calls(), calls);
}

#[rocket::async_test]
async fn a_link_of_an_attacker_asks_for_nothing_more() {
    let (app, _people) = signed_in().await;
    let ours = query_parameter(&location(&app.get("/repos").await), "scope").unwrap();
    let tag = ours.split('.').next().unwrap();
    let (other, more) = (format!("{tag}.admin"), format!("{ours} admin"));
    let (op2, encoded) = ("/login/op2", |text: &str| {
        url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>()
    });
    for (begin, field) in [
        ("/login/op", "repo"),
        ("/login/op", "repo admin"),
        ("/login/op", other.as_str()),
        ("/login/op", ".repo"),
        ("/login/op", more.as_str()),
        (op2, ours.as_str()),
    ] {
        let (status, page) = text(&app, &format!("{begin}?scope={}", encoded(field))).await;
        assert!(status == 200 && !page.contains("Allow more"), "{page}");
        let posted = location(&app.post(begin, &[("scope", field)]).await);
        assert_eq!(scope(&posted), OPENID, "{begin} {field}");
    }
}

/// A provider of OAuth 1.
struct Old;

impl Provider for Old {
    const NAME: &'static str = "old";
    const PRESET: Preset = Preset {
        request_token_url: Some("https://old.example/request"),
        authorization_url: Some("https://old.example/authorize"),
        token_url: Some("https://old.example/access"),
        ..Preset::OAUTH1
    };
}

#[get("/old")]
fn old(_old: OAuth<Old, Repos>) {}

#[get("/old")]
fn old_without(_old: OAuth<Old>) {}

#[rocket::async_test]
async fn a_guard_whose_protocol_has_no_scopes_stops_the_launch() {
    let fake = FakeProvider::start().await;
    for (routes, launches) in [(routes![old], false), (routes![old_without], true)] {
        let figment =
            figment(&fake).merge(("oauth.old", json!({ "client_id": "key", "client_secret": "secret" })));
        let people = People::new();
        let dance = Dance::fairing().storage(people.storage()).provider(Old);
        let rocket = rocket(figment, dance).mount("/", routes);
        let launched = rocket::local::asynchronous::Client::tracked(rocket).await;
        // Rocket panics if its error is dropped unread.
        let aborts = |error: &rocket::Error| matches!(error.kind(), ErrorKind::SentinelAborts(_));
        assert_eq!(
            launched.map(drop).map_err(|error| aborts(&error)),
            if launches { Ok(()) } else { Err(true) }
        );
    }
}
