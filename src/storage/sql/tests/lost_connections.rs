//! Connections that a server closes, deadlocks, and network links that go nowhere.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rocket::tokio::task::JoinSet;
use rocket::tokio::time::sleep;

use super::faults::{claim, occupy, running};
use super::*;
use crate::storage::sql::any_connection::on_inner;
use crate::storage::sql::failure::Result;
use crate::storage::sql::schema::oauth_claims;

/// A database on a server that can close connections.
pub(super) trait Server: Db {
    /// Closes all other connections to this database.
    fn end_all(&self);
}

#[cfg(feature = "postgres")]
impl Server for Postgres {
    fn end_all(&self) {
        self.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
    }
}

#[cfg(feature = "mysql")]
impl Server for Mysql {
    fn end_all(&self) {
        let others = self.texts(
            "SELECT CAST(id AS CHAR) AS t FROM information_schema.processlist \
             WHERE db = database() AND id <> connection_id()",
        );
        for id in others {
            // The connection may have closed by itself.
            let _ = self.try_sql(&format!("KILL {id}"));
        }
    }
}

on_each_server! {
    db_04_dead_connections_are_replaced
    db_04_work_that_meets_a_dead_connection_is_done_once
    db_04_a_commit_in_doubt_is_not_repeated
    db_05_a_link_that_goes_nowhere_is_an_outage
    db_05_the_locks_of_a_process_that_freezes_are_free_after_seconds
    b1_a_statement_whose_result_ends_with_an_error_runs_again
    db_07_the_loser_of_a_deadlock_tries_again
}

async fn db_04_dead_connections_are_replaced<D: Server>() {
    let db = D::new();
    let storage = running(db.storage().pool_size(4)).await;
    storage.set(&suite::account("github", Some("1"), Some("7"))).await.unwrap();
    for _ in 0..3 {
        let (release, mut slow) = occupy(&storage, 4).await;
        drop(release);
        while slow.join_next().await.is_some() {}
        db.end_all();
        let mut reads = JoinSet::new();
        for _ in 0..16 {
            let storage = storage.clone();
            reads.spawn(async move { storage.get(&AccountKey::owner("github", 7)).await.unwrap().unwrap() });
        }
        while let Some(account) = reads.join_next().await {
            assert_eq!(account.unwrap().provider_user_id.as_deref(), Some("1"));
        }
    }
}

/// Counts its attempts. The connection dies during the first one.
fn dying<D: Server>(db: &Arc<D>, tries: &Arc<AtomicUsize>) -> impl Fn() + Send + 'static {
    let (db, tries) = (db.clone(), tries.clone());
    move || {
        if tries.fetch_add(1, Ordering::SeqCst) == 0 {
            db.end_all();
        }
    }
}

async fn db_04_work_that_meets_a_dead_connection_is_done_once<D: Server>() {
    let db = Arc::new(D::new());
    let storage = running(db.storage()).await;
    let tries = Arc::new(AtomicUsize::new(0));
    let die = dying(&db, &tries);
    let work = move |conn: &mut AnyConnection| {
        claim(conn, "before")?;
        die();
        claim(conn, "after")
    };
    storage.write(work).await.unwrap();
    assert_eq!(tries.load(Ordering::SeqCst), 2);
    assert_eq!(db.texts("SELECT id AS t FROM oauth_claims ORDER BY id"), ["after", "before"]);
}

async fn db_04_a_commit_in_doubt_is_not_repeated<D: Server>() {
    let db = Arc::new(D::new());
    let storage = running(db.storage()).await;
    let tries = Arc::new(AtomicUsize::new(0));
    let die = dying(&db, &tries);
    let work = move |conn: &mut AnyConnection| {
        claim(conn, "once")?;
        die();
        Ok(())
    };
    let error = storage.write(work).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StoreUnavailable);
    assert!(format!("{error:?}").contains("the commit failed"), "{error:?}");
    assert_eq!(tries.load(Ordering::SeqCst), 1);
    storage.write(|conn| claim(conn, "next")).await.unwrap();
}

async fn db_07_the_loser_of_a_deadlock_tries_again<D: Server>() {
    let db = D::new();
    let storage = running(db.storage()).await;
    for id in ["a", "b"] {
        storage.write(move |conn| claim(conn, id)).await.unwrap();
    }
    let tries = Arc::new(AtomicUsize::new(0));
    let both_hold_one = Arc::new(std::sync::Barrier::new(2));
    let mut tasks = JoinSet::new();
    for order in [["a", "b"], ["b", "a"]] {
        let (storage, tries, barrier) = (storage.clone(), tries.clone(), both_hold_one.clone());
        let work = move |conn: &mut AnyConnection| {
            touch(conn, order[0])?;
            if tries.fetch_add(1, Ordering::SeqCst) < 2 {
                barrier.wait();
            }
            touch(conn, order[1])
        };
        tasks.spawn(async move { storage.write(work).await });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap().unwrap();
    }
    assert_eq!(tries.load(Ordering::SeqCst), 3);
}

