//! `Failure`: why work on a connection failed, by the place where it happened.

use diesel::result::{DatabaseErrorKind as Kind, Error as Cause};

use super::any_connection::AnyConnection;
use super::tables::Unusable;
use crate::error::{Error, ErrorKind, database_cause};

/// The message of an error of the app whose policy did not leave the transaction as it was.
pub(super) const UNBALANCED: &str = "the link policy left a transaction of its own open, or ended ours. MySQL ends it by a \
                                     deadlock, whose error the policy must return, and by statements such as CREATE TABLE";

/// The result of work on a connection.
pub(super) type Result<T> = std::result::Result<T, Failure>;

/// Why work on a connection failed. A failure of one of our own statements, or of a connection, is an outage, whatever its
/// message says; only an error of the app's own code is the app's.
#[derive(Debug)]
pub(super) enum Failure {
    /// A statement of ours. Its transaction was rolled back.
    Statement(Cause),
    /// The commit. The work may be committed or not, and must not be done again.
    Commit(Cause),
    /// The app's policy failed or refused, or we refused. The transaction was rolled back.
    Policy(Error),
    /// The app's own queries failed. A row that exists already is their answer, and no race.
    Queries(Error),
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Failure::Statement(cause)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Policy(error)
    }
}

impl From<Unusable> for Failure {
    fn from(unusable: Unusable) -> Self {
        Failure::Statement(unusable.cause)
    }
}

/// For work outside of the pool, at launch.
impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Policy(error) | Failure::Queries(error) => error,
            outage => outage.into_outage(),
        }
    }
}

/// What may help after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remedy {
    /// Doing the work again: another transaction had the lock or wrote the row first.
    Repeat,
    /// Doing the work on another connection: this one is lost, or its server takes no more writes.
    Reconnect,
    /// The operator: a table is missing, or a right on one.
    Operator,
    /// Nothing.
    None,
}

/// The attempt after which the tables are checked. Most races are over before it.
const CHECKED_TRY: u32 = 2;

impl Failure {
    /// A race that was lost to another transaction: the work is done again.
    pub(super) fn lost_race(said: &str) -> Self {
        Cause::DatabaseError(Kind::SerializationFailure, Box::new(said.to_owned())).into()
    }

    /// Returns whether this is a race lost to another transaction, outside of the policy.
    pub(super) fn is_lost_race(&self) -> bool {
        matches!(self, Failure::Statement(Cause::DatabaseError(Kind::SerializationFailure, _)))
    }

    /// What Diesel has reported.
    fn cause(&self) -> Option<&Cause> {
        match self {
            Failure::Statement(cause) | Failure::Commit(cause) => Some(cause),
            Failure::Policy(error) | Failure::Queries(error) => database_cause(error),
        }
    }

    /// Returns whether the database has reported an error.
    pub(super) fn is_of_database(&self) -> bool {
        matches!(self.cause(), Some(Cause::DatabaseError(..)))
    }

    /// Finds what may help after the attempt `tries`, from the kind of the error and from the state of `conn`. The words of a
    /// message do not count: they are in the language of the server.
    pub(super) fn remedy(&self, conn: &mut AnyConnection, tries: u32) -> Remedy {
        match self.cause() {
            _ if matches!(self, Failure::Commit(_)) => Remedy::None,
            // The rollback failed.
            _ if conn.is_broken() => Remedy::Reconnect,
            Some(Cause::DatabaseError(kind, _)) => match kind {
                Kind::UniqueViolation if matches!(self, Failure::Queries(_)) => Remedy::None,
                Kind::SerializationFailure | Kind::UniqueViolation => Remedy::Repeat,
                // After a failover the old primary answers the third of these.
                Kind::ClosedConnection | Kind::UnableToSendCommand | Kind::ReadOnlyTransaction => {
                    Remedy::Reconnect
                }
                // Diesel has no kind for a deadlock on PostgreSQL, a lock timeout, a connection that MySQL has closed, a
                // server that is read-only, a full disk. So the server is asked: after each such failure, since a
                // connection that was usable may be lost during the next attempt.
                Kind::Unknown if !conn.is_usable() => Remedy::Reconnect,
                Kind::Unknown if tries != CHECKED_TRY => Remedy::Repeat,
                // Nor has it a kind for a right that is missing, and it hides the number of an error. Statements that touch no
                // row meet no other transaction: if they fail as well, the work fails each time.
                Kind::Unknown => match conn.write(AnyConnection::check_tables) {
                    Ok(()) => Remedy::Repeat,
                    Err(_) if conn.is_usable() => Remedy::Operator,
                    Err(_) => Remedy::Reconnect,
                },
                _ => Remedy::None,
            },
            Some(Cause::BrokenTransactionManager) => Remedy::Reconnect,
            _ => Remedy::None,
        }
    }

    pub(super) fn into_outage(self) -> Error {
        match self {
            Failure::Statement(cause) => Error::storage(cause),
            Failure::Commit(cause) => {
                let commit = Error::new(ErrorKind::StoreUnavailable, "the commit failed");
                Error::storage(commit.with_source(cause))
            }
            Failure::Policy(error) | Failure::Queries(error) => Error::storage(error),
        }
    }
}
