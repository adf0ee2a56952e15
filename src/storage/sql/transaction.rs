//! Transactions of an `AnyConnection`.

use std::panic::{AssertUnwindSafe, catch_unwind};

#[cfg(feature = "mysql")]
use diesel::connection::CacheSize;
use diesel::connection::{SimpleConnection, TransactionManager, TransactionManagerStatus};
use diesel::dsl::sql;
use diesel::result::{DatabaseErrorKind as Kind, Error as Cause};
use diesel::sql_types::Bool;
use diesel::{Connection, RunQueryDsl, select};

use super::any_connection::AnyConnection;
use super::failure::Failure;
use crate::error::{Error, database_cause};

const UNBALANCED: &str = "the link policy left a transaction of its own open, or ended ours. MySQL ends it by a deadlock, whose \
                          error the policy must return, and by statements such as CREATE TABLE";

/// Begins a transaction with settings of its own, in one statement: a session behind a pooler has none. The locks of a process
/// that was frozen, or whose machine is gone, are free after the last of these times.
#[cfg(feature = "postgres")]
const POSTGRES_BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = '5s'; \
                              SET LOCAL statement_timeout = '8s'; \
                              SET LOCAL idle_in_transaction_session_timeout = '10s'";

/// Begins a transaction. A node of a Galera cluster that undoes it for another node's does not say so if the next command is the
/// end of a prepared statement, which has no answer. What follows must not be committed: so it is neither committed by itself nor
/// within this savepoint, which ends with its transaction.
#[cfg(feature = "mysql")]
const MYSQL_BEGIN: &str =
    "SET autocommit = 0, @rocket_dance_whole = FALSE; START TRANSACTION; SAVEPOINT rocket_dance_write";
const MYSQL_COMMIT: &str =
    "RELEASE SAVEPOINT rocket_dance_write; SET @rocket_dance_whole = TRUE; COMMIT; SET autocommit = 1";

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
                diesel::connection::AnsiTransactionManager::begin_transaction_sql(conn, MYSQL_BEGIN)?
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
        let done = match (done, self.depth()) {
            (Ok(value), Some(1)) => return self.commit().map(|()| value),
            // What has been read since the end of the transaction is no reason to refuse.
            (Err(Failure::Policy(error)), Some(1)) if database_cause(&error).is_none() => {
                Err(self.release("rocket_dance_write").err().unwrap_or(Failure::Policy(error)))
            }
            (done, _) => done.and(Err(Failure::Policy(Error::app(UNBALANCED)))),
        };
        self.roll_back();
        let _ = self.on_mysql("SET autocommit = 1");
        done
    }

    fn commit(&mut self) -> Result<(), Failure> {
        let committed = self.on_mysql(MYSQL_COMMIT).and_then(|()| Manager::commit_transaction(self));
        let Err(cause) = committed else { return Ok(()) };
        let lost = self.why_undone();
        self.roll_back();
        let _ = self.on_mysql("SET autocommit = 1");
        if let Some(lost) = lost {
            return Err(lost);
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

    /// Returns why the server has undone the transaction whose commit has just failed; `None` if it may be committed.
    fn why_undone(&mut self) -> Option<Failure> {
        match self {
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(conn) => {
                // A Galera node reports a conflict with another node as a deadlock (error 1213), sometimes after an interrupted
                // query (1317). Diesel does not show the number of an error of COMMIT. Any other statement would clear it.
                let number = "GET DIAGNOSTICS @rocket_dance_last = NUMBER; \
                              GET DIAGNOSTICS CONDITION @rocket_dance_last @rocket_dance_error = MYSQL_ERRNO";
                let is_known = diesel::connection::SimpleConnection::batch_execute(conn, number).is_ok();
                if is(conn, "@rocket_dance_whole = FALSE") {
                    return Some(self.undone());
                }
                let lost_race = is_known && is(conn, "@rocket_dance_error = 1213");
                lost_race.then(|| Failure::lost_race("another transaction was faster"))
            }
            #[allow(unreachable_patterns)] // Only MySQL and MariaDB have clusters.
            _ => None,
        }
    }

    /// The failure of work whose transaction the server has undone: a lost race on a cluster, otherwise a fault of the app.
    #[cfg_attr(not(feature = "mysql"), allow(clippy::unused_self))]
    fn undone(&mut self) -> Failure {
        match self {
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(conn) => match may_be_cluster(conn) {
                true => Failure::lost_race("another node of the cluster was faster"),
                false => Failure::Policy(Error::app(UNBALANCED)),
            },
            #[allow(unreachable_patterns)] // Only MySQL and MariaDB end a transaction by themselves.
            _ => Failure::Policy(Error::app(UNBALANCED)),
        }
    }

    /// Closes the prepared statements on MySQL, after work that has failed. A node of a Galera cluster may end a result in the middle,
    /// with an error. When that statement is executed again, MariaDB's client library first waits for the rest of the result, which
    /// never comes.
    pub(super) fn forget_statements(&mut self) {
        match self {
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(conn) => {
                for size in [CacheSize::Disabled, CacheSize::Unbounded] {
                    conn.set_prepared_statement_cache_size(size);
                }
            }
            #[allow(unreachable_patterns)] // With one database there is no other.
            _ => {}
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
        self.on_mysql("SAVEPOINT rocket_dance_policy").map_err(Error::storage)?;
        let value = work(self)?;
        self.release("rocket_dance_policy").map_err(Error::from)?;
        Ok(value)
    }

    /// Releases a savepoint on MySQL.
    ///
    /// # Errors
    /// If it has ended with its transaction.
    fn release(&mut self, savepoint: &str) -> Result<(), Failure> {
        self.on_mysql(&format!("RELEASE SAVEPOINT {savepoint}")).map_err(|_| self.undone())
    }

    /// Runs `statements` on MySQL. Other databases end no transaction by themselves.
    #[cfg_attr(not(feature = "mysql"), allow(unused_variables, clippy::unused_self))]
    fn on_mysql(&mut self, statements: &str) -> diesel::QueryResult<()> {
        match self {
            #[cfg(feature = "mysql")]
            AnyConnection::Mysql(conn) => {
                diesel::connection::SimpleConnection::batch_execute(conn, statements)
            }
            #[allow(unreachable_patterns)] // With one database there is no other.
            _ => Ok(()),
        }
    }
}

/// Returns whether `condition` holds; not if the server cannot tell. Its first answer may be the end of the transaction.
#[cfg(feature = "mysql")]
fn is(conn: &mut diesel::MysqlConnection, condition: &str) -> bool {
    let mut ask = || select(sql::<Bool>(condition)).get_result(conn);
    ask().or_else(|_| ask()).unwrap_or(false)
}

/// Returns whether the server is a node of a Galera cluster; also if it cannot tell, because it is still undoing a transaction.
#[cfg(feature = "mysql")]
fn may_be_cluster(conn: &mut diesel::MysqlConnection) -> bool {
    #[derive(diesel::QueryableByName)]
    struct Variable {
        #[diesel(sql_type = diesel::sql_types::Text, column_name = "Value")]
        value: String,
    }
    let wsrep: diesel::QueryResult<Vec<Variable>> =
        diesel::sql_query("SHOW VARIABLES LIKE 'wsrep_on'").load(conn);
    wsrep.map_or(true, |found| found.iter().any(|found| found.value == "ON"))
}
