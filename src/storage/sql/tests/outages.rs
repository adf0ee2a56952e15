//! Outages of the database, distinguished from errors of the policy by where they happen.

#[cfg(feature = "sqlite")]
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

on_each_database! {
    b1_an_error_in_the_policys_own_statement_is_the_apps
}

async fn b1_an_error_in_the_policys_own_statement_is_the_apps<D: Db>() {
    let db = D::new();
    let policy = |_: &Login<i32>, conn: &mut D::Conn| {
        let user = conn.add("Ada")?;
        conn.batch_execute("SELECT * FROM no_such_table")?;
        Ok(Verdict::SignUp(user))
    };
    let storage = opened(db.storage().link(policy)).await;
    let error = storage.link(&suite::login("github", Some("1"), None), &keys()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AppError, "{error:?}");
    assert!(format!("{error:?}").contains("no_such_table"), "{error:?}");
    assert_eq!(db.rows(), (0, 0));
    assert_eq!(db.number("SELECT count(*) AS n FROM oauth_claims"), 0, "nothing is left of the probe");
}

#[cfg(feature = "sqlite")]
#[rocket::async_test]
async fn b1_a_full_disk_under_the_policy_is_an_outage_and_passes() {
    use diesel::SqliteConnection;

    let db = Sqlite::new();
    let full = Arc::new(AtomicBool::new(false));
    let policy = {
        let full = full.clone();
        move |_: &Login<i32>, conn: &mut SqliteConnection| {
            let pages = if full.load(Ordering::SeqCst) { 1 } else { 1_000_000 };
            conn.batch_execute(&format!("PRAGMA max_page_count = {pages}"))?;
            Ok(Verdict::SignUp(conn.add(&"Ada".repeat(10_000))?))
        }
    };
    let storage = opened(db.storage().link(policy)).await;
    for (id, expected) in [("1", (1, 1)), ("2", (1, 1)), ("3", (2, 2))] {
        full.store(id == "2", Ordering::SeqCst);
        let kind = storage.link(&suite::login("github", Some(id), None), &keys()).await.map_err(|e| e.kind());
        let expected_kind = if id == "2" { Some(ErrorKind::StoreUnavailable) } else { None };
        assert_eq!(kind.err(), expected_kind);
        assert_eq!(db.rows(), expected);
    }
}
