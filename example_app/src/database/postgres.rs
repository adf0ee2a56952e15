//! The users' table on PostgreSQL.

use diesel::Connection as _;
use diesel::connection::CacheSize;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::Migrated;
use crate::users::{NewUser, users};

/// The connection type of Diesel.
pub type Connection = PgConnection;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Creates the table `users`. Processes that start at the same time wait for each other.
pub fn migrate(conn: &mut Connection) -> Migrated {
    // PgBouncer may give this connection to other clients afterwards, with the prepared statements of this one.
    conn.set_prepared_statement_cache_size(CacheSize::Disabled);
    conn.transaction(|conn| {
        diesel::sql_query("SELECT pg_advisory_xact_lock(1)").execute(conn)?;
        conn.run_pending_migrations(MIGRATIONS).map(drop)
    })
}

/// Inserts a user and returns the new id.
pub fn insert_user(conn: &mut Connection, user: &NewUser<'_>) -> QueryResult<i32> {
    diesel::insert_into(users::table).values(user).returning(users::id).get_result(conn)
}
