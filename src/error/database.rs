//! What a database's error means for the work that met it.

use diesel::result::{DatabaseErrorKind as Kind, Error as Cause};

use super::Error;

/// What came between work and its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DatabaseFault {
    /// The connection is dead: on another one the work may well be done.
    ConnectionLost,
    /// Somebody else was faster: has the lock, or won a deadlock.
    Contended,
    /// The row is there already: somebody else was faster, or it is one too many.
    Duplicate,
    /// The database can't at the moment.
    Unavailable,
    /// A fault of the code that asked.
    CallerBug,
}

// Diesel has no kind for most of these, and gives no numbers. libpq's and the client libraries' own words are in English,
// PostgreSQL's in `lc_messages`; its dead connections have a kind.
const LOST: [&str; 6] = [
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
    "Account has changed since last read", // MariaDB's 1020
];
const OUTAGE: [&str; 6] = [
    "disk",
    "unable to open",
    "readonly database",
    "due to statement timeout",
    "execution was interrupted",
    "Too many connections",
];

impl DatabaseFault {
    pub(crate) fn of(cause: &Cause) -> Self {
        match cause {
            Cause::BrokenTransactionManager => DatabaseFault::ConnectionLost,
            Cause::RollbackErrorOnCommit { commit_error, .. } => DatabaseFault::of(commit_error),
            Cause::DatabaseError(kind, information) => match kind {
                Kind::ClosedConnection | Kind::UnableToSendCommand => DatabaseFault::ConnectionLost,
                Kind::SerializationFailure => DatabaseFault::Contended,
                Kind::UniqueViolation => DatabaseFault::Duplicate,
                // After a failover the old server answers this.
                Kind::ReadOnlyTransaction => DatabaseFault::Unavailable,
                Kind::Unknown => DatabaseFault::said(information.message()),
                _ => DatabaseFault::CallerBug,
            },
            _ => DatabaseFault::CallerBug,
        }
    }

    fn said(message: &str) -> Self {
        let says = |words: [&str; 6]| words.iter().any(|words| message.contains(words));
        if says(LOST) {
            DatabaseFault::ConnectionLost
        } else if says(CONTENDED) {
            DatabaseFault::Contended
        } else if says(OUTAGE) {
            DatabaseFault::Unavailable
        } else {
            DatabaseFault::CallerBug
        }
    }

    /// What the database said, somewhere in `error`'s chain.
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
    /// [`ErrorKind::StoreUnavailable`](super::ErrorKind::StoreUnavailable) when the database is lost, locked or full, which may pass. Anything
    /// else, a row that is there twice or not at all, is a fault of the code that asked:
    /// [`ErrorKind::AppError`](super::ErrorKind::AppError).
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

/// MySQL's message about a row that is there already quotes what is there, somebody's e-mail address say: no line of a
/// log needs it.
fn without_value(cause: Cause) -> Cause {
    match &cause {
        Cause::DatabaseError(Kind::UniqueViolation, said) if said.message().starts_with(QUOTING) => {
            let key = said.message().rsplit_once(" for key ").map_or("one", |(_, key)| key);
            Cause::DatabaseError(Kind::UniqueViolation, Box::new(format!("{QUOTING} for key {key}")))
        }
        _ => cause,
    }
}

const QUOTING: &str = "Duplicate entry";

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
    fn ob_01_no_value_of_a_row_is_told() {
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
    }
}
