//! A new database for each race, removed at its end.

use std::fmt;
use std::process::Command;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use serde_json::{Value, json};
use url::Url;

use crate::Result;

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    Mysql,
}

impl Kind {
    /// The kinds that this program was built for.
    pub(crate) fn all() -> Vec<Self> {
        let built = [
            (Kind::Sqlite, cfg!(feature = "sqlite")),
            (Kind::Postgres, cfg!(feature = "postgres")),
            (Kind::Mysql, cfg!(feature = "mysql")),
        ];
        built.into_iter().filter(|(_, built)| *built).map(|(kind, _)| kind).collect()
    }

    pub(crate) fn named(name: &str) -> Result<Self> {
        Self::all()
            .into_iter()
            .find(|kind| kind.to_string() == name)
            .ok_or_else(|| format!("`{name}` is no database of this build: --features {name}?").into())
    }

    /// The kind of this URL.
    pub(crate) fn of(url: &str) -> Self {
        match url.split_once("://") {
            Some(("postgres", _)) => Kind::Postgres,
            Some(("mysql", _)) => Kind::Mysql,
            _ => Kind::Sqlite,
        }
    }

    /// URL of the server. PostgreSQL's may lead through PgBouncer, or to several hosts.
    fn server(self) -> Result<String> {
        let variable = match self {
            Kind::Sqlite => return Err("SQLite has no server".into()),
            Kind::Postgres => "POSTGRES_URL",
            Kind::Mysql => "MYSQL_URL",
        };
        let url = std::env::var(variable)
            .map_err(|_| format!("{variable} is not set: run this behind tests/databases"))?;
        Ok(url)
    }

    /// URL of the server itself, for the race program's own connections.
    fn direct_server(self) -> Result<String> {
        match std::env::var("POSTGRES_DIRECT_URL") {
            Ok(url) if self == Kind::Postgres => Ok(url),
            _ => self.server(),
        }
    }

    /// URLs of the servers that the processes use in turns: the nodes of a cluster, or the one server.
    fn nodes(self) -> Result<Vec<String>> {
        match std::env::var("MYSQL_NODES") {
            Ok(urls) if self == Kind::Mysql => Ok(urls.split_whitespace().map(str::to_owned).collect()),
            _ => Ok(vec![self.server()?]),
        }
    }

    /// The statement that creates the app's table.
    fn users(self) -> &'static str {
        match self {
            Kind::Sqlite => {
                "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, email TEXT UNIQUE, \
                 password TEXT)"
            }
            Kind::Postgres => {
                "CREATE TABLE users (id SERIAL PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE, password TEXT)"
            }
            Kind::Mysql => {
                "CREATE TABLE users (id INT AUTO_INCREMENT PRIMARY KEY, name TEXT NOT NULL, \
                 email VARCHAR(255) UNIQUE, password TEXT) CHARACTER SET utf8mb4"
            }
        }
    }

    /// The id of a user as `oauth_accounts.user_id` stores it.
    fn as_text(self) -> &'static str {
        match self {
            Kind::Mysql => "CAST(users.id AS CHAR)",
            Kind::Sqlite | Kind::Postgres => "CAST(users.id AS TEXT)",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Sqlite => "sqlite",
            Kind::Postgres => "postgres",
            Kind::Mysql => "mysql",
        })
    }
}

/// Returns `server` with another database: the URL crate knows no URL with several hosts.
fn on_database(server: &str, name: &str) -> String {
    let (url, query) = server.split_once('?').unwrap_or((server, ""));
    let (host, _) = url.rsplit_once('/').unwrap_or((url, ""));
    let sign = if query.is_empty() { "" } else { "?" };
    format!("{host}/{name}{sign}{query}")
}

/// A connection of the race program itself.
pub(crate) enum Conn {
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteConnection),
    #[cfg(feature = "postgres")]
    Postgres(PgConnection),
    #[cfg(feature = "mysql")]
    Mysql(MysqlConnection),
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

macro_rules! on {
    ($conn:expr, $inner:ident => $work:expr) => {
        match $conn {
            #[cfg(feature = "sqlite")]
            Conn::Sqlite($inner) => $work,
            #[cfg(feature = "postgres")]
            Conn::Postgres($inner) => $work,
            #[cfg(feature = "mysql")]
            Conn::Mysql($inner) => $work,
        }
    };
}

impl Conn {
    pub(crate) fn open(kind: Kind, url: &str) -> Result<Self> {
        let mut conn = match kind {
            #[cfg(feature = "sqlite")]
            Kind::Sqlite => Conn::Sqlite(SqliteConnection::establish(url)?),
            #[cfg(feature = "postgres")]
            Kind::Postgres => Conn::Postgres(PgConnection::establish(url)?),
            #[cfg(feature = "mysql")]
            Kind::Mysql => Conn::Mysql(MysqlConnection::establish(url)?),
            #[allow(unreachable_patterns)] // With all features.
            other => return Err(format!("built without {other}").into()),
        };
        if kind == Kind::Sqlite {
            conn.execute("PRAGMA busy_timeout = 5000")?;
        }
        Ok(conn)
    }

    pub(crate) fn execute(&mut self, sql: &str) -> Result<()> {
        Ok(on!(self, conn => conn.batch_execute(sql))?)
    }

    pub(crate) fn number(&mut self, sql: &str) -> Result<i64> {
        let number: Number = on!(self, conn => diesel::sql_query(sql).get_result(conn))?;
        Ok(number.number)
    }
}

/// The settings `database` of a process on the database at `url`: it may be behind PgBouncer.
pub(crate) fn settings(url: &str) -> Value {
    let direct = std::env::var("POSTGRES_DIRECT_URL").ok().filter(|_| Kind::of(url) == Kind::Postgres);
    match (direct, url.rsplit_once('/')) {
        (Some(direct), Some((_, name))) => {
            json!({ "pgbouncer": true, "listen_url": on_database(&direct, name) })
        }
        _ => json!({}),
    }
}

