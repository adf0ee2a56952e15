// An app with sessions of its own, in a private cookie of Rocket's. The documentation of `rocket_dance::Sessions` prints
// `docs/app_sessions.rs`.
//
//     ROCKET_OAUTH='{github={client_id="my-id",client_secret="my-secret"}}' cargo run --example own_sessions

#[path = "../docs/app_sessions.rs"]
mod app_sessions;

use std::sync::atomic::{AtomicI32, Ordering};

use app_sessions::AppSessions;
use diesel::SqliteConnection;
use rocket::response::content::RawHtml;
use rocket::{get, launch, routes};
use rocket_dance::storage::DieselStorage;
use rocket_dance::{Dance, Login, Result, Standing, Verdict, Visitor};

/// Gives each new user the next number. A real app inserts a row into its table of users.
fn sign_up(login: &Login<i32>, _: &mut SqliteConnection) -> Result<Verdict<i32>> {
    static USERS: AtomicI32 = AtomicI32::new(1);
    match &login.standing {
        Standing::Stranger => Ok(Verdict::SignUp(USERS.fetch_add(1, Ordering::Relaxed))),
        _ => Ok(login.default_verdict()),
    }
}

#[get("/")]
fn index(visitor: Visitor<i32>) -> RawHtml<String> {
    let user = visitor.user().map_or("not signed in".to_owned(), |id| format!("user number {id}"));
    RawHtml(format!(
        "<h1>You are {user}</h1><a href=\"/login\">Sign in</a> <a href=\"/login/accounts\">Your accounts</a>"
    ))
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .attach(
            Dance::fairing()
                .storage(DieselStorage::database("app").migrate().link(sign_up))
                .sessions(AppSessions),
        )
        .mount("/", routes![index])
        .register("/", rocket_dance::catchers())
}
