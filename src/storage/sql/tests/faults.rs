//! Slow work, dead connections, links that go nowhere.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use rocket::tokio::task::JoinSet;
use rocket::tokio::time::sleep;

use super::*;
use crate::storage::sql::failure::Result;
use crate::storage::sql::schema::oauth_claims;

on_each_database! {
    db_06_a_call_that_finds_no_free_connection_fails
    db_06_a_slow_query_delays_no_other_task
    db_07_a_lock_that_is_never_released_is_an_outage
    al_18_one_user_too_many_is_a_fault_of_the_policy
    work_continues_when_its_caller_stops_waiting
    db_05_work_that_hangs_without_a_caller_occupies_no_connection
    a_panic_leaves_nothing_half_done
}

async fn running(storage: DieselStorage) -> Arc<DieselStorage> {
    storage.open(&figment(&storage)).await.unwrap();
    Arc::new(storage)
}

/// Occupies all connections of the storage until the sender is dropped.
async fn occupy(storage: &Arc<DieselStorage>, connections: usize) -> (mpsc::Sender<()>, JoinSet<()>) {
    let (release, released) = mpsc::channel::<()>();
    let released = Arc::new(std::sync::Mutex::new(released));
    let taken = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (storage, released, taken) = (storage.clone(), released.clone(), taken.clone());
        tasks.spawn(async move {
            let slow = move |conn: &mut AnyConnection| {
                conn.batch_execute("SELECT 1")?;
                taken.fetch_add(1, Ordering::SeqCst);
                let _ = released.lock().unwrap().recv_timeout(Duration::from_secs(20));
                Ok(())
            };
            storage.run(slow).await.unwrap();
        });
    }
    let all_taken = async || taken.load(Ordering::SeqCst) >= connections;
    suite::eventually("all connections to be in use", all_taken).await;
    (release, tasks)
}

async fn db_06_a_call_that_finds_no_free_connection_fails<D: Db>() {
    let db = D::new();
    let storage = running(db.storage().pool_size(2)).await;
    let (release, mut slow) = occupy(&storage, 2).await;
    let began = Instant::now();
    let done = Arc::new(AtomicUsize::new(0));
    let mut waiting = JoinSet::new();
    for _ in 0..1000 {
        let (storage, done) = (storage.clone(), done.clone());
        waiting.spawn(async move {
            let count = move |_: &mut AnyConnection| Ok(done.fetch_add(1, Ordering::SeqCst));
            storage.run(count).await.unwrap_err().kind()
        });
    }
    sleep(Duration::from_secs(1)).await;
    // A thread for each caller would use all 512 blocking threads of the runtime.
    #[cfg(target_os = "linux")]
    assert!(threads() < 256, "{} threads", threads());
    while let Some(kind) = waiting.join_next().await {
        assert_eq!(kind.unwrap(), ErrorKind::StoreUnavailable);
    }
    assert!(began.elapsed() >= Duration::from_secs(3));
    drop(release);
    while slow.join_next().await.is_some() {}
    storage.get(&AccountKey::owner("github", 7)).await.unwrap();
    assert_eq!(done.load(Ordering::SeqCst), 0, "a job that was refused does not run later");
}

#[cfg(target_os = "linux")]
fn threads() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    status.lines().find_map(|line| line.strip_prefix("Threads:")).unwrap().trim().parse().unwrap()
}

