//! The simplest users of an app: a table in SQLite, and a policy that signs up every stranger.

use std::path::Path;

use diesel::prelude::*;
use diesel::{SqliteConnection, sql_query};
use rocket_dance::{Login, Result, Standing, Verdict};

diesel::table! {
    users (id) {
        id -> Integer,
        name -> Text,
    }
}

/// Signs up a stranger under the name that the provider shows.
pub(crate) fn sign_up(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
    match &login.standing {
        Standing::Stranger => {
            let name = users::name.eq(login.profile.display_name().to_owned());
            let id = diesel::insert_into(users::table).values(name).returning(users::id).get_result(conn)?;
            Ok(Verdict::SignUp(id))
        }
        _ => Ok(login.default_verdict()),
    }
}

/// Creates the table `users` in the SQLite database `file`, if it does not exist.
pub(crate) fn create_table(file: &Path) {
    let mut conn = SqliteConnection::establish(&file.display().to_string()).expect("the database opens");
    sql_query("create table if not exists users (id integer primary key autoincrement, name text not null)")
        .execute(&mut conn)
        .expect("the table is created");
}
