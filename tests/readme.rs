//! The README's app with users and its test, as they stand there, against a provider on loopback.

#![cfg(all(feature = "testing", feature = "sqlite"))]
#![allow(clippy::unwrap_used)]

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use rocket::{Build, Rocket};

#[allow(dead_code)]
mod app {
    include!("readme/app.rs");

    pub(super) fn readme() -> rocket::Rocket<rocket::Build> {
        rocket()
    }
}

/// What the README leaves to the app: a database with its table, and the keys of this test.
fn rocket() -> Rocket<Build> {
    let dir = tempfile::tempdir().unwrap();
    let url = dir.path().join("app.sqlite").display().to_string();
    SqliteConnection::establish(&url)
        .unwrap()
        .batch_execute("create table users (id integer primary key autoincrement, name text not null)")
        .unwrap();
    let rocket = app::readme();
    let figment = rocket.figment().clone().merge(("databases.app.url", url));
    rocket.configure(figment).manage(dir)
}

mod test {
    include!("readme/test.rs");
}

#[test]
fn the_readme_shows_what_runs_here() {
    let readme = include_str!("../README.md");
    for code in [
        include_str!("readme/app.rs"),
        include_str!("readme/test.rs"),
        "create table users (id integer primary key autoincrement, name text not null)",
    ] {
        assert!(readme.contains(code), "README.md has no such block:\n\n{code}");
    }
}
