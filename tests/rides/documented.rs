//! The documented examples in Chromium: README's two apps, a provider of the app's own, and sessions of the app's own
//! without and with a second factor. They are compiled from `examples/`, and served by this process.

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use rocket::figment::Figment;
use rocket::figment::providers::{Format, Toml};
use rocket::{Build, Rocket};
use tempfile::tempdir;
use test_support::Watchdog;

use super::TEST_TIMEOUT;
use super::common::chromium;
use super::common::openid_provider::{CLIENT_ID, CLIENT_SECRET, Provider};
use super::common::process::free_port;

macro_rules! examples {
    ($($name:ident: $file:literal;)*) => {
        $(#[allow(dead_code)]
        pub(crate) mod $name {
            include!($file);

            pub(crate) fn app() -> rocket::Rocket<rocket::Build> {
                rocket()
            }
        })*
    };
}

examples! {
    minimal: "../../examples/minimal.rs";
    creation: "../../examples/creation.rs";
    own_provider: "../../examples/own_provider.rs";
    flash: "../../examples/flash.rs";
    own_sessions: "../../examples/own_sessions.rs";
    second_factor: "../../examples/second_factor.rs";
}

/// What a visitor of an example does and reads.
struct Visit {
    example: &'static str,
    app: fn() -> Rocket<Build>,
    /// The entry with which they sign in.
    entry: &'static str,
    /// The entry that they connect afterwards, or empty.
    second: &'static str,
    /// What `/` says to a visitor who is not signed in, if it is a page.
    before: &'static str,
    /// What `/` says once they are signed in.
    after: &'static str,
}

const VISITS: [Visit; 5] = [
    Visit {
        example: "minimal",
        app: minimal::app,
        entry: "github",
        second: "",
        before: "",
        after: "You are @ada on GitHub",
    },
    Visit {
        example: "creation",
        app: creation::app,
        entry: "github",
        second: "other",
        before: "",
        after: "You are user number 1",
    },
    Visit {
        example: "own_provider",
        app: own_provider::app,
        entry: "chess",
        second: "",
        before: "",
        after: "Hello, Ada",
    },
    Visit {
        example: "own_sessions",
        app: own_sessions::app,
        entry: "github",
        second: "other",
        before: "You are not signed in",
        after: "You are user number 1",
    },
    Visit {
        example: "second_factor",
        app: second_factor::app,
        entry: "github",
        second: "other",
        before: "",
        after: "You are user number 1",
    },
];

/// `[default.oauth]`: all entries lead to the certified provider. It answers `/user` and `/player` as the APIs of the
/// examples do.
pub(crate) fn entries(issuer: &str) -> String {
    let client = format!("client_id = {CLIENT_ID:?}\nclient_secret = {CLIENT_SECRET:?}\n");
    let oidc = format!(
        "provider = \"oidc\"\nissuer = {issuer:?}\napi_base_url = \"{issuer}/\"\nscope = [\"openid\", \"profile\"]\n{client}"
    );
    format!(
        "[oauth.github]\n{oidc}[oauth.other]\n{oidc}[oauth.third]\n{oidc}[oauth.chess]\nauthorization_url = \"{issuer}/auth\"\n\
         token_url = \"{issuer}/token\"\nuserinfo_url = \"{issuer}/player\"\napi_base_url = \"{issuer}/\"\n\
         scope = [\"openid\"]\n{client}"
    )
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn a4_a_flash_message_in_chromium() {
    let _watchdog = Watchdog::with_limit(TEST_TIMEOUT);
    let folder = tempdir().unwrap();
    let port = free_port();
    let base = format!("http://localhost:{port}");
    let provider = Provider::start(folder.path(), &[format!("{base}/login/github/authorized")], 3600);
    let app = flash::app();
    let entries = entries(provider.issuer());
    let figment = app.figment().clone().merge(("port", port)).merge(Toml::string(&entries));
    let app = app.configure(figment).ignite().await.unwrap();
    let shutdown = app.shutdown();
    let server = rocket::tokio::spawn(app.launch());
    let shots = chromium::shots("flash", folder.path());
    rocket::tokio::task::spawn_blocking(move || {
        chromium::ride(&["flash", &base, "github", "ada"], &shots);
    })
    .await
    .unwrap();
    shutdown.notify();
    server.await.unwrap().unwrap();
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn d15_every_documented_example_in_chromium() {
    let _watchdog = Watchdog::with_limit(TEST_TIMEOUT);
    for visit in VISITS {
        let folder = tempdir().unwrap();
        let (port, database) = (free_port(), folder.path().join("app.sqlite"));
        let mut connection = SqliteConnection::establish(&database.display().to_string()).unwrap();
        connection
            .batch_execute("create table users (id integer primary key autoincrement, name text not null)")
            .unwrap();
        let base = format!("http://localhost:{port}");
        let callbacks = [visit.entry, visit.second].map(|entry| format!("{base}/login/{entry}/authorized"));
        let provider = Provider::start(folder.path(), &callbacks, 3600);
        let app = (visit.app)();
        let figment = Figment::from(rocket::Config::debug_default())
            .merge(("port", port))
            .merge(("secret_key", "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk="))
            .merge(("databases.app.url", database.display().to_string()))
            .merge(Toml::string(&entries(provider.issuer())));
        let app = app
            .configure(figment)
            .ignite()
            .await
            .unwrap_or_else(|error| panic!("{}: {error}", visit.example));
        let shutdown = app.shutdown();
        let server = rocket::tokio::spawn(app.launch());
        let shots = chromium::shots("documented", folder.path()).join(visit.example);
        let arguments =
            ["documented", &base, visit.entry, visit.second, "ada", visit.before, visit.after, "123456"]
                .map(str::to_owned);
        rocket::tokio::task::spawn_blocking(move || {
            chromium::ride(&arguments.each_ref().map(String::as_str), &shots);
        })
        .await
        .unwrap();
        shutdown.notify();
        server.await.unwrap().unwrap();
    }
}
