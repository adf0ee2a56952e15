// An app with sessions of its own, which asks for a second factor before a session begins.
//
//     ROCKET_OAUTH='{github={client_id="my-id",client_secret="my-secret"}}' cargo run --example second_factor

use diesel::SqliteConnection;
use rocket::form::Form;
use rocket::http::{Cookie, CookieJar, SameSite, Status};
use rocket::outcome::IntoOutcome;
use rocket::request::{FromRequest, Outcome};
use rocket::response::{Redirect, content::RawHtml};
use rocket::{Request, get, launch, post, routes};
use rocket_dance::storage::DieselStorage;
use rocket_dance::{
    CurrentUser, Dance, Login, Result, Sessions, SignInOutcome, Standing, Verdict, private_cookie,
};

/// Name of the session's cookie.
const SESSION: &str = "__Host-uid";
/// Name of the cookie of a user who has signed in at the provider and has not entered the second factor yet.
const WAITING: &str = "__Host-waiting";

/// Builds a cookie. It is Lax, because browsers send no Strict cookies after the redirect from the provider.
fn lax(name: &'static str, value: String) -> Cookie<'static> {
    Cookie::build((name, value)).same_site(SameSite::Lax).secure(true).build()
}

struct AppSessions;

#[rocket::async_trait]
impl Sessions for AppSessions {
    type User = i32;

    async fn current(&self, request: &Request<'_>) -> Result<Option<i32>> {
        Ok(private_cookie(request, SESSION).and_then(|cookie| cookie.value().parse().ok()))
    }

    async fn sign_in(&self, request: &Request<'_>, user: &i32) -> Result<SignInOutcome> {
        request.cookies().add_private(lax(WAITING, user.to_string()));
        Ok(SignInOutcome::redirect_first(Redirect::to("/second-factor")))
    }

    async fn sign_out(&self, request: &Request<'_>) -> Result<()> {
        request.cookies().remove_private(lax(SESSION, String::new()));
        Ok(())
    }
}

/// The user who waits in this browser.
struct Waiting(String);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Waiting {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, ()> {
        let cookie = private_cookie(request, WAITING);
        cookie.map(|cookie| Waiting(cookie.value().to_owned())).or_forward(Status::Unauthorized)
    }
}

#[get("/second-factor")]
fn ask() -> RawHtml<&'static str> {
    RawHtml("<form method=post><input name=code aria-label=Code autofocus><button>Sign in</button></form>")
}

#[post("/second-factor", data = "<code>")]
fn check(code: Form<&str>, waiting: Waiting, jar: &CookieJar<'_>) -> Redirect {
    // A real app compares with the code of the user's device, and limits the number of attempts.
    if *code != "123456" {
        return Redirect::to("/second-factor");
    }
    jar.remove_private(lax(WAITING, String::new()));
    jar.add_private(lax(SESSION, waiting.0));
    Redirect::to("/")
}

/// Signs up the first stranger, as user number 1. A real app inserts a row into its table of users.
fn sign_up(login: &Login<i32>, _: &mut SqliteConnection) -> Result<Verdict<i32>> {
    Ok(if login.standing == Standing::Stranger { Verdict::SignUp(1) } else { login.default_verdict() })
}

#[get("/")]
fn index(user: CurrentUser<i32>) -> String {
    format!("You are user number {}", user.id())
}

#[launch]
fn rocket() -> _ {
    let storage = DieselStorage::database("app").migrate().link(sign_up);
    rocket::build()
        .attach(Dance::fairing().storage(storage).sessions(AppSessions))
        .mount("/", routes![index, ask, check])
        .register("/", rocket_dance::catchers())
}
