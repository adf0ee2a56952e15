//! Times are those of the app's clock, not of the database's, and expired rows are removed.

use diesel::connection::SimpleConnection;

use super::*;
use crate::storage::ClaimState;
use crate::token::Token;

on_each_database! {
    cl_01_only_the_apps_clock_counts
    cl_02_a_time_zone_changes_no_time
    gc_01_expired_claims_go_a_few_at_a_time
}

/// An instant, in unix seconds: long before the database's own time, and after what 32 bits hold.
const TIMES: [i64; 3] = [1000, 1 << 33, 4_102_444_800_000];

async fn cl_01_only_the_apps_clock_counts<D: Db>() {
    let db = D::new();
    let storage = opened(db.storage()).await;
    for (n, now) in TIMES.into_iter().enumerate() {
        let id = n.to_string();
        let mut login = suite::login("github", Some(&id), Some("7"));
        (login.now, login.token) = (now, Token::new("access").with_lifetime(now, 3600));
        let account = storage.link(&login, &keys()).await.unwrap().account;
        assert_eq!((account.created_at, account.expires_at), (now, Some(now + 3600)));
        assert!(storage.lease(&account, now, now + 45).await.unwrap());
        assert!(!storage.lease(&account, now + 44, now + 89).await.unwrap());
        // A clock that was set back neither prolongs nor ends anything.
        assert!(!storage.lease(&account, now - 300, now - 255).await.unwrap());
        assert!(storage.lease(&account, now + 45, now + 90).await.unwrap());
        assert_eq!(storage.claim(&id, now, now + 600).await.unwrap(), ClaimState::First);
        assert_eq!(storage.claim(&id, now - 300, now + 300).await.unwrap(), ClaimState::Pending);
        assert_eq!(storage.claim(&id, now + 599, now + 1199).await.unwrap(), ClaimState::Pending);
        assert_eq!(storage.claim(&id, now + 600, now + 1200).await.unwrap(), ClaimState::First);
    }
    let odd = Token::new("access").with_lifetime(i64::MIN, i64::MIN);
    assert!(odd.is_expired(i64::MIN));
    assert_eq!(odd.with_refresh_token("r").usable_until(), i64::MIN);
}

async fn cl_02_a_time_zone_changes_no_time<D: Db>() {
    let db = D::new();
    let far_away = |conn: &mut D::Conn| {
        conn.batch_execute(match D::NAME {
            "postgres" => "SET TIME ZONE 'Pacific/Chatham'",
            "mysql" => "SET time_zone = '+12:45'",
            _ => "SELECT 1",
        })
    };
    let (here, there) = (opened(db.storage()).await, opened(db.storage().on_connect(far_away)).await);
    for (n, now) in TIMES.into_iter().enumerate() {
        let mut login = suite::login("github", Some(&n.to_string()), Some("7"));
        (login.now, login.token) = (now, Token::new("access").with_lifetime(now, 3600));
        let account = there.link(&login, &keys()).await.unwrap().account;
        assert_eq!(here.get(&account.key()).await.unwrap(), Some(account));
    }
}

async fn gc_01_expired_claims_go_a_few_at_a_time<D: Db>() {
    let db = D::new();
    let storage = opened(db.storage()).await;
    let values: Vec<String> = (0..1000).map(|n| format!("('old {n}', NULL, {n})")).collect();
    db.sql(&format!("INSERT INTO oauth_claims (id, outcome, expires_at) VALUES {}", values.join(", ")));
    let left = || db.number("SELECT count(*) AS n FROM oauth_claims WHERE id LIKE 'old %'");
    assert_eq!(storage.claim("new", 2000, 2600).await.unwrap(), ClaimState::First);
    assert_eq!(left(), 1000 - 64, "so that no callback waits for all of them");
    for n in 0..15 {
        storage.claim(&format!("new {n}"), 2000, 2600).await.unwrap();
    }
    assert_eq!(left(), 0);
}
