// A provider of three URLs, which does not say who its user is, in an app that signs its users in itself: each user connects
// their own token. Rocket.toml has the entry of `custom.rs`, and a database `app`.

use rocket::{get, http::CookieJar, launch, post, response::Redirect, routes};
use rocket_dance::{CurrentUser, Dance, OAuth, Result, provider::Provider, storage::DieselStorage};

struct OAuthExample;

impl Provider for OAuthExample {
    const NAME: &'static str = "oauth_example";
}

#[get("/")]
async fn index(user: CurrentUser<String>, example: OAuth<OAuthExample>) -> Result<String> {
    Ok(format!("{}: {}", user.id(), example.get("user").text().await?))
}

#[post("/enter", data = "<name>")] // An app checks a password here.
fn enter(name: String, jar: &CookieJar<'_>) -> Redirect {
    CurrentUser::sign_in(jar, &name);
    Redirect::to("/")
}

#[launch]
fn rocket() -> _ {
    let dance = Dance::fairing().storage(DieselStorage::database("app").migrate());
    rocket::build().attach(dance).mount("/", routes![index, enter]).register("/", rocket_dance::catchers())
}
