//! Transactions of an `AnyConnection`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use diesel::connection::{SimpleConnection, TransactionManager, TransactionManagerStatus};
use diesel::dsl::sql;
use diesel::result::{DatabaseErrorKind as Kind, Error as Cause};
use diesel::sql_types::Bool;
use diesel::{Connection, RunQueryDsl, select};

use super::any_connection::{AnyConnection, on_mysql};
use super::failure::{Failure, UNBALANCED};
#[cfg(feature = "mysql")]
use super::mysql_transaction;
use crate::error::Error;

/// Begins a transaction with settings of its own, in one statement: a session behind a pooler has none. The last one frees
/// the locks of a process that is frozen or gone.
#[cfg(feature = "postgres")]
const POSTGRES_BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '5s'; \
                              SET LOCAL statement_timeout = '8s'; \
                              SET LOCAL idle_in_transaction_session_timeout = '10s'";

type Manager = <AnyConnection as Connection>::TransactionManager;

impl AnyConnection {
    /// Returns the number of nested open transactions; `None` if the connection is in an unknown state.
    fn depth(&mut self) -> Option<u32> {
        match Manager::transaction_manager_status_mut(self) {
            TransactionManagerStatus::Valid(status) => {
                Some(status.transaction_depth().map_or(0, |depth| depth.get()))
            }
            TransactionManagerStatus::InError => None,
        }
    }

    /// Returns whether a transaction is still open, for example because a policy panicked. On such a connection the next
    /// transaction would be a savepoint, which is never committed.
    pub(super) fn is_broken(&mut self) -> bool {
        self.depth() != Some(0)
    }

    fn begin(&mut self) -> Result<(), Failure> {
        match self {
            // After a plain BEGIN, a write that follows a read fails with "database is locked" at once if there is another
            // writer, whatever busy_timeout is.
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(conn) => {
                diesel::connection::AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")?
            }
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(conn) => {
                diesel::connection::AnsiTransactionManager::begin_transaction_sql(conn, POSTGRES_BEGIN)?
            }
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(conn) => {
                let begun = diesel::connection::AnsiTransactionManager::begin_transaction_sql(
                    conn,
                    mysql_transaction::BEGIN,
                );
                if let Err(cause) = begun {
                    // It may be without autocommit.
                    Manager::transaction_manager_status_mut(self).set_in_error();
                    return Err(cause.into());
                }
            }
        }
        Ok(())
    }

    /// Returns whether a transaction that writes excludes all others, so that no row needs a lock.
    pub(super) fn writes_alone(&self) -> bool {
        match self {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(_) => true,
            #[cfg(any(feature = "postgres", feature = "mysql"))]
            _ => false,
        }
    }

    /// Returns whether the server answers and takes writes, outside of a transaction.
    pub(super) fn is_usable(&mut self) -> bool {
        let takes_writes = match self {
            #[cfg(feature = "sqlite")]
            AnyConnection::Sqlite(_) => "1",
            #[cfg(feature = "postgres")]
            AnyConnection::Postgres(_) => "current_setting('transaction_read_only') = 'off'",
            // A number on MySQL and on old versions of MariaDB, a word on new ones.
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(_) => "CONCAT(@@read_only) IN ('0', 'OFF')",
        };
        !self.is_broken() && select(sql::<Bool>(takes_writes)).get_result(self).unwrap_or(false)
    }

