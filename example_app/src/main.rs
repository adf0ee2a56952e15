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
//! | file | contents |
//! |---|---|
//! | `main.rs` | the launch: which fairings and routes the app has |
//! | `pages.rs` | the routes |
//! | `users.rs` | the users' table, the passwords, and the policy that decides who may sign in |
//! | `database/` | what differs between SQLite, PostgreSQL and MySQL |
//! | `tests.rs` | tests of the app against a fake provider |

mod database;
mod pages;
#[cfg(test)]
mod tests;
mod users;

use rocket::{Build, Rocket, launch, routes};
use rocket_dance::Dance;
use rocket_dance::storage::DieselStorage;
use rocket_dyn_templates::Template;

#[launch]
fn rocket() -> Rocket<Build> {
    let dance = Dance::fairing()
        .storage(DieselStorage::database("app").migrate().link(users::Policy).cascade_from("users", "id"));
    // `users::stage` comes before `dance`: `cascade_from` requires that the table `users` exists.
    demo(users::stage(rocket::build()))
        .attach(dance)
        .attach(Template::fairing())
        .mount(
            "/",
            routes![
                pages::home,
                pages::me,
                pages::whoami,
                pages::plain,
                pages::signup_form,
                pages::signup,
                pages::signin_form,
                pages::signin,
                pages::signout
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
