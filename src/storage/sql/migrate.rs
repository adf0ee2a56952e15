//! Runs the bundled migrations, with a version table of their own.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::any_connection::AnyConnection;
use super::connector::Connector;
use super::migrations::{self, Migrations};
use super::retry::retried;
use super::schema::{oauth_accounts, oauth_claims, oauth_sessions};
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Account, Session};

impl AnyConnection {
    fn migrations(&self) -> Migrations {
        match self {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(_) => migrations::SQLITE,
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => migrations::POSTGRES,
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(_) => migrations::MYSQL,
        }
    }

    /// Runs `work` while no other process changes the schema.
    pub(super) fn alone<T>(&mut self, mut work: impl FnMut(&mut Self) -> Result<T>) -> Result<T> {
        match self {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(_) => retried(|| self.write(&mut work)),
            // Even `CREATE TABLE IF NOT EXISTS` fails if another process runs it at the same time.
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => retried(|| {
                self.write(|conn| {
                    // Changing a large table may take long; waiting for its lock may not.
                    conn.batch_execute(
                        "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'; \
                         SELECT pg_advisory_xact_lock(7237124659041296737); SET LOCAL lock_timeout = '5s'",
                    )?;
                    work(conn)
                })
            }),
            // Without a transaction: on MySQL each DDL statement commits by itself.
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(conn) => {
                let lock = diesel::sql_query("SELECT GET_LOCK('rocket_dance_migrations', 60) AS done");
                if lock.get_result::<Done>(conn)?.done != Some(1) {
                    return Err(Error::storage("another process has been changing the schema for a minute"));
                }
                let done = retried(|| work(self));
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

// Diesel's own `__diesel_schema_migrations` would silently skip a migration of the app with the same version.
diesel::table! {
    rocket_dance_migrations (version) {
        version -> Text,
    }
}

const VERSIONS: &str =
    "CREATE TABLE IF NOT EXISTS rocket_dance_migrations (version VARCHAR(64) PRIMARY KEY NOT NULL)";

/// Runs the migrations that have not run. Processes that start at the same time wait for each other.
pub(super) fn run(conn: &mut AnyConnection, connector: &Connector) -> Result<()> {
    use self::rocket_dance_migrations::{table, version};
    conn.alone(|conn| {
        conn.batch_execute(VERSIONS).map_err(|cause| connector.fault("can't be migrated", cause))?;
        let done: Vec<String> = table.select(version).load(conn)?;
        for (name, up) in conn.migrations().iter().filter(|(name, _)| !done.iter().any(|done| done == name)) {
            conn.batch_execute(up)
                .map_err(|cause| connector.fault(&format!("can't be migrated to {name}"), cause))?;
            diesel::insert_into(table).values(version.eq(name)).execute(conn)?;
        }
        Ok(())
    })
}

/// Checks that all tables exist with all columns, and can be written.
///
/// # Errors
/// [`ErrorKind::Misconfigured`] if a table or a column is missing; [`ErrorKind::StoreUnavailable`] if the database is read-only.
pub(super) fn check(conn: &mut AnyConnection, connector: &Connector) -> Result<()> {
    let accounts = oauth_accounts::table
        .filter(oauth_accounts::id.eq(0).and(oauth_accounts::lease_until.eq(0)))
        .select(Account::as_select())
        .first(conn)
        .optional();
    let claims =
        oauth_claims::table.find("").select(oauth_claims::all_columns).first::<Claimed>(conn).optional();
    let sessions = oauth_sessions::table.find("").select(Session::as_select()).first(conn).optional();
    match accounts.map(drop).and(claims.map(drop)).and(sessions.map(drop)) {
        // On a read-only database BEGIN IMMEDIATE succeeds, and a write fails even if it changes no rows.
        Ok(()) => diesel::delete(oauth_claims::table.find(""))
            .execute(conn)
            .map(drop)
            .map_err(|cause| connector.fault("can't be written", cause)),
        Err(cause) => Err(Error::new(
            ErrorKind::Misconfigured,
            format!(
                "a table of rocket_dance, or a column of one, is missing ({cause}): write `DieselStorage::database(…).migrate()`, or run \
                 the SQL of `DieselStorage::migrations()` with your own migrations"
            ),
        )
        .with_source(cause)),
    }
}

type Claimed = (String, Option<String>, i64);
