//! Connections, opened and kept.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::r2d2::{ManageConnection, Pool};
use diesel::{Connection, QueryResult, SqliteConnection};

use super::any::AnyConnection;
use crate::error::{Error, ErrorKind, Result};

pub(super) type OnConnect = Arc<dyn Fn(&mut AnyConnection) -> QueryResult<()> + Send + Sync>;

// busy_timeout first: without it, switching to WAL beside another opener is "database is locked" at once.
const SQLITE: &str = "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA foreign_keys = ON; \
                      PRAGMA synchronous = NORMAL;";

/// Opens the connections of one database.
#[derive(Clone)]
pub(super) struct Manager {
    url: String,
    on_connect: Option<OnConnect>,
}

impl Manager {
    pub(super) fn new(url: &str, on_connect: Option<OnConnect>) -> Result<Self> {
        sqlite_file(url)?;
        Ok(Self { url: url.to_owned(), on_connect })
    }

    pub(super) fn pool(self, size: u32) -> Pool<Self> {
        Pool::builder()
            .max_size(size)
            .min_idle(Some(1))
            .connection_timeout(Duration::from_secs(3))
            // It would be one more query for each of ours.
            .test_on_check_out(false)
            .build_unchecked(self)
    }

    /// An error about this database, for the operator.
    pub(super) fn fault(&self, what: &str, cause: diesel::result::Error) -> Error {
        Error::new(ErrorKind::Store, format!("the database `{}` {what}: {cause}", self.url)).because(cause)
    }
}

impl ManageConnection for Manager {
    type Connection = AnyConnection;
    type Error = Error;

    fn connect(&self) -> Result<AnyConnection> {
        let mut conn = SqliteConnection::establish(&self.url).map_err(|cause| {
            Error::new(ErrorKind::Store, format!("the database `{}` can't be opened: {cause}", self.url))
        })?;
        conn.batch_execute(SQLITE).map_err(|cause| self.fault("can't be opened for writing", cause))?;
        let mut conn = AnyConnection::Sqlite(conn);
        if let Some(on_connect) = &self.on_connect {
            on_connect(&mut conn).map_err(|cause| self.fault("refuses what `on_connect` does", cause))?;
        }
        Ok(conn)
    }

    fn is_valid(&self, conn: &mut AnyConnection) -> Result<()> {
        Ok(conn.batch_execute("SELECT 1")?)
    }

    fn has_broken(&self, conn: &mut AnyConnection) -> bool {
        conn.is_broken()
    }
}

/// The file of a SQLite URL: a path, `sqlite://path` or `file:path?options`.
///
/// # Errors
/// For what isn't one. The URL itself is not told: another database's holds a password.
pub(super) fn sqlite_file(url: &str) -> Result<PathBuf> {
    let url = url.trim();
    let no = |why: &'static str| Err(Error::new(ErrorKind::Config, why));
    let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("file:")).unwrap_or(url);
    if path.contains("://") {
        return no("the database's URL is not SQLite's: DieselStorage needs the path of a SQLite file");
    }
    let (path, options) = path.split_once('?').filter(|_| path.len() < url.len()).unwrap_or((path, ""));
    if path.is_empty() || path.contains(":memory:") || options.contains("mode=memory") {
        return no(
            "a SQLite database in memory is another one for each connection: DieselStorage needs the path of \
                   a file; for tests without a file there is MemoryStorage",
        );
    }
    Ok(path.into())
}
