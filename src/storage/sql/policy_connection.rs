//! `PolicyConnection`: the connections on which a policy may work.

#[cfg(feature = "mysql")]
use diesel::MysqlConnection;
#[cfg(feature = "postgres")]
use diesel::PgConnection;
#[cfg(feature = "sqlite")]
use diesel::SqliteConnection;

use super::any_connection::AnyConnection;
use super::migrations::{self, Migrations};

/// A connection on which a [`LinkPolicy`](crate::LinkPolicy) of an app may work: Diesel's `SqliteConnection`,
/// `PgConnection` or `MysqlConnection`, each with the feature of its database.
///
/// The trait is sealed: only the connections of the databases that [`DieselStorage`](super::DieselStorage) supports implement
/// it.
pub trait PolicyConnection: Sealed + Sized + 'static {
    /// The bundled migrations for this database.
    const MIGRATIONS: Migrations;

    /// Returns the connection of this type, or `None` if `any` is a connection to another database.
    fn narrow(any: &mut AnyConnection) -> Option<&mut Self>;
}

/// Makes [`PolicyConnection`] a trait that no other crate can implement.
pub trait Sealed {}

macro_rules! policy_connection {
    ($feature:literal, $connection:ident, $variant:ident, $migrations:ident) => {
        #[cfg(feature = $feature)]
        impl Sealed for $connection {}

        #[cfg(feature = $feature)]
        impl PolicyConnection for $connection {
            const MIGRATIONS: Migrations = migrations::$migrations;

            #[allow(unreachable_patterns)] // With one database there is no other.
            fn narrow(any: &mut AnyConnection) -> Option<&mut Self> {
                match any {
                    AnyConnection::$variant(conn) => Some(conn),
                    _ => None,
                }
            }
        }
    };
}

policy_connection!("sqlite", SqliteConnection, Sqlite, SQLITE);
policy_connection!("postgres", PgConnection, Postgres, POSTGRES);
policy_connection!("mysql", MysqlConnection, Mysql, MYSQL);
