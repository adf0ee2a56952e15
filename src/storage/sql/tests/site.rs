//! The site's account, beside the accounts of visitors who have no user either.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use rocket::tokio::join;
use rocket::tokio::task::JoinSet;
use rocket::tokio::time::timeout;

use super::*;
use crate::link::Purpose;

on_each_server! {
    the_sites_login_waits_for_no_visitors_account
    of_simultaneous_first_accounts_one_is_the_sites
    a_token_that_is_set_at_the_same_time_makes_no_second_account
}

/// The login of the site's account, which an admin has approved.
fn login(entry: &str, id: &str) -> AuthorizedLogin {
    let mut login = suite::login(entry, Some(id), None);
    (login.purpose, login.admitted) = (Purpose::Site, true);
    login
}

/// Two pools, as two processes have them.
async fn two<D: Db>(db: &D) -> [Arc<dyn Storage>; 2] {
    [opened(db.storage()).await, opened(db.storage()).await]
}

async fn of_simultaneous_first_accounts_one_is_the_sites<D: Db>() {
    let db = D::new();
    let storages = two(&db).await;
    let mut tasks = JoinSet::new();
    for n in 0..16 {
        let storage = storages[n % 2].clone();
        tasks.spawn(async move { storage.link(&login("op", &format!("bot{n}")), &keys()).await });
    }
    let mut accounts = Vec::new();
    while let Some(linked) = tasks.join_next().await {
        match linked.unwrap() {
            Ok(linked) => accounts.push(linked.account),
            Err(error) => {
                assert_eq!((error.kind(), error.reason()), (ErrorKind::Refused, Some("site_account")))
            }
        }
    }
    assert_eq!(accounts.len(), 1);
    let key = AccountKey::Owner { entry: "op".into(), user: None };
    assert_eq!(storages[0].get(&key).await.unwrap(), accounts.pop());
    assert_eq!((db.rows().1, db.number("SELECT count(*) AS n FROM oauth_claims")), (1, 0));
}

async fn a_token_that_is_set_at_the_same_time_makes_no_second_account<D: Db>() {
    let db = D::new();
    let [one, other] = two(&db).await;
    for round in 0..20 {
        let entry = format!("op{round}");
        let mut nameless = login(&entry, "bot");
        nameless.profile.id = None;
        let nameless = Account::of(&nameless, None, None, &keys()).unwrap();
        let connected = login(&entry, "bot");
        let keys = keys();
        let (set, linked) = join!(one.set(&nameless), other.link(&connected, &keys));
        set.unwrap();
        linked.unwrap();
        let stored = one.list(None, &[&entry]).await.unwrap();
        let ids: Vec<_> = stored.iter().map(|account| account.provider_user_id.as_deref()).collect();
        assert_eq!(ids, [Some("bot")], "round {round}");
    }
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
