//! The README's code, run as it is printed there: both apps and the test against a provider on a loopback port, the SQL
//! on SQLite, each Rocket.toml block read and launched, each Cargo.toml block compared with the crate's own.
//!
//! The Rust blocks also compile as doctests, which `lib.rs` asks for.

#![cfg(all(feature = "testing", feature = "sqlite"))]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use rocket::figment::providers::{Format, Serialized, Toml};
use rocket::figment::value::{Dict, Value};
use rocket::figment::{Figment, Profile};
use rocket::http::Status;
use rocket::local::asynchronous::Client;
use rocket::{Build, Config, Rocket};
use rocket_dance::testing::{FakeProvider, sign_in};

const README: &str = include_str!("../README.md");

/// A key as `openssl rand -base64 32` prints it.
const KEY: &str = "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk=";

#[allow(dead_code)]
mod quickstart {
    include!("../examples/minimal.rs");

    pub(super) fn app() -> rocket::Rocket<rocket::Build> {
        rocket()
    }

    mod test {
        include!("readme/test.rs");
    }
}

#[allow(dead_code)]
mod users {
    include!("../examples/creation.rs");

    pub(super) fn app() -> rocket::Rocket<rocket::Build> {
        rocket()
    }
}

/// A fenced block of README.md.
struct Block {
    language: &'static str,
    text: &'static str,
}

/// The blocks of README.md, from top to bottom.
fn blocks() -> Vec<Block> {
    let block = |fenced: &'static str| {
        let (language, text) = fenced.split_once('\n').unwrap();
        Block { language, text }
    };
    README.split("```").skip(1).step_by(2).map(block).collect()
}

/// The texts of the blocks in `language` that begin with `head`.
fn texts(language: &str, head: &str) -> Vec<&'static str> {
    let wanted = |block: &Block| block.language == language && block.text.starts_with(head);
    blocks().into_iter().filter(wanted).map(|block| block.text).collect()
}

/// The app with users, on a new database that has the README's table.
fn app_with_users() -> Rocket<Build> {
    let dir = tempfile::tempdir().unwrap();
    let url = dir.path().join("app.sqlite").display().to_string();
    let [sql] = texts("sql", "")[..] else { panic!("one block of SQL") };
    SqliteConnection::establish(&url).unwrap().batch_execute(sql).unwrap();
    let rocket = users::app();
    let figment = rocket.figment().clone().merge(("databases.app.url", url));
    rocket.configure(figment).manage(dir)
}

#[rocket::async_test]
async fn the_app_with_users_signs_its_user_in() {
    let fake = FakeProvider::start().await;
    let client = Client::tracked(fake.stand_in(app_with_users(), "github")).await.unwrap();
    assert_eq!(client.get("/").dispatch().await.status(), Status::SeeOther, "no user is signed in yet");
    sign_in(&client, "github").await;
    assert_eq!(client.get("/").dispatch().await.into_string().await.unwrap(), "You are user number 1");
}

/// An example without the comment at its top, which says how to run it.
fn without_head(example: &str) -> &str {
    example.split_once("\n\n").unwrap().1
}

#[test]
fn the_rust_that_is_printed_is_the_rust_that_runs() {
    let run = [
        without_head(include_str!("../examples/minimal.rs")),
        include_str!("readme/test.rs"),
        without_head(include_str!("../examples/creation.rs")),
    ];
    let printed: Vec<_> = blocks().into_iter().filter(|block| block.language.starts_with("rust")).collect();
    assert_eq!(printed.len(), run.len());
    for (block, run) in printed.iter().zip(run) {
        assert_eq!(block.text, run, "README.md prints something else than examples/ and tests/readme/");
    }
}

#[test]
fn every_block_is_of_a_kind_that_is_run() {
    for Block { language, text } in blocks() {
        let is_run = match language {
            "rust" | "rust,no_run" | "sql" => true,
            "toml" => text.starts_with("# Cargo.toml") || text.starts_with("# Rocket.toml"),
            "console" => text.lines().all(|line| line.starts_with("$ ")),
            _ => false,
        };
        assert!(is_run, "README.md has a block that nothing runs:\n```{language}\n{text}```");
        assert!(!text.contains('…'), "README.md has a block with a gap in it:\n{text}");
    }
}

