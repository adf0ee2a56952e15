//! The writes of other processes, as PostgreSQL reports them (LISTEN/NOTIFY): a trigger sends the keys with each commit.

use std::sync::Weak;
use std::thread;
use std::time::{Duration, Instant};

use diesel::PgConnection;
use diesel::connection::SimpleConnection;

use super::any_connection::AnyConnection;
use super::connector::Connector;
use super::failure::Result;
use crate::error::Error;
use crate::storage::{ChangeListener, StoredChange};

/// Interval between two looks at the notifications. Diesel offers no way to wait for one.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Interval between two queries that detect a dead connection.
const PROBE_INTERVAL: Duration = Duration::from_secs(1);
/// Time until the next attempt to connect.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// Calls `changed` for each write, on a thread and a connection of its own, until `alive` is dropped.
pub(super) fn start(connector: Connector, changed: ChangeListener, alive: Weak<()>) {
    let listen = move || {
        let mut warned = false;
        while alive.strong_count() > 0 {
            let Err(failure) = listen(&connector, &changed, &alive, &mut warned) else { return };
            if !std::mem::replace(&mut warned, true) {
                log::warn!(
                    "oauth: the database reports no changes at the moment; writes of other processes are seen \
                     after `cache.ttl`: {:?}",
                    Error::from(failure)
                );
            }
            thread::sleep(RETRY_DELAY);
        }
    };
    if let Err(error) = thread::Builder::new().name("oauth-listen".into()).spawn(listen) {
        log::warn!("oauth: writes of other processes are seen after `cache.ttl`: {error}");
    }
}

fn listen(
    connector: &Connector,
    changed: &ChangeListener,
    alive: &Weak<()>,
    warned: &mut bool,
) -> Result<()> {
    let mut conn = connector.connect()?;
    #[allow(irrefutable_let_patterns)] // With one database there is no other.
    let AnyConnection::Postgres(conn) = &mut conn else { return Err(Error::app("not PostgreSQL").into()) };
    conn.batch_execute("LISTEN rocket_dance")?;
    *warned = false;
    // Changes before this were not received.
    changed(StoredChange::All);
    let mut probed = Instant::now();
    while alive.strong_count() > 0 {
        receive(conn, changed)?;
        thread::sleep(POLL_INTERVAL);
        if probed.elapsed() >= PROBE_INTERVAL {
            conn.batch_execute("SELECT 1")?;
            probed = Instant::now();
        }
    }
    Ok(())
}

fn receive(conn: &mut PgConnection, changed: &ChangeListener) -> Result<()> {
    for notification in conn.notifications_iter() {
        match notification?.payload.as_str() {
            "*" => changed(StoredChange::All),
            text => changed(StoredChange::Key(text)),
        }
    }
    Ok(())
}
