use diesel::prelude::*;
use rocket_dance::{Login, Result, Standing, Verdict};

diesel::table! {
    users (id) { id -> Integer, name -> Text }
}

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
