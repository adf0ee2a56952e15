//! How connections are opened.

use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::{Connection, QueryResult};

use super::any::AnyConnection;
use super::url::{Backend, DatabaseUrl};
use crate::error::{Error, ErrorKind, Result};

pub(super) type OnConnect = Arc<dyn Fn(&mut AnyConnection) -> QueryResult<()> + Send + Sync>;

impl Backend {
    /// What each new connection is told first.
    fn greeting(self) -> &'static str {
        match self {
            // busy_timeout first: without it, switching to WAL beside another opener is "database is locked" at once.
            // FULL: at NORMAL a power failure takes back the last commits, and with them a rotated refresh token.
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
            // At REPEATABLE READ, the default, one read in a transaction hides what others have committed since: 16
            // first logins at once made 16 users. A table's own lock, beside an ALTER TABLE, is waited for a day. Without
            // strict mode a text that is too long is cut off.
            #[cfg(feature = "mysql")]
            Backend::Mysql => {
                "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; SET SESSION innodb_lock_wait_timeout = 5, \
                 SESSION lock_wait_timeout = 5, SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES');"
            }
        }
    }
}

/// Opens the connections of one database.
#[derive(Clone)]
pub(super) struct Manager {
    url: DatabaseUrl,
    on_connect: Option<OnConnect>,
}

impl Manager {
    pub(super) fn new(url: DatabaseUrl, on_connect: Option<OnConnect>) -> Self {
        Self { url, on_connect }
    }

    #[cfg(feature = "postgres")]
    pub(super) fn is_postgres(&self) -> bool {
        self.url.backend == Backend::Postgres
    }

    /// An error about this database, for the operator.
    pub(super) fn fault(&self, what: &str, cause: diesel::result::Error) -> Error {
        Error::new(ErrorKind::StoreUnavailable, format!("the database `{}` {what}: {cause}", self.url))
            .with_source(cause)
    }

    // Not through `AnyConnection::establish`, which hides why it fails.
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
        conn.batch_execute(self.url.backend.greeting())
            .map_err(|cause| self.fault("can't be opened for writing", cause))?;
        if let Some(on_connect) = &self.on_connect {
            on_connect(&mut conn).map_err(|cause| self.fault("refuses what `on_connect` does", cause))?;
        }
        Ok(conn)
    }
}
