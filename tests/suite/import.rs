//! `examples/import_accounts.rs`: people of a Flask-Dance or Flask-Social app sign in as the same users.

use diesel::connection::SimpleConnection;
use diesel::sql_types::{Integer, Nullable, Text};
use diesel::{Connection, RunQueryDsl, SqliteConnection};
use rocket::http::Status;
use rocket::local::asynchronous::Client;
use rocket::{Build, Rocket, get, routes};
use rocket_dance::provider::GitHub;
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint, sign_in};
use rocket_dance::{Dance, OAuth, Result};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::sqlite;

#[allow(dead_code)]
mod import_accounts {
    include!("../../examples/import_accounts.rs");

    pub fn app() -> Rocket<Build> {
        rocket()
    }

    pub async fn flask_dance(dance: &Dance, old: &mut SqliteConnection) -> Vec<String> {
        import(dance, old, FLASK_DANCE, (GitHub, "id")).await.unwrap()
    }

    pub async fn flask_social(dance: &Dance, old: &mut SqliteConnection) -> Vec<String> {
        import(dance, old, FLASK_SOCIAL, (GitHub, "id")).await.unwrap()
    }
}

/// The new app.
#[allow(dead_code)]
mod creation {
    include!("../../examples/creation.rs");

    pub fn app() -> rocket::Rocket<rocket::Build> {
        rocket()
    }
}

#[get("/github")]
async fn github(github: OAuth<GitHub>) -> Result<String> {
    Ok(github.userinfo().await?["id"].as_str().unwrap_or_default().to_owned())
}

/// The databases of both apps.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        // The users keep their ids.
        files
            .open("new.sqlite")
            .batch_execute(
                "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL); \
                 INSERT INTO users VALUES (1, 'Ada'), (7, 'Grace')",
            )
            .unwrap();
        files
    }

    fn open(&self, name: &str) -> SqliteConnection {
        SqliteConnection::establish(&self.0.path().join(name).display().to_string()).unwrap()
    }

    /// `rocket` with the database `name`, and `fake` in place of GitHub.
    async fn client(&self, rocket: Rocket<Build>, name: &str, fake: &FakeProvider) -> Client {
        let url = self.0.path().join(name).display().to_string();
        let figment = rocket.figment().clone().merge(("databases.app.url", url));
        Client::tracked(fake.stand_in(rocket.configure(figment), "github")).await.unwrap()
    }

    /// What a user reads after signing in to the new app, and then on a page that needs GitHub.
    async fn signs_in(&self, user: &str, fake: &FakeProvider) -> [String; 2] {
        let client = self.client(creation::app().mount("/", routes![github]), "new.sqlite", fake).await;
        fake.set_user(user);
        sign_in(&client, "github").await;
        let home = client.get("/").dispatch().await.into_string().await.unwrap();
        let page = client.get("/github").dispatch().await;
        assert_eq!(page.status(), Status::Ok);
        [home, page.into_string().await.unwrap()]
    }

    /// The token that the old app has got for `user`, as the provider granted it.
    async fn granted(&self, user: &str, fake: &FakeProvider) -> (String, Option<String>) {
        let name = format!("{user}.sqlite");
        self.open(&name)
            .batch_execute("CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL)")
            .unwrap();
        let client = self.client(creation::app(), &name, fake).await;
        fake.set_user(user);
        sign_in(&client, "github").await;
        let tokens = Dance::fetch(client.rocket()).unwrap().tokens(GitHub).of(&1);
        let token = tokens.get().await.unwrap().unwrap();
        let refresh_token = token.refresh_token.as_ref().map(|secret| secret.expose().to_owned());
        (token.access_token.expose().to_owned(), refresh_token)
    }
}

fn refreshes(fake: &FakeProvider) -> usize {
    let is_refresh = |form: &std::collections::BTreeMap<String, String>| {
        form.get("grant_type").is_some_and(|grant| grant == "refresh_token")
    };
    fake.requests().iter().filter(|request| is_refresh(&request.form)).count()
}

