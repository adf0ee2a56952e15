//! The users' table on SQLite.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::Migrated;
use crate::users::{NewUser, users};

/// The connection type of Diesel.
pub type Connection = SqliteConnection;
/// The connection type of the pool.
pub type PoolConnection = Connection;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/sqlite");

/// Creates the table `users`. Processes that start at the same time wait for each other.
pub fn migrate(conn: &mut Connection) -> Migrated {
    wait_for_writers(conn)?;
    conn.immediate_transaction(|conn| conn.run_pending_migrations(MIGRATIONS).map(drop))
}

/// Makes `conn` wait up to 5 seconds for other writers, for example for rocket_dance's pool. Without it, SQLite fails at once.
pub fn wait_for_writers(conn: &mut Connection) -> QueryResult<()> {
    conn.batch_execute("PRAGMA busy_timeout = 5000")
}

/// Inserts a user and returns the new id.
pub fn insert_user(conn: &mut Connection, user: &NewUser<'_>) -> QueryResult<i32> {
    diesel::insert_into(users::table).values(user).returning(users::id).get_result(conn)
}
