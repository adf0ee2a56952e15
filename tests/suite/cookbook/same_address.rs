use diesel::prelude::*;
use rocket_dance::{Login, Result, Standing, Verdict};

diesel::table! {
    users (id) { id -> Integer, email -> Text, email_verified -> Bool }
}

fn same_address(login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
    let (Standing::Stranger, Some(email)) = (&login.standing, login.profile.email()) else {
        return Ok(login.default_verdict());
    };
    let user: Option<(i32, String, bool)> = users::table
        .filter(users::email.eq(email))
        .select((users::id, users::email, users::email_verified))
        .first(conn)
        .optional()?;
    let Some((id, local_address, locally_verified)) = user else { return Ok(login.default_verdict()) };
    Ok(login.merge(id, &local_address, locally_verified))
}
