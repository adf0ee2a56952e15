//! Transactions of an `AnyConnection`.

use diesel::Connection;
use diesel::connection::{TransactionManager, TransactionManagerStatus};

use super::any_connection::AnyConnection;
use crate::error::{DatabaseFault, Error, Result};

const UNBALANCED: &str = "the link policy left a transaction of its own open, or ended ours";

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

    fn begin(&mut self) -> Result<()> {
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

    /// Runs `work` in a transaction that writes.
    pub(super) fn write<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.begin()?;
        let done = work(self);
        match (done, self.depth()) {
            (Ok(value), Some(1)) => {
                Manager::commit_transaction(self).map_err(|cause| match DatabaseFault::of(&cause) {
                    // As text, so that the pool does not recognise the dead connection and does the work again: it may
                    // have been committed.
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

    /// Runs `work` of the app.
    ///
    /// # Errors
    /// [`ErrorKind::AppError`](crate::ErrorKind::AppError) if it leaves a transaction of its own open, or ends ours.
    pub(super) fn lend<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let before = self.depth();
        let value = work(self)?;
        if self.depth() == before { Ok(value) } else { Err(Error::app(UNBALANCED)) }
    }
}
