//! `Job`: work on a connection, for a caller that waits for the result.

use diesel::result::{DatabaseErrorKind as Kind, Error as Cause};
use rocket::tokio::sync::oneshot::Sender;

use super::any_connection::AnyConnection;
use super::claims;
use super::failure::{self, Failure, Remedy};
use super::retry::{MAX_TRIES, pause};
use crate::error::{Error, ErrorKind, Result, database_cause};

/// Work on a connection, for a caller that waits for the result.
pub(super) trait Job: Send {
    /// Does the work. It does it again if another transaction was faster. `is_new` says that `conn` was opened for this job.
    fn run(&mut self, conn: &mut AnyConnection, is_new: bool) -> JobEnd;

    /// Fails without a connection.
    fn fail(&mut self, error: Error);
}

/// How a job leaves its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JobEnd {
    /// The caller has the result.
    Done,
    /// The caller has an outage as the result. The connection must be closed.
    Failed,
    /// The connection is lost. The job must run on another one.
    ConnectionLost,
}

/// The only implementation of [`Job`].
pub(super) struct Task<W, T> {
    work: W,
    /// `None` once the caller has the result.
    caller: Option<Sender<Result<T>>>,
}

impl<W, T> Task<W, T> {
    pub(super) fn new(work: W, caller: Sender<Result<T>>) -> Self {
        Self { work, caller: Some(caller) }
    }

    fn is_wanted(&self) -> bool {
        self.caller.as_ref().is_some_and(|caller| !caller.is_closed())
    }

    fn answer(&mut self, result: Result<T>) {
        if let Some(caller) = self.caller.take() {
            let _ = caller.send(result);
        }
    }
}

impl<W, T> Job for Task<W, T>
where
    W: FnMut(&mut AnyConnection) -> failure::Result<T> + Send,
    T: Send,
{
    fn run(&mut self, conn: &mut AnyConnection, is_new: bool) -> JobEnd {
        let mut tries = 0;
        while self.is_wanted() {
            tries += 1;
            let failure = match (self.work)(conn) {
                Ok(value) => {
                    self.answer(Ok(value));
                    break;
                }
                Err(failure) => failure,
            };
            if failure.is_of_database() {
                conn.forget_statements();
            }
            let remedy = failure.remedy(conn, tries);
            match remedy {
                Remedy::Repeat if tries < MAX_TRIES => pause(tries),
                // A connection that was just opened shows how the database is now.
                Remedy::Reconnect if !is_new => return JobEnd::ConnectionLost,
                _ => {
                    let error = final_error(failure, remedy, conn);
                    let outage = error.kind() == ErrorKind::StoreUnavailable;
                    self.answer(Err(error));
                    return if outage { JobEnd::Failed } else { JobEnd::Done };
                }
            }
        }
        JobEnd::Done
    }

    fn fail(&mut self, error: Error) {
        self.answer(Err(error));
    }
}

