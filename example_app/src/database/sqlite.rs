//! SQLite.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::Migrated;
use crate::users::users;

/// A connection to the database.
pub type Connection = SqliteConnection;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Creates the app's own table. Processes that start at once take turns.
pub fn migrate(conn: &mut Connection) -> Migrated {
    patient(conn)?;
    conn.immediate_transaction(|conn| conn.run_pending_migrations(MIGRATIONS).map(drop))
}

/// Makes `conn` wait for other writers, who else would make it fail: rocket_dance's pool is one.
pub fn patient(conn: &mut Connection) -> QueryResult<()> {
    conn.batch_execute("PRAGMA busy_timeout = 5000")
}

/// A new user, and her id.
pub fn insert_user(conn: &mut Connection, name: &str, password: Option<&str>) -> QueryResult<i32> {
    diesel::insert_into(users::table)
        .values((users::name.eq(name), users::password.eq(password)))
        .returning(users::id)
        .get_result(conn)
}
