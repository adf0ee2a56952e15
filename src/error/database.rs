//! The meaning of a database error: whether the connection is lost, the row is contended, or the caller is wrong.

use diesel::result::{DatabaseErrorKind as Kind, Error as Cause};

use super::Error;

/// What an error of the database means for the work that failed with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DatabaseFault {
    /// The connection is dead. The work may succeed on another connection.
    ConnectionLost,
    /// Another transaction has the lock, or won a deadlock.
    Contended,
    /// A row with this key exists already, perhaps written by another transaction at the same time.
    Duplicate,
    /// The database cannot do the work at the moment.
    Unavailable,
    /// The code that sent the statement is wrong.
    CallerBug,
}

// Diesel has no kind for most of these errors and no error numbers. The messages of libpq and of the client libraries are
// in English. Those of the PostgreSQL server are in the language of `lc_messages`, but Diesel has a kind for its dead
// connections.
const CONNECTION_LOST: [&str; 6] = [
    "gone away",
    "Lost connection",
    "Connection was killed",
    "disconnected by the server",
    "terminating connection",
    "shutdown in progress",
];
const CONTENDED: [&str; 6] = [
    "is locked", // SQLITE_BUSY, BUSY_SNAPSHOT, LOCKED
    "deadlock detected",
    "Deadlock found",
    "Lock wait timeout",
    "due to lock timeout",
    "Record has changed since last read", // MariaDB's 1020
];
const UNAVAILABLE: [&str; 6] = [
    "disk",
    "unable to open",
    "readonly database",
    "due to statement timeout",
    "execution was interrupted",
    "Too many connections",
];

impl DatabaseFault {
    /// The meaning of Diesel's error.
    pub(crate) fn of(cause: &Cause) -> Self {
        match cause {
            Cause::BrokenTransactionManager => DatabaseFault::ConnectionLost,
            Cause::RollbackErrorOnCommit { commit_error, .. } => DatabaseFault::of(commit_error),
            Cause::DatabaseError(kind, information) => match kind {
                Kind::ClosedConnection | Kind::UnableToSendCommand => DatabaseFault::ConnectionLost,
                Kind::SerializationFailure => DatabaseFault::Contended,
                Kind::UniqueViolation => DatabaseFault::Duplicate,
                // After a failover the old primary answers this.
                Kind::ReadOnlyTransaction => DatabaseFault::Unavailable,
                Kind::Unknown => DatabaseFault::of_message(information.message()),
                _ => DatabaseFault::CallerBug,
            },
            _ => DatabaseFault::CallerBug,
        }
    }

    fn of_message(message: &str) -> Self {
        let contains_one_of = |phrases: [&str; 6]| phrases.iter().any(|phrase| message.contains(phrase));
        if contains_one_of(CONNECTION_LOST) {
            DatabaseFault::ConnectionLost
        } else if contains_one_of(CONTENDED) {
            DatabaseFault::Contended
        } else if contains_one_of(UNAVAILABLE) {
            DatabaseFault::Unavailable
        } else {
            DatabaseFault::CallerBug
        }
    }

    /// The meaning of the first database error in the chain of causes of `error`, if there is one.
    pub(crate) fn within(error: &Error) -> Option<Self> {
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            if let Some(cause) = error.downcast_ref() {
                return Some(DatabaseFault::of(cause));
            }
            cause = error.source();
        }
        None
    }
}

impl From<Cause> for Error {
    /// Converts a database error. A lost connection, a lock or a full disk may pass: the result is
    /// [`ErrorKind::StoreUnavailable`](crate::ErrorKind::StoreUnavailable). Any other error, for example a duplicate or a
    /// missing row, is a fault of the code that sent the statement:
    /// [`ErrorKind::AppError`](crate::ErrorKind::AppError).
    fn from(cause: Cause) -> Self {
        let cause = without_value(cause);
        match DatabaseFault::of(&cause) {
            DatabaseFault::ConnectionLost | DatabaseFault::Contended | DatabaseFault::Unavailable => {
                Self::storage(cause)
            }
            DatabaseFault::Duplicate | DatabaseFault::CallerBug => Self::app(cause),
        }
    }
}

/// Removes the value from MySQL's message about a duplicate row. The message quotes the value, for example a user's e-mail
/// address, which must not be logged.
fn without_value(cause: Cause) -> Cause {
    match &cause {
        Cause::DatabaseError(Kind::UniqueViolation, information)
            if information.message().starts_with(DUPLICATE_ENTRY) =>
        {
            let key = information.message().rsplit_once(" for key ").map_or("one", |(_, key)| key);
            Cause::DatabaseError(Kind::UniqueViolation, Box::new(format!("{DUPLICATE_ENTRY} for key {key}")))
        }
        _ => cause,
    }
}

const DUPLICATE_ENTRY: &str = "Duplicate entry";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn error(kind: Kind, message: &str) -> Error {
        Error::from(Cause::DatabaseError(kind, Box::new(message.to_owned())))
    }

    #[test]
    fn only_a_database_out_of_reach_may_pass() {
        for words in ["database is locked", "database or disk is full", "disk I/O error"] {
            assert_eq!(error(Kind::Unknown, words).kind(), ErrorKind::StoreUnavailable, "{words}");
        }
        assert_eq!(error(Kind::ClosedConnection, "").kind(), ErrorKind::StoreUnavailable);
        let twice = error(Kind::UniqueViolation, "UNIQUE constraint failed: users.name");
        assert_eq!(twice.kind(), ErrorKind::AppError);
        assert_eq!(error(Kind::Unknown, "no such table: users").kind(), ErrorKind::AppError);
        assert_eq!(Error::from(Cause::NotFound).kind(), ErrorKind::AppError);
    }

    #[test]
    fn ob_01_no_value_of_a_row_is_in_a_message() {
        for address in ["ada@example.org", "ada' for key 'x", "ada@example.org for key "] {
            let said = format!("Duplicate entry '{address}' for key 'users.email'");
            let error = error(Kind::UniqueViolation, &said);
            assert!(format!("{error:?}").ends_with(": Duplicate entry for key 'users.email'"), "{error:?}");
            assert_eq!(DatabaseFault::within(&error), Some(DatabaseFault::Duplicate));
        }
    }

    #[test]
    fn a_fault_is_found_behind_other_errors() {
        let lost = Error::storage(error(Kind::Unknown, "Server has gone away"));
        assert_eq!(DatabaseFault::within(&lost), Some(DatabaseFault::ConnectionLost));
        assert_eq!(DatabaseFault::within(&Error::storage("Server has gone away")), None);
        let said = "Deadlock found when trying to get lock; try restarting transaction";
        assert_eq!(DatabaseFault::within(&error(Kind::Unknown, said)), Some(DatabaseFault::Contended));
        assert_eq!(DatabaseFault::within(&error(Kind::UniqueViolation, "")), Some(DatabaseFault::Duplicate));
        // MariaDB's error 1020.
        let message = "Record has changed since last read in table 'oauth_accounts'";
        assert_eq!(DatabaseFault::within(&error(Kind::Unknown, message)), Some(DatabaseFault::Contended));
    }
}