/// Returns the error for the caller, when `remedy` has not helped.
fn final_error(failure: Failure, remedy: Remedy, conn: &mut AnyConnection) -> Error {
    let (Failure::Policy(error) | Failure::Queries(error)) = failure else { return failure.into_outage() };
    match (remedy, database_cause(&error)) {
        (Remedy::None, _) => error,
        // A race does not last that long.
        (Remedy::Repeat, Some(cause @ Cause::DatabaseError(Kind::UniqueViolation, _))) => {
            Error::app(format!(
                "the link policy breaks a constraint of the database: it writes a row that exists already: {cause}"
            ))
        }
        (Remedy::Repeat, Some(Cause::DatabaseError(Kind::Unknown, _))) if claims::can_store(conn) => error,
        _ => Error::storage(error),
    }
}

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use diesel::connection::SimpleConnection;
    use diesel::{Connection, SqliteConnection};
    use rocket::tokio::sync::oneshot;

    use super::super::migrations;
    use super::*;

    fn with_tables() -> AnyConnection {
        let mut conn = without_tables();
        for (_, up) in migrations::SQLITE {
            conn.batch_execute(up).unwrap();
        }
        conn
    }

    fn without_tables() -> AnyConnection {
        AnyConnection::Sqlite(SqliteConnection::establish(":memory:").unwrap())
    }

    /// Returns how often work is tried that fails with `failure`, how it leaves a new connection and one that is not, and its error.
    fn tried(failure: impl Fn() -> Failure + Send + Sync) -> (u32, [JobEnd; 2], ErrorKind) {
        tried_on(with_tables, failure)
    }

    fn tried_on(
        connect: fn() -> AnyConnection,
        failure: impl Fn() -> Failure + Send + Sync,
    ) -> (u32, [JobEnd; 2], ErrorKind) {
        let (mut tries, mut ends, mut error) = (0, [JobEnd::Done; 2], None);
        for (end, is_new) in ends.iter_mut().zip([true, false]) {
            let mut conn = connect();
            let (caller, mut answered) = oneshot::channel();
            let work = |_: &mut AnyConnection| -> failure::Result<()> {
                tries += u32::from(is_new);
                Err(failure())
            };
            *end = Task::new(work, caller).run(&mut conn, is_new);
            if is_new {
                error = Some(answered.try_recv().unwrap().unwrap_err());
            }
        }
        (tries, ends, error.unwrap().kind())
    }

    fn cause(kind: Kind) -> Cause {
        Cause::DatabaseError(kind, Box::new("in any language".to_owned()))
    }

    fn statement(kind: Kind) -> (u32, [JobEnd; 2], ErrorKind) {
        tried(|| Failure::Statement(cause(kind)))
    }

    fn policy(kind: Kind) -> (u32, [JobEnd; 2], ErrorKind) {
        tried(|| Failure::Policy(Error::app(cause(kind))))
    }

    #[test]
    fn db_07_b1_a_statement_of_ours_fails_as_an_outage() {
        let outage = ErrorKind::StoreUnavailable;
        for kind in [Kind::Unknown, Kind::SerializationFailure, Kind::UniqueViolation] {
            assert_eq!(statement(kind), (MAX_TRIES, [JobEnd::Failed; 2], outage), "{kind:?}");
        }
        for kind in [Kind::ClosedConnection, Kind::UnableToSendCommand, Kind::ReadOnlyTransaction] {
            assert_eq!(statement(kind), (1, [JobEnd::Failed, JobEnd::ConnectionLost], outage), "{kind:?}");
        }
        assert_eq!(statement(Kind::CheckViolation), (1, [JobEnd::Failed; 2], outage));
        let in_doubt = tried(|| Failure::Commit(cause(Kind::ClosedConnection)));
        assert_eq!(in_doubt, (1, [JobEnd::Failed; 2], outage), "it may be committed");
    }

    #[test]
    fn al_18_b1_an_error_of_the_policy_is_the_apps_unless_its_kind_says_otherwise() {
        let (app, outage) = (ErrorKind::AppError, ErrorKind::StoreUnavailable);
        assert_eq!(policy(Kind::UniqueViolation), (MAX_TRIES, [JobEnd::Done; 2], app));
        assert_eq!(policy(Kind::CheckViolation), (1, [JobEnd::Done; 2], app));
        assert_eq!(policy(Kind::SerializationFailure), (MAX_TRIES, [JobEnd::Failed; 2], outage));
        assert_eq!(policy(Kind::ReadOnlyTransaction), (1, [JobEnd::Failed, JobEnd::ConnectionLost], outage));
        assert_eq!(policy(Kind::Unknown), (MAX_TRIES, [JobEnd::Done; 2], app), "rows can be stored");
        let refused = tried(|| Failure::Policy(Error::refused("No.")));
        assert_eq!(refused, (1, [JobEnd::Done; 2], ErrorKind::Refused));
    }

    #[test]
    fn db_07_b1_what_only_the_operator_can_mend_is_repeated_once() {
        let outage = (2, [JobEnd::Failed; 2], ErrorKind::StoreUnavailable);
        let unknown = || cause(Kind::Unknown);
        assert_eq!(tried_on(without_tables, || Failure::Statement(unknown())), outage);
        assert_eq!(tried_on(without_tables, || Failure::Policy(Error::app(unknown()))), outage);
        let lost_race = || Failure::lost_race("a race does not need the tables to be checked");
        assert_eq!(tried_on(without_tables, lost_race).0, MAX_TRIES);
    }
}
