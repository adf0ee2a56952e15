//! The bundled migrations, with a version table of their own.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::any::AnyConnection;
use super::manager::Manager;
use super::schema::{oauth_accounts, oauth_claims, oauth_sessions};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Account, Session};

/// Name and SQL of each migration, in their order.
pub type Migrations = &'static [(&'static str, &'static str)];

macro_rules! migrations {
    ($($database:literal $list:ident)*) => {
        $(
            #[cfg(feature = $database)]
            pub(super) const $list: Migrations = &[
                migrations!(@ $database, "2026-01-01-000000_oauth_accounts"),
                migrations!(@ $database, "2026-02-01-000000_oauth_sessions"),
            ];
        )*
    };
    (@ $database:literal, $name:literal) => {
        ($name, include_str!(concat!("../../../migrations/", $database, "/", $name, "/up.sql")))
    };
}

migrations! { "sqlite" SQLITE "postgres" POSTGRES "mysql" MYSQL }

impl AnyConnection {
    fn migrations(&self) -> Migrations {
        match self {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(_) => SQLITE,
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => POSTGRES,
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(_) => MYSQL,
        }
    }

    /// Runs `work` while no other process changes the schema.
    pub(super) fn alone<T>(&mut self, mut work: impl FnMut(&mut Self) -> Result<T>) -> Result<T> {
        match self {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(_) => super::retry::retried(|| self.write(&mut work)),
            // Even `CREATE TABLE IF NOT EXISTS` fails beside another one.
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => super::retry::retried(|| {
                self.write(|conn| {
                    // What changes a large table takes its time; who waits for a table doesn't.
                    conn.batch_execute(
                        "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'; \
                         SELECT pg_advisory_xact_lock(7237124659041296737); SET LOCAL lock_timeout = '5s'",
                    )?;
                    work(conn)
                })
            }),
            // No transaction: each statement here commits by itself.
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(conn) => {
                let lock = diesel::sql_query("SELECT GET_LOCK('rocket_dance_migrations', 60) AS done");
                if lock.get_result::<Done>(conn)?.done != Some(1) {
                    return Err(Error::storage("another process has been changing the schema for a minute"));
                }
                let done = super::retry::retried(|| work(self));
                self.batch_execute("DO RELEASE_LOCK('rocket_dance_migrations')")?;
                done
            }
        }
    }
}

#[cfg(feature = "mysql")]
#[derive(QueryableByName)]
struct Done {
    #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Integer>)]
    done: Option<i32>,
}

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
    conn.alone(|conn| {
        conn.batch_execute(VERSIONS).map_err(|cause| manager.fault("can't be migrated", cause))?;
        let done: Vec<String> = table.select(version).load(conn)?;
        for (name, up) in conn.migrations().iter().filter(|(name, _)| !done.iter().any(|done| done == name)) {
            conn.batch_execute(up)
                .map_err(|cause| manager.fault(&format!("can't be migrated to {name}"), cause))?;
            diesel::insert_into(table).values(version.eq(name)).execute(conn)?;
        }
        Ok(())
    })
}

/// Whether all tables are there, with all columns, and can be written.
pub(super) fn check(conn: &mut AnyConnection, manager: &Manager) -> Result<()> {
    let accounts = oauth_accounts::table
        .filter(oauth_accounts::id.eq(0).and(oauth_accounts::lease_until.eq(0)))
        .select(Account::as_select())
        .first(conn)
        .optional();
    let claims =
        oauth_claims::table.find("").select(oauth_claims::all_columns).first::<Claimed>(conn).optional();
    let sessions = oauth_sessions::table.find("").select(Session::as_select()).first(conn).optional();
    match accounts.map(drop).and(claims.map(drop)).and(sessions.map(drop)) {
        // On a read-only database even BEGIN IMMEDIATE is well; a write without rows is not.
        Ok(()) => diesel::delete(oauth_claims::table.find(""))
            .execute(conn)
            .map(drop)
            .map_err(|cause| manager.fault("can't be written", cause)),
        Err(cause) => Err(Error::new(
            ErrorKind::Misconfigured,
            format!(
                "a table of ours, or a column, is missing ({cause}): write `DieselStorage::database(…).migrate()`, or run \
                 the SQL of `DieselStorage::migrations()` with your own migrations"
            ),
        )
        .with_source(cause)),
    }
}

type Claimed = (String, Option<String>, i64);
