//! The bundled migrations, with a version table of their own.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::any::{AnyConnection, retried};
use super::pool::Manager;
use super::schema::{oauth_accounts, oauth_claims};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::Record;

macro_rules! migration {
    ($name:literal) => {
        ($name, include_str!(concat!("../../../migrations/sqlite/", $name, "/up.sql")))
    };
}

pub(super) const MIGRATIONS: &[(&str, &str)] = &[migration!("2026-01-01-000000_oauth_accounts")];

// Not Diesel's own `__diesel_schema_migrations`: there an app's migration of the same version would be skipped in
// silence.
diesel::table! {
    rocket_dance_migrations (version) {
        version -> Text,
    }
}

const VERSIONS: &str =
    "CREATE TABLE IF NOT EXISTS rocket_dance_migrations (version VARCHAR(64) PRIMARY KEY NOT NULL)";

/// Runs what has not been run. Parallel starts wait for each other.
pub(super) fn run(conn: &mut AnyConnection, manager: &Manager) -> Result<()> {
    use self::rocket_dance_migrations::{table, version};
    let run = |conn: &mut AnyConnection| {
        conn.batch_execute(VERSIONS)?;
        let done: Vec<String> = table.select(version).load(conn)?;
        for (name, up) in MIGRATIONS.iter().filter(|(name, _)| !done.iter().any(|done| done == name)) {
            conn.batch_execute(up)
                .map_err(|cause| manager.fault(&format!("can't be migrated to {name}"), cause))?;
            diesel::insert_into(table).values(version.eq(name)).execute(conn)?;
        }
        Ok(())
    };
    retried(|| conn.write(run))
}

/// Whether all tables are there, with all columns, and can be written.
pub(super) fn check(conn: &mut AnyConnection, manager: &Manager) -> Result<()> {
    let accounts = oauth_accounts::table
        .filter(oauth_accounts::id.eq(0).and(oauth_accounts::lease_until.eq(0)))
        .select(Record::as_select())
        .first(conn)
        .optional();
    let claims =
        oauth_claims::table.find("").select(oauth_claims::all_columns).first::<Claimed>(conn).optional();
    match accounts.map(drop).and(claims.map(drop)) {
        // On a read-only database even BEGIN IMMEDIATE is well; a write without rows is not.
        Ok(()) => diesel::delete(oauth_claims::table.find(""))
            .execute(conn)
            .map(drop)
            .map_err(|cause| manager.fault("can't be written", cause)),
        Err(cause) => Err(Error::new(
            ErrorKind::Config,
            format!(
                "the accounts' tables are missing ({cause}): write `DieselStorage::database(…).migrate()`, or run \
                 the SQL of `DieselStorage::migrations()` with your own migrations"
            ),
        )
        .because(cause)),
    }
}

type Claimed = (String, Option<String>, i64);
