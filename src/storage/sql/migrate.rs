//! Runs the bundled migrations, with a version table of their own.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as Cause};
#[cfg(feature = "mysql")]
use diesel::{
    dsl::sql,
    select,
    sql_types::{Integer, Nullable},
};

use self::rocket_dance_migrations::{table, version};
use super::any_connection::AnyConnection;
use super::connector::Connector;
use super::migrations::{self, Migrations};
use super::retry::retried;
use super::tables::Unusable;
use crate::error::{Error, ErrorKind, Result, database_cause, may_pass};

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
            AnyConnection::Sqlite(_) => retried(|| Ok(self.write(&mut work)?)),
            // Even `CREATE TABLE IF NOT EXISTS` fails if another process runs it at the same time.
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => retried(|| {
                let changed = self.write(|conn| -> Result<T> {
                    // Changing a large table may take long; waiting for its lock may not.
                    conn.batch_execute(
                        "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '60s'; \
                         SELECT pg_advisory_xact_lock(7237124659041296737); SET LOCAL lock_timeout = '5s'",
                    )?;
                    work(conn)
                });
                Ok(changed?)
            }),
            // Without a transaction: on MySQL each DDL statement commits by itself.
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(conn) => {
                let lock = sql::<Nullable<Integer>>("GET_LOCK('rocket_dance_migrations', 60)");
                if select(lock).get_result::<Option<i32>>(conn)? != Some(1) {
                    return Err(Error::storage("another process has been changing the schema for a minute"));
                }
                let done = retried(|| work(self));
                self.batch_execute("DO RELEASE_LOCK('rocket_dance_migrations')")?;
                done
            }
        }
    }
}

// Diesel's own `__diesel_schema_migrations` would silently skip a migration of the app with the same version.
diesel::table! {
    rocket_dance_migrations (version) {
        version -> Text,
    }
}

const VERSIONS: &str =
    "CREATE TABLE IF NOT EXISTS rocket_dance_migrations (version VARCHAR(64) PRIMARY KEY NOT NULL)";

/// Runs the migrations that have not run. Processes that start at the same time wait for each other. Without such a migration,
/// no right but SELECT is needed.
///
/// # Errors
/// The database's, with the right that is missing, unless all tables are there and can be written.
pub(super) fn run(conn: &mut AnyConnection, connector: &Connector) -> Result<()> {
    if pending(conn).is_ok_and(|pending| pending.is_empty()) {
        return Ok(());
    }
    let run = conn.alone(|conn| {
        conn.batch_execute(VERSIONS).map_err(|cause| connector.fault("can't be migrated", cause))?;
        for (name, up) in pending(conn)? {
            conn.batch_execute(up)
                .map_err(|cause| connector.fault(&format!("can't be migrated to {name}"), cause))?;
            diesel::insert_into(table).values(version.eq(name)).execute(conn)?;
        }
        Ok(())
    });
    let Err(error) = run else { return Ok(()) };
    if database_cause(&error).is_some_and(may_pass) || !conn.is_usable() {
        return Err(error);
    }
    if check(conn, connector).is_ok() {
        // For example the app's own migrations have created them.
        log::warn!("oauth: {error}. All tables and columns that are needed exist.");
        return Ok(());
    }
    let said = format!("{error}. If a right is missing: {}", conn.create_advice());
    Err(Error::new(error.kind(), said).with_source(error))
}

/// The migrations that have not run.
pub(super) fn pending(conn: &mut AnyConnection) -> QueryResult<Vec<(&'static str, &'static str)>> {
    let done: Vec<String> = table.select(version).load(conn)?;
    let all = conn.migrations().iter().copied();
    Ok(all.filter(|(name, _)| !done.iter().any(|done| done == name)).collect())
}

/// The migrations that have run and that this version does not know: a newer version has run them.
pub(super) fn unknown(conn: &mut AnyConnection) -> QueryResult<Vec<String>> {
    let done: Vec<String> = table.select(version).load(conn)?;
    let all = conn.migrations();
    Ok(done.into_iter().filter(|done| !all.iter().any(|(name, _)| name == done)).collect())
}

/// The names of all migrations.
pub(super) fn names(conn: &AnyConnection) -> Vec<&'static str> {
    conn.migrations().iter().map(|(name, _)| *name).collect()
}

/// Checks that the role may create tables, in a transaction that is rolled back. MySQL, which can't roll that back, is not
/// asked.
///
/// # Errors
/// The database's, with the right that is missing.
pub(super) fn check_create(conn: &mut AnyConnection, connector: &Connector) -> Result<()> {
    conn.rehearse("CREATE TABLE rocket_dance_doctor (id INTEGER)").map_err(|error| {
        let said = format!(
            "{}. If a right is missing: {}",
            connector.about(&format!("can't be migrated ({})", error.for_operator())),
            conn.create_advice()
        );
        Error::new(error.kind(), said).with_source(error)
    })
}

/// Checks that all tables exist with all columns, and can be read and written.
///
/// # Errors
/// [`ErrorKind::Misconfigured`] if a table, a column or a right is missing; [`ErrorKind::StoreUnavailable`] if the database is
/// read-only.
pub(super) fn check(conn: &mut AnyConnection, connector: &Connector) -> Result<()> {
    conn.check_tables().map_err(|unusable| lacking(conn, connector, unusable))
}

/// The message of a statement that failed in [`check`].
fn lacking(conn: &mut AnyConnection, connector: &Connector, unusable: Unusable) -> Error {
    let Unusable { right, table: name, cause } = unusable;
    let said = cause.to_string();
    let why = if conn.is_denied(right, name, &said) {
        let tables = ["oauth_accounts", "oauth_claims", "oauth_sessions"];
        let grant = conn.grant_advice("SELECT, INSERT, UPDATE, DELETE", &tables);
        format!("does not let this role {right} in the table `{name}` ({said}): {grant}")
    } else if matches!(cause, Cause::DatabaseError(DatabaseErrorKind::ReadOnlyTransaction, _)) {
        return connector.fault(
            "can't be written. The server is a standby or has become read-only: connect to the primary, for example with all \
             hosts in the URL and `target_session_attrs=read-write`",
            cause,
        );
    } else if right != "SELECT" {
        // The table and its columns exist: they could be read.
        let what = match conn.writes_alone() {
            true => {
                "can't be written. The process must be allowed to write the file and its folder, and the disk needs space"
            }
            false => "can't be written",
        };
        return connector.fault(what, cause);
    } else if may_pass(&cause) || !conn.is_usable() {
        return connector.fault("can't be read", cause);
    } else {
        format!(
            "lacks a table of rocket_dance, or a column of one ({said}): write `DieselStorage::database(…).migrate()`, or run the \
             SQL of `DieselStorage::migrations()` with your own migrations"
        )
    };
    Error::new(ErrorKind::Misconfigured, connector.about(&why)).with_source(cause)
}
