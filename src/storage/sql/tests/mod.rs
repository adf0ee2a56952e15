//! `DieselStorage` on each database. Those that need a server run by `tests/databases cargo test -- --include-ignored`.

use std::sync::Arc;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::BigInt;

use rocket::figment::Figment;

use super::any_connection::AnyConnection;
use super::connector::Connector;
use super::text_row::TextRow;
use super::url::DatabaseUrl;
use super::*;
use crate::error::{Error, ErrorKind, Result};
use crate::link::{AuthorizedLogin, LinkPolicy};
use crate::link::{Login, Standing, Verdict};
use crate::storage::suite;
use crate::storage::{
    Account, AccountKey, BuiltIn, ClaimState, KeyRing, Session, SessionSelection, SessionStart, Storage,
    UserType,
};
#[cfg(feature = "postgres")]
use crate::storage::{Coordination, SessionStorage};

/// Runs tests that are generic over the database on PostgreSQL and on MySQL.
macro_rules! on_each_server {
    ($($name:ident)*) => {
        #[cfg(feature = "postgres")]
        mod postgres {
            $(#[rocket::async_test]
            #[ignore = "needs POSTGRES_URL: tests/databases cargo test -- --include-ignored"]
            async fn $name() {
                super::$name::<crate::storage::sql::tests::Postgres>().await;
            })*
        }
        #[cfg(feature = "mysql")]
        mod mysql {
            $(#[rocket::async_test]
            #[ignore = "needs MYSQL_URL: tests/databases cargo test -- --include-ignored"]
            async fn $name() {
                super::$name::<crate::storage::sql::tests::Mysql>().await;
            })*
        }
    };
}

/// Runs tests that are generic over the database on each of them, and on PostgreSQL with partitions.
macro_rules! on_each_database_and_partitions {
    ($($name:ident)*) => {
        on_each_database! { $($name)* }
        #[cfg(feature = "postgres")]
        mod partitions {
            $(#[rocket::async_test]
            #[ignore = "needs POSTGRES_URL: tests/databases cargo test -- --include-ignored"]
            async fn $name() {
                super::$name::<crate::storage::sql::tests::Partitions>().await;
            })*
        }
    };
}

/// Runs tests that are generic over the database on each of them.
macro_rules! on_each_database {
    ($($name:ident)*) => {
        #[cfg(feature = "sqlite")]
        mod sqlite {
            $(#[rocket::async_test]
            async fn $name() {
                super::$name::<crate::storage::sql::tests::Sqlite>().await;
            })*
        }
        on_each_server! { $($name)* }
    };
}

#[cfg(feature = "postgres")]
mod coherence;
mod app_queries;
mod cascade;
mod clocks;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod database_check;
mod faults;
mod linking;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod lost_connections;
mod merging;
mod moved_in;
mod opening;
mod outages;
#[cfg(feature = "postgres")]
mod pooler;
mod removal;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod roles;
mod rows;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod server_outages;
#[cfg(any(feature = "postgres", feature = "mysql"))]
mod site;
mod tables;
#[cfg(feature = "mysql")]
mod tls;
mod urls;
mod user_merge;