    /// Runs SQL that changes the schema, in a transaction that is rolled back. Does nothing on MySQL, which commits such a
    /// statement at once.
    pub(super) fn rehearse(&mut self, sql: &str) -> crate::error::Result<()> {
        if on_mysql!(self, _conn => true, else false) {
            return Ok(());
        }
        let done = self.write(|conn| {
            conn.batch_execute(sql)?;
            Err::<(), _>(Cause::RollbackTransaction)
        });
        match done {
            Ok(()) | Err(Failure::Statement(Cause::RollbackTransaction)) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Runs `work` in a transaction that writes.
    pub(super) fn write<T, E: Into<Failure>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, E>,
    ) -> Result<T, Failure> {
        self.begin()?;
        let done = work(self).map_err(Into::into);
        let done = match (done, self.depth()) {
            (Ok(value), Some(1)) => return self.commit().map(|()| value),
            // What was read or written after the server had ended the transaction is no reason to fail.
            (Err(failure), Some(1)) => {
                Err(self.require_open().err().filter(Failure::is_lost_race).unwrap_or(failure))
            }
            (done, _) => done.and(Err(Failure::Policy(Error::app(UNBALANCED)))),
        };
        self.roll_back();
        done
    }

    fn commit(&mut self) -> Result<(), Failure> {
        let committed =
            on_mysql!(self, conn => mysql_transaction::commit(conn), else Manager::commit_transaction(self));
        let Err(cause) = committed else {
            // What Diesel has to commit on MySQL is nothing.
            on_mysql!(self, _conn => drop(Manager::commit_transaction(self)), else ());
            return Ok(());
        };
        let rolled_back = on_mysql!(self, conn => mysql_transaction::why_rolled_back(conn), else None);
        self.roll_back();
        if let Some(rolled_back) = rolled_back {
            return Err(rolled_back);
        }
        let cause = match cause {
            Cause::RollbackErrorOnCommit { commit_error, .. } => *commit_error,
            cause => cause,
        };
        Err(match &cause {
            // The database rolls back.
            Cause::DatabaseError(Kind::SerializationFailure, _) => Failure::Statement(cause),
            // A constraint that is checked at the end: our tables have none.
            Cause::DatabaseError(
                Kind::UniqueViolation
                | Kind::ForeignKeyViolation
                | Kind::NotNullViolation
                | Kind::CheckViolation
                | Kind::RestrictViolation
                | Kind::ExclusionViolation,
                _,
            ) => Failure::Policy(Error::app(cause)),
            _ => Failure::Commit(cause),
        })
    }

    /// Checks that the server has not ended the transaction. Only MySQL and MariaDB do that by themselves.
    #[cfg_attr(not(feature = "mysql"), allow(clippy::unused_self))]
    fn require_open(&mut self) -> Result<(), Failure> {
        on_mysql!(self, conn => mysql_transaction::require_open(conn), else Ok(()))
    }

    /// Closes the prepared statements on MySQL.
    pub(super) fn forget_statements(&mut self) {
        on_mysql!(self, conn => mysql_transaction::forget_statements(conn), else ());
    }

    fn roll_back(&mut self) {
        while self.depth().is_some_and(|depth| depth > 0) && Manager::rollback_transaction(self).is_ok() {}
        on_mysql!(self, conn => mysql_transaction::end(conn), else ());
    }

    /// Runs `work` of the app.
    ///
    /// # Errors
    /// [`ErrorKind::AppError`](crate::ErrorKind::AppError) if it panics, leaves a transaction of its own open, or ends ours.
    pub(super) fn lend<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        let before = self.depth();
        let value = catch_unwind(AssertUnwindSafe(|| work(self)))
            .unwrap_or_else(|_| Err(Error::app("the link policy panicked")))?;
        if self.depth() == before { Ok(value) } else { Err(Error::app(UNBALANCED)) }
    }

    /// Runs `work` of the app outside of a transaction of ours, or alone in one, and rolls back what it leaves open.
    ///
    /// # Errors
    /// [`ErrorKind::AppError`](crate::ErrorKind::AppError) if it panics, or leaves a transaction open.
    pub(super) fn lend_alone<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let before = self.depth();
        let value = catch_unwind(AssertUnwindSafe(|| work(self)))
            .unwrap_or_else(|_| Err(Error::app("the app's work on the database panicked")));
        if self.depth() == before {
            return value;
        }
        self.roll_back();
        value.and(Err(Error::app("the app's work on the database left a transaction open")))
    }

    /// Runs `work` of the app, which may write, in the transaction that is open.
    ///
    /// # Errors
    /// [`ErrorKind::AppError`](crate::ErrorKind::AppError) if the server has ended the transaction, which MySQL does without Diesel: by
    /// a deadlock, whose error `work` may have ignored, and before statements such as CREATE TABLE. A lost race if the server is a
    /// node of a Galera cluster.
    pub(super) fn in_one_transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let value = work(self)?;
        self.require_open()?;
        Ok(value)
    }
}
