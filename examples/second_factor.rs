// An app that asks for a second factor before a session begins.
//
//     ROCKET_OAUTH='{github={client_id="my-id",client_secret="my-secret"}}' cargo run --example second_factor

use std::sync::atomic::{AtomicI32, Ordering};

use diesel::SqliteConnection;
use rocket::form::Form;
use rocket::http::{Cookie, SameSite};
use rocket::response::Redirect;
use rocket::response::content::RawHtml;
use rocket::{FromForm, Request, get, launch, post, routes};
use rocket_dance::storage::DieselStorage;
use rocket_dance::{
    Dance, Login, Result, Sessions, SignInOutcome, Standing, Verdict, Visitor, private_cookie,
};

/// Name of the session's cookie.
const SESSION: &str = "__Host-uid";
/// Name of the cookie of a user who has signed in at the provider and has not entered the second factor yet.
const WAITING: &str = "__Host-waiting";

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

/// Builds a cookie. It is Lax, because browsers send no Strict cookies after the redirect from the provider.
fn lax(name: &'static str, value: String) -> Cookie<'static> {
    Cookie::build((name, value)).same_site(SameSite::Lax).secure(true).build()
}

#[get("/second-factor")]
fn ask() -> RawHtml<&'static str> {
    RawHtml(
        "<h1>Enter your code</h1><form method=\"post\"><input name=\"code\" autocomplete=\"one-time-code\" autofocus> \
         <button>Sign in</button></form>",
    )
}

#[derive(FromForm)]
struct Answer<'r> {
    code: &'r str,
}

/// The user who waits in this browser.
struct Waiting(String);

#[rocket::async_trait]
impl<'r> rocket::request::FromRequest<'r> for Waiting {
    type Error = ();

    async fn from_request(request: &'r Request<'_>) -> rocket::request::Outcome<Self, ()> {
        match private_cookie(request, WAITING) {
            Some(cookie) => rocket::request::Outcome::Success(Waiting(cookie.value().to_owned())),
            None => rocket::request::Outcome::Forward(rocket::http::Status::Unauthorized),
        }
    }
}

#[post("/second-factor", data = "<answer>")]
fn check(answer: Form<Answer<'_>>, waiting: Waiting, jar: &rocket::http::CookieJar<'_>) -> Redirect {
    // A real app compares with the code of the user's device, and limits the number of attempts.
    if answer.code != "123456" {
        return Redirect::to("/second-factor");
    }
    jar.remove_private(lax(WAITING, String::new()));
    jar.add_private(lax(SESSION, waiting.0));
    Redirect::to("/")
}

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
        .mount("/", routes![index, ask, check])
        .register("/", rocket_dance::catchers())
}
