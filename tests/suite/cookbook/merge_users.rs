use diesel::prelude::*;
use rocket_dance::{LinkPolicy, Login, Result, Standing, Verdict};

diesel::table! {
    users (id) { id -> Integer }
}
diesel::table! {
    notes (id) { id -> Integer, user_id -> Integer }
}

struct Policy;

impl LinkPolicy<SqliteConnection, i32> for Policy {
    fn link(&self, login: &Login<i32>, _: &mut SqliteConnection) -> Result<Verdict<i32>> {
        Ok(match login.standing {
            Standing::Taken { .. } => Verdict::MergeUsers,
            _ => login.default_verdict(),
        })
    }

    fn merge_users(&self, from: &i32, into: &i32, conn: &mut SqliteConnection) -> Result<()> {
        diesel::update(notes::table.filter(notes::user_id.eq(from))).set(notes::user_id.eq(into)).execute(conn)?;
        // With a password, for example, the former user could still sign in.
        diesel::delete(users::table.find(from)).execute(conn)?;
        Ok(())
    }
}