/// What Flask-Dance stores, of a token that has expired.
fn expired((access_token, refresh_token): (String, Option<String>)) -> Value {
    json!({
        "access_token": access_token, "refresh_token": refresh_token, "token_type": "bearer",
        "scope": ["read:user"], "expires_in": 3600, "expires_at": 1_600_000_000.5,
    })
}

#[rocket::async_test]
async fn people_of_a_flask_dance_app_sign_in_as_the_same_users_and_expired_tokens_are_refreshed() {
    let (fake, files) = (FakeProvider::start().await, Files::new());
    let mut old = files.open("old.sqlite");
    old.batch_execute(
        "CREATE TABLE flask_dance_oauth (id INTEGER PRIMARY KEY, provider VARCHAR(50) NOT NULL, created_at DATETIME, \
         token JSON NOT NULL, user_id INTEGER, provider_user_id VARCHAR(256))",
    )
    .unwrap();
    // The row of user 7 does not say whose token it has.
    for (sub, user, id) in [("ada", 1, Some("ada")), ("grace", 7, None)] {
        let token = expired(files.granted(sub, &fake).await).to_string();
        diesel::sql_query("INSERT INTO flask_dance_oauth (provider, token, user_id, provider_user_id) VALUES ('github', ?, ?, ?)")
            .bind::<Text, _>(token)
            .bind::<Integer, _>(user)
            .bind::<Nullable<Text>, _>(id)
            .execute(&mut old)
            .unwrap();
    }

    let client = files.client(import_accounts::app(), "new.sqlite", &fake).await;
    let dance = Dance::fetch(client.rocket()).unwrap();
    assert_eq!(import_accounts::flask_dance(dance, &mut old).await, ["github: 2 rows"]);
    assert_eq!(refreshes(&fake), 1, "to ask whose token user 7 has");
    let imported = sqlite::dump(&files.0.path().join("new.sqlite"), |_| true);
    assert_eq!(import_accounts::flask_dance(dance, &mut old).await, ["github: 2 rows"], "a second time");
    assert_eq!(sqlite::dump(&files.0.path().join("new.sqlite"), |_| true), imported, "nothing is replaced");
    // A page calls the API before the user has signed in at the provider again: the token of user 1 is refreshed.
    dance.client(GitHub, &1).await.unwrap().expect("an account").userinfo().await.unwrap();
    assert_eq!(refreshes(&fake), 2);
    assert_eq!(files.signs_in("ada", &fake).await, ["You are user number 1", "ada"]);
    assert_eq!(files.signs_in("grace", &fake).await, ["You are user number 7", "grace"]);
    assert_eq!(sqlite::count(&files.0.path().join("new.sqlite"), "users"), 2, "no user was created");
    assert_eq!(sqlite::count(&files.0.path().join("new.sqlite"), "oauth_accounts"), 2);
}

#[rocket::async_test]
async fn people_of_a_flask_social_app_sign_in_as_the_same_users() {
    let (fake, files) = (FakeProvider::start().await, Files::new());
    let mut old = files.open("old.sqlite");
    old.batch_execute(
        "CREATE TABLE connection (id INTEGER PRIMARY KEY, user_id INTEGER, provider_id VARCHAR(255), \
         provider_user_id VARCHAR(255), access_token VARCHAR(255), secret VARCHAR(255), display_name VARCHAR(255), \
         profile_url VARCHAR(512), image_url VARCHAR(512), rank INTEGER)",
    )
    .unwrap();
    for (sub, user) in [("ada", 1), ("grace", 7)] {
        let (access_token, _) = files.granted(sub, &fake).await;
        diesel::sql_query(
            "INSERT INTO connection (user_id, provider_id, provider_user_id, access_token) VALUES (?, 'github', ?, ?)",
        )
        .bind::<Integer, _>(user)
        .bind::<Text, _>(sub)
        .bind::<Text, _>(access_token)
        .execute(&mut old)
        .unwrap();
    }
    old.batch_execute("INSERT INTO connection (user_id, provider_id, provider_user_id, access_token) VALUES (NULL, 'github', 'nobody', 'x')").unwrap();

    let client = files.client(import_accounts::app(), "new.sqlite", &fake).await;
    let dance = Dance::fetch(client.rocket()).unwrap();
    assert_eq!(import_accounts::flask_social(dance, &mut old).await, ["github: 2 rows"]);
    dance.client(GitHub, &1).await.unwrap().expect("an account").userinfo().await.expect("the old token");
    assert_eq!(files.signs_in("grace", &fake).await, ["You are user number 7", "grace"]);
    assert_eq!(files.signs_in("ada", &fake).await, ["You are user number 1", "ada"]);
    assert_eq!(sqlite::count(&files.0.path().join("new.sqlite"), "users"), 2, "no user was created");
}

