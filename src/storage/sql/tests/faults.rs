//! Slow work, work without a caller, and work that panics.

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

pub(super) async fn running(storage: DieselStorage) -> Arc<DieselStorage> {
    storage.open(&figment(&storage)).await.unwrap();
    Arc::new(storage)
}

/// Occupies all connections of the storage until the sender is dropped.
pub(super) async fn occupy(
    storage: &Arc<DieselStorage>,
    connections: usize,
) -> (mpsc::Sender<()>, JoinSet<()>) {
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

/// Begins a transaction that MariaDB does not end when it is idle. MySQL sees only the `autocommit`, which changes nothing.
pub(super) const BEGIN_AND_HOLD: &str =
    "SET SESSION /*M!100300 idle_transaction_timeout = 0, */ autocommit = 1; BEGIN";

async fn db_07_a_lock_that_is_never_released_is_an_outage<D: Db>() {
    let db = D::new();
    let storage = running(db.storage()).await;
    let account = suite::account("github", Some("1"), Some("7"));
    storage.set(&account).await.unwrap();
    let mut other = db.connect();
    let begin = match D::NAME {
        "sqlite" => "BEGIN IMMEDIATE",
        "mysql" => BEGIN_AND_HOLD,
        _ => "BEGIN",
    };
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

pub(super) fn claim(conn: &mut AnyConnection, id: &str) -> Result<()> {
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
