//! The site's account, beside the accounts of visitors who have no user either.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use rocket::tokio::time::timeout;

use super::*;
use crate::link::Purpose;

on_each_server! {
    the_sites_login_waits_for_no_visitors_account
}

async fn the_sites_login_waits_for_no_visitors_account<D: Db>() {
    let db = D::new();
    let storage = opened(db.storage()).await;
    for visitor in ["ada", "grace"] {
        storage.set(&suite::account("github", Some(visitor), None)).await.unwrap();
    }
    let ada = storage.get(&AccountKey::identity("github", "ada")).await.unwrap().unwrap();
    // Another transaction holds the account of one of them.
    let mut other = db.connect();
    other.batch_execute("BEGIN").unwrap();
    other.batch_execute(&format!("UPDATE oauth_accounts SET scope = 'x' WHERE id = {}", ada.id)).unwrap();
    let mut login = suite::login("github", Some("bot"), None);
    (login.purpose, login.account) = (Purpose::Site, Some("bot".into()));
    for is_new in [true, false] {
        let linked = timeout(Duration::from_secs(5), storage.link(&login, &keys())).await;
        let linked = linked.expect("it waits for nothing").unwrap();
        assert_eq!((linked.account.is_sites(), linked.previous.is_none()), (true, is_new));
    }
    other.batch_execute("ROLLBACK").unwrap();
}
