//! A database for one test.

/// An SQLite file in a temporary folder.
#[cfg(feature = "sqlite")]
pub struct Database(tempfile::TempDir);

#[cfg(feature = "sqlite")]
impl Database {
    pub fn new() -> Self {
        Database(tempfile::tempdir().expect("a folder"))
    }

    pub fn url(&self) -> String {
        self.0.path().join("app.sqlite").display().to_string()
    }

    pub fn url_beside_pgbouncer(&self) -> Option<String> {
        None
    }
}

/// A database on the server that `POSTGRES_URL` or `MYSQL_URL` names, with a superuser's URL. The test removes it at its end.
/// `tests/pgbouncer` lets `POSTGRES_URL` lead through PgBouncer, and `POSTGRES_DIRECT_URL` to the server itself.
#[cfg(not(feature = "sqlite"))]
pub struct Database {
    server: String,
    direct: Option<String>,
    name: String,
}

#[cfg(not(feature = "sqlite"))]
impl Database {
    pub fn new() -> Self {
        use std::sync::atomic::{AtomicU32, Ordering};
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let variable = if cfg!(feature = "postgres") { "POSTGRES_URL" } else { "MYSQL_URL" };
        let server = std::env::var(variable)
            .unwrap_or_else(|_| panic!("{variable} is not set: run this as `tests/databases cargo test …`"));
        let name = format!("example_app_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let direct = std::env::var("POSTGRES_DIRECT_URL").ok().filter(|_| cfg!(feature = "postgres"));
        let database = Self { server, direct, name };
        database.execute(&format!("CREATE DATABASE {}", database.name));
        database
    }

    pub fn url(&self) -> String {
        self.on(&self.server)
    }

    /// The URL of the server itself, if `url` leads through PgBouncer.
    pub fn url_beside_pgbouncer(&self) -> Option<String> {
        self.direct.as_deref().map(|direct| self.on(direct))
    }

    fn on(&self, server: &str) -> String {
        let (server, _) = server.rsplit_once('/').expect("a URL with a database");
        format!("{server}/{}", self.name)
    }

    fn execute(&self, sql: &str) {
        use diesel::{Connection, RunQueryDsl};
        let server = self.direct.as_ref().unwrap_or(&self.server);
        let mut conn = crate::database::Connection::establish(server).expect("the server answers");
        diesel::sql_query(sql).execute(&mut conn).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
}

#[cfg(not(feature = "sqlite"))]
impl Drop for Database {
    fn drop(&mut self) {
        let also = if cfg!(feature = "postgres") { " WITH (FORCE)" } else { "" };
        self.execute(&format!("DROP DATABASE {}{also}", self.name));
    }
}
