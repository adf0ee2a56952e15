//! Rows: what is written, by whom, and what the database itself refuses.

use std::sync::atomic::{AtomicUsize, Ordering};

use rocket::tokio::task::JoinSet;

use super::*;
use crate::storage::CachedStorage;
use crate::token::Token;

on_each_database_and_partitions! {
    the_suite
    a_row_moved_to_another_user_does_not_open
    a_column_of_the_apps_own_stays
    one_process_refreshes_at_a_time
    a_callback_is_used_once_over_all_processes
    gc_01_what_is_over_goes_in_batches
    a_launch_reads_a_sample_of_a_large_table
    gc_01_a_user_has_a_thousand_sessions_at_most
    rows_that_no_identity_could_have_are_refused_by_the_database
}

async fn the_suite<D: Db>() {
    let dbs = std::sync::Mutex::new(Vec::new());
    let new = async || {
        let db = D::new();
        let storage = opened(db.storage()).await;
        dbs.lock().unwrap().push(db);
        storage
    };
    let cached = async || CachedStorage::new(new().await, 1 << 20, 60);
    suite::all("sql", new).await;
    suite::all("sql", async || Arc::new(cached().await) as Arc<dyn Storage>).await;
    #[cfg(feature = "testing")]
    {
        use crate::testing::{StorageFeatures, storage_suite};

        let offers = storage_suite(async || {
            let db = D::new();
            let storage = db.storage();
            storage.open(&figment(&storage)).await.unwrap();
            dbs.lock().unwrap().push(db);
            storage
        })
        .await;
        let StorageFeatures { several_accounts, page, sessions, coordination, .. } = offers;
        assert!(several_accounts && page && sessions && coordination);
        if D::NAME == "sqlite" {
            assert_eq!(storage_suite(cached).await, offers);
        }
    }
}

async fn a_row_moved_to_another_user_does_not_open<D: Db>() {
    let db = D::new();
    let storage = opened(db.storage()).await;
    storage.set(&suite::account("github", Some("1"), Some("7"))).await.unwrap();
    db.sql("UPDATE oauth_accounts SET user_id = '8'");
    let moved = storage.get(&AccountKey::owner("github", 8)).await.unwrap().unwrap();
    assert!(moved.open(&keys()).is_err());
    let back = Account { user_id: Some("7".into()), ..moved };
    assert!(back.open(&keys()).is_ok());
    // A refresh in progress does not store its token in it either.
    let renewed = back.with(&Token::new("next"), 2000, &keys()).unwrap();
    assert!(!storage.renew(&back, &renewed).await.unwrap());
    assert!(!storage.lease(&back, 1000, 1030).await.unwrap());
}

async fn a_launch_reads_a_sample_of_a_large_table<D: Db>() {
    let db = D::new();
    let storage = opened(db.storage()).await;
    for n in 1..=4 {
        storage.set(&suite::account("github", Some(&n.to_string()), None)).await.unwrap();
    }
    let counted = async || storage.sealed_by().await.unwrap().into_values().sum::<u64>();
    assert_eq!(counted().await, 4);
    db.sql("UPDATE oauth_accounts SET id = 900000 WHERE provider_user_id = '3'");
    db.sql("UPDATE oauth_accounts SET id = 1000000 WHERE provider_user_id = '4'");
    assert_eq!(counted().await, 4, "a million ids are all read");
    db.sql("UPDATE oauth_accounts SET id = 900015001 WHERE provider_user_id = '3'");
    db.sql("UPDATE oauth_accounts SET id = 1000000001 WHERE provider_user_id = '4'");
    assert_eq!(super::walk::steps(&mut db.connect()).unwrap().len(), 101);
    assert_eq!(counted().await, 3, "the third is between two samples");
}

async fn a_column_of_the_apps_own_stays<D: Db>() {
    let db = D::new();
    let storage = opened(db.storage()).await;
    db.sql("ALTER TABLE oauth_accounts ADD COLUMN note VARCHAR(99) NOT NULL DEFAULT 'new'");
    let login = suite::login("github", Some("1"), Some("7"));
    let first = storage.link(&login, &keys()).await.unwrap().account;
    db.sql("UPDATE oauth_accounts SET note = 'the app was here'");
    let second = storage.link(&login, &keys()).await.unwrap().account;
    let third = second.with(&Token::new("next"), 2000, &keys()).unwrap();
    assert!(storage.renew(&second, &third).await.unwrap());
    storage.set(&third).await.unwrap();
    assert_eq!(db.texts("SELECT note AS t FROM oauth_accounts"), ["the app was here"]);
    storage.delete(&AccountKey::owner("github", 7)).await.unwrap();
    // An id is never reused.
    assert!(storage.link(&login, &keys()).await.unwrap().account.id > first.id);
}

