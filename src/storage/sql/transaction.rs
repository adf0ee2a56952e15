//! Transactions of an `AnyConnection`.

use std::panic::{AssertUnwindSafe, catch_unwind};

use diesel::connection::{SimpleConnection, TransactionManager, TransactionManagerStatus};
use diesel::dsl::sql;
use diesel::result::{DatabaseErrorKind as Kind, Error as Cause};
use diesel::sql_types::Bool;
use diesel::{Connection, RunQueryDsl, select};

use super::any_connection::AnyConnection;
use super::failure::Failure;
use crate::error::Error;

const UNBALANCED: &str = "the link policy left a transaction of its own open, or ended ours. MySQL ends it by a deadlock, whose \
                          error the policy must return, and by statements such as CREATE TABLE";

/// Begins a transaction with settings of its own, in one statement: a session behind a pooler has none.
#[cfg(feature = "postgres")]
const POSTGRES_BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '5s'; \
                              SET LOCAL statement_timeout = '8s'";

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
            AnyConnection::Mysql(_) => Manager::begin_transaction(self)?,
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
        #[cfg(feature = "mysql")]
        #[allow(irrefutable_let_patterns)] // With one database there is no other.
        if let AnyConnection::Mysql(_) = self {
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
        match (done, self.depth()) {
            (Ok(value), Some(1)) => self.commit().map(|()| value),
            (done, _) => {
                self.roll_back();
                done.and(Err(Failure::Policy(Error::app(UNBALANCED))))
            }
        }
    }

    fn commit(&mut self) -> Result<(), Failure> {
        let Err(cause) = Manager::commit_transaction(self) else { return Ok(()) };
        let lost_race = self.has_lost_race();
        self.roll_back();
        if lost_race {
            return Err(Failure::Statement(cause));
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

    /// Returns whether the transaction whose commit has just failed is rolled back because another one was faster. A Galera node
    /// reports a conflict with another node at the commit, as a deadlock (error 1213), sometimes after an interrupted query (1317);
    /// the work can be done again. Diesel does not show the number of an error of COMMIT.
    fn has_lost_race(&mut self) -> bool {
        match self {
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(conn) => {
                let number = "GET DIAGNOSTICS @rocket_dance_last = NUMBER; \
                              GET DIAGNOSTICS CONDITION @rocket_dance_last @rocket_dance_error = MYSQL_ERRNO";
                diesel::connection::SimpleConnection::batch_execute(conn, number).is_ok()
                    && select(sql::<Bool>("@rocket_dance_error = 1213")).get_result(conn).unwrap_or(false)
            }
            #[allow(unreachable_patterns)] // Only MySQL and MariaDB have clusters.
            _ => false,
        }
    }

    fn roll_back(&mut self) {
        while self.depth().is_some_and(|depth| depth > 0) && Manager::rollback_transaction(self).is_ok() {}
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

    /// Runs `work` of the app, which may write.
    ///
    /// # Errors
    /// [`ErrorKind::AppError`](crate::ErrorKind::AppError) if the transaction is no longer the same. MySQL ends it without Diesel:
    /// by a deadlock, whose error `work` may have ignored, and before statements such as CREATE TABLE. What follows would be
    /// committed statement by statement, for example the account of a user who was rolled back.
    pub(super) fn in_one_transaction<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.savepoint("SAVEPOINT rocket_dance").map_err(Error::storage)?;
        let value = work(self)?;
        // A savepoint ends with its transaction.
        match self.savepoint("RELEASE SAVEPOINT rocket_dance") {
            Ok(()) => Ok(value),
            // Another node of a cluster was faster.
            Err(_) if self.has_lost_race() => {
                let said = "the transaction was rolled back".to_owned();
                Err(Cause::DatabaseError(Kind::SerializationFailure, Box::new(said)).into())
            }
            Err(_) => Err(Error::app(UNBALANCED)),
        }
    }

    /// Runs `statement` on MySQL. Other databases end no transaction by themselves.
    #[cfg_attr(not(feature = "mysql"), allow(unused_variables, clippy::unused_self))]
    fn savepoint(&mut self, statement: &str) -> diesel::QueryResult<()> {
        match self {
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(conn) => {
                diesel::connection::SimpleConnection::batch_execute(conn, statement)
            }
            #[allow(unreachable_patterns)] // With one database there is no other.
            _ => Ok(()),
        }
    }
}
