//! The users' table on SQLite.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::Migrated;
use crate::users::{NewUser, users};

/// The connection type of Diesel.
pub type Connection = SqliteConnection;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Creates the table `users`. Processes that start at the same time wait for each other.
pub fn migrate(conn: &mut Connection) -> Migrated {
    // Otherwise SQLite fails at once if another connection writes.
    conn.batch_execute("PRAGMA busy_timeout = 5000")?;
    conn.immediate_transaction(|conn| conn.run_pending_migrations(MIGRATIONS).map(drop))
}

/// Inserts a user and returns the new id.
pub fn insert_user(conn: &mut Connection, user: &NewUser<'_>) -> QueryResult<i32> {
    diesel::insert_into(users::table).values(user).returning(users::id).get_result(conn)
}
