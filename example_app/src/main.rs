//! A small Rocket + Diesel app: a sign-up of its own, and every way to sign in that Rocket.toml names.

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
    let rocket = rocket::build();
    // With no entry in Rocket.toml, a provider to try a whole sign-in with: never in a release build.
    #[cfg(debug_assertions)]
    let rocket = rocket.attach(rocket_dance::testing::Demo::fairing());
    // First the users' table, from which accounts are removed with their users.
    users::stage(rocket)
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
