//! A token that the app has stored for a user, without an identity, becomes the user's account at the user's next login.

use rocket::tokio::join;
use rocket::tokio::task::JoinSet;

use super::*;
use crate::token::Token;

on_each_database! {
    a8_a_token_without_identity_becomes_the_account
    a8_an_account_of_that_identity_takes_its_place
    a8_a_merge_takes_it_too_and_a_stranger_does_not
    a8_of_simultaneous_logins_one_gets_it
    a8_a_token_that_is_set_at_the_same_time_is_merged
}

async fn two<D: Db>(db: &D) -> [Arc<dyn Storage>; 2] {
    let storage = || db.storage().link(sign_up::<D::Conn>);
    // Two pools, as two processes have them.
    [opened(storage()).await, opened(storage()).await]
}

fn nameless(user: &str) -> Account {
    suite::account("op", None, Some(user))
}

async fn stored(storage: &dyn Storage, user: &str) -> Vec<Account> {
    storage.list(Some(user), &["op"]).await.unwrap()
}

async fn a8_a_token_without_identity_becomes_the_account<D: Db>() {
    let db = D::new();
    let [storage, _] = two(&db).await;
    db.sql("INSERT INTO users (id, name) VALUES (1, 'Ada')");
    db.sql("ALTER TABLE oauth_accounts ADD COLUMN note VARCHAR(99)");
    storage.set(&nameless("1")).await.unwrap();
    storage.set(&nameless("2")).await.unwrap();
    db.sql("UPDATE oauth_accounts SET note = 'the app was here', rank = 3");
    let old = stored(&*storage, "1").await.remove(0);
    let mut login = suite::login("op", Some("Ada"), Some("1"));
    login.now = 2000;
    login.token = Token::new("new");
    let linked = storage.link(&login, &keys()).await.unwrap();
    assert_eq!(linked.previous.as_ref(), Some(&old));
    let account = stored(&*storage, "1").await.remove(0);
    assert_eq!(account, linked.account);
    assert_eq!((account.id, account.rank, account.created_at), (old.id, 3, 1000));
    assert_eq!((account.version, account.updated_at), (2, 2000));
    assert_eq!(
        (account.provider_user_id.as_deref(), account.display_name.as_deref()),
        (Some("Ada"), Some("Ada"))
    );
    let token = account.open(&keys()).unwrap();
    assert!(token.access_token.matches("new") && token.refresh_token.unwrap().matches("refresh"));
    assert_eq!(db.number("SELECT COUNT(*) AS n FROM oauth_accounts WHERE note = 'the app was here'"), 2);
    assert_eq!(db.rows(), (1, 2));
    // A refresh or a token of the app that began before does not overwrite it.
    assert!(!storage.renew(&old, &old.with(&Token::new("late"), 2010, &keys()).unwrap()).await.unwrap());
    // The user is known by the identity from now on, and the other user's token is untouched.
    let returning = storage.link(&suite::login("op", Some("Ada"), None), &keys()).await.unwrap();
    assert_eq!(returning.user.as_deref(), Some("1"));
    assert_eq!(stored(&*storage, "2").await[0].provider_user_id, None);

    // A token of another server gives nothing to the account.
    let mut elsewhere = nameless("2");
    elsewhere.issuer = "https://old.example".into();
    storage.set(&elsewhere).await.unwrap();
    let mut login = suite::login("op", Some("Grace"), Some("2"));
    login.token = Token::new("new");
    let linked = storage.link(&login, &keys()).await.unwrap();
    assert_eq!(linked.account.issuer, "https://op.example");
    assert!(linked.account.open(&keys()).unwrap().refresh_token.is_none());
    assert_eq!(stored(&*storage, "2").await, [linked.account]);
}

async fn a8_an_account_of_that_identity_takes_its_place<D: Db>() {
    let db = D::new();
    let [storage, _] = two(&db).await;
    for visitor in [Some("1"), None] {
        db.sql("DELETE FROM oauth_accounts");
        storage.set(&Account { rank: 0, ..nameless("1") }).await.unwrap();
        for (id, rank) in [("Ada", 1), ("Lovelace", 2)] {
            storage.set(&Account { rank, ..suite::account("op", Some(id), Some("1")) }).await.unwrap();
        }
        let old = storage.get(&AccountKey::identity("op", "Lovelace")).await.unwrap().unwrap();
        let linked = storage.link(&suite::login("op", Some("Lovelace"), visitor), &keys()).await.unwrap();
        assert_eq!((linked.previous.as_ref(), linked.account.id), (Some(&old), old.id));
        let ids: Vec<_> =
            stored(&*storage, "1").await.into_iter().map(|a| (a.provider_user_id, a.rank)).collect();
        assert_eq!(ids, [(Some("Lovelace".into()), 0), (Some("Ada".into()), 1)], "{visitor:?}");
    }
}

