//! `Connector`: opens connections.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use diesel::connection::{CacheSize, SimpleConnection};
use diesel::{Connection, QueryResult};

use super::any_connection::AnyConnection;
use super::url::{Backend, DatabaseUrl};
use crate::config::DatabaseSettings;
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
            // For reads. A transaction that writes has its own settings: see `begin`.
            #[cfg(feature = "postgres")]
            Backend::Postgres => {
                "SET default_transaction_isolation = 'read committed'; SET lock_timeout = '5s'; \
                 SET statement_timeout = '8s';"
            }
            // REPEATABLE READ, the default, hides what other transactions have committed since the first read: 16
            // simultaneous first logins created 16 users. The default timeout for the lock of a table, for example during
            // ALTER TABLE, is a day. Without strict mode a text that is too long is truncated. The server may have set the
            // others to anything: empty texts that are NULL, no commit, no UPDATE without a key, messages in another language.
            // The last two timeouts free the locks of a process that is frozen or gone. Only MariaDB has one for idle
            // transactions. `wait_timeout` is a minute longer than the pool keeps an idle connection.
            #[cfg(feature = "mysql")]
            Backend::Mysql => {
                "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; SET SESSION innodb_lock_wait_timeout = 5, \
                 SESSION lock_wait_timeout = 5, SESSION autocommit = 1, SESSION sql_safe_updates = 0, \
                 SESSION sql_select_limit = DEFAULT, SESSION foreign_key_checks = 1, SESSION unique_checks = 1, \
                 SESSION time_zone = '+00:00', SESSION lc_messages = 'en_US', SESSION wait_timeout = 240, \
                 /*M!100300 SESSION idle_transaction_timeout = 5, */ \
                 SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';"
            }
        }
    }

    /// The same without those that the database itself keeps: the journal of a SQLite file.
    fn temporary_settings(self) -> &'static str {
        match self {
            #[cfg(feature = "sqlite")]
            Backend::Sqlite => "PRAGMA busy_timeout = 5000; PRAGMA foreign_keys = ON;",
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            _ => self.settings(),
        }
    }
}

/// Opens connections to one database.
#[derive(Clone)]
pub(super) struct Connector {
    url: DatabaseUrl,
    on_connect: Option<OnConnect>,
    /// Whether a pooler may run each transaction in another process of the server. Then a connection has no settings and no
    /// prepared statements of its own.
    behind_pooler: bool,
    listen_url: Option<DatabaseUrl>,
}

impl Connector {
    pub(super) fn new(url: DatabaseUrl, on_connect: Option<OnConnect>) -> Self {
        Self { url, on_connect, behind_pooler: false, listen_url: None }
    }

    /// # Errors
    /// [`ErrorKind::Misconfigured`] if the settings do not fit the database or each other.
    pub(super) fn with_settings(mut self, settings: &DatabaseSettings) -> Result<Self> {
        let fault = |key: &str, why: String| {
            Err(Error::new(ErrorKind::Misconfigured, format!("`{key}` of [default.dance.database] {why}")))
        };
        for (key, is_set) in
            [("pgbouncer", settings.pgbouncer), ("listen_url", settings.listen_url.is_some())]
        {
            if is_set && !self.is_postgres() {
                return fault(key, format!("is for PostgreSQL, and the database is `{self}`: remove it"));
            }
        }
        if settings.pgbouncer && self.on_connect.is_some() {
            let why = "excludes `.on_connect(…)`: behind PgBouncer, its settings would affect other clients. Set them on \
                       the role (ALTER ROLE … SET …), or with SET LOCAL in the policy";
            return fault("pgbouncer", why.to_owned());
        }
        self.behind_pooler = settings.pgbouncer;
        if let Some(url) = &settings.listen_url {
            match DatabaseUrl::parse(url) {
                Ok(url) if url.backend == self.url.backend => self.listen_url = Some(url),
                Ok(url) => return fault("listen_url", format!("is `{url}`, not PostgreSQL's")),
                Err(error) => return fault("listen_url", format!("is wrong: {error}")),
            }
        }
        Ok(self)
    }

    pub(super) fn is_postgres(&self) -> bool {
        match self.url.backend {
            #[cfg(feature = "postgres")]
            Backend::Postgres => true,
            #[allow(unreachable_patterns)] // With one database there is no other.
            _ => false,
        }
    }

