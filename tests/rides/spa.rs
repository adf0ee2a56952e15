//! The single-page app of `examples/spa` in Chromium.

#![cfg(feature = "testing")]

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use rocket::figment::Figment;
use rocket::figment::providers::{Format, Toml};
use tempfile::tempdir;
use test_support::Watchdog;

use super::TEST_TIMEOUT;
use super::common::chromium;
use super::common::openid_provider::{CLIENT_ID, CLIENT_SECRET, Provider};
use super::common::process::free_port;

#[allow(dead_code)]
mod example {
    include!("../../examples/spa/main.rs");

    pub(super) fn app() -> rocket::Rocket<rocket::Build> {
        rocket()
    }
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn a5_the_single_page_app_in_chromium() {
    let _watchdog = Watchdog::with_limit(TEST_TIMEOUT);
    let folder = tempdir().unwrap();
    let (port, database) = (free_port(), folder.path().join("app.sqlite").display().to_string());
    SqliteConnection::establish(&database)
        .unwrap()
        .batch_execute("create table users (id integer primary key autoincrement, name text not null)")
        .unwrap();
    let base = format!("http://localhost:{port}");
    let callbacks = ["corp", "other"].map(|entry| format!("{base}/login/{entry}/authorized"));
    let provider = Provider::start(folder.path(), &callbacks, 3600);
    let entry = |name: &str| {
        format!(
            "[oauth.{name}]\nprovider = \"oidc\"\nissuer = {:?}\nclient_id = {CLIENT_ID:?}\n\
             client_secret = {CLIENT_SECRET:?}\n",
            provider.issuer()
        )
    };
    let figment = Figment::from(rocket::Config::debug_default())
        .merge(("port", port))
        .merge(("secret_key", "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk="))
        .merge(("databases.app.url", database))
        .merge(Toml::string(&(entry("corp") + &entry("other"))));
    let app = example::app().configure(figment).ignite().await.unwrap();
    let shutdown = app.shutdown();
    let server = rocket::tokio::spawn(app.launch());
    let shots = chromium::shots("spa", folder.path());
    rocket::tokio::task::spawn_blocking(move || chromium::ride(&["spa", &base, "ada"], &shots))
        .await
        .unwrap();
    shutdown.notify();
    server.await.unwrap().unwrap();
}
