//! How a transaction on MySQL and MariaDB begins and ends, also one that the server ends by itself.

use diesel::connection::{CacheSize, SimpleConnection};
use diesel::dsl::sql;
use diesel::sql_types::{Bool, Text};
use diesel::{Connection, MysqlConnection, QueryResult, QueryableByName, RunQueryDsl, select, sql_query};

use super::failure::{Failure, UNBALANCED};
use crate::error::Error;

/// Begins a transaction. A Galera node may roll it back for a transaction of another node, and does not report that if the next
/// command closes a prepared statement, which has no answer. The statements after it must not be committed. Without autocommit they
/// belong to a new transaction, and that one lacks this savepoint.
pub(super) const BEGIN: &str =
    "SET autocommit = 0, @rocket_dance_is_open = FALSE; START TRANSACTION; SAVEPOINT rocket_dance";

/// Commits the transaction if its savepoint still exists. The variable is TRUE once it was found: after that, a lost connection
/// leaves the commit in doubt.
const COMMIT: &str =
    "RELEASE SAVEPOINT rocket_dance; SET @rocket_dance_is_open = TRUE; COMMIT; SET autocommit = 1";

pub(super) fn commit(conn: &mut MysqlConnection) -> QueryResult<()> {
    conn.batch_execute(COMMIT)
}

/// Rolls back what is open, and lets each statement commit by itself again.
pub(super) fn end(conn: &mut MysqlConnection) {
    // If ROLLBACK fails, the other statement is not executed: it would commit.
    let _ = conn.batch_execute("ROLLBACK; SET autocommit = 1");
}

/// Checks that the server has not ended the transaction.
///
/// # Errors
/// A lost race if the server is a node of a Galera cluster, otherwise an error of the app.
pub(super) fn require_open(conn: &mut MysqlConnection) -> Result<(), Failure> {
    conn.batch_execute("RELEASE SAVEPOINT rocket_dance; SAVEPOINT rocket_dance").map_err(|_| ended(conn))
}

/// Returns why the server has rolled back the transaction whose commit has just failed; `None` if it may be committed.
pub(super) fn why_rolled_back(conn: &mut MysqlConnection) -> Option<Failure> {
    // A Galera node reports a conflict with another node as a deadlock (error 1213), sometimes after an interrupted query (1317).
    // Diesel does not show the number of an error of COMMIT. Any other statement would clear it.
    let read_number = "GET DIAGNOSTICS @rocket_dance_last = NUMBER; \
                       GET DIAGNOSTICS CONDITION @rocket_dance_last @rocket_dance_error = MYSQL_ERRNO";
    let has_number = conn.batch_execute(read_number).is_ok();
    if holds(conn, "@rocket_dance_is_open = FALSE") {
        return Some(ended(conn));
    }
    let lost_race = has_number && holds(conn, "@rocket_dance_error = 1213");
    lost_race.then(|| Failure::lost_race("another transaction was faster"))
}

/// Closes the prepared statements, after one has failed; the next attempt prepares them again. A Galera node may end a result in the
/// middle, with an error. When that statement is executed again, MariaDB's client library waits for the rest of that result, which
/// never comes.
pub(super) fn forget_statements(conn: &mut MysqlConnection) {
    // Another size empties the cache.
    for size in [CacheSize::Disabled, CacheSize::Unbounded] {
        conn.set_prepared_statement_cache_size(size);
    }
}

/// Returns the failure of work whose transaction the server has ended: a lost race on a cluster, otherwise an error of the app.
fn ended(conn: &mut MysqlConnection) -> Failure {
    match is_cluster(conn) {
        true => Failure::lost_race("another node of the cluster was faster"),
        false => Failure::Policy(Error::app(UNBALANCED)),
    }
}

/// Returns whether `condition` holds, and `false` if the server fails twice.
fn holds(conn: &mut MysqlConnection, condition: &str) -> bool {
    asked(|| select(sql::<Bool>(condition)).get_result(conn)).unwrap_or(false)
}

/// Returns whether the server is a node of a Galera cluster.
fn is_cluster(conn: &mut MysqlConnection) -> bool {
    #[derive(QueryableByName)]
    struct Variable {
        #[diesel(sql_type = Text, column_name = "Value")]
        value: String,
    }
    let found = asked(|| sql_query("SHOW VARIABLES LIKE 'wsrep_on'").load::<Variable>(conn));
    found.is_ok_and(|found| found.iter().any(|variable| variable.value == "ON"))
}

/// Asks the server twice if it fails: after it has rolled back a transaction, its first answer may be an error that reports this.
fn asked<T>(mut ask: impl FnMut() -> QueryResult<T>) -> QueryResult<T> {
    ask().or_else(|_| ask())
}
