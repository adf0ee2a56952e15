//! Tests of the app against a fake provider, as your own app can have them.

mod database;

use rocket::figment::Figment;
use rocket::http::{Accept, ContentType, Status};
use rocket::local::asynchronous::Client;
use rocket::serde::json::{Value, json};
use rocket_dance::testing::{FakeProvider, sign_in};
use rocket_dance::{Dance, FindingLevel};

use self::database::Database;

/// Launches the app on the test's own database, with `fake` as the entry `op`.
async fn client(fake: &FakeProvider, database: &Database) -> Client {
    launch(fake, configuration(database)).await
}

/// The configuration of the app on the test's own database.
fn configuration(database: &Database) -> Figment {
    let figment = rocket::Config::figment()
        .merge(("databases.app.url", database.url()))
        .merge(("dance.flash", true))
        .merge(("template_dir", concat!(env!("CARGO_MANIFEST_DIR"), "/templates")));
    match database.url_beside_pgbouncer() {
        Some(url) => figment.merge(("dance.database", json!({ "pgbouncer": true, "listen_url": url }))),
        None => figment,
    }
}

async fn launch(fake: &FakeProvider, configuration: Figment) -> Client {
    Client::tracked(fake.stand_in(super::app(configuration), "op")).await.expect("the app launches")
}

/// The JSON of `/me`.
async fn me(client: &Client) -> Value {
    client.get("/me").dispatch().await.into_json().await.expect("JSON")
}

#[rocket::async_test]
async fn the_doctor_finds_no_failure() {
    let (fake, database) = (FakeProvider::new(), Database::new());
    let app = || fake.stand_in(super::app(configuration(&database)), "op");
    for words in ["the launch will run the migrations", "all tables and columns are there"] {
        let report = Dance::doctor(app()).await;
        assert_ne!(report.level(), FindingLevel::Failure, "{report}");
        assert!(report.to_string().contains(words), "{report}");
        assert!(report.to_string().contains("the provider accepts the client"), "{report}");
        Client::tracked(app()).await.expect("the app launches");
    }
}

#[rocket::async_test]
async fn a_stranger_becomes_a_user() {
    let (fake, database) = (FakeProvider::new(), Database::new());
    let client = client(&fake, &database).await;
    assert_eq!(client.get("/whoami/op").dispatch().await.status(), Status::Unauthorized);
    sign_in(&client, "op").await;
    let account = json!({ "provider": "op", "provider_user_id": "ada", "display_name": "Ada" });
    assert_eq!(me(&client).await, json!({ "user": { "id": 1, "name": "Ada" }, "accounts": [account] }));
    let whoami: Value = client.get("/whoami/op").dispatch().await.into_json().await.expect("JSON");
    assert_eq!(whoami["sub"], "ada");
}

#[rocket::async_test]
async fn a_password_signs_in_and_connects_nothing() {
    let (fake, database) = (FakeProvider::new(), Database::new());
    let client = client(&fake, &database).await;
    let post = |path: &'static str, body: &'static str| {
        client.post(path).header(ContentType::Form).body(body).dispatch()
    };
    assert_eq!(post("/signup", "name=grace&password=hopper").await.status(), Status::SeeOther);
    assert_eq!(post("/signup", "name=grace&password=other").await.status(), Status::Conflict);
    assert_eq!(me(&client).await, json!({ "user": { "id": 1, "name": "grace" }, "accounts": [] }));
    assert_eq!(post("/signout", "").await.status(), Status::SeeOther);
    assert_eq!(me(&client).await["user"], Value::Null);
    assert_eq!(post("/signin", "name=grace&password=wrong").await.status(), Status::Unauthorized);
    assert_eq!(post("/signin", "name=grace&password=hopper").await.status(), Status::SeeOther);
    assert_eq!(me(&client).await["user"]["name"], "grace");
}

/// Posts the form of a page of the library, with its CSRF token.
async fn post_page(client: &Client, path: &str, fields: &str) -> (Status, Option<String>, String) {
    let page = client.get(path).dispatch().await.into_string().await.expect("a page");
    let (_, csrf) = page.split_once("name=\"csrf\" value=\"").expect("the field");
    let csrf = csrf.split('"').next().expect("its value");
    let body = format!("csrf={csrf}&{fields}");
    let response = client.post(path.to_owned()).header(ContentType::Form).body(body).dispatch().await;
    let (status, location) = (response.status(), response.headers().get_one("Location").map(str::to_owned));
    (status, location, page)
}

#[rocket::async_test]
async fn a_visitor_without_an_address_is_asked_for_one() {
    let (fake, database) = (FakeProvider::new(), Database::new());
    fake.set_userinfo(json!({ "sub": "ada", "name": "Ada" }));
    fake.edit_claims(|claims| {
        claims.as_object_mut().expect("claims").retain(|name, _| !name.starts_with("email"));
    });
    let client = launch(&fake, configuration(&database).merge(("example.ask_for_email", true))).await;
    let response = sign_in(&client, "op").await;
    assert_eq!(response.location.as_deref(), Some("/login/complete"));
    assert_eq!(me(&client).await["user"], Value::Null);

    let fields = "name=Countess&email=ada%40example.com&terms=yes";
    let (status, location, page) = post_page(&client, "/login/complete", fields).await;
    assert!(page.contains("Welcome, Ada") && page.contains("rocket_dance example"), "{page}");
    assert_eq!((status, location.as_deref()), (Status::SeeOther, Some("/")));
    assert_eq!(me(&client).await["user"]["name"], "Countess");
}

#[rocket::async_test]
async fn the_profile_leads_a_visitor_to_the_sign_in_and_shows_what_has_happened() {
    let (fake, database) = (FakeProvider::new(), Database::new());
    let client = client(&fake, &database).await;
    let response = client.get("/profile").header(Accept::HTML).dispatch().await;
    assert_eq!(response.headers().get_one("Location"), Some("/login?next=%2Fprofile"));
    sign_in(&client, "op").await;
    let page = client.get("/profile").dispatch().await.into_string().await.expect("a page");
    assert!(page.contains("<h1>Ada</h1>") && page.contains("role=\"status\""), "{page}");
    let again = client.get("/profile").dispatch().await.into_string().await.expect("a page");
    assert!(!again.contains("role=\"status\""), "a message is shown once: {again}");
}