fn touch(conn: &mut AnyConnection, id: &str) -> Result<()> {
    let more = oauth_claims::expires_at.eq(oauth_claims::expires_at + 1);
    diesel::update(oauth_claims::table.find(id)).set(more).execute(conn)?;
    Ok(())
}

/// A proxy between a storage and its server. A stalled connection stays open and transmits nothing.
struct Proxy {
    port: u16,
    opened: Arc<AtomicUsize>,
    stalled: Arc<AtomicUsize>,
}

impl Proxy {
    fn new(host: String, port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self {
            port: listener.local_addr().unwrap().port(),
            opened: Arc::default(),
            stalled: Arc::default(),
        };
        let (opened, stalled) = (proxy.opened.clone(), proxy.stalled.clone());
        thread::spawn(move || {
            for near in listener.incoming() {
                let (near, far) = (near.unwrap(), TcpStream::connect((host.as_str(), port)).unwrap());
                let number = opened.fetch_add(1, Ordering::SeqCst);
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let stalled = stalled.clone();
                    thread::spawn(move || carry(from, to, || number < stalled.load(Ordering::SeqCst)));
                }
            }
        });
        proxy
    }

    /// Stalls the connections that are open now.
    fn stall(&self) {
        self.stalled.store(self.opened.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// Stalls the connections that are opened from now on.
    fn stall_all(&self) {
        self.stalled.store(usize::MAX, Ordering::SeqCst);
    }

    fn mend(&self) {
        self.stalled.store(0, Ordering::SeqCst);
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, stalled: impl Fn() -> bool) {
    let mut bytes = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        while stalled() {
            thread::sleep(Duration::from_millis(5));
        }
        if to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

async fn db_05_a_link_that_goes_nowhere_is_an_outage<D: Server>() {
    let db = D::new();
    let mut url: ::url::Url = db.url().parse().unwrap();
    let proxy = Proxy::new(url.host_str().unwrap().to_owned(), url.port().unwrap());
    url.set_host(Some("127.0.0.1")).unwrap();
    url.set_port(Some(proxy.port)).unwrap();
    let storage = running(DieselStorage::url(url).migrate().pool_size(1)).await;
    let key = AccountKey::owner("github", 7);
    let ask = async || {
        let began = Instant::now();
        let kind = storage.get(&key).await.map_err(|error| error.kind());
        (kind, began.elapsed() < Duration::from_secs(12))
    };
    let outage = (Err(ErrorKind::StoreUnavailable), true);

    assert_eq!(ask().await, (Ok(None), true));
    proxy.stall();
    assert_eq!(ask().await, outage);
    // The only connection still hangs, and so does its thread: another connection and thread replace them.
    assert_eq!(ask().await, (Ok(None), true));

    proxy.stall_all();
    for _ in 0..3 {
        assert_eq!(ask().await, outage);
    }
    proxy.mend();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(ask().await, (Ok(None), true));
}

async fn db_05_the_locks_of_a_process_that_freezes_are_free_after_seconds<D: Server>() {
    let db = D::new();
    if D::NAME == "mysql" && !db.texts("SELECT version() AS t")[0].contains("MariaDB") {
        return eprintln!("not tested: MySQL has no timeout for an idle transaction");
    }
    let storage = running(db.storage()).await;
    storage.write(|conn| claim(conn, "row")).await.unwrap();
    let (hold, held) = std::sync::mpsc::channel();
    let freezes = move |conn: &mut AnyConnection| {
        touch(conn, "row")?;
        if hold.send(()).is_ok() {
            thread::sleep(Duration::from_secs(20));
        }
        touch(conn, "row")
    };
    let frozen = rocket::tokio::spawn({
        let storage = storage.clone();
        async move { storage.write(freezes).await }
    });
    held.recv().unwrap();
    drop(held);

    let began = Instant::now();
    while let Err(error) = db.try_sql("UPDATE oauth_claims SET expires_at = 1 WHERE id = 'row'") {
        assert!(began.elapsed() < Duration::from_secs(15), "{error}");
    }
    assert_eq!(frozen.await.unwrap().unwrap_err().kind(), ErrorKind::StoreUnavailable);
}

async fn b1_a_statement_whose_result_ends_with_an_error_runs_again<D: Server>() {
    let db = D::new();
    let storage = running(db.storage()).await;
    storage.write(|conn| claim(conn, "row")).await.unwrap();
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = tries.clone();
    let sum = move |conn: &mut AnyConnection| {
        // The sum is too large for its type, which the server notices after it has sent the columns of the result.
        let more = if counted.fetch_add(1, Ordering::SeqCst) == 0 { i64::MAX } else { 1 };
        let sums = oauth_claims::table.select(oauth_claims::expires_at + more);
        Ok(on_inner!(conn, sums.get_result::<i64>(conn))?)
    };
    assert_eq!(storage.write(sum).await.unwrap(), 9_000_000_001);
    assert_eq!(tries.load(Ordering::SeqCst), 2);
}