async fn a8_a_merge_takes_it_too_and_a_stranger_does_not<D: Db>() {
    let db = D::new();
    db.sql("INSERT INTO users (id, name) VALUES (1, 'Ada')");
    let [storage, _] = two(&db).await;
    storage.set(&nameless("1")).await.unwrap();
    let before = stored(&*storage, "1").await;
    let stranger = storage.link(&suite::login("op", Some("Eve"), None), &keys()).await.unwrap();
    assert_eq!(stranger.user.as_deref(), Some("2"));
    let taken = storage.link(&suite::login("op", Some("Eve"), Some("1")), &keys()).await.unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::Refused);
    assert_eq!(stored(&*storage, "1").await, before);
    // A policy that calls the owner of the token a new user states something false.
    let found = |login: &Login<i32>, _: &mut D::Conn| match login.standing {
        Standing::Stranger => Ok(Verdict::SignUp(1)),
        _ => Ok(login.default_verdict()),
    };
    let found = opened(db.storage().link::<D::Conn, i32>(found)).await;
    let error = found.link(&suite::login("op", Some("Mallory"), None), &keys()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(stored(&*storage, "1").await, before);

    let merge = |login: &Login<i32>, _: &mut D::Conn| {
        let verdict = match login.standing {
            Standing::Stranger => login.merge(1, "ada@example.test", true),
            _ => login.default_verdict(),
        };
        Ok(verdict)
    };
    let merging = opened(db.storage().link::<D::Conn, i32>(merge)).await;
    let mut login = suite::login("op", Some("Ada"), None);
    login.profile = login.profile.with_email(Some("ada@example.test".into()), true);
    login.trusted_email = Some("ada@example.test".into());
    let linked = merging.link(&login, &keys()).await.unwrap();
    assert!(linked.merged);
    assert_eq!(stored(&*storage, "1").await, [linked.account]);
}

async fn a8_of_simultaneous_logins_one_gets_it<D: Db>() {
    let db = D::new();
    let storages = two(&db).await;
    for round in 0..10 {
        db.sql("DELETE FROM oauth_accounts");
        storages[0].set(&nameless("1")).await.unwrap();
        let old = stored(&*storages[0], "1").await.remove(0);
        let mut tasks = JoinSet::new();
        for n in 0..8 {
            let (storage, id) = (storages[n % 2].clone(), ["Ada", "Lovelace"][n / 2 % 2]);
            tasks.spawn(async move { storage.link(&suite::login("op", Some(id), Some("1")), &keys()).await });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap().unwrap();
        }
        let mut accounts = stored(&*storages[0], "1").await;
        assert_eq!(accounts.iter().filter(|account| account.id == old.id).count(), 1, "round {round}");
        accounts.sort_by_key(|account| account.provider_user_id.clone());
        let ids: Vec<_> = accounts.iter().map(|account| account.provider_user_id.as_deref()).collect();
        assert_eq!(ids, [Some("Ada"), Some("Lovelace")], "round {round}");
    }
}

async fn a8_a_token_that_is_set_at_the_same_time_is_merged<D: Db>() {
    let db = D::new();
    let [one, other] = two(&db).await;
    for round in 0..10 {
        db.sql("DELETE FROM oauth_accounts");
        let login = suite::login("op", Some("Ada"), Some("1"));
        let token = nameless("1");
        let keys = keys();
        let (linked, set) = join!(one.link(&login, &keys), other.set(&token));
        linked.unwrap();
        set.unwrap();
        // `Tokens::set` looks again after it has stored the token.
        if stored(&*one, "1").await.len() > 1 {
            other.link(&login, &keys).await.unwrap();
        }
        let accounts = stored(&*one, "1").await;
        assert_eq!(accounts.len(), 1, "round {round}");
        assert_eq!(accounts[0].provider_user_id.as_deref(), Some("Ada"));
    }
}