#[rocket::async_test]
async fn a_row_that_cannot_be_imported_is_named_and_the_others_are_imported() {
    let (fake, files) = (FakeProvider::start().await, Files::new());
    let mut old = files.open("old.sqlite");
    old.batch_execute(
        "CREATE TABLE flask_dance_oauth (provider TEXT, token TEXT, user_id INTEGER, provider_user_id TEXT)",
    )
    .unwrap();
    let good = expired(files.granted("ada", &fake).await).to_string();
    let rows =
        [("{\"access_token\": \"revoked\"}", 7), ("not JSON: s3cret", 8), ("{}", 9), (good.as_str(), 1)];
    for (token, user) in rows {
        diesel::sql_query("INSERT INTO flask_dance_oauth VALUES ('github', ?, ?, NULL)")
            .bind::<Text, _>(token)
            .bind::<Integer, _>(user)
            .execute(&mut old)
            .unwrap();
    }
    let client = files.client(import_accounts::app(), "new.sqlite", &fake).await;
    let lines = import_accounts::flask_dance(Dance::fetch(client.rocket()).unwrap(), &mut old).await;
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert!(lines[1].starts_with("github: user 7: ") && !lines[1].contains("revoked\""), "{lines:?}");
    for (line, user) in lines[2..].iter().zip([8, 9]) {
        assert!(
            line.starts_with(&format!("github: user {user}: ")) && line.contains("can't be read"),
            "{line}"
        );
        assert!(!line.contains("s3cret"), "{line}");
    }
    assert_eq!(files.signs_in("ada", &fake).await, ["You are user number 1", "ada"]);
}

#[rocket::async_test]
async fn a_token_that_was_refreshed_during_a_failed_import_is_not_lost() {
    let (fake, files) = (FakeProvider::start().await, Files::new());
    let mut old = files.open("old.sqlite");
    old.batch_execute(
        "CREATE TABLE flask_dance_oauth (provider TEXT, token TEXT, user_id INTEGER, provider_user_id TEXT)",
    )
    .unwrap();
    let token = expired(files.granted("ada", &fake).await).to_string();
    diesel::sql_query("INSERT INTO flask_dance_oauth VALUES ('github', ?, 1, NULL)")
        .bind::<Text, _>(token)
        .execute(&mut old)
        .unwrap();
    let client = files.client(import_accounts::app(), "new.sqlite", &fake).await;
    let dance = Dance::fetch(client.rocket()).unwrap();
    fake.respond_once(ProviderEndpoint::Userinfo, FakeResponse::status(500));
    let lines = import_accounts::flask_dance(dance, &mut old).await;
    assert!(lines.len() == 2 && lines[1].starts_with("github: user 1: "), "{lines:?}");
    assert_eq!(import_accounts::flask_dance(dance, &mut old).await, ["github: 1 rows"]);
    assert_eq!(refreshes(&fake), 1, "the old refresh token was used up by the first run");
    assert_eq!(files.signs_in("ada", &fake).await, ["You are user number 1", "ada"]);
}
