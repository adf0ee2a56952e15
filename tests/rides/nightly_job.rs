//! `examples/nightly_job.rs` on PostgreSQL: people sign in, and the job calls the provider for each of them.

#![cfg(all(feature = "postgres", feature = "testing"))]

use diesel::connection::SimpleConnection;
use rocket::local::asynchronous::Client;
use rocket_dance::testing::{FakeProvider, sign_in};
use tempfile::tempdir;
use test_support::Watchdog;

use super::TEST_TIMEOUT;
use super::common::database::Database;

#[allow(dead_code)]
mod example {
    include!("../../examples/nightly_job.rs");

    pub(super) fn app() -> Rocket<Build> {
        rocket()
    }

    pub(super) async fn lines(rocket: Rocket<Build>) -> Vec<String> {
        let rocket = rocket.ignite().await.unwrap();
        report(Dance::fetch(&rocket).unwrap()).await.unwrap()
    }

    pub(super) fn connect(url: &str) -> PgConnection {
        PgConnection::establish(url).unwrap()
    }
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn a_nightly_job_calls_the_provider_for_every_account() {
    let _watchdog = Watchdog::with_limit(TEST_TIMEOUT);
    let (fake, folder) = (FakeProvider::start().await, tempdir().unwrap());
    let database = Database::on_server("postgres", folder.path());
    example::connect(&database.url)
        .batch_execute("create table users (id serial primary key, name text not null)")
        .unwrap();
    let app = || {
        let rocket = example::app();
        let figment = rocket
            .figment()
            .clone()
            .merge(("databases.app.url", &database.url))
            .merge(("secret_key", "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk="));
        fake.stand_in(rocket.configure(figment), "github")
    };
    for (user, home) in [("ada", "You are user number 1"), ("grace", "You are user number 2")] {
        let client = Client::tracked(app()).await.unwrap();
        fake.set_user(user);
        sign_in(&client, "github").await;
        assert_eq!(client.get("/").dispatch().await.into_string().await.as_deref(), Some(home));
    }
    assert_eq!(example::lines(app()).await, ["1: \"ada\"", "2: \"grace\""]);
    // A user who revokes the access costs a line, and not the job.
    fake.revoke_tokens("ada");
    let lines = example::lines(app()).await;
    assert!(lines[0].starts_with("1: ") && !lines[0].contains("ada"), "{lines:?}");
    assert_eq!(lines[1..], ["2: \"grace\""]);
}