// The runtime of `async_test` has one worker.
async fn db_06_a_slow_query_delays_no_other_task<D: Db>() {
    let db = D::new();
    let storage = running(db.storage().pool_size(1)).await;
    let (release, mut slow) = occupy(&storage, 1).await;
    let ticks = async {
        for _ in 0..100 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    ticks.await;
    assert!(slow.try_join_next().is_none(), "it was over before");
    drop(release);
}

async fn db_07_a_lock_that_is_never_released_is_an_outage<D: Db>() {
    let db = D::new();
    let storage = running(db.storage()).await;
    let account = suite::account("github", Some("1"), Some("7"));
    storage.set(&account).await.unwrap();
    let mut other = db.connect();
    let begin = if D::NAME == "sqlite" { "BEGIN IMMEDIATE" } else { "BEGIN" };
    other.batch_execute(begin).unwrap();
    other.batch_execute("UPDATE oauth_accounts SET scope = 'held'").unwrap();
    let began = Instant::now();
    assert_eq!(storage.set(&account).await.unwrap_err().kind(), ErrorKind::StoreUnavailable);
    assert!(began.elapsed() < Duration::from_secs(12));
    other.batch_execute("ROLLBACK").unwrap();
    storage.set(&account).await.unwrap();
}

async fn al_18_one_user_too_many_is_a_fault_of_the_policy<D: Db>() {
    let db = D::new();
    db.sql("CREATE UNIQUE INDEX by_name ON users (name)");
    db.sql("INSERT INTO users (name) VALUES ('Ada')");
    let policy = |_: &Login<i32>, conn: &mut D::Conn| Ok(Verdict::SignUp(conn.add("Ada")?));
    let storage = opened(db.storage().link(policy)).await;
    let error = storage.link(&suite::login("github", Some("1"), None), &keys()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AppError);
    assert!(format!("{error:?}").contains("link policy breaks a constraint"), "{error:?}");
    assert_eq!(db.rows(), (1, 0), "nothing is half done");
}

async fn work_continues_when_its_caller_stops_waiting<D: Db>() {
    let db = D::new();
    let storage = running(db.storage().pool_size(1)).await;
    let (begun, began) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let released = Arc::new(std::sync::Mutex::new(released));
    let slow = {
        let storage = storage.clone();
        rocket::tokio::spawn(async move {
            let work = move |conn: &mut AnyConnection| {
                begun.send(()).unwrap();
                let _ = released.lock().unwrap().recv();
                claim(conn, "slow")
            };
            storage.write(work).await
        })
    };
    suite::received("the work to begin", began).await;
    let queued = storage.write(|conn| claim(conn, "queued"));
    let given_up = rocket::tokio::time::timeout(Duration::from_millis(10), queued).await;
    assert!(given_up.is_err());
    slow.abort();
    drop(release);
    let seen = async || {
        let claims =
            |conn: &mut AnyConnection| Ok(oauth_claims::table.select(oauth_claims::id).load(conn)?);
        let claims: Vec<String> = storage.run(claims).await.unwrap();
        claims
    };
    suite::eventually("the work that has begun to be done", async || !seen().await.is_empty()).await;
    assert_eq!(seen().await, ["slow"], "work that has begun is done, queued work is not");
}

async fn db_05_work_that_hangs_without_a_caller_occupies_no_connection<D: Db>() {
    let db = D::new();
    let storage = running(db.storage().pool_size(1)).await;
    let (begun, began) = mpsc::channel();
    let (release, hang) = mpsc::channel::<()>();
    let hang = Arc::new(std::sync::Mutex::new(hang));
    let hung = {
        let storage = storage.clone();
        let work = move |_: &mut AnyConnection| {
            begun.send(()).unwrap();
            let _ = hang.lock().unwrap().recv();
            Ok(())
        };
        rocket::tokio::spawn(async move { storage.run(work).await })
    };
    suite::received("the work to begin", began).await;
    hung.abort();
    assert!(hung.await.unwrap_err().is_cancelled());
    assert_eq!(storage.get(&AccountKey::owner("github", 7)).await.unwrap(), None);
    drop(release);
}

#[cfg(feature = "sqlite")]
#[rocket::async_test]
async fn b3_an_attempt_to_connect_that_hangs_is_replaced() {
    use diesel::result::{DatabaseErrorKind, Error as Cause};

    let db = Sqlite::new();
    let opened = AtomicUsize::new(0);
    let hangs_once = move |_: &mut diesel::SqliteConnection| {
        if opened.fetch_add(1, Ordering::SeqCst) == 1 {
            std::thread::sleep(Duration::from_secs(8));
        }
        Ok(())
    };
    let storage = running(db.storage().pool_size(1).on_connect(hangs_once)).await;
    let lost = |_: &mut AnyConnection| -> Result<()> {
        Err(Cause::DatabaseError(DatabaseErrorKind::ClosedConnection, Box::new(String::new())).into())
    };
    assert_eq!(storage.run(lost).await.unwrap_err().kind(), ErrorKind::StoreUnavailable);
    assert_eq!(storage.get(&AccountKey::owner("github", 7)).await.unwrap(), None);
}

fn claim(conn: &mut AnyConnection, id: &str) -> Result<()> {
    let row = (oauth_claims::id.eq(id), oauth_claims::expires_at.eq(9_000_000_000_i64));
    diesel::insert_into(oauth_claims::table).values(row).execute(conn)?;
    Ok(())
}

async fn a_panic_leaves_nothing_half_done<D: Db>() {
    let db = D::new();
    let storage = running(db.storage().pool_size(1)).await;
    for _ in 0..2 {
        let panics = |conn: &mut AnyConnection| -> Result<()> {
            claim(conn, "half")?;
            Ok(conn.lend(|_| panic!("on purpose"))?)
        };
        assert_eq!(storage.write(panics).await.unwrap_err().kind(), ErrorKind::AppError);
        // Our own code.
        let panics = |conn: &mut AnyConnection| -> Result<()> {
            claim(conn, "half")?;
            panic!("on purpose")
        };
        assert_eq!(storage.write(panics).await.unwrap_err().kind(), ErrorKind::StoreUnavailable);
    }
    storage.write(|conn| claim(conn, "after")).await.unwrap();
    assert_eq!(db.number("SELECT count(*) AS n FROM oauth_claims"), 1, "others see it");
}

#[cfg(any(feature = "postgres", feature = "mysql"))]
pub(super) mod server {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::thread;

    use super::*;

    /// A database on a server that can close connections.
    pub(in crate::storage::sql::tests) trait Server: Db {
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
                reads.spawn(
                    async move { storage.get(&AccountKey::owner("github", 7)).await.unwrap().unwrap() },
                );
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
        assert!(format!("{error:?}").contains("during the commit"), "{error:?}");
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
    struct Link {
        port: u16,
        opened: Arc<AtomicUsize>,
        stalled: Arc<AtomicUsize>,
    }

    impl Link {
        fn new(host: String, port: u16) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let link = Self {
                port: listener.local_addr().unwrap().port(),
                opened: Arc::default(),
                stalled: Arc::default(),
            };
            let (opened, stalled) = (link.opened.clone(), link.stalled.clone());
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
            link
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
        let link = Link::new(url.host_str().unwrap().to_owned(), url.port().unwrap());
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(link.port)).unwrap();
        let storage = running(DieselStorage::url(url).migrate().pool_size(1)).await;
        let key = AccountKey::owner("github", 7);
        let ask = async || {
            let began = Instant::now();
            let kind = storage.get(&key).await.map_err(|error| error.kind());
            (kind, began.elapsed() < Duration::from_secs(12))
        };
        let outage = (Err(ErrorKind::StoreUnavailable), true);

        assert_eq!(ask().await, (Ok(None), true));
        link.stall();
        assert_eq!(ask().await, outage);
        // The only connection still hangs, and so does its thread: another connection and thread replace them.
        assert_eq!(ask().await, (Ok(None), true));

        link.stall_all();
        for _ in 0..3 {
            assert_eq!(ask().await, outage);
        }
        link.mend();
        sleep(Duration::from_secs(1)).await;
        assert_eq!(ask().await, (Ok(None), true));
    }
}
