//! `AnyConnection`: a connection to one of the supported databases.

use diesel::MultiConnection;
#[cfg(feature = "mysql")]
use diesel::MysqlConnection;
#[cfg(feature = "postgres")]
use diesel::PgConnection;
#[cfg(feature = "sqlite")]
use diesel::SqliteConnection;

/// A connection to one of the supported databases. Queries are written once, for this type.
#[derive(MultiConnection)]
#[non_exhaustive]
pub enum AnyConnection {
    /// SQLite.
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteConnection),
    /// PostgreSQL.
    #[cfg(feature = "postgres")]
    Postgres(PgConnection),
    /// MySQL and MariaDB.
    #[cfg(feature = "mysql")]
    Mysql(MysqlConnection),
}

impl std::fmt::Debug for AnyConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(_) => "AnyConnection::Sqlite",
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => "AnyConnection::Postgres",
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(_) => "AnyConnection::Mysql",
        })
    }
}

/// Runs a query on the connection in `$conn`, whatever its database is.
///
/// A query on an [`AnyConnection`] renders its SQL three times at each execution, which takes longer than SQLite does for a look-up.
/// Use it for the look-ups and writes that many requests make.
macro_rules! on_inner {
    ($conn:ident, $query:expr) => {
        match $conn {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite($conn) => $query,
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres($conn) => $query,
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql($conn) => $query,
        }
    };
}

/// Does `$work` on MySQL and MariaDB, and returns `$other` on other databases.
macro_rules! on_mysql {
    ($any:expr, $conn:ident => $work:expr, else $other:expr) => {
        match $any {
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql($conn) => $work,
            #[allow(unreachable_patterns)] // With one database there is no other.
            _ => $other,
        }
    };
}

pub(super) use {on_inner, on_mysql};
