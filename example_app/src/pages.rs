//! The routes of the app.

use rocket::form::Form;
use rocket::http::{CookieJar, Status};
use rocket::response::Redirect;
use rocket::serde::json::{Json, Value, json};
use rocket::{FromForm, State, get, post, uri};
use rocket_dance::{Accounts, CurrentUser, Dance, Error, Result, Visitor};
use rocket_dyn_templates::{Template, context};

use crate::users::{self, Db};

/// The home page: the signed-in user and their accounts, or the ways to sign in.
#[get("/")]
pub async fn home(
    visitor: Visitor<i32>,
    accounts: Accounts,
    db: Db,
    dance: &State<Dance>,
) -> Result<Template> {
    let name = name(visitor.user(), &db).await?;
    // The app may run below a path: the links begin with it.
    let base = dance.public_path("");
    Ok(Template::render("home", context! { name, base, dance: &accounts }))
}

/// Returns the name of the signed-in user, if there is one.
async fn name(user: Option<&i32>, db: &Db) -> Result<Option<String>> {
    match user {
        Some(user) => users::name(db, *user).await,
        None => Ok(None),
    }
}

/// The signed-in user and their accounts, as JSON.
#[get("/me")]
pub async fn me(visitor: Visitor<i32>, accounts: Accounts, db: Db) -> Result<Json<Value>> {
    let id = visitor.user();
    let user = name(id, &db).await?.map(|name| json!({ "id": id, "name": name }));
    let accounts: Vec<Value> = accounts
        .iter()
        .map(|account| {
            json!({
                "provider": account.entry,
                "provider_user_id": account.provider_user_id,
                "display_name": account.display_name,
            })
        })
        .collect();
    Ok(Json(json!({ "user": user, "accounts": accounts })))
}

/// Calls the provider's userinfo endpoint with the stored token and returns its answer.
#[get("/whoami/<name>")]
pub async fn whoami(name: &str, accounts: Accounts) -> (Status, Json<Value>) {
    let userinfo = async { accounts.require_client(name)?.userinfo().await };
    match userinfo.await {
        Ok(userinfo) => (Status::Ok, Json(userinfo)),
        Err(error) => error_response(name, &accounts, &error),
    }
}

/// The error as JSON. Without a usable token it has the URL that signs in and returns to this page.
fn error_response(name: &str, accounts: &Accounts, error: &Error) -> (Status, Json<Value>) {
    let status = error.kind().status();
    let mut body = json!({ "code": error.kind().code(), "message": error.to_string() });
    if status == Status::Unauthorized {
        body["login_url"] = accounts.login_uri(name, &format!("/whoami/{name}")).into();
    }
    (status, Json(json!({ "error": body })))
}

/// The version of the app, as plain text.
#[get("/plain")]
pub fn plain() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The form of the sign-up and sign-in pages.
#[derive(FromForm)]
pub struct Credentials {
    #[field(validate = len(1..=100))]
    name: String,
    #[field(validate = len(1..=1000))]
    password: String,
}

/// The page with that form. `problem` says why the last try failed.
fn credentials_page(title: &str, action: String, problem: Option<&str>) -> Template {
    Template::render("credentials", context! { title, action, problem })
}

/// The sign-up page.
#[get("/signup")]
pub fn signup_form(dance: &State<Dance>) -> Template {
    credentials_page("Sign up", dance.public_path(uri!(signup)), None)
}

/// Creates a user with a password and signs them in.
#[post("/signup", data = "<form>")]
pub async fn signup(
    form: Form<Credentials>,
    jar: &CookieJar<'_>,
    db: Db,
    dance: &State<Dance>,
) -> Result<Result<Redirect, (Status, Template)>> {
    let Credentials { name, password } = form.into_inner();
    Ok(match users::sign_up(&db, name, password).await? {
        Some(id) => Ok(begin_session(jar, id, dance)),
        None => {
            let action = dance.public_path(uri!(signup));
            Err((Status::Conflict, credentials_page("Sign up", action, Some("That name is taken."))))
        }
    })
}

/// The sign-in page.
#[get("/signin")]
pub fn signin_form(dance: &State<Dance>) -> Template {
    credentials_page("Sign in", dance.public_path(uri!(signin)), None)
}

/// Signs a user in with name and password.
#[post("/signin", data = "<form>")]
pub async fn signin(
    form: Form<Credentials>,
    jar: &CookieJar<'_>,
    db: Db,
    dance: &State<Dance>,
) -> Result<Result<Redirect, (Status, Template)>> {
    let Credentials { name, password } = form.into_inner();
    Ok(match users::sign_in(&db, name, password).await? {
        Some(id) => Ok(begin_session(jar, id, dance)),
        None => {
            let action = dance.public_path(uri!(signin));
            let page = credentials_page("Sign in", action, Some("Name or password is wrong."));
            Err((Status::Unauthorized, page))
        }
    })
}

/// Begins the session of the user and redirects to the home page.
fn begin_session(jar: &CookieJar<'_>, id: i32, dance: &Dance) -> Redirect {
    CurrentUser::sign_in(jar, &id);
    Redirect::to(dance.public_path(uri!(home)))
}

/// Ends the session and redirects to the home page.
#[post("/signout")]
pub fn signout(jar: &CookieJar<'_>, dance: &State<Dance>) -> Redirect {
    CurrentUser::sign_out(jar);
    Redirect::to(dance.public_path(uri!(home)))
}
