use diesel::prelude::*;
use rocket_dance::{Login, Result, Standing, Verdict};

diesel::table! {
    users (id) { id -> Integer, email -> Text }
}

fn known(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
    let (Standing::Stranger, Some(email)) = (&login.standing, login.profile.email()) else {
        return Ok(login.default_verdict());
    };
    let user = users::table.filter(users::email.eq(email)).select(users::id).first(conn).optional()?;
    Ok(user.map_or_else(|| login.default_verdict(), Verdict::SignInFirst))
}
