// The app of docs/guide/quickstart.md, which prints this file.
//
//     sqlite3 app.sqlite 'create table users (id integer primary key autoincrement, name text not null)'
//     cargo run --features testing --example quickstart

use diesel::prelude::*;
use rocket::response::content::RawHtml;
use rocket::{get, launch, routes};
use rocket_dance::testing::DemoProvider;
use rocket_dance::{CurrentUser, Dance, Login, Result, Standing, Verdict, Visitor, storage::DieselStorage};

diesel::table! {
    users (id) {
        id -> Integer,
        name -> Text,
    }
}

/// Decides who may sign in, and as which user. Here, every visitor may, and becomes a new user.
fn sign_up(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
    match &login.standing {
        Standing::Stranger => {
            let id = diesel::insert_into(users::table)
                .values(users::name.eq(login.profile.display_name()))
                .returning(users::id)
                .get_result(conn)?;
            Ok(Verdict::SignUp(id))
        }
        _ => Ok(login.default_verdict()),
    }
}

/// A page for all visitors.
#[get("/")]
fn index(visitor: Visitor<i32>) -> RawHtml<String> {
    RawHtml(match visitor.user() {
        Some(id) => format!("<p>You are user number {id}. <a href=\"/login/accounts\">Your accounts</a>"),
        None => "<p>Welcome. <a href=\"/members\">Members only</a>".to_owned(),
    })
}

/// A page for users. A visitor who is not signed in sees the sign-in page first, and then this page.
#[get("/members")]
fn members(user: CurrentUser<i32>) -> String {
    format!("Hello, user number {}", user.id())
}

#[launch]
fn rocket() -> _ {
    let storage = DieselStorage::database("app").migrate().link(sign_up).cascade_from("users", "id");
    rocket::build()
        .attach(DemoProvider::fairing())
        .attach(Dance::fairing().storage(storage))
        .mount("/", routes![index, members])
        .register("/", rocket_dance::catchers())
}
