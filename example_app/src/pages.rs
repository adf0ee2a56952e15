//! The app's pages.

use rocket::form::Form;
use rocket::http::{CookieJar, Status};
use rocket::response::Redirect;
use rocket::serde::json::{Json, Value, json};
use rocket::{FromForm, get, post, uri};
use rocket_dance::{Accounts, CurrentUser, Error, Result};
use rocket_dyn_templates::{Template, context};

use crate::users::{self, Db};

/// Who is signed in, and what is connected.
#[get("/")]
pub async fn home(user: Option<CurrentUser<i32>>, accounts: Accounts, db: Db) -> Result<Template> {
    let name = name(user, &db).await?;
    Ok(Template::render("home", context! { name, dance: &accounts }))
}

async fn name(user: Option<CurrentUser<i32>>, db: &Db) -> Result<Option<String>> {
    match user {
        Some(user) => users::name(db, *user).await,
        None => Ok(None),
    }
}

/// The same as JSON.
#[get("/me")]
pub async fn me(user: Option<CurrentUser<i32>>, accounts: Accounts, db: Db) -> Result<Json<Value>> {
    let id = user.as_ref().map(|user| **user);
    let user = name(user, &db).await?.map(|name| json!({ "id": id, "name": name }));
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

/// What the provider says about the person now, asked with the stored token.
#[get("/whoami/<name>")]
pub async fn whoami(name: &str, accounts: Accounts) -> (Status, Json<Value>) {
    let answer = async { accounts.require(name)?.userinfo().await };
    match answer.await {
        Ok(userinfo) => (Status::Ok, Json(userinfo)),
        Err(error) => failure(name, &accounts, &error),
    }
}

fn failure(name: &str, accounts: &Accounts, error: &Error) -> (Status, Json<Value>) {
    let status = error.kind().status();
    let mut body = json!({ "code": error.kind().code(), "message": error.to_string() });
    if status == Status::Unauthorized {
        body["login_url"] = accounts.login_uri(name, &format!("/whoami/{name}")).into();
    }
    (status, Json(json!({ "error": body })))
}

/// The app's version.
#[get("/plain")]
pub fn plain() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

#[derive(FromForm)]
pub struct Credentials {
    #[field(validate = len(1..=100))]
    name: String,
    #[field(validate = len(1..=1000))]
    password: String,
}

fn credentials(title: &str, action: &str, problem: Option<&str>) -> Template {
    Template::render("credentials", context! { title, action, problem })
}

#[get("/signup")]
pub fn signup_form() -> Template {
    credentials("Sign up", "/signup", None)
}

#[post("/signup", data = "<form>")]
pub async fn signup(
    form: Form<Credentials>,
    jar: &CookieJar<'_>,
    db: Db,
) -> Result<Result<Redirect, (Status, Template)>> {
    let Credentials { name, password } = form.into_inner();
    Ok(match users::sign_up(&db, name, password).await? {
        Some(id) => Ok(enter(jar, id)),
        None => Err((Status::Conflict, credentials("Sign up", "/signup", Some("That name is taken.")))),
    })
}

#[get("/signin")]
pub fn signin_form() -> Template {
    credentials("Sign in", "/signin", None)
}

#[post("/signin", data = "<form>")]
pub async fn signin(
    form: Form<Credentials>,
    jar: &CookieJar<'_>,
    db: Db,
) -> Result<Result<Redirect, (Status, Template)>> {
    let Credentials { name, password } = form.into_inner();
    Ok(match users::sign_in(&db, name, password).await? {
        Some(id) => Ok(enter(jar, id)),
        None => {
            Err((Status::Unauthorized, credentials("Sign in", "/signin", Some("Name or password is wrong."))))
        }
    })
}

fn enter(jar: &CookieJar<'_>, id: i32) -> Redirect {
    CurrentUser::sign_in(jar, &id);
    Redirect::to(uri!(home))
}

#[post("/signout")]
pub fn signout(jar: &CookieJar<'_>) -> Redirect {
    CurrentUser::sign_out(jar);
    Redirect::to(uri!(home))
}
