//! `Site<P>`: the site's own account.

use rocket::http::{ContentType, Status};
use rocket::local::asynchronous::Client;
use rocket::request::{FromRequest, Outcome};
use rocket::{Request, get, routes};
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint, sign_in};
use rocket_dance::{Dance, OAuth, Result, Site};

use crate::app::{App, Op, figment};
use crate::people::People;

#[get("/bot")]
async fn bot(bot: Site<Op>) -> Result<String> {
    Ok(bot.userinfo().await?["sub"].as_str().unwrap_or_default().to_owned())
}

/// The app's guard for the site's admin. Rocket's sentinels do not check it.
struct Falls(bool);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Falls {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        Outcome::Success(Falls(request.guard::<OAuth<Op>>().await.is_success()))
    }
}

#[get("/falls-back")]
fn falls_back(falls: Falls) -> String {
    falls.0.to_string()
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

async fn app(people: &People, account: Option<&str>, admin: bool) -> App {
    let fake = FakeProvider::start().await;
    let mut figment = figment(&fake).merge(("dance.cache", false));
    if let Some(account) = account {
        figment = figment.merge(("oauth.op.account", account));
    }
    let mut dance = Dance::fairing().storage(people.storage());
    if admin {
        dance = dance.site_account_admin::<Admin>("op");
    }
    let rocket = rocket::custom(figment).attach(dance).mount("/", routes![bot, falls_back]);
    App::of(Client::tracked(rocket).await.expect("the app launches"), fake)
}

async fn ride(app: &App, as_admin: bool) -> Status {
    let callback = app.callback("/login/op").await;
    let mut request = app.client.get(callback);
    if as_admin {
        request.add_header(rocket::http::Header::new("X-Admin", "yes"));
    }
    let response = request.dispatch().await;
    assert!(
        response.cookies().iter().all(|cookie| !cookie.name().contains("session")),
        "it signs no user in"
    );
    response.status()
}

async fn bot_says(app: &App) -> std::result::Result<String, u16> {
    let response = app.get("/bot").await;
    match response.status() {
        Status::Ok => Ok(response.into_string().await.unwrap_or_default()),
        status => {
            assert_eq!(response.headers().get_one("Location"), None, "a visitor cannot change that");
            Err(status.code)
        }
    }
}

#[rocket::async_test]
async fn the_account_that_is_named_is_the_sites() {
    let people = People::new();
    let app = app(&people, Some("bot-7"), false).await;
    assert_eq!(bot_says(&app).await, Err(503), "not connected yet");
    assert_eq!(ride(&app, false).await, Status::Forbidden, "ada is not the bot");
    assert_eq!((people.accounts(), bot_says(&app).await), (vec![], Err(503)));
    app.fake.set_user("bot-7");
    assert_eq!(ride(&app, false).await, Status::SeeOther);
    assert_eq!(people.accounts(), ["op/bot-7 -> -"]);
    assert_eq!(people.count("users"), 0, "no user is created");
    assert_eq!(bot_says(&app).await.as_deref(), Ok("bot-7"));

    let before = people.snapshot();
    app.fake.set_user("mallory");
    assert_eq!(
        ride(&app, false).await,
        Status::Forbidden,
        "a visitor cannot replace it by their own account"
    );
    assert_eq!(people.snapshot(), before);
    app.fake.set_user("bot-7");
    assert_eq!(ride(&app, false).await, Status::SeeOther, "the same account renews it");
    assert_ne!(people.snapshot(), before);
    assert_eq!(people.accounts(), ["op/bot-7 -> -"]);
}

#[rocket::async_test]
async fn what_a_stranger_left_is_not_the_sites() {
    let people = People::new();
    let app = app(&people, Some("ada"), false).await;
    assert_eq!(ride(&app, false).await, Status::SeeOther);
    people.sql("UPDATE oauth_accounts SET provider_user_id = 'mallory'");
    assert_eq!(bot_says(&app).await, Err(503));
    assert_eq!(ride(&app, false).await, Status::SeeOther, "the configured account connects");
    assert_eq!(bot_says(&app).await.as_deref(), Ok("ada"));
}

#[rocket::async_test]
async fn an_admin_connects_the_first_account_and_no_user_a_second() {
    let people = People::new();
    let app = app(&people, None, true).await;
    assert_eq!(ride(&app, false).await, Status::Forbidden);
    assert_eq!(people.accounts(), Vec::<String>::new());
    assert_eq!(ride(&app, true).await, Status::SeeOther);
    assert_eq!(people.accounts(), ["op/ada -> -"]);
    let before = people.snapshot();
    app.fake.set_user("mallory");
    for as_admin in [false, true] {
        assert_eq!(ride(&app, as_admin).await, Status::Forbidden, "renewed only by the same id");
        assert_eq!(people.snapshot(), before);
    }
    app.fake.set_user("ada");
    assert_eq!(ride(&app, false).await, Status::SeeOther);
    assert_eq!(bot_says(&app).await.as_deref(), Ok("ada"));
}

#[rocket::async_test]
async fn a_visitors_oauth_never_is_the_sites() {
    let people = People::new();
    people.sql("INSERT INTO users (id, name) VALUES (7, 'grace')");
    let app = app(&people, Some("ada"), false).await;
    assert_eq!(ride(&app, false).await, Status::SeeOther);
    assert_eq!(app.get("/falls-back").await.into_string().await.as_deref(), Some("false"));
    // Signed in at another entry: the same, and the site's account can be neither seen nor removed.
    assert_eq!(sign_in(&app.client, "op2").await.status, Status::SeeOther);
    assert_eq!(app.get("/falls-back").await.into_string().await.as_deref(), Some("false"));
    let before = people.snapshot();
    let (_, page) = app.json("/login/accounts").await;
    assert!(!page.to_string().contains("/login/op\""), "{page}");
    let csrf = page["csrf"].as_str().expect("a token");
    let id = &people.ids("op")[0];
    for fields in [String::new(), format!("&account={id}")] {
        let form = format!("csrf={csrf}{fields}");
        let posted = app.client.post("/login/op/disconnect").header(ContentType::Form).body(form.clone());
        assert_eq!(posted.dispatch().await.status(), Status::Forbidden);
        let elsewhere = app.client.post("/login/op2/disconnect").header(ContentType::Form);
        if !fields.is_empty() {
            elsewhere.body(form).dispatch().await;
        }
    }
    assert_eq!(people.snapshot(), before);
    assert!(!app.get("/login").await.into_string().await.expect("a page").contains("\"/login/op\""));
}

#[rocket::async_test]
async fn the_sites_token_is_refreshed_and_its_loss_is_an_outage() {
    let people = People::new();
    let app = app(&people, Some("ada"), false).await;
    assert_eq!(ride(&app, false).await, Status::SeeOther);
    let calls = app.token_calls();
    app.fake.expire_access_tokens();
    assert_eq!(bot_says(&app).await.as_deref(), Ok("ada"));
    assert_eq!(app.token_calls(), calls + 1);
    Dance::fetch(app.client.rocket()).expect("attached").advance_clock(3600);
    app.fake.respond_always(ProviderEndpoint::Token, FakeResponse::status(503));
    assert_eq!(bot_says(&app).await, Err(503));
    app.fake.reset_behavior().revoke_tokens("ada");
    assert_eq!(bot_says(&app).await, Err(503), "never a sign-in page");
    assert_eq!(ride(&app, false).await, Status::SeeOther);
    assert_eq!(bot_says(&app).await.as_deref(), Ok("ada"));
}

#[rocket::async_test]
async fn what_a_visitor_left_before_the_entry_was_the_sites_is_not_the_sites() {
    let people = People::new();
    let fake = FakeProvider::start().await;
    fake.set_user("eve");
    let settings = figment(&fake);
    let before = App::new(fake, settings, Dance::fairing().storage(people.storage())).await;
    assert_eq!(sign_in(&before.client, "op").await.status, Status::SeeOther);
    people.sql("UPDATE oauth_accounts SET user_id = NULL");
    assert_eq!(people.accounts(), ["op/eve -> -"]);

    let app = app(&people, None, true).await;
    assert_eq!(bot_says(&app).await, Err(503));
    assert_eq!(ride(&app, false).await, Status::Forbidden);
    assert_eq!(bot_says(&app).await, Err(503));
    assert_eq!(ride(&app, true).await, Status::SeeOther);
    assert_eq!(bot_says(&app).await.as_deref(), Ok("ada"));
    assert_eq!(people.accounts(), ["op/ada -> -", "op/eve -> -"]);
}
