//! The users' table on PostgreSQL.

use diesel::Connection as _;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::Migrated;
use crate::users::users;

/// The connection type of Diesel.
pub type Connection = PgConnection;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Creates the table `users`. Processes that start at the same time wait for each other.
pub fn migrate(conn: &mut Connection) -> Migrated {
    conn.transaction(|conn| {
        diesel::sql_query("SELECT pg_advisory_xact_lock(1)").execute(conn)?;
        conn.run_pending_migrations(MIGRATIONS).map(drop)
    })
}

/// Does nothing: PostgreSQL makes writers wait for each other.
pub fn wait_for_writers(_: &mut Connection) -> QueryResult<()> {
    Ok(())
}

/// Inserts a user and returns the new id.
pub fn insert_user(conn: &mut Connection, name: &str, password: Option<&str>) -> QueryResult<i32> {
    diesel::insert_into(users::table)
        .values((users::name.eq(name), users::password.eq(password)))
        .returning(users::id)
        .get_result(conn)
}