/// A database. Dropping it removes it.
pub(crate) struct Database {
    pub(crate) kind: Kind,
    /// The URLs for `DieselStorage`: one, or that of each node of a cluster.
    pub(crate) urls: Vec<String>,
    /// The URL for the race program.
    direct_url: String,
    folder: tempfile::TempDir,
}

impl Database {
    /// Creates an empty database.
    pub(crate) fn empty(kind: Kind) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("races").tempdir()?;
        if kind == Kind::Sqlite {
            let url = folder.path().join("app.sqlite").display().to_string();
            return Ok(Self { kind, urls: vec![url.clone()], direct_url: url, folder });
        }
        let server = kind.direct_server()?;
        let name = format!("races_{}", std::process::id());
        let mut conn = Conn::open(kind, &server)?;
        conn.execute(&format!("DROP DATABASE IF EXISTS {name}"))?;
        conn.execute(&format!("CREATE DATABASE {name}"))?;
        let urls = kind.nodes()?.iter().map(|node| on_database(node, &name)).collect();
        Ok(Self { kind, urls, direct_url: on_database(&server, &name), folder })
    }

    /// Creates a database with the app's table `users`.
    pub(crate) fn create(kind: Kind) -> Result<Self> {
        let database = Self::empty(kind)?;
        database.execute(kind.users())?;
        Ok(database)
    }

    /// A folder for other files. It is removed with the database.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub(crate) fn execute(&self, sql: &str) -> Result<()> {
        Conn::open(self.kind, &self.direct_url)?.execute(sql)
    }

    fn number(&self, sql: &str) -> Result<i64> {
        Conn::open(self.kind, &self.direct_url)?.number(sql)
    }

    /// Whether the server answers.
    pub(crate) fn is_up(&self) -> bool {
        self.count("(SELECT 1) AS one").is_ok()
    }

    /// The number of rows of `from`: a table, or a table and a condition.
    pub(crate) fn count(&self, from: &str) -> Result<i64> {
        self.number(&format!("SELECT COUNT(*) AS number FROM {from}"))
    }

    /// The number of users without an account and without a password.
    pub(crate) fn users_without_account(&self) -> Result<i64> {
        let id = self.kind.as_text();
        self.count(&format!(
            "users WHERE password IS NULL AND NOT EXISTS (SELECT 1 FROM oauth_accounts WHERE user_id = {id})"
        ))
    }

    /// The number of accounts of users who do not exist.
    pub(crate) fn accounts_without_user(&self) -> Result<i64> {
        let id = self.kind.as_text();
        self.count(&format!(
            "oauth_accounts WHERE user_id IS NULL OR NOT EXISTS (SELECT 1 FROM users WHERE {id} = user_id)"
        ))
    }

    /// The number of sessions that began with an account that does not belong to their user, or is gone.
    pub(crate) fn sessions_without_account(&self) -> Result<i64> {
        self.count(
            "oauth_sessions WHERE provider IS NOT NULL AND NOT EXISTS (SELECT 1 FROM oauth_accounts WHERE \
             oauth_accounts.provider = oauth_sessions.provider \
             AND oauth_accounts.provider_user_id = oauth_sessions.provider_user_id \
             AND oauth_accounts.user_id = oauth_sessions.user_id)",
        )
    }

    /// The number of sessions of users who do not exist.
    pub(crate) fn sessions_without_user(&self) -> Result<i64> {
        let id = self.kind.as_text();
        self.count(&format!("oauth_sessions WHERE NOT EXISTS (SELECT 1 FROM users WHERE {id} = user_id)"))
    }

    /// A dump of the whole database, by its own tool.
    pub(crate) fn dump(&self) -> Result<Vec<u8>> {
        let url = &*self.direct_url;
        let mut command = match self.kind {
            Kind::Sqlite => {
                let mut bytes = std::fs::read(url)?;
                bytes.extend(std::fs::read(format!("{url}-wal")).unwrap_or_default());
                return Ok(bytes);
            }
            Kind::Postgres => {
                let mut command = Command::new("pg_dump");
                command.arg(url);
                command
            }
            Kind::Mysql => {
                let url = Url::parse(url)?;
                let tool = ["mariadb-dump", "mysqldump"]
                    .into_iter()
                    .find(|tool| Command::new(tool).arg("--version").output().is_ok())
                    .ok_or("neither mariadb-dump nor mysqldump is there")?;
                let mut command = Command::new(tool);
                command.args(["--no-defaults", "--protocol=tcp", "--single-transaction"]);
                command.arg(format!("--user={}", url.username()));
                command.arg(format!("--password={}", url.password().unwrap_or_default()));
                command.arg(format!("--host={}", url.host_str().unwrap_or_default()));
                command.arg(format!("--port={}", url.port().unwrap_or(3306)));
                command.arg(url.path().trim_start_matches('/'));
                command
            }
        };
        let done = command.output()?;
        if !done.status.success() {
            return Err(format!("no dump: {}", String::from_utf8_lossy(&done.stderr)).into());
        }
        Ok(done.stdout)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let Ok(server) = self.kind.direct_server() else { return };
        let name = format!("races_{}", std::process::id());
        let force = match self.kind {
            Kind::Postgres => " WITH (FORCE)",
            _ => "",
        };
        let dropped = Conn::open(self.kind, &server)
            .and_then(|mut conn| conn.execute(&format!("DROP DATABASE {name}{force}")));
        if let Err(error) = dropped {
            eprintln!("races: the database {name} stays: {error}");
        }
    }
}
