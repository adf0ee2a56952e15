//! What other processes write, as PostgreSQL tells it (LISTEN/NOTIFY): a trigger sends the keys with each commit.

use std::sync::Weak;
use std::thread;
use std::time::{Duration, Instant};

use diesel::PgConnection;
use diesel::connection::SimpleConnection;

use super::any_connection::AnyConnection;
use super::connector::Connector;
use crate::error::{Error, Result};
use crate::storage::{ChangeListener, StoredChange};

/// libpq has no way to wait that Diesel shows.
const POLL: Duration = Duration::from_millis(20);
/// A connection that has died without a word answers no query.
const PROBE: Duration = Duration::from_secs(1);
const RETRY: Duration = Duration::from_secs(1);

/// Tells `changed` of every write, on a thread and a connection of its own, until `life` ends.
pub(super) fn start(connector: Connector, changed: ChangeListener, life: Weak<()>) {
    let listen = move || {
        let mut told = false;
        while life.strong_count() > 0 {
            let Err(error) = listen(&connector, &changed, &life, &mut told) else { return };
            if !std::mem::replace(&mut told, true) {
                log::warn!(
                    "oauth: the database tells of no changes at the moment; what other processes write is seen \
                     after `cache.ttl`: {error:?}"
                );
            }
            thread::sleep(RETRY);
        }
    };
    if let Err(error) = thread::Builder::new().name("oauth-listen".into()).spawn(listen) {
        log::warn!("oauth: what other processes write is seen after `cache.ttl`: {error}");
    }
}

fn listen(connector: &Connector, changed: &ChangeListener, life: &Weak<()>, told: &mut bool) -> Result<()> {
    let mut conn = connector.connect()?;
    #[allow(irrefutable_let_patterns)] // With one database there is no other.
    let AnyConnection::Postgres(conn) = &mut conn else { return Err(Error::app("not PostgreSQL")) };
    conn.batch_execute("LISTEN rocket_dance")?;
    *told = false;
    // Nobody has listened before.
    changed(StoredChange::All);
    let mut probed = Instant::now();
    while life.strong_count() > 0 {
        hear(conn, changed)?;
        thread::sleep(POLL);
        if probed.elapsed() >= PROBE {
            conn.batch_execute("SELECT 1")?;
            probed = Instant::now();
        }
    }
    Ok(())
}

fn hear(conn: &mut PgConnection, changed: &ChangeListener) -> Result<()> {
    for notification in conn.notifications_iter() {
        match notification?.payload.as_str() {
            "*" => changed(StoredChange::All),
            text => changed(StoredChange::Key(text)),
        }
    }
    Ok(())
}