/// A database for one test, which is removed with it.
pub(super) trait Db: Send + Sync + 'static {
    type Conn: Users;
    const NAME: &str;
    /// SQL type of the users' id column.
    const ID: &str;

    /// Makes an empty database.
    fn empty() -> Self;
    fn url(&self) -> String;

    /// Makes a database with the app's table of users.
    fn new() -> Self
    where
        Self: Sized,
    {
        let db = Self::empty();
        db.sql(&format!("CREATE TABLE users (id {} PRIMARY KEY, name VARCHAR(99) NOT NULL)", Self::ID));
        db
    }

    fn storage(&self) -> DieselStorage {
        DieselStorage::url(self.url()).migrate()
    }

    /// The URL for the test's own connections, which never leads through PgBouncer.
    fn direct_url(&self) -> String {
        self.url()
    }

    /// Opens a connection of the app's own.
    fn connect(&self) -> AnyConnection {
        Connector::new(DatabaseUrl::parse(&self.direct_url()).unwrap(), None).connect().unwrap()
    }

    fn try_sql(&self, sql: &str) -> QueryResult<()> {
        self.connect().batch_execute(sql)
    }

    fn sql(&self, sql: &str) {
        self.try_sql(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Returns the number in the column `n`.
    fn number(&self, sql: &str) -> i64 {
        sql_query(sql).get_result::<Number>(&mut self.connect()).unwrap().n
    }

    /// Returns the texts in the column `t`.
    fn texts(&self, sql: &str) -> Vec<String> {
        let found: Vec<TextRow> = sql_query(sql).load(&mut self.connect()).unwrap();
        found.into_iter().map(|found| found.t).collect()
    }

    /// Returns the number of users and of accounts.
    fn rows(&self) -> (i64, i64) {
        let count = |table| self.number(&format!("SELECT count(*) AS n FROM {table}"));
        (count("users"), count("oauth_accounts"))
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// The app's users, on a connection of the policy's kind.
pub(super) trait Users: PolicyConnection + Connection {
    fn add(&mut self, name: &str) -> QueryResult<i32>;
    fn name(&mut self, id: i32) -> QueryResult<Option<String>>;
    fn remove(&mut self, id: i32) -> QueryResult<usize>;
    fn execute(&mut self, sql: &str) -> QueryResult<usize>;
}

macro_rules! users {
    ($connection:ty, $last_id:literal) => {
        impl Users for $connection {
            fn add(&mut self, name: &str) -> QueryResult<i32> {
                sql_query(format!("INSERT INTO users (name) VALUES ('{name}')")).execute(self)?;
                let id: Number = sql_query(concat!("SELECT ", $last_id, " AS n")).get_result(self)?;
                Ok(id.n as i32)
            }

            fn name(&mut self, id: i32) -> QueryResult<Option<String>> {
                let name = sql_query(format!("SELECT name AS t FROM users WHERE id = {id}"));
                Ok(name.get_result::<TextRow>(self).optional()?.map(|name| name.t))
            }

            fn remove(&mut self, id: i32) -> QueryResult<usize> {
                self.execute(&format!("DELETE FROM users WHERE id = {id}"))
            }

            fn execute(&mut self, sql: &str) -> QueryResult<usize> {
                sql_query(sql).execute(self)
            }
        }
    };
}

fn sign_up<C: Users>(login: &Login<i32>, conn: &mut C) -> Result<Verdict<i32>> {
    match &login.standing {
        Standing::Stranger => Ok(Verdict::SignUp(conn.add(login.profile.display_name())?)),
        _ => Ok(login.default_verdict()),
    }
}

async fn opened(storage: DieselStorage) -> Arc<dyn Storage> {
    storage.open(&figment(&storage)).await.unwrap();
    Arc::new(storage)
}

async fn refused(storage: DieselStorage) -> String {
    storage.open(&figment(&storage)).await.unwrap_err().to_string()
}

/// URL of the PostgreSQL server itself, if `tests/pgbouncer` runs the tests.
fn direct_url() -> Option<::url::Url> {
    Some(std::env::var("POSTGRES_DIRECT_URL").ok()?.parse().unwrap())
}

/// The configuration of `storage`: its connections lead through PgBouncer if `tests/pgbouncer` runs the tests.
fn figment(storage: &DieselStorage) -> Figment {
    let figment = Figment::new();
    let found = storage.find_url(&figment).ok().and_then(|found| ::url::Url::parse(&found.url).ok());
    match (direct_url(), found.filter(|url| url.scheme() == "postgres")) {
        (Some(mut direct), Some(pooled)) => {
            direct.set_path(pooled.path());
            figment
                .merge(("dance.database.pgbouncer", true))
                .merge(("dance.database.listen_url", direct.to_string()))
        }
        _ => figment,
    }
}

/// Begins `session` at the time 1000.
async fn begun(storage: &dyn Storage, session: &Session) {
    assert_eq!(storage.begin_session(session, None, 1000).await.unwrap(), SessionStart::Begun);
}

fn keys() -> KeyRing {
    suite::keys()
}

#[cfg(feature = "sqlite")]
pub(super) struct Sqlite(pub(super) tempfile::TempDir);

#[cfg(feature = "sqlite")]
users!(diesel::SqliteConnection, "last_insert_rowid()");

#[cfg(feature = "sqlite")]
impl Db for Sqlite {
    type Conn = diesel::SqliteConnection;
    const NAME: &str = "sqlite";
    const ID: &str = "INTEGER";

    fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn url(&self) -> String {
        self.0.path().join("app.sqlite").to_str().unwrap().to_owned()
    }
}

/// A database on the server of the environment's `variable`.
#[cfg(any(feature = "postgres", feature = "mysql"))]
macro_rules! on_server {
    ($db:ident, $name:literal, $connection:ident, $variable:literal, $id:literal, $last_id:literal, $create:literal, $drop:literal) => {
        pub(super) struct $db {
            admin: ::url::Url,
            name: String,
        }

        users!(diesel::$connection, $last_id);

        impl Db for $db {
            type Conn = diesel::$connection;
            const NAME: &str = $name;
            const ID: &str = $id;

            fn empty() -> Self {
                let admin = std::env::var($variable)
                    .expect(concat!($variable, " is not set: tests/databases sets it"));
                let name = format!("rd_{:016x}", u64::from_be_bytes(crate::secret::random().unwrap()));
                let direct = direct_url().filter(|direct| admin.starts_with(direct.scheme()));
                let db = Self { admin: direct.unwrap_or_else(|| admin.parse().unwrap()), name };
                db.admin(&format!($create, db.name));
                db
            }

            fn url(&self) -> String {
                let mut url: ::url::Url = std::env::var($variable).unwrap().parse().unwrap();
                url.set_path(&self.name);
                url.into()
            }

            fn direct_url(&self) -> String {
                let mut url = self.admin.clone();
                url.set_path(&self.name);
                url.into()
            }
        }

        impl $db {
            fn admin(&self, sql: &str) {
                diesel::$connection::establish(self.admin.as_str()).unwrap().batch_execute(sql).unwrap();
            }
        }

        impl Drop for $db {
            fn drop(&mut self) {
                self.admin(&format!($drop, self.name));
            }
        }
    };
}

#[cfg(feature = "postgres")]
on_server! {
    Postgres, "postgres", PgConnection, "POSTGRES_URL", "INTEGER GENERATED BY DEFAULT AS IDENTITY", "lastval()",
    "CREATE DATABASE {} TEMPLATE template0", "DROP DATABASE {} WITH (FORCE)"
}
#[cfg(feature = "mysql")]
on_server! {
    Mysql, "mysql", MysqlConnection, "MYSQL_URL", "INTEGER AUTO_INCREMENT", "last_insert_id()",
    "CREATE DATABASE {}", "DROP DATABASE {}"
}

/// PostgreSQL, with the tables of docs/partitions.sql.
#[cfg(feature = "postgres")]
pub(super) struct Partitions(Postgres);

#[cfg(feature = "postgres")]
impl Db for Partitions {
    type Conn = PgConnection;
    const NAME: &str = Postgres::NAME;
    const ID: &str = Postgres::ID;

    fn empty() -> Self {
        let db = Self(Postgres::empty());
        let connector = Connector::new(DatabaseUrl::parse(&db.url()).unwrap(), None);
        super::migrate::run(&mut connector.connect().unwrap(), &connector).unwrap();
        db.sql(include_str!("../../../../docs/partitions.sql"));
        db
    }

    fn url(&self) -> String {
        self.0.url()
    }
}
