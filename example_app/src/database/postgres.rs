//! PostgreSQL.

use diesel::Connection as _;
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::Migrated;
use crate::users::users;

/// A connection to the database.
pub type Connection = PgConnection;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Creates the app's own table. Processes that start at once take turns.
pub fn migrate(conn: &mut Connection) -> Migrated {
    conn.transaction(|conn| {
        diesel::sql_query("SELECT pg_advisory_xact_lock(1)").execute(conn)?;
        conn.run_pending_migrations(MIGRATIONS).map(drop)
    })
}

/// Writers wait for each other here.
pub fn patient(_: &mut Connection) -> QueryResult<()> {
    Ok(())
}

/// A new user, and her id.
pub fn insert_user(conn: &mut Connection, name: &str, password: Option<&str>) -> QueryResult<i32> {
    diesel::insert_into(users::table)
        .values((users::name.eq(name), users::password.eq(password)))
        .returning(users::id)
        .get_result(conn)
}
