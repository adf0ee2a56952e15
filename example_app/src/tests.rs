//! Tests of the app against a fake provider, as your own app can have them.

mod database;

use rocket::http::{ContentType, Status};
use rocket::local::asynchronous::Client;
use rocket::serde::json::{Value, json};
use rocket_dance::testing::{FakeProvider, sign_in};

use self::database::Database;

/// Launches the app on the test's own database, with `fake` as the entry `op`.
async fn client(fake: &FakeProvider, database: &Database) -> Client {
    let rocket = super::rocket();
    let figment = rocket
        .figment()
        .clone()
        .merge(("databases.app.url", database.url()))
        .merge(("template_dir", concat!(env!("CARGO_MANIFEST_DIR"), "/templates")));
    let figment = match database.url_beside_pgbouncer() {
        Some(url) => figment.merge(("dance.database", json!({ "pgbouncer": true, "listen_url": url }))),
        None => figment,
    };
    Client::tracked(fake.stand_in(rocket.configure(figment), "op")).await.expect("the app launches")
}

/// The JSON of `/me`.
async fn me(client: &Client) -> Value {
    client.get("/me").dispatch().await.into_json().await.expect("JSON")
}

#[rocket::async_test]
async fn a_stranger_becomes_a_user() {
    let (fake, database) = (FakeProvider::start().await, Database::new());
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
    let (fake, database) = (FakeProvider::start().await, Database::new());
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
