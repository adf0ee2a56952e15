use diesel::prelude::*;
use rocket_dance::{LinkPolicy, Login, Result, Verdict};

diesel::table! {
    users (id) { id -> Integer, is_active -> Bool, password -> Nullable<Text> }
}

struct Policy;

impl LinkPolicy<SqliteConnection, i32> for Policy {
    fn link(&self, login: &Login<i32>, _: &mut SqliteConnection) -> Result<Verdict<i32>> {
        Ok(login.default_verdict())
    }

    fn may_sign_in(&self, user: &i32, conn: &mut SqliteConnection) -> Result<bool> {
        Ok(users::table.find(user).select(users::is_active).first(conn)?)
    }

    fn has_other_login(&self, user: &i32, conn: &mut SqliteConnection) -> Result<bool> {
        Ok(users::table.find(user).select(users::password.is_not_null()).first(conn)?)
    }
}
