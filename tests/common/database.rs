//! The example app's database as text, to compare and to search it: SQLite, PostgreSQL or MySQL.

use std::path::{Path, PathBuf};
use std::process::{Command, id};
use std::sync::atomic::{AtomicU32, Ordering};

use url::Url;

use super::sqlite;

/// A database of one app.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    /// The feature of the example app for this database.
    pub(crate) feature: &'static str,
    /// The URL in the app's configuration.
    pub(crate) url: String,
    folder: PathBuf,
}

impl Database {
    /// A SQLite file in `folder`.
    pub(crate) fn sqlite(folder: &Path) -> Self {
        let url = folder.join("app.sqlite").display().to_string();
        Self { feature: "sqlite", url, folder: folder.to_owned() }
    }

    /// A new database on the server of `tests/databases`: `postgres` or `mysql`.
    pub(crate) fn on_server(feature: &'static str, folder: &Path) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let variable = format!("{}_URL", feature.to_uppercase());
        let server = std::env::var(&variable)
            .unwrap_or_else(|_| panic!("{variable} is not set: run this as `tests/databases cargo test …`"));
        let database = Self { feature, url: server, folder: folder.to_owned() };
        let name = format!("ride_{}_{}", id(), COUNT.fetch_add(1, Ordering::Relaxed));
        database.ask(&format!("CREATE DATABASE {name}"));
        let (server, _) = database.url.rsplit_once('/').unwrap();
        Self { url: format!("{server}/{name}"), ..database }
    }

    /// Every row of every table but `left_out`, one per line, in a fixed order.
    pub(crate) fn rows(&self, left_out: Option<&str>) -> String {
        let mut dump = match self.feature {
            "sqlite" => return sqlite::dump(self.url.as_ref(), |table| Some(table) != left_out),
            "postgres" => {
                let mut dump = Command::new("pg_dump");
                dump.args(["--data-only", "--inserts", &self.url]);
                dump.args(left_out.map(|table| format!("--exclude-table={table}")));
                dump
            }
            _ => {
                let mut dump = self.mariadb("mariadb-dump");
                dump.args(["--compact", "--skip-extended-insert", "--no-create-info", self.name()]);
                dump.args(left_out.map(|table| format!("--ignore-table={}.{table}", self.name())));
                dump
            }
        };
        let text = output(&mut dump);
        let mut rows: Vec<_> = text.lines().filter(|line| line.starts_with("INSERT")).collect();
        rows.sort_unstable();
        rows.join("\n")
    }

    /// The number of rows of `table`.
    pub(crate) fn count(&self, table: &str) -> usize {
        match self.feature {
            "sqlite" => sqlite::count(self.url.as_ref(), table),
            _ => self.ask(&format!("SELECT count(*) FROM {table}")).trim().parse().unwrap(),
        }
    }

    /// The files that must not contain a secret: the database files, or a dump.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        if self.feature == "sqlite" {
            return ["", "-wal", "-shm", "-journal"]
                .map(|suffix| format!("{}{suffix}", self.url).into())
                .into();
        }
        let dump = self.folder.join("dump.sql");
        std::fs::write(&dump, self.rows(None)).unwrap();
        vec![dump]
    }

    fn ask(&self, sql: &str) -> String {
        match self.feature {
            "postgres" => output(Command::new("psql").args(["--no-psqlrc", "-qAt", "-c", sql, &self.url])),
            _ => output(self.mariadb("mariadb").args(["-N", "-e", sql, self.name()])),
        }
    }

    fn name(&self) -> &str {
        self.url.rsplit_once('/').unwrap().1
    }

    /// A program of MariaDB, with the arguments to connect to the server.
    fn mariadb(&self, program: &str) -> Command {
        let url = Url::parse(&self.url).unwrap();
        let mut command = Command::new(program);
        command.args(["--no-defaults", "--protocol=tcp", "--user", url.username()]);
        command.args(["--host", url.host_str().unwrap(), "--port", &url.port().unwrap().to_string()]);
        command
    }
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