/// Reads `blocks` as a Rocket.toml in a folder of its own, which has the files that they name.
fn configuration(blocks: &[&str]) -> (tempfile::TempDir, Figment) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("Rocket.toml");
    fs::create_dir(dir.path().join("secrets")).unwrap();
    fs::write(dir.path().join("secrets/google"), "a-client-secret\n").unwrap();
    fs::write(&file, blocks.concat()).unwrap();
    let quiet = Config { log_level: rocket::config::LogLevel::Off, ..Config::debug_default() };
    let figment = Figment::from(quiet).merge(Toml::file(&file).nested());
    (dir, figment)
}

/// Whether the quickstart launches, as far as a launch can go without a port.
async fn launches(figment: Figment) -> bool {
    match quickstart::app().configure(figment).ignite().await {
        Ok(_) => true,
        // Rocket's errors panic when they are dropped without having been looked at.
        Err(error) => matches!(error.kind(), rocket::error::ErrorKind::Io(_)),
    }
}

/// The entry of the quickstart's first block, without which its guard stops the launch.
fn entry() -> &'static str {
    texts("toml", "# Rocket.toml")[0]
}

#[rocket::async_test]
async fn every_rocket_toml_block_launches() {
    let printed = texts("toml", "# Rocket.toml");
    assert_eq!(printed.len(), 4, "the quickstart, users, settings, production");
    for block in &printed[1..] {
        let (_dir, figment) = configuration(&[entry(), block]);
        assert!(launches(figment).await, "this stops the launch:\n{block}");
    }
    let (_dir, figment) = configuration(&printed[..1]);
    assert!(launches(figment).await, "the quickstart stops at its launch");
}

#[rocket::async_test]
async fn a12_the_production_settings_launch_a_release() {
    let production = *texts("toml", "# Rocket.toml").last().unwrap();
    let (_dir, figment) = configuration(&[entry(), production]);
    let release = figment.select("release");
    assert!(!launches(release.clone()).await, "the keys are needed");
    // What Rocket reads of the two variables that the README exports.
    for variable in
        ["export ROCKET_SECRET_KEY=\"$(openssl", "export ROCKET_DANCE=\"{token_keys=[\\\"$(openssl"]
    {
        assert!(texts("console", "").concat().contains(variable), "README.md doesn't export {variable}");
    }
    let with_keys = release
        .clone()
        .merge(Serialized::global("secret_key", KEY))
        .merge(Serialized::global("dance.token_keys", vec![KEY]));
    assert!(launches(with_keys.clone()).await);
    let (_dir, bare) = configuration(&[entry()]);
    let without_url = bare
        .select("release")
        .merge(Serialized::global("secret_key", KEY))
        .merge(Serialized::global("dance.token_keys", vec![KEY]));
    assert!(!launches(without_url).await, "base_url is needed");
}

/// A table below `at` in a TOML file, as a map.
fn table(toml: &str, at: &str) -> Dict {
    Figment::from(Toml::string(toml)).select(Profile::Default).extract_inner(at).unwrap()
}

/// A dependency's version and features, in either way of writing.
fn dependency(value: &Value) -> (String, Vec<String>) {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let Some(table) = value.as_dict() else { return (text(value), Vec::new()) };
    let features = table.get("features").and_then(Value::as_array).unwrap_or_default();
    (text(&table["version"]), features.iter().map(text).collect())
}

#[test]
fn the_dependencies_are_those_of_the_crate() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let ours = table(&manifest, "dependencies");
    let printed = texts("toml", "# Cargo.toml");
    let [quickstart, test, users] = printed[..] else { panic!("the quickstart, a test, users") };
    let dependencies = [(quickstart, "dependencies"), (test, "dev-dependencies"), (users, "dependencies")];
    for (name, value) in dependencies.iter().flat_map(|(block, at)| table(block, at)) {
        let (version, features) = dependency(&value);
        if name == "rocket_dance" {
            assert!(env!("CARGO_PKG_VERSION").starts_with(&version), "{name} {version}");
            let known = table(&manifest, "features");
            assert!(features.iter().all(|feature| known.contains_key(feature)), "{name} {features:?}");
            continue;
        }
        assert_eq!(version, dependency(&ours[&name]).0, "{name}");
        for feature in features {
            let enabled = manifest.contains(&format!("\"{name}/{feature}\""));
            let listed = dependency(&ours[&name]).1.contains(&feature);
            assert!(enabled || listed, "{name} with `{feature}` is not what is tested here");
        }
    }
}
