//! Poolers in transaction mode, such as PgBouncer: each transaction may run in another process of the PostgreSQL server.

use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;

use super::any_connection::AnyConnection;
use super::connector::Connector;
use super::text_row::TextRow;
use crate::error::{Error, ErrorKind, Result};
use crate::secret::random;

/// Number of times that each connection is asked for its server process.
const QUESTIONS: usize = 3;
/// Timeout for a notification of our own.
const NOTIFY_TIMEOUT: Duration = Duration::from_secs(3);
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Checks that `conn`, a new connection of `connector`, keeps its server process. It is called before the first setting of the
/// session, which would affect another client of the pooler.
///
/// # Errors
/// [`ErrorKind::Misconfigured`] if a pooler gives each transaction any process. The client library shows no process id that could
/// be compared. So a second connection is opened: two direct connections never have the same process, and each keeps its own.
pub(super) fn check_process(connector: &Connector, conn: &mut AnyConnection) -> Result<()> {
    // Without a second connection, for example because of a limit, the first one is still checked.
    let mut other = connector.open().ok();
    let Ok(first) = processes(conn) else { return Ok(()) };
    let second = other.as_mut().and_then(|other| processes(other).ok()).unwrap_or_default();
    let keeps = |processes: &[String]| processes.iter().all(|process| *process == processes[0]);
    if keeps(&first) && keeps(&second) && !second.contains(&first[0]) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Misconfigured,
        format!(
            "the database `{connector}` is behind a pooler in transaction mode, such as PgBouncer: its transactions run in \
             changing server processes. In Rocket.toml:\n\n    [default.dance]\n    database = {{ pgbouncer = true, \
             listen_url = \"postgres://…\" }}    # listen_url leads to the PostgreSQL server itself\n"
        ),
    ))
}

fn processes(conn: &mut AnyConnection) -> QueryResult<Vec<String>> {
    // With the start of the server, since a URL may have several hosts.
    let query =
        "SELECT CAST(pg_backend_pid() AS text) || ' ' || CAST(pg_postmaster_start_time() AS text) AS t";
    (0..QUESTIONS).map(|_| Ok(sql_query(query).get_result::<TextRow>(conn)?.t)).collect()
}

/// Checks that a connection of `listener`, which leads to `listen_url`, receives what `conn` sends.
///
/// # Errors
/// [`ErrorKind::Misconfigured`] if it does not: it leads to another database or to a pooler.
/// [`ErrorKind::StoreUnavailable`] if it cannot be opened.
pub(super) fn check_listener(listener: &Connector, conn: &mut AnyConnection) -> Result<()> {
    let mut listening = listener.connect().map_err(|error| {
        Error::new(error.kind(), format!("`listen_url` of [default.dance.database]: {error}"))
            .with_source(error)
    })?;
    #[allow(irrefutable_let_patterns)] // With one database there is no other.
    let AnyConnection::Postgres(listening) = &mut listening else { return Err(Error::app("not PostgreSQL")) };
    let sent = u64::from_be_bytes(random()?).to_string();
    listening.batch_execute("LISTEN rocket_dance_check")?;
    conn.batch_execute(&format!("NOTIFY rocket_dance_check, '{sent}'"))?;
    let began = Instant::now();
    while began.elapsed() < NOTIFY_TIMEOUT {
        for notification in listening.notifications_iter() {
            if notification?.payload == sent {
                return Ok(());
            }
        }
        thread::sleep(POLL_INTERVAL);
    }
    Err(Error::new(
        ErrorKind::Misconfigured,
        format!(
            "`listen_url` of [default.dance.database] leads to `{listener}`, which does not receive the notifications of \
             the database: write the URL of the PostgreSQL server itself, not of a pooler, with the same database name"
        ),
    ))
}