    /// Whether a pooler may run each transaction in another process of the server.
    pub(super) fn is_behind_pooler(&self) -> bool {
        self.behind_pooler
    }

    /// Whether the database reports changes to a connection that listens.
    pub(super) fn reports_changes(&self) -> bool {
        self.listen_url.is_some() || self.is_postgres() && !self.behind_pooler
    }

    /// The connector for LISTEN; `None` if the database reports no changes, or not through its pooler.
    #[cfg(feature = "postgres")]
    pub(super) fn listener(&self) -> Option<Self> {
        let listener = match &self.listen_url {
            Some(url) => Self::new(url.clone(), self.on_connect.clone()),
            None => self.clone(),
        };
        self.reports_changes().then_some(listener)
    }

    /// Whether LISTEN has a URL of its own.
    #[cfg(feature = "postgres")]
    pub(super) fn has_listen_url(&self) -> bool {
        self.listen_url.is_some()
    }

    /// A message about this database.
    pub(super) fn about(&self, what: &str) -> String {
        format!("the database `{}` {what}", self.url)
    }

    /// Makes an error about this database, for the operator.
    pub(super) fn fault(&self, what: &str, cause: diesel::result::Error) -> Error {
        Error::new(ErrorKind::StoreUnavailable, self.about(&format!("{what}: {cause}"))).with_source(cause)
    }

    /// Adds the database to an error of the launch, if its text does not name it.
    pub(super) fn name_database(&self, error: Error) -> Error {
        let (shown, said) = (self.url.to_string(), error.for_operator());
        match said.contains(&shown) {
            true => error,
            false => Error::new(error.kind(), format!("the database `{shown}`: {said}")).with_source(error),
        }
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

    /// Opens a connection. It has no settings yet.
    ///
    /// # Errors
    /// [`ErrorKind::StoreUnavailable`]; [`ErrorKind::Misconfigured`] if the connection lacks the TLS that the URL requires.
    pub(super) fn open(&self) -> Result<AnyConnection> {
        #[cfg_attr(not(feature = "mysql"), allow(unused_mut))]
        let mut conn = self.establish().map_err(|cause| {
            let cause = cause.to_string();
            let why = match (self.url.advice, &self.url.file) {
                (Some(advice), _) => advice.to_owned(),
                (None, Some(_)) => format!(
                    "{cause}: its folder must exist, and the process must be allowed to write the file and the folder"
                ),
                (None, None) => cause.trim_end().to_owned(),
            };
            Error::new(ErrorKind::StoreUnavailable, self.about(&format!("can't be opened: {why}")))
        })?;
        #[cfg(feature = "mysql")]
        #[allow(irrefutable_let_patterns)] // With one database there is no other.
        if let AnyConnection::Mysql(conn) = &mut conn {
            self.url.tls.check(conn, &self.url)?;
        }
        Ok(conn)
    }

    /// The path of a SQLite file that does not exist yet.
    pub(super) fn missing_file(&self) -> Option<&Path> {
        self.url.file.as_deref().filter(|file| !file.exists())
    }

    /// Applies the settings of each connection to a new one.
    pub(super) fn prepare(&self, conn: &mut AnyConnection) -> Result<()> {
        self.prepare_with(conn, self.url.backend.settings())
    }

    /// As [`prepare`](Self::prepare), without the settings that the database itself keeps.
    pub(super) fn prepare_to_examine(&self, conn: &mut AnyConnection) -> Result<()> {
        self.prepare_with(conn, self.url.backend.temporary_settings())
    }

    fn prepare_with(&self, conn: &mut AnyConnection, settings: &str) -> Result<()> {
        if self.behind_pooler {
            // A named prepared statement exists in one process of the server. Without a name, Diesel sends the statement and its
            // parameters together. What the session would set, each transaction sets: see `begin`.
            conn.set_prepared_statement_cache_size(CacheSize::Disabled);
            return Ok(());
        }
        conn.batch_execute(settings).map_err(|cause| self.fault("can't be opened for writing", cause))?;
        if let Some(on_connect) = &self.on_connect {
            on_connect(conn).map_err(|cause| self.fault("refuses what `on_connect` does", cause))?;
        }
        Ok(())
    }

    pub(super) fn connect(&self) -> Result<AnyConnection> {
        let mut conn = self.open()?;
        self.prepare(&mut conn)?;
        Ok(conn)
    }
}

/// The URL, without what could be secret.
impl fmt::Display for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}
