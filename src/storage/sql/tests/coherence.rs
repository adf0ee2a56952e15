//! PostgreSQL: a write of one process invalidates the caches of the others.

use std::time::{Duration, Instant};

use super::*;
use crate::storage::CachedStorage;
use crate::token::Token;

/// A node: its cache would hold what it has for an hour.
async fn node(db: &Postgres) -> CachedStorage {
    CachedStorage::new(opened(db.storage()).await, 1 << 20, 3600)
}

/// Waits until `node` finds under `key` what `wanted` accepts, for at most a second.
async fn within_a_second(node: &CachedStorage, key: &AccountKey, wanted: impl Fn(Option<&Account>) -> bool) {
    let began = Instant::now();
    loop {
        let found = node.get(key).await.unwrap();
        if wanted(found.as_ref()) {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(1), "still {found:?}");
        rocket::tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[rocket::async_test]
#[ignore = "needs POSTGRES_URL: tests/databases cargo test -- --include-ignored"]
async fn ca_01_what_one_node_writes_another_sees_within_a_second() {
    let db = Postgres::new();
    let (a, b) = (node(&db).await, node(&db).await);
    let (owner, identity) = (AccountKey::owner("github", "é 7"), AccountKey::identity("github", "1"));
    let login = suite::login("github", Some("1"), Some("é 7"));

    // Absence is cached, and forgotten when an account is stored (CA-02).
    assert_eq!(b.get(&owner).await.unwrap(), None);
    assert_eq!(b.get(&identity).await.unwrap(), None);
    let account = a.link(&login, &keys()).await.unwrap().account;
    within_a_second(&b, &owner, |found| found == Some(&account)).await;
    within_a_second(&b, &identity, |found| found == Some(&account)).await;

    let renewed = account.with(&Token::new("next"), 2000, &keys()).unwrap();
    assert!(a.lease(&account, 1000, 1030).await.unwrap());
    assert!(a.renew(&account, &renewed).await.unwrap());
    within_a_second(&b, &owner, |found| found == Some(&renewed)).await;

    a.unlink(Some("é 7"), "github", None, &[], None).await.unwrap();
    within_a_second(&b, &owner, |found| found.is_none()).await;
    within_a_second(&b, &identity, |found| found.is_none()).await;

    // An admin writes by hand.
    a.link(&login, &keys()).await.unwrap();
    within_a_second(&b, &owner, |found| found.is_some()).await;
    db.sql("DELETE FROM oauth_accounts");
    within_a_second(&b, &owner, |found| found.is_none()).await;
    a.link(&login, &keys()).await.unwrap();
    within_a_second(&b, &owner, |found| found.is_some()).await;
    db.sql("TRUNCATE oauth_accounts");
    within_a_second(&b, &owner, |found| found.is_none()).await;
}

#[rocket::async_test]
#[ignore = "needs POSTGRES_URL: tests/databases cargo test -- --include-ignored"]
async fn lo_01_a_session_that_ends_on_one_node_is_over_on_another_within_a_second() {
    let db = Postgres::new();
    let (a, b) = (node(&db).await, node(&db).await);
    for how in ["out", "everywhere", "by hand", "all"] {
        begun(&a, &suite::session(how, "7")).await;
        assert!(b.session(how).await.unwrap().is_some());
        match how {
            "out" => drop(a.end_sessions(&SessionSelection::Id(how.into())).await.unwrap()),
            "everywhere" => drop(a.end_sessions(&SessionSelection::User("7".into())).await.unwrap()),
            // An admin writes.
            "by hand" => db.sql("DELETE FROM oauth_sessions"),
            _ => db.sql("TRUNCATE oauth_sessions"),
        }
        let ended = Instant::now();
        while b.session(how).await.unwrap().is_some() {
            assert!(ended.elapsed() < Duration::from_secs(1), "{how}: still there");
            rocket::tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    // SF-01: neither is an old cookie accepted there.
    begun(&a, &suite::session("s", "7")).await;
    assert!(b.session("s").await.unwrap().is_some());
    assert!(a.rotate_session("s", "s", "new", 1000).await.unwrap());
    suite::eventually("the new cookie", async || {
        b.session("s").await.unwrap().is_some_and(|session| session.cookie_hash == "new")
    })
    .await;
}

#[rocket::async_test]
#[ignore = "needs POSTGRES_URL: tests/databases cargo test -- --include-ignored"]
async fn a_listener_that_lost_its_connection_forgets_everything() {
    let db = Postgres::new();
    let (a, b) = (node(&db).await, node(&db).await);
    let key = AccountKey::owner("github", 7);
    let account = a.link(&suite::login("github", Some("1"), Some("7")), &keys()).await.unwrap().account;
    // The notification of this write has arrived, too.
    rocket::tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(b.get(&key).await.unwrap(), Some(account));
    db.sql("ALTER TABLE oauth_accounts DISABLE TRIGGER ALL");
    db.sql("DELETE FROM oauth_accounts");
    assert!(b.get(&key).await.unwrap().is_some(), "no notification was sent");
    let end = "SELECT count(pg_terminate_backend(pid)) AS n FROM pg_stat_activity \
               WHERE datname = current_database() AND (query LIKE 'LISTEN%' OR query = 'SELECT 1')";
    assert!(db.number(end) >= 1);
    let began = Instant::now();
    while b.get(&key).await.unwrap().is_some() {
        assert!(began.elapsed() < Duration::from_secs(5), "still there");
        rocket::tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[rocket::async_test]
#[ignore = "needs POSTGRES_URL: tests/databases cargo test -- --include-ignored"]
async fn a_listener_ends_with_its_storage() {
    let db = Postgres::new();
    let listeners = || {
        db.number(
            "SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() \
             AND (query LIKE 'LISTEN%' OR query = 'SELECT 1')",
        )
    };
    let node = node(&db).await;
    suite::eventually("the listener to begin", async || listeners() > 0).await;
    drop(node);
    suite::eventually("the listener to end", async || listeners() == 0).await;
}
