//! A small web app with Rocket, Diesel and rocket_dance: local users with a password, and every provider that
//! Rocket.toml names.
//!
//! ```console
//! $ cargo run -p example_app          # then open http://localhost:8000
//! ```
//!
//! Without an entry in Rocket.toml, a debug build offers a demo provider, so that you can try a whole sign-in offline. With
//! an entry, the app offers that provider instead; no code changes:
//!
//! ```console
//! $ ROCKET_OAUTH='{github={client_id="…",client_secret="…"}}' cargo run -p example_app
//! ```
//!
//! `example_app doctor` checks the configuration, the database and the providers, and says how to cure what is wrong:
//!
//! ```console
//! $ cargo run -p example_app -- doctor
//! ```
//!
//! | file | contents |
//! |---|---|
//! | `main.rs` | the launch: which fairings and routes the app has |
//! | `policy.rs` | the policy: who may sign in through a provider, and as which user |
//! | `pages.rs` | the pages: home, profile, the JSON of `/me`, a call of the provider's API |
//! | `password.rs` | signing up and in with a password |
//! | `users.rs` | the users' table, its queries, and the passwords |
//! | `database/` | what differs between SQLite, PostgreSQL and MySQL |
//! | `tests.rs` | tests of the app against a fake provider |
//! | `../templates/` | the app's pages; `oauth/complete_sign_up.html.tera` replaces a page of the library |
//!
//! Two settings are off at first. With `ROCKET_DANCE='{flash=true}'`, the next page says what has happened. With
//! `ROCKET_EXAMPLE='{ask_for_email=true}'`, a visitor whose provider names no e-mail address is asked for it before they become a
//! user.

mod database;
mod pages;
mod password;
mod policy;
#[cfg(test)]
mod tests;
mod users;

use rocket::figment::Figment;
use rocket::{Build, Config, Rocket, routes};
use rocket_dance::Dance;
use rocket_dance::storage::DieselStorage;
use rocket_dyn_templates::Template;

use crate::policy::Policy;

#[rocket::main]
async fn main() -> Result<(), rocket::Error> {
    let app = app(Config::figment());
    if std::env::args().nth(1).as_deref() == Some("doctor") {
        Dance::doctor(app).await.exit();
    }
    app.launch().await.map(drop)
}

/// The app with a configuration. The tests have another one.
fn app(configuration: Figment) -> Rocket<Build> {
    let ask_for_email = configuration.extract_inner("example.ask_for_email").unwrap_or(false);
    let storage = DieselStorage::database("app").migrate().link(Policy { ask_for_email });
    let pool = storage.pool::<database::Connection>();
    // `users::stage` comes before `Dance::fairing`: `cascade_from` requires that the table `users` exists.
    demo(users::stage(rocket::custom(configuration)).manage(pool))
        .attach(Dance::fairing().storage(storage.cascade_from("users", "id")))
        .attach(Template::fairing())
        .mount(
            "/",
            routes![
                pages::home,
                pages::profile,
                pages::me,
                pages::whoami,
                pages::plain,
                password::signup_form,
                password::signup,
                password::signin_form,
                password::signin,
                password::signout
            ],
        )
        .register("/", rocket_dance::catchers())
}

/// Attaches the demo provider, which appears if Rocket.toml has no entry. Everyone can be anyone there, so a release build
/// never has it.
#[cfg(all(feature = "demo", debug_assertions))]
fn demo(rocket: Rocket<Build>) -> Rocket<Build> {
    rocket.attach(rocket_dance::testing::DemoProvider::fairing())
}

#[cfg(not(all(feature = "demo", debug_assertions)))]
fn demo(rocket: Rocket<Build>) -> Rocket<Build> {
    rocket
}
