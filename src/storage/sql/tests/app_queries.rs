//! `DieselPool`: the app's own queries on the connections of the storage.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use diesel::connection::{Connection, TransactionManager};
use diesel::result::{DatabaseErrorKind, Error as Cause};

use super::faults::running;
use super::*;
use crate::error::database_cause;
use crate::storage::DieselPool;

on_each_database! {
    the_app_reads_and_writes_on_the_pool
    what_the_app_leaves_open_is_rolled_back
    an_error_of_the_apps_query_is_the_apps
}

/// Adds a user, on the pool.
async fn add<D: Db>(pool: &DieselPool<D::Conn>, name: &'static str) -> Result<i32> {
    pool.run(move |conn| Ok(conn.add(name)?)).await
}

async fn the_app_reads_and_writes_on_the_pool<D: Db>() {
    let db = D::new();
    let storage = db.storage().pool_size(1);
    let pool = storage.pool::<D::Conn>();
    let early = add::<D>(&pool, "Ada").await.unwrap_err();
    assert_eq!(early.kind(), ErrorKind::StoreUnavailable, "before the launch");
    let storage = running(storage).await;
    let id = add::<D>(&pool, "Ada").await.unwrap();
    let same = pool.clone();
    let both =
        same.run(move |conn| conn.transaction(|conn| Ok::<_, Error>((conn.name(id)?, conn.add("Bob")?))));
    assert_eq!(both.await.unwrap().0.as_deref(), Some("Ada"));
    assert_eq!(db.rows(), (2, 0), "it is committed");
    // The same connection is the storage's.
    storage.set(&suite::account("github", Some("1"), Some("7"))).await.unwrap();
    assert_eq!(db.rows(), (2, 1));
}

async fn what_the_app_leaves_open_is_rolled_back<D: Db>() {
    let db = D::new();
    let storage = db.storage().pool_size(1);
    let pool = storage.pool::<D::Conn>();
    let storage = running(storage).await;
    for _ in 0..2 {
        let left_open = pool.run(|conn| {
            <D::Conn as Connection>::TransactionManager::begin_transaction(conn)?;
            Ok(conn.add("Ada")?)
        });
        assert_eq!(left_open.await.unwrap_err().kind(), ErrorKind::AppError);
        let panics = pool.run(|conn| {
            <D::Conn as Connection>::TransactionManager::begin_transaction(conn)?;
            conn.add("Ada")?;
            panic!("on purpose") as Result<()>
        });
        assert_eq!(panics.await.unwrap_err().kind(), ErrorKind::AppError);
        storage.set(&suite::account("github", Some("1"), Some("7"))).await.unwrap();
        assert_eq!(db.rows(), (0, 1), "others see what the storage writes next, and nothing of the app's");
    }
}

async fn an_error_of_the_apps_query_is_the_apps<D: Db>() {
    let db = D::new();
    let storage = db.storage().pool_size(1);
    let pool = storage.pool::<D::Conn>();
    let _storage = running(storage).await;
    let tries = Arc::new(AtomicUsize::new(0));
    let tried = tries.clone();
    let refused = pool.run(move |_| {
        tried.fetch_add(1, Ordering::SeqCst);
        Err::<(), _>(Error::refused("No."))
    });
    assert_eq!(refused.await.unwrap_err().kind(), ErrorKind::Refused);
    assert_eq!(tries.load(Ordering::SeqCst), 1);
    let broken = pool.run(|conn| Ok(conn.batch_execute("INSERT INTO users (id, name) VALUES (1, NULL)")?));
    assert_eq!(broken.await.unwrap_err().kind(), ErrorKind::AppError, "the name is missing");
    let tried = tries.clone();
    let taken = pool.run(move |conn| {
        tried.fetch_add(1, Ordering::SeqCst);
        let add = "INSERT INTO users (id, name) VALUES (1, 'Ada')";
        Ok(conn.transaction(|conn| conn.execute(add).and_then(|_| conn.execute(add)))?)
    });
    let taken = taken.await.unwrap_err();
    let cause = database_cause(&taken);
    assert!(matches!(cause, Some(Cause::DatabaseError(DatabaseErrorKind::UniqueViolation, _))), "{taken:?}");
    assert_eq!((taken.kind(), tries.load(Ordering::SeqCst)), (ErrorKind::AppError, 2), "it is not repeated");
    // Longer than the storage waits for a free connection.
    let slow = pool.run(|_| {
        std::thread::sleep(Duration::from_secs(4));
        Ok(())
    });
    let (slow, waiting) = rocket::futures::future::join(slow, add::<D>(&pool, "Ada")).await;
    assert!(slow.is_ok());
    assert_eq!(waiting.unwrap_err().kind(), ErrorKind::StoreUnavailable, "no connection was free");
    assert_eq!(db.rows().0, 0, "nor is it done later");
}

#[cfg(all(feature = "sqlite", feature = "postgres"))]
#[rocket::async_test]
async fn a_pool_of_another_database_is_a_fault_of_the_setup() {
    let db = Sqlite::new();
    let storage = db.storage();
    let pool = storage.pool::<diesel::PgConnection>();
    let _storage = running(storage).await;
    let error = pool.run(|_| Ok(())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Misconfigured);
    assert!(error.for_operator().contains("another database"), "{error:?}");
}