async fn one_process_refreshes_at_a_time<D: Db>() {
    let db = D::new();
    let storages = [opened(db.storage()).await, opened(db.storage()).await];
    let account =
        storages[0].link(&suite::login("github", Some("1"), Some("7")), &keys()).await.unwrap().account;
    let won = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for n in 0..16 {
        let (storage, account, won) = (storages[n % 2].clone(), account.clone(), won.clone());
        tasks.spawn(async move {
            won.fetch_add(usize::from(storage.lease(&account, 1000, 1030).await.unwrap()), Ordering::SeqCst);
        });
    }
    while tasks.join_next().await.is_some() {}
    assert_eq!(won.load(Ordering::SeqCst), 1);
    assert!(!storages[1].lease(&account, 1029, 1059).await.unwrap());
    assert!(storages[1].lease(&account, 1030, 1060).await.unwrap(), "who holds it may have died");
    storages[1].release(&account).await.unwrap();
    assert!(storages[0].lease(&account, 1031, 1061).await.unwrap());
    let renewed = account.with(&Token::new("next"), 1032, &keys()).unwrap();
    assert!(storages[0].renew(&account, &renewed).await.unwrap());
    assert!(!storages[1].lease(&account, 2000, 2030).await.unwrap(), "no longer what is stored");
    assert!(storages[1].lease(&renewed, 1033, 1063).await.unwrap(), "the renewal ended the lease");
}

async fn a_callback_is_used_once_over_all_processes<D: Db>() {
    let db = D::new();
    let [one, other] = [opened(db.storage()).await, opened(db.storage()).await];
    let mut tasks = JoinSet::new();
    for n in 0..16 {
        let storage = if n % 2 == 0 { one.clone() } else { other.clone() };
        tasks.spawn(async move { storage.claim("c", 1000, 1600).await.unwrap() });
    }
    let mut first = 0;
    while let Some(claim) = tasks.join_next().await {
        first += usize::from(claim.unwrap() == ClaimState::First);
    }
    assert_eq!(first, 1);
    one.settle("c", "/home").await.unwrap();
    assert_eq!(other.claim("c", 1599, 9000).await.unwrap(), ClaimState::Settled("/home".into()));
    for n in 0..100 {
        one.claim(&n.to_string(), 1000, 1600).await.unwrap();
    }
    assert_eq!(other.claim("c", 1600, 9000).await.unwrap(), ClaimState::First, "forgotten");
    one.claim("later", 1600, 9000).await.unwrap();
    let left = db.number("SELECT count(*) AS n FROM oauth_claims");
    assert_eq!(left, 2, "what has expired goes in passing");
}

async fn gc_01_a_user_has_a_thousand_sessions_at_most<D: Db>() {
    let db = D::new();
    let storage = opened(db.storage()).await;
    let sessions = storage.sessions().unwrap();
    let row = |user: i32| move |n: i32| format!("('{user} {n}', '', '{user}', {n}, {n}, 9000)");
    let rows: Vec<_> = (0..1001).map(row(7)).chain((0..3).map(row(8))).collect();
    db.sql(&format!(
        "INSERT INTO oauth_sessions (id, cookie_hash, user_id, created_at, seen_at, expires_at) VALUES {}",
        rows.join(", ")
    ));
    begun(&*storage, &suite::session("one more", "7")).await;
    assert_eq!(db.number("SELECT count(*) AS n FROM oauth_sessions"), 1003);
    for (id, is_there) in [("7 0", false), ("7 1", false), ("7 2", true), ("8 0", true), ("one more", true)] {
        assert_eq!(sessions.session(id).await.unwrap().is_some(), is_there, "{id}");
    }
}

