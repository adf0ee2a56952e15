// An app with sign-in forms of its own. Its users connect GitHub to use it, and cannot sign in with it.
//
//     ROCKET_OAUTH='{github={client_id="my-id",client_secret="my-secret"}}' cargo run --example association

use rocket::form::Form;
use rocket::http::{CookieJar, Status};
use rocket::response::{Redirect, content::RawHtml};
use rocket::{FromForm, get, launch, post, routes, uri};
use rocket_dance::provider::GitHub;
use rocket_dance::{CurrentUser, Dance, LocalPath, OAuth, Result, storage::DieselStorage};

/// The app's users. A real app has a table of them, with hashes of their passwords.
const USERS: [(i32, &str, &str); 2] = [(1, "ada", "correct horse"), (2, "grace", "battery staple")];

#[derive(FromForm)]
struct Credentials<'r> {
    name: &'r str,
    password: &'r str,
}

/// `next` is the page that the visitor came from. A `LocalPath` has been checked.
#[get("/signin?<next>")]
fn form(next: Option<LocalPath>) -> RawHtml<String> {
    let action = uri!(sign_in(next));
    RawHtml(format!(
        "<form method=post action=\"{action}\"><input name=name><input name=password type=password><button>Sign in</button></form>"
    ))
}

#[post("/signin?<next>", data = "<credentials>")]
fn sign_in(
    next: Option<LocalPath>,
    credentials: Form<Credentials<'_>>,
    jar: &CookieJar<'_>,
) -> Result<Redirect, Status> {
    let known = |user: &&(i32, &str, &str)| (user.1, user.2) == (credentials.name, credentials.password);
    let (id, _, _) = USERS.iter().find(known).ok_or(Status::Forbidden)?;
    CurrentUser::sign_in(jar, id);
    Ok(Redirect::to(next.map_or("/".to_owned(), String::from)))
}

/// A user without an account at GitHub is asked to connect one, and comes back here.
#[get("/")]
async fn index(user: CurrentUser<i32>, github: OAuth<GitHub>) -> Result<String> {
    let me: rocket::serde::json::Value = github.get("user").json().await?;
    Ok(format!("User number {} is {} on GitHub", user.id(), me["login"]))
}

#[launch]
fn rocket() -> _ {
    // Rocket.toml would have these lines, under [default.dance] and [default.oauth.github].
    let figment = rocket::Config::figment()
        .merge(("dance.sign_in_page", "/signin"))
        .merge(("oauth.github.login", false));
    rocket::custom(figment)
        .attach(Dance::fairing().storage(DieselStorage::database("app").migrate()))
        .mount("/", routes![index, form, sign_in])
        .register("/", rocket_dance::catchers())
}
