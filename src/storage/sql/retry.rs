//! `retried`: does work again that has lost a race.

use std::fmt;
use std::thread::sleep;
use std::time::Duration;

use crate::error::{DatabaseFault, Error, Result};
use crate::secret::random;

/// Maximum number of attempts.
const MAX_TRIES: u32 = 5;

/// Runs `work`, and again up to five times if another transaction was faster: it had the lock, or wrote the row first.
pub(super) fn retried<T>(mut work: impl FnMut() -> Result<T>) -> Result<T> {
    for tries in 1..MAX_TRIES {
        match work() {
            Err(error)
                if matches!(
                    DatabaseFault::within(&error),
                    Some(DatabaseFault::Contended | DatabaseFault::Duplicate)
                ) =>
            {
                let [jitter] = random::<1>()?;
                sleep(Duration::from_millis(u64::from(tries) * 4 + u64::from(jitter) / 8));
            }
            done => return done,
        }
    }
    work().map_err(|error| match DatabaseFault::within(&error) {
        // A race does not last that long.
        Some(DatabaseFault::Duplicate) => Error::app(DuplicateRow(error)),
        _ => error,
    })
}

/// A row that breaks a constraint at every attempt. The cause is not a race but a fault of the policy.
#[derive(Debug)]
struct DuplicateRow(Error);

impl fmt::Display for DuplicateRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the link policy breaks a constraint of the database: it writes a row that exists already",
        )
    }
}

impl std::error::Error for DuplicateRow {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use diesel::result::{DatabaseErrorKind as Kind, Error as Cause};

    use super::*;
    use crate::error::ErrorKind;

    /// Returns how often work is tried that fails with this error, and the last error.
    fn tried(kind: Kind, message: &str) -> (u32, Error) {
        let mut tries = 0;
        let work = || -> Result<()> {
            tries += 1;
            Err(Cause::DatabaseError(kind, Box::new(message.to_owned())).into())
        };
        let error = retried(work).unwrap_err();
        (tries, error)
    }

    // The messages are those of the databases.
    #[test]
    fn db_07_the_slower_transaction_tries_five_times() {
        for (kind, message) in [
            (Kind::Unknown, "database is locked"),
            (Kind::Unknown, "database table is locked"),
            (Kind::Unknown, "deadlock detected"),
            (Kind::Unknown, "Deadlock found when trying to get lock; try restarting transaction"),
            (Kind::Unknown, "Lock wait timeout exceeded; try restarting transaction"),
            (Kind::Unknown, "canceling statement due to lock timeout"),
            (Kind::SerializationFailure, "could not serialize access due to concurrent update"),
        ] {
            let (tries, error) = tried(kind, message);
            assert_eq!((tries, error.kind()), (5, ErrorKind::StoreUnavailable), "{message}");
        }
        assert_eq!(tried(Kind::Unknown, "database or disk is full").0, 1);
        assert_eq!(tried(Kind::NotNullViolation, "").0, 1);
    }

    #[test]
    fn al_18_a_row_too_many_is_no_outage() {
        let (tries, error) = tried(Kind::UniqueViolation, "UNIQUE constraint failed: users.email");
        assert_eq!((tries, error.kind()), (5, ErrorKind::AppError));
        let said = format!("{error:?}");
        assert!(said.contains("link policy breaks a constraint") && said.contains("users.email"), "{said}");
    }
}
