//! The users' table on MySQL and MariaDB.

use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::Migrated;
use crate::users::{NewUser, users};

/// The connection type of Diesel.
pub type Connection = MysqlConnection;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/mysql");

/// Creates the table `users`. Processes that start at the same time wait for each other.
pub fn migrate(conn: &mut Connection) -> Migrated {
    let lock = diesel::dsl::sql::<Nullable<Integer>>("GET_LOCK('example_app', 60)");
    let locked: Option<i32> = diesel::select(lock).get_result(conn)?;
    if locked != Some(1) {
        return Err("another process has held the migration lock for 60 seconds".into());
    }
    let done = conn.run_pending_migrations(MIGRATIONS).map(drop);
    diesel::sql_query("DO RELEASE_LOCK('example_app')").execute(conn)?;
    done
}

/// Inserts a user and returns the new id. MySQL has no `RETURNING`, so a second statement reads it.
pub fn insert_user(conn: &mut Connection, user: &NewUser<'_>) -> QueryResult<i32> {
    diesel::insert_into(users::table).values(user).execute(conn)?;
    let id = diesel::dsl::sql::<Integer>("CAST(last_insert_id() AS SIGNED)");
    diesel::select(id).get_result(conn)
}
