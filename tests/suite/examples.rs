//! The examples of `examples/` against a fake provider. `tests/readme.rs` runs `minimal` and `creation`,
//! `tests/rides` those that need a browser or a server, `tests/suite/import.rs` the import.

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use rocket::http::{ContentType, Status};
use rocket::local::asynchronous::{Client, LocalResponse};
use rocket::{Build, Rocket};
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint, sign_in};
use serde_json::json;

use crate::sqlite;

#[allow(dead_code)]
mod own_provider {
    use rocket::{Build, Rocket};

    include!("../../examples/own_provider.rs");

    pub fn app() -> Rocket<Build> {
        rocket()
    }
}

#[allow(dead_code)]
mod association {
    include!("../../examples/association.rs");

    pub fn app() -> rocket::Rocket<rocket::Build> {
        rocket()
    }
}

#[allow(dead_code)]
mod several_providers {
    include!("../../examples/several_providers.rs");

    pub fn app() -> rocket::Rocket<rocket::Build> {
        rocket()
    }
}

#[allow(dead_code)]
mod bot {
    include!("../../examples/bot.rs");

    pub fn app() -> rocket::Rocket<rocket::Build> {
        rocket()
    }
}

#[allow(dead_code)]
mod flash {
    use rocket::{Build, Rocket};

    include!("../../examples/flash.rs");

    pub fn app() -> Rocket<Build> {
        rocket()
    }
}

#[rocket::async_test]
async fn a4_the_next_page_shows_once_what_has_happened() {
    let fake = FakeProvider::start().await;
    let client = Client::tracked(fake.stand_in(flash::app(), "github")).await.unwrap();
    let home = async || client.get("/").dispatch().await.into_string().await.unwrap();
    fake.deny_next_authorization();
    let denied = sign_in(&client, "github").await;
    assert_eq!(denied.location.as_deref(), Some("/?error=access_denied&entry=github"));
    assert!(home().await.contains("<p>error: Failed to log in with github.</p>"));
    assert!(home().await.starts_with("<p></p>"), "once");
    sign_in(&client, "github").await;
    assert!(home().await.contains("<p>success: GitHub is connected.</p>"));
    assert!(home().await.starts_with("<p></p>"), "once");
}

#[rocket::async_test]
async fn a_provider_of_the_app_signs_its_player_in() {
    let fake = FakeProvider::start().await;
    fake.set_userinfo(json!({ "player": { "id": 64, "nick": "Ada" } }));
    let app = own_provider::app();
    let figment = app.figment().clone().merge(fake.preset_config("chess", "chess"));
    let client = Client::tracked(app.configure(figment)).await.unwrap();
    sign_in(&client, "chess").await;
    assert_eq!(client.get("/").dispatch().await.into_string().await.as_deref(), Some("Hello, Ada"));
}

#[allow(dead_code)]
mod native {
    include!("../../examples/native.rs");

    pub async fn ride(fake: &FakeProvider, database: &str) -> (Status, Value) {
        let device = Client::tracked(app(fake, database)).await.unwrap();
        sign_in(&device, fake).await
    }
}

#[rocket::async_test]
async fn a_device_signs_in_with_an_id_token() {
    let (fake, folder) = (FakeProvider::start().await, tempfile::tempdir().unwrap());
    let database = folder.path().join("app.sqlite").display().to_string();
    let (status, answer) = native::ride(&fake, &database).await;
    assert_eq!((status.code, answer), (200, json!({"user": 1})));
}

/// `rocket` with a database of its own.
fn with_database(rocket: Rocket<Build>) -> Rocket<Build> {
    let folder = tempfile::tempdir().unwrap();
    let url = folder.path().join("app.sqlite").display().to_string();
    let figment = rocket.figment().clone().merge(("databases.app.url", url));
    rocket.configure(figment).manage(folder)
}

#[rocket::async_test]
async fn association_a_user_of_the_app_connects_an_account() {
    let fake = FakeProvider::start().await;
    let client = Client::tracked(fake.stand_in(with_database(association::app()), "github")).await.unwrap();
    let to =
        |response: &LocalResponse<'_>| response.headers().get_one("Location").unwrap_or_default().to_owned();
    let page = client.get("/").dispatch().await;
    assert_eq!(to(&page), "/signin?next=%2F");
    let form = client.get(to(&page)).dispatch().await.into_string().await.unwrap();
    assert!(form.contains("action=\"/signin?next=%2F\""), "{form}");
    let post =
        |body: &'static str| client.post("/signin?next=%2F").header(ContentType::Form).body(body).dispatch();
    assert_eq!(post("name=ada&password=guessed").await.status(), Status::Forbidden);
    assert_eq!(client.get("/").dispatch().await.status(), Status::SeeOther, "still signed out");
    // GitHub signs no user in.
    assert_eq!(client.get("/login/github").dispatch().await.status(), Status::Forbidden);
    let signed_in = post("name=ada&password=correct+horse").await;
    assert_eq!((signed_in.status(), to(&signed_in).as_str()), (Status::SeeOther, "/"));
    assert_eq!(
        to(&client.get("/").dispatch().await),
        "/login/github?next=%2F",
        "the guard asks for the account"
    );
    sign_in(&client, "github").await;
    assert_eq!(
        client.get("/").dispatch().await.into_string().await.as_deref(),
        Some("User number 1 is \"ada\" on GitHub")
    );
}

#[rocket::async_test]
async fn several_providers_have_one_user() {
    let fake = FakeProvider::start().await;
    let rocket = with_database(several_providers::app());
    let url: String = rocket.figment().extract_inner("databases.app.url").unwrap();
    SqliteConnection::establish(&url)
        .unwrap()
        .batch_execute("create table users (id integer primary key autoincrement, email text unique, email_verified bool not null)")
        .unwrap();
    let rocket = fake.stand_in(fake.stand_in(rocket, "github"), "google");
    let client = Client::tracked(rocket).await.unwrap();
    sign_in(&client, "github").await;
    let connected = client.get("/").dispatch().await.into_string().await.unwrap();
    assert_eq!(connected.lines().count(), 1, "{connected}");
    sign_in(&client, "google").await;
    let connected = client.get("/").dispatch().await.into_string().await.unwrap();
    assert!(connected.contains("github: ") && connected.contains("google: "), "{connected}");
    let userinfo = client.get("/userinfo").dispatch().await.into_string().await.unwrap();
    assert_eq!(userinfo.lines().count(), 2, "{userinfo}");
    assert_eq!(sqlite::count(url.as_ref(), "users"), 1);
}

#[rocket::async_test]
async fn a_bot_has_one_account_for_the_whole_site() {
    let fake = FakeProvider::start().await;
    let app = with_database(bot::app());
    let app = fake.stand_in(app, "github");
    let figment = app.figment().clone().merge(("oauth.github.account", "octobot"));
    let client = Client::tracked(app.configure(figment)).await.unwrap();
    let report =
        async || client.post("/").header(ContentType::Form).body("text=It+is+broken").dispatch().await;
    assert_eq!(report().await.status(), Status::ServiceUnavailable, "not connected yet");
    fake.set_user("visitor");
    assert_eq!(sign_in(&client, "github").await.status, Status::Forbidden, "another account");
    assert_eq!(report().await.status(), Status::ServiceUnavailable);
    fake.set_user("octobot");
    sign_in(&client, "github").await;
    fake.respond_always(ProviderEndpoint::Api, FakeResponse::json(json!({ "number": 42 })).with_status(201));
    assert_eq!(report().await.into_string().await.as_deref(), Some("Thank you. This is number 42."));
}
