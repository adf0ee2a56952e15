// Users in a table of the app, accounts in a table beside it. README.md prints this file.
//
//     sqlite3 app.sqlite 'create table users (id integer primary key autoincrement, name text not null)'
//     ROCKET_OAUTH='{github={client_id="my-id",client_secret="my-secret"}}' cargo run --example creation

use diesel::prelude::*;
use rocket::{get, launch, routes};
use rocket_dance::{CurrentUser, Dance, Login, Result, Standing, Verdict, storage::DieselStorage};

diesel::table! {
    users (id) {
        id -> Integer,
        name -> Text,
    }
}

/// Decides who may sign in, and as which user. Runs inside the transaction that stores the account.
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

#[get("/")]
fn index(user: CurrentUser<i32>) -> String {
    format!("You are user number {}", user.id())
}

#[launch]
fn rocket() -> _ {
    let storage = DieselStorage::database("app").migrate().link(sign_up).cascade_from("users", "id");
    rocket::build()
        .attach(Dance::fairing().storage(storage))
        .mount("/", routes![index])
        .register("/", rocket_dance::catchers())
}
