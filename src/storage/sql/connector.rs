//! `Connector`: opens connections.

use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::{Connection, QueryResult};

use super::any_connection::AnyConnection;
use super::url::{Backend, DatabaseUrl};
use crate::error::{Error, ErrorKind, Result};

/// What an app runs on each new connection.
pub(super) type OnConnect = Arc<dyn Fn(&mut AnyConnection) -> QueryResult<()> + Send + Sync>;

impl Backend {
    /// The settings of each new connection.
    fn settings(self) -> &'static str {
        match self {
            // busy_timeout comes first: without it, switching to WAL fails with "database is locked" if another process
            // opens the file. FULL: at NORMAL a power failure undoes the last commits, and loses a rotated refresh token.
            #[cfg(feature = "sqlite")]
            Backend::Sqlite => {
                "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; \
                 PRAGMA synchronous = FULL;"
            }
            #[cfg(feature = "postgres")]
            Backend::Postgres => {
                "SET default_transaction_isolation = 'read committed'; SET lock_timeout = '5s'; \
                 SET statement_timeout = '8s';"
            }
            // REPEATABLE READ, the default, hides what other transactions have committed since the first read: 16
            // simultaneous first logins created 16 users. The default timeout for the lock of a table, for example during
            // ALTER TABLE, is a day. Without strict mode a text that is too long is truncated.
            #[cfg(feature = "mysql")]
            Backend::Mysql => {
                "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; SET SESSION innodb_lock_wait_timeout = 5, \
                 SESSION lock_wait_timeout = 5, SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES');"
            }
        }
    }
}

/// Opens connections to one database.
#[derive(Clone)]
pub(super) struct Connector {
    url: DatabaseUrl,
    on_connect: Option<OnConnect>,
}

impl Connector {
    pub(super) fn new(url: DatabaseUrl, on_connect: Option<OnConnect>) -> Self {
        Self { url, on_connect }
    }

    #[cfg(feature = "postgres")]
    pub(super) fn is_postgres(&self) -> bool {
        self.url.backend == Backend::Postgres
    }

    /// Makes an error about this database, for the operator.
    pub(super) fn fault(&self, what: &str, cause: diesel::result::Error) -> Error {
        Error::new(ErrorKind::StoreUnavailable, format!("the database `{}` {what}: {cause}", self.url))
            .with_source(cause)
    }

    // `AnyConnection::establish` hides the reason of a failure.
    fn establish(&self) -> diesel::ConnectionResult<AnyConnection> {
        let url = &self.url.url;
        Ok(match self.url.backend {
            #[cfg(feature = "sqlite")]
            Backend::Sqlite => AnyConnection::Sqlite(diesel::SqliteConnection::establish(url)?),
            #[cfg(feature = "postgres")]
            Backend::Postgres => AnyConnection::Postgres(diesel::PgConnection::establish(url)?),
            #[cfg(feature = "mysql")]
            Backend::Mysql => AnyConnection::Mysql(diesel::MysqlConnection::establish(url)?),
        })
    }

    pub(super) fn connect(&self) -> Result<AnyConnection> {
        let mut conn = self.establish().map_err(|cause| {
            Error::new(
                ErrorKind::StoreUnavailable,
                format!("the database `{}` can't be opened: {cause}", self.url),
            )
        })?;
        conn.batch_execute(self.url.backend.settings())
            .map_err(|cause| self.fault("can't be opened for writing", cause))?;
        if let Some(on_connect) = &self.on_connect {
            on_connect(&mut conn).map_err(|cause| self.fault("refuses what `on_connect` does", cause))?;
        }
        Ok(conn)
    }
}
