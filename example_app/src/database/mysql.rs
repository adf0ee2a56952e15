//! MySQL and MariaDB.

use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::Migrated;
use crate::users::users;

/// A connection to the database.
pub type Connection = MysqlConnection;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations/mysql");

/// Creates the app's own table. Processes that start at once take turns.
pub fn migrate(conn: &mut Connection) -> Migrated {
    let lock = diesel::dsl::sql::<Nullable<Integer>>("GET_LOCK('example_app', 60)");
    let locked: Option<i32> = diesel::select(lock).get_result(conn)?;
    if locked != Some(1) {
        return Err("another process has been migrating for a minute".into());
    }
    let done = conn.run_pending_migrations(MIGRATIONS).map(drop);
    diesel::sql_query("DO RELEASE_LOCK('example_app')").execute(conn)?;
    done
}

/// Writers wait for each other here.
pub fn patient(_: &mut Connection) -> QueryResult<()> {
    Ok(())
}

/// A new user, and her id: MySQL has no RETURNING.
pub fn insert_user(conn: &mut Connection, name: &str, password: Option<&str>) -> QueryResult<i32> {
    diesel::insert_into(users::table)
        .values((users::name.eq(name), users::password.eq(password)))
        .execute(conn)?;
    let id = diesel::dsl::sql::<Integer>("CAST(last_insert_id() AS SIGNED)");
    diesel::select(id).get_result(conn)
}
