//! The examples of `examples/` against a fake provider. `tests/readme.rs` runs `minimal` and `users`.

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Integer, Nullable, Text};
use diesel::{Connection, RunQueryDsl, SqliteConnection};
use rocket::local::asynchronous::Client;
use rocket::{Build, Rocket};
use rocket_dance::provider::GitHub;
use rocket_dance::storage::DieselStorage;
use rocket_dance::testing::{FakeProvider, sign_in};
use rocket_dance::{Dance, Login, Result, Verdict};
use serde_json::json;
use tempfile::TempDir;

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

#[allow(dead_code)]
mod import_accounts {
    include!("../../examples/import_accounts.rs");

    pub fn app() -> Rocket<Build> {
        rocket()
    }

    pub async fn import_github(dance: &Dance, old: &mut SqliteConnection) -> usize {
        import(dance, old, GitHub).await.unwrap()
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

/// `rocket` with the database `name` in `folder`, and `fake` in place of GitHub.
async fn at_database(rocket: Rocket<Build>, fake: &FakeProvider, folder: &TempDir, name: &str) -> Client {
    let url = folder.path().join(name).display().to_string();
    let figment = rocket.figment().clone().merge(("databases.app.url", url));
    Client::tracked(fake.stand_in(rocket.configure(figment), "github")).await.unwrap()
}

#[rocket::async_test]
async fn accounts_of_flask_dance_are_imported_and_expired_tokens_refreshed() {
    let fake = FakeProvider::start().await;
    let folder = tempfile::tempdir().unwrap();
    // The old app: user 1 is `ada`, user 7 has a token without an identity.
    let mut old =
        SqliteConnection::establish(&folder.path().join("old.sqlite").display().to_string()).unwrap();
    old.batch_execute(
        "CREATE TABLE flask_dance_oauth (id INTEGER PRIMARY KEY, provider VARCHAR(50) NOT NULL, created_at DATETIME, \
         token JSON NOT NULL, user_id INTEGER, provider_user_id VARCHAR(256))",
    )
    .unwrap();
    for (sub, user, id) in [("ada", 1, Some("ada")), ("grace", 7, None)] {
        let storage = DieselStorage::database("app").migrate().link(numbered);
        let rocket = rocket::build().attach(Dance::fairing().storage(storage));
        let first = at_database(rocket, &fake, &folder, "first.sqlite").await;
        fake.set_user(sub);
        sign_in(&first, "github").await;
        let granted = if sub == "ada" { 1 } else { 2 };
        let dance = Dance::fetch(first.rocket()).unwrap();
        let token = dance.tokens(GitHub).of(&granted).get().await.unwrap().unwrap();
        let json = json!({
            "access_token": token.access_token.expose(),
            "refresh_token": token.refresh_token.as_ref().map(|secret| secret.expose()),
            "token_type": "bearer", "scope": ["read:user"], "expires_in": 3600, "expires_at": 1_600_000_000.5,
        });
        diesel::sql_query("INSERT INTO flask_dance_oauth (provider, token, user_id, provider_user_id) VALUES ('github', ?, ?, ?)")
            .bind::<Text, _>(json.to_string())
            .bind::<Integer, _>(user)
            .bind::<Nullable<Text>, _>(id)
            .execute(&mut old)
            .unwrap();
    }

    let client = at_database(import_accounts::app(), &fake, &folder, "new.sqlite").await;
    let dance = Dance::fetch(client.rocket()).unwrap();
    assert_eq!(import_accounts::import_github(dance, &mut old).await, 2);
    assert_eq!(import_accounts::import_github(dance, &mut old).await, 2, "a second time");
    let refreshes = || {
        fake.requests()
            .iter()
            .filter(|request| request.form.get("grant_type").is_some_and(|grant| grant == "refresh_token"))
            .count()
    };
    assert_eq!(refreshes(), 0);
    for user in [1, 7] {
        let github = dance.client(GitHub, &user).await.unwrap().expect("an account");
        github.userinfo().await.unwrap();
    }
    assert_eq!(refreshes(), 2);
    // No policy signs strangers up: `ada` is known by the account.
    fake.set_user("ada");
    sign_in(&client, "github").await;
    let accounts = dance.accounts(&1).await.unwrap();
    assert_eq!(accounts.len(), 1);
    assert_eq!(accounts[0].provider_user_id.as_deref(), Some("ada"));
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
