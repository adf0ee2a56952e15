//! A small app whose accounts are in Redis. Start it as often as you like, on several machines, with the same Redis and the
//! same `secret_key`:
//!
//! ```text
//! redis-server --save "" &
//! ROCKET_OAUTH='{github={client_id="…",client_secret="…"}}' cargo run -p redis_storage
//! ```

use redis_storage::RedisStorage;
use rocket::http::CookieJar;
use rocket::{Build, Rocket, get, launch, post, routes};
use rocket_dance::provider::GitHub;
use rocket_dance::{CurrentUser, Dance, OAuth, Result};

/// The name of the account at GitHub, with the stored token. A process that finds the token expired refreshes it, once for all
/// processes.
#[get("/")]
async fn index(github: OAuth<GitHub>) -> Result<String> {
    Ok(github.userinfo().await?.to_string())
}

/// Signs anyone in, in place of the app's own password form: with this storage an account is connected to the user who is
/// signed in.
#[post("/enter/<user>")]
fn enter(user: i32, jar: &CookieJar<'_>) {
    CurrentUser::sign_in(jar, &user);
}

#[launch]
fn rocket() -> Rocket<Build> {
    let url = std::env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1/".into());
    let storage = RedisStorage::new(&url, "app:").unwrap_or_else(|error| panic!("REDIS_URL: {error:?}"));
    rocket::build()
        .attach(Dance::fairing().storage(storage))
        .mount("/", routes![index, enter])
        .register("/", rocket_dance::catchers())
}
