//! The examples of `examples/` against a fake provider. `tests/readme.rs` runs `minimal` and `users`.

use diesel::SqliteConnection;
use rocket::local::asynchronous::Client;
use rocket::{Build, Rocket};
use rocket_dance::storage::DieselStorage;
use rocket_dance::testing::{FakeProvider, sign_in};
use rocket_dance::{Dance, Login, Result, Verdict};
use serde_json::json;

#[allow(dead_code)]
mod own_provider {
    use rocket::{Build, Rocket};

    include!("../../examples/own_provider.rs");

    pub fn app() -> Rocket<Build> {
        rocket()
    }
}

#[allow(dead_code)]
mod background_job {
    include!("../../examples/background_job.rs");

    pub fn app() -> Rocket<Build> {
        rocket()
    }

    pub async fn lines(dance: &Dance) -> Vec<String> {
        report(dance).await.unwrap()
    }
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

/// Signs strangers up with fixed ids instead of a table of users.
fn numbered(login: &Login<i32>, _: &mut SqliteConnection) -> Result<Verdict<i32>> {
    Ok(Verdict::SignUp(if login.profile.id.as_deref() == Some("ada") { 1 } else { 2 }))
}

#[rocket::async_test]
async fn a_job_calls_the_provider_for_every_account() {
    let fake = FakeProvider::start().await;
    let folder = tempfile::tempdir().unwrap();
    let configured = |rocket: Rocket<Build>| {
        let url = folder.path().join("app.sqlite").display().to_string();
        let figment = rocket.figment().clone().merge(("databases.app.url", url));
        fake.stand_in(rocket.configure(figment), "github")
    };
    for user in ["ada", "grace"] {
        let storage = DieselStorage::database("app").migrate().link(numbered);
        let app = configured(rocket::build().attach(Dance::fairing().storage(storage)));
        fake.set_user(user);
        sign_in(&Client::tracked(app).await.unwrap(), "github").await;
    }
    let rocket = configured(background_job::app()).ignite().await.unwrap();
    let lines = background_job::lines(Dance::fetch(&rocket).unwrap()).await;
    assert_eq!(lines, ["1: \"ada\"", "2: \"grace\""]);
}
