// A single-page app: one HTML file, whose script uses the JSON of the library's routes. docs/guide/json.md has a table of them.
//
//     sqlite3 app.sqlite 'create table users (id integer primary key autoincrement, name text not null)'
//     cargo run --features testing --example spa        # with the demo provider, on http://localhost:8000

use diesel::prelude::*;
use rocket::response::content::RawHtml;
use rocket::{get, launch, routes};
use rocket_dance::testing::DemoProvider;
use rocket_dance::{Dance, Login, Result, Standing, Verdict, storage::DieselStorage};

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
fn index() -> RawHtml<&'static str> {
    RawHtml(include_str!("index.html"))
}

#[launch]
fn rocket() -> _ {
    let storage = DieselStorage::database("app").migrate().link(sign_up).cascade_from("users", "id");
    rocket::build()
        .attach(DemoProvider::fairing())
        .attach(Dance::fairing().storage(storage))
        .mount("/", routes![index])
        .register("/", rocket_dance::catchers())
}
