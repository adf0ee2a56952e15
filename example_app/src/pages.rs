//! The routes of the app.

use std::error::Error as _;

use rocket::http::Status;
use rocket::request::FlashMessage;
use rocket::serde::json::{Json, Value, json};
use rocket::{State, get};
use rocket_dance::{Accounts, CurrentUser, Dance, Error, Result, Visitor};
use rocket_dyn_templates::{Template, context};

use crate::users::{self, Db};

/// The home page: for a user the way to their profile, for a visitor the ways to sign in.
#[get("/")]
pub async fn home(
    visitor: Visitor<i32>,
    accounts: Accounts,
    message: Option<FlashMessage<'_>>,
    db: &Db,
    dance: &State<Dance>,
) -> Result<Template> {
    let name = name(&visitor, db).await?;
    // The app may run below a path: the links begin with it.
    let base = dance.public_path("");
    Ok(Template::render("home", context! { name, base, message, dance: &accounts }))
}

/// The user's own page, with their accounts. A visitor is led to the sign-in page, and back to this one.
#[get("/profile")]
pub async fn profile(
    user: CurrentUser<i32>,
    accounts: Accounts,
    message: Option<FlashMessage<'_>>,
    db: &Db,
    dance: &State<Dance>,
) -> Result<Template> {
    let name = users::name(db, *user).await?;
    let base = dance.public_path("");
    Ok(Template::render("profile", context! { name, base, message, dance: &accounts }))
}

/// Returns the name of the signed-in user, if there is one.
async fn name(visitor: &Visitor<i32>, db: &Db) -> Result<Option<String>> {
    match visitor.user() {
        Some(id) => users::name(db, *id).await,
        None => Ok(None),
    }
}

/// The signed-in user and their accounts, as JSON.
#[get("/me")]
pub async fn me(visitor: Visitor<i32>, db: &Db) -> Result<Json<Value>> {
    let found = match visitor.user() {
        Some(id) => users::with_accounts(db, *id).await?.map(|found| (*id, found)),
        None => None,
    };
    Ok(Json(match found {
        Some((id, (name, accounts))) => json!({ "user": { "id": id, "name": name }, "accounts": accounts }),
        None => json!({ "user": null, "accounts": [] }),
    }))
}

/// Calls the provider's userinfo endpoint with the stored token and returns its answer.
#[get("/whoami/<name>")]
pub async fn whoami(name: &str, accounts: Accounts) -> (Status, Json<Value>) {
    let userinfo = async { accounts.require_client(name)?.userinfo().await };
    match userinfo.await {
        Ok(userinfo) => (Status::Ok, Json(userinfo)),
        Err(error) => {
            if error.kind().status().code >= 500 {
                // The cause is for the person who runs the app, and not for the visitor.
                log::warn!("whoami: `{name}`: {error} {:?}", error.source().map(ToString::to_string));
            }
            error_response(name, &accounts, &error)
        }
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