async fn gc_01_what_is_over_goes_in_batches<D: Db>() {
    let db = D::new();
    let storage = opened(db.storage()).await;
    for n in 0..100 {
        begun(&*storage, &suite::session(&n.to_string(), "7")).await;
    }
    let count = || db.number("SELECT count(*) AS n FROM oauth_sessions");
    let late = |id: &str| crate::storage::Session { expires_at: 9000, ..suite::session(id, "8") };
    for (id, left) in [("a", 100 - 64 + 1), ("b", 2), ("c", 3)] {
        storage.begin_session(&late(id), None, 2000).await.unwrap().check().unwrap();
        assert_eq!(count(), left, "64 at a time");
    }
    // Two simultaneous clean-ups do not deadlock.
    let mut tasks = JoinSet::new();
    for n in 0..32 {
        let (storage, session) = (storage.clone(), late(&format!("at once {n}")));
        tasks.spawn(async move {
            let begun = storage.begin_session(&session, Some(&format!("{n}")), 9000).await;
            begun.unwrap().check().unwrap();
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(db.number("SELECT count(*) AS n FROM oauth_sessions WHERE id < 'at once'"), 0);
}

#[cfg(feature = "sqlite")]
#[rocket::async_test]
async fn gc_01_every_way_to_sessions_has_its_index() {
    let db = Sqlite::new();
    opened(db.storage()).await;
    for (condition, index) in [
        ("expires_at <= 1 ORDER BY expires_at LIMIT 64", "oauth_sessions_expiry"),
        ("user_id = '7'", "oauth_sessions_of_user"),
        ("provider = 'op' AND issuer = 'x' AND provider_user_id = '1'", "oauth_sessions_of_provider_user"),
        ("provider = 'op' AND issuer = 'x' AND sid = '1'", "oauth_sessions_of_sid"),
    ] {
        let plan = format!("EXPLAIN QUERY PLAN SELECT id FROM oauth_sessions WHERE {condition}");
        let steps: Vec<Step> = sql_query(plan).load(&mut db.connect()).unwrap();
        assert!(steps.iter().all(|step| step.detail.contains(index)), "{condition}: {steps:?}");
    }
}

#[cfg(feature = "sqlite")]
#[derive(Debug, QueryableByName)]
struct Step {
    #[diesel(sql_type = diesel::sql_types::Text)]
    detail: String,
}

async fn rows_that_no_identity_could_have_are_refused_by_the_database<D: Db>() {
    let db = D::new();
    let storage = opened(db.storage()).await;
    storage.set(&suite::account("github", Some("a"), Some("7"))).await.unwrap();
    storage.set(&suite::account("github", Some("A"), Some("8"))).await.unwrap();
    storage.set(&suite::account("plain", None, Some("7"))).await.unwrap();
    assert_eq!(db.rows().1, 3, "byte for byte");
    let copy = |id: &str, user: &str, entry: &str| {
        let columns =
            "token, token_type, scope, email_verified, userinfo, created_at, updated_at, version, issuer";
        db.try_sql(&format!(
            "INSERT INTO oauth_accounts (provider, provider_user_id, user_id, {columns}) \
             SELECT {entry}, {id}, {user}, {columns} FROM oauth_accounts LIMIT 1"
        ))
    };
    copy("''", "'9'", "'github'").unwrap_err();
    copy("'a'", "'9'", "'github'").unwrap_err();
    copy("NULL", "'7'", "'plain'").unwrap_err();
    copy("NULL", "'9'", "'plain'").unwrap();
}

#[cfg(feature = "sqlite")]
#[rocket::async_test]
async fn no_token_is_in_the_file() {
    let db = Sqlite::new();
    let storage = opened(db.storage()).await;
    let mut login = suite::login("github", Some("1"), Some("7"));
    login.token = Token::new("gho_0123456789").with_refresh_token("ghr_0123456789");
    storage.link(&login, &keys()).await.unwrap();
    for file in std::fs::read_dir(db.0.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("gho_") && !text.contains("ghr_"));
    }
}

#[cfg(feature = "postgres")]
#[rocket::async_test]
#[ignore = "needs POSTGRES_URL: tests/databases cargo test -- --include-ignored"]
async fn partitions_can_be_replicated_by_their_rows() {
    let db = Partitions::new();
    let storage = opened(db.storage()).await;
    db.sql("CREATE PUBLICATION all_tables FOR ALL TABLES");
    let account = suite::account("github", Some("1"), Some("7"));
    // The second call updates the row.
    for _ in 0..2 {
        storage.set(&account).await.unwrap();
    }
    storage.delete(&account.key()).await.unwrap();
    assert_eq!(storage.get(&account.key()).await.unwrap(), None);
}
