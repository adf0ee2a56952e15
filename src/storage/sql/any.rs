//! A connection to whichever database it is, and its transactions.

#[cfg(feature = "mysql")]
use diesel::MysqlConnection;
#[cfg(feature = "postgres")]
use diesel::PgConnection;
#[cfg(feature = "sqlite")]
use diesel::SqliteConnection;
use diesel::connection::{TransactionManager, TransactionManagerStatus};
use diesel::{Connection, MultiConnection};

use super::migrations::{self, Migrations};
use crate::error::{DatabaseFault, Error, Result};

/// A connection to whichever database it is. Queries are written once, on this.
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

/// A connection on which a [`LinkPolicy`](crate::LinkPolicy) of an app may work: Diesel's `SqliteConnection`,
/// `PgConnection` or `MysqlConnection`, each with the feature of its database.
///
/// It is sealed, since it takes a database that [`DieselStorage`](super::DieselStorage) speaks to: no other crate can
/// implement it.
pub trait PolicyConnection: Sized + 'static {
    /// The bundled migrations for this database.
    #[doc(hidden)]
    const MIGRATIONS: Migrations;

    /// The connection itself, where it is of this kind.
    #[doc(hidden)]
    fn narrow(any: &mut AnyConnection) -> Option<&mut Self>;
}

macro_rules! policy_connection {
    ($feature:literal, $connection:ident, $variant:ident, $migrations:ident) => {
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

const UNBALANCED: &str = "the link policy left a transaction of its own open, or ended ours";

type Manager = <AnyConnection as Connection>::TransactionManager;

impl AnyConnection {
    /// How many transactions are open, one inside another; none when nobody knows.
    fn depth(&mut self) -> Option<u32> {
        match Manager::transaction_manager_status_mut(self) {
            TransactionManagerStatus::Valid(status) => {
                Some(status.transaction_depth().map_or(0, |depth| depth.get()))
            }
            TransactionManagerStatus::InError => None,
        }
    }

    /// Whether somebody left a transaction open: a policy that panicked, for one. On such a connection the next
    /// transaction would be a savepoint, whose rows nobody else ever sees.
    pub(super) fn is_broken(&mut self) -> bool {
        self.depth() != Some(0)
    }

    fn begin(&mut self) -> Result<()> {
        match self {
            // With a plain BEGIN a read that is followed by a write is "database is locked" at once beside another
            // writer, whatever busy_timeout says.
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(conn) => {
                diesel::connection::AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")?
            }
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            _ => Manager::begin_transaction(self)?,
        }
        Ok(())
    }

    /// Whether a transaction that writes shuts out all others, so that no row needs a lock.
    pub(super) fn writes_alone(&self) -> bool {
        match self {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(_) => true,
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            _ => false,
        }
    }

    /// Runs `work` in a transaction that writes.
    pub(super) fn write<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.begin()?;
        let done = work(self);
        match (done, self.depth()) {
            (Ok(value), Some(1)) => {
                Manager::commit_transaction(self).map_err(|cause| match DatabaseFault::of(&cause) {
                    // As text: what finds a dead connection behind an error would do the work again, and nobody knows
                    // whether it is done.
                    DatabaseFault::ConnectionLost => {
                        Error::storage(format!("the connection was lost during the commit: {cause}"))
                    }
                    _ => cause.into(),
                })?;
                Ok(value)
            }
            (done, _) => {
                while self.depth().is_some_and(|depth| depth > 0)
                    && Manager::rollback_transaction(self).is_ok()
                {}
                match done {
                    Ok(_) => Err(Error::app(UNBALANCED)),
                    Err(error) => Err(error),
                }
            }
        }
    }

    /// Runs the app's `work`, which has to leave our transaction as it is.
    pub(super) fn lend<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let before = self.depth();
        let value = work(self)?;
        if self.depth() == before { Ok(value) } else { Err(Error::app(UNBALANCED)) }
    }
}
