//! Signing up and in with a name and a password, beside the providers.

use rocket::form::Form;
use rocket::http::{CookieJar, Status};
use rocket::response::Redirect;
use rocket::{FromForm, State, get, post, uri};
use rocket_dance::{CurrentUser, Dance, LocalPath, Result};
use rocket_dyn_templates::{Template, context};

use crate::pages;
use crate::users::{self, Db};

/// The form of both pages.
#[derive(FromForm)]
pub struct Credentials {
    #[field(validate = len(1..=100))]
    name: String,
    #[field(validate = len(1..=1000))]
    password: String,
    /// The page that the visitor came from.
    next: Option<LocalPath>,
}

/// A page with that form. `problem` says why the last try failed.
fn page(title: &str, action: String, next: Option<LocalPath>, problem: Option<&str>) -> Template {
    let next = next.as_ref().map(LocalPath::as_str);
    Template::render("credentials", context! { title, action, next, problem })
}

/// The sign-up page.
#[get("/signup?<next>")]
pub fn signup_form(next: Option<LocalPath>, dance: &State<Dance>) -> Template {
    page("Sign up", dance.public_path(uri!(signup)), next, None)
}

/// Creates a user with a password and signs them in.
#[post("/signup", data = "<form>")]
pub async fn signup(
    form: Form<Credentials>,
    jar: &CookieJar<'_>,
    db: &Db,
    dance: &State<Dance>,
) -> Result<Result<Redirect, (Status, Template)>> {
    let Credentials { name, password, next } = form.into_inner();
    Ok(match users::sign_up(db, name, password).await? {
        Some(id) => Ok(begin_session(jar, id, next, dance)),
        None => {
            let action = dance.public_path(uri!(signup));
            Err((Status::Conflict, page("Sign up", action, next, Some("That name is taken."))))
        }
    })
}

/// The sign-in page.
#[get("/signin?<next>")]
pub fn signin_form(next: Option<LocalPath>, dance: &State<Dance>) -> Template {
    page("Sign in", dance.public_path(uri!(signin)), next, None)
}

/// Signs a user in with name and password.
#[post("/signin", data = "<form>")]
pub async fn signin(
    form: Form<Credentials>,
    jar: &CookieJar<'_>,
    db: &Db,
    dance: &State<Dance>,
) -> Result<Result<Redirect, (Status, Template)>> {
    let Credentials { name, password, next } = form.into_inner();
    Ok(match users::sign_in(db, name, password).await? {
        Some(id) => Ok(begin_session(jar, id, next, dance)),
        None => {
            let action = dance.public_path(uri!(signin));
            let problem = Some("Name or password is wrong.");
            Err((Status::Unauthorized, page("Sign in", action, next, problem)))
        }
    })
}

/// Begins the session of the user and redirects to the page that they came from, or to the home page.
fn begin_session(jar: &CookieJar<'_>, id: i32, next: Option<LocalPath>, dance: &Dance) -> Redirect {
    CurrentUser::sign_in(jar, &id);
    let to = next.map_or_else(|| uri!(pages::home).to_string(), String::from);
    Redirect::to(dance.public_path(to))
}

/// Ends the session and redirects to the home page.
#[post("/signout")]
pub fn signout(jar: &CookieJar<'_>, dance: &State<Dance>) -> Redirect {
    CurrentUser::sign_out(jar);
    Redirect::to(dance.public_path(uri!(pages::home)))
}
