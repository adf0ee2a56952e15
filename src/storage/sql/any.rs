//! A connection to whichever database it is, and its transactions.

use std::thread::sleep;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, TransactionManager, TransactionManagerStatus};
use diesel::result::DatabaseErrorKind;
use diesel::{Connection, MultiConnection, SqliteConnection};

use crate::error::{Error, Result};
use crate::secret::random;

/// A connection to whichever database it is. Queries are written once, on this.
#[derive(MultiConnection)]
pub enum AnyConnection {
    /// SQLite.
    Sqlite(SqliteConnection),
}

impl std::fmt::Debug for AnyConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            AnyConnection::Sqlite(_) => f.write_str("AnyConnection::Sqlite"),
        }
    }
}

/// A connection on which a [`LinkPolicy`](crate::LinkPolicy) of an app may work: [`SqliteConnection`].
///
/// It is sealed, since it takes a database that [`DieselStorage`](super::DieselStorage) speaks to: no other crate can
/// implement it.
pub trait PolicyConnection: Sized + 'static {
    /// The connection itself, where it is of this kind.
    #[doc(hidden)]
    fn narrow(any: &mut AnyConnection) -> Option<&mut Self>;
}

impl PolicyConnection for SqliteConnection {
    fn narrow(any: &mut AnyConnection) -> Option<&mut Self> {
        match any {
            AnyConnection::Sqlite(conn) => Some(conn),
        }
    }
}

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

    /// Runs `work` in a transaction that writes.
    pub(super) fn write<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        match self {
            // With a plain BEGIN a read that is followed by a write is "database is locked" at once beside another
            // writer, whatever busy_timeout says.
            AnyConnection::Sqlite(conn) => {
                AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")?;
            }
        }
        let done = work(self);
        match (done, self.depth()) {
            (Ok(value), Some(1)) => {
                Manager::commit_transaction(self)?;
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

const TRIES: u32 = 5;

/// Tries `work` again, a few times, when all that failed is that somebody else was faster.
pub(super) fn retried<T>(mut work: impl FnMut() -> Result<T>) -> Result<T> {
    let mut tries = 1;
    loop {
        match work() {
            Err(error) if tries < TRIES && is_contention(&error) => {
                let [jitter] = random::<1>()?;
                sleep(Duration::from_millis(u64::from(tries) * 4 + u64::from(jitter) / 8));
                tries += 1;
            }
            done => return done,
        }
    }
}

/// Whether somebody else was faster: took the lock, or wrote the row that was to be written.
fn is_contention(error: &Error) -> bool {
    let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref());
    match cause {
        Some(diesel::result::Error::DatabaseError(kind, information)) => {
            // Diesel gives SQLITE_BUSY no kind of its own.
            matches!(kind, DatabaseErrorKind::UniqueViolation | DatabaseErrorKind::SerializationFailure)
                || information.message().contains("is locked")
        }
        _ => false,
    }
}
