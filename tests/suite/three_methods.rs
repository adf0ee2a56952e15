//! Storages of an app's own: a key-value store with the three required methods and nothing else, and one with `list`.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use rocket::http::Status;
use rocket_dance::storage::{
    Account, AccountKey, AnyStorage, CookieStorage, MemoryStorage, NullStorage, Storage,
};
use rocket_dance::testing::{FakeProvider, ProviderEndpoint, sign_in};
use rocket_dance::{Dance, Error, Result, Token};

use crate::app::{App, Op, figment};
use crate::people::People;

#[derive(Clone, Default)]
struct KeyValue(Arc<Mutex<HashMap<String, String>>>);

#[rocket::async_trait]
impl Storage for KeyValue {
    async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
        let json = self.0.lock().unwrap().get(&key.to_string()).cloned();
        json.map(|json| serde_json::from_str(&json).map_err(Error::storage)).transpose()
    }

    async fn set(&self, account: &Account) -> Result<()> {
        let json = serde_json::to_string(account).map_err(Error::storage)?;
        for key in account.keys() {
            self.0.lock().unwrap().insert(key.to_string(), json.clone());
        }
        Ok(())
    }

    async fn delete(&self, key: &AccountKey) -> Result<()> {
        let Some(account) = self.get(key).await? else { return Ok(()) };
        for key in account.keys() {
            self.0.lock().unwrap().remove(&key.to_string());
        }
        Ok(())
    }
}

#[rocket::async_test]
async fn three_methods_are_enough_for_connecting_refreshing_and_disconnecting() {
    for cache in [true, false] {
        let fake = FakeProvider::start().await;
        let mut figment = figment(&fake);
        if !cache {
            figment = figment.merge(("dance.cache", false));
        }
        let storage = KeyValue::default();
        let app = App::new(fake, figment, Dance::fairing().storage(storage.clone())).await;
        // Without a policy a stranger is refused, and nothing is stored.
        assert_eq!(sign_in(&app.client, "op").await.status, Status::Forbidden);
        assert!(storage.0.lock().unwrap().is_empty());
        app.sign_in_as(1).await;
        assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
        assert_eq!(storage.0.lock().unwrap().len(), 2, "an owner's key and an identity's");
        assert_eq!(app.get("/guarded").await.status(), Status::Ok);
        let dance = Dance::fetch(app.client.rocket()).unwrap();
        let before = app.token_calls();
        dance.advance_clock(7200);
        app.fake.advance_clock(7200);
        app.sign_in_as(1).await;
        let answers = join_all((0..20).map(|_| app.get("/guarded"))).await;
        assert!(answers.iter().all(|answer| answer.status() == Status::Ok));
        assert_eq!(app.token_calls(), before + 1, "refreshed once");
        assert!(dance.client(Op, &1).await.unwrap().is_some());
        let response = app.post("/login/op/disconnect", &[]).await;
        assert_eq!(response.status(), Status::SeeOther);
        assert!(storage.0.lock().unwrap().is_empty());
        assert!(dance.client(Op, &1).await.unwrap().is_none());
    }
}

/// Every key that has a value, in order.
fn keys(storage: &KeyValue) -> Vec<String> {
    let mut keys: Vec<String> = storage.0.lock().unwrap().keys().cloned().collect();
    keys.sort();
    keys
}

async fn key_value_app(cache: bool) -> (App, KeyValue) {
    let fake = FakeProvider::start().await;
    let mut figment = figment(&fake);
    if !cache {
        figment = figment.merge(("dance.cache", false));
    }
    let storage = KeyValue::default();
    let app = App::new(fake, figment, Dance::fairing().storage(storage.clone())).await;
    (app, storage)
}

/// The user 1 connects the account of `person` and stays signed in.
async fn connect(app: &App, person: &str) {
    app.fake.set_user(person);
    app.sign_in_as(1).await;
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
}

/// A visitor signs in with the account of `person`, which belongs to no user.
async fn is_a_stranger(app: &App, person: &str) {
    app.fake.set_user(person);
    assert_eq!(sign_in(&app.client, "op").await.status, Status::Forbidden, "{person}");
    assert_eq!(app.get("/me").await.status(), Status::SeeOther, "no user is signed in");
    assert!(!app.cookies().keys().any(|name| name.starts_with("rocket_dance_session")));
}

#[rocket::async_test]
async fn a9_a_replaced_account_is_revoked_and_signs_no_user_in() {
    for cache in [true, false] {
        let (app, storage) = key_value_app(cache).await;
        let dance = Dance::fetch(app.client.rocket()).unwrap();
        for (n, person) in ["first", "second", "third"].into_iter().enumerate() {
            connect(&app, person).await;
            // One account per user and entry.
            assert_eq!(keys(&storage), [format!("oauth:op:id:{person}"), "oauth:op:user:1".to_owned()]);
            assert_eq!(app.get("/guarded").await.into_string().await.as_deref(), Some(person));
            dance.wait_for_revocations().await;
            // A refresh token and an access token each.
            assert_eq!(app.fake.request_count(ProviderEndpoint::Revocation), 2 * n);
        }
        assert_eq!(app.post("/login/logout", &[]).await.status(), Status::SeeOther);
        let before = storage.0.lock().unwrap().clone();
        for person in ["first", "second"] {
            is_a_stranger(&app, person).await;
            assert!(dance.account(Op, person).await.unwrap().is_none());
        }
        assert_eq!(*storage.0.lock().unwrap(), before);
        // The account that is left signs in, and "Disconnect all" leaves nothing that does.
        app.fake.set_user("third");
        assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
        assert_eq!(app.post("/login/op/disconnect", &[]).await.status(), Status::SeeOther);
        assert!(keys(&storage).is_empty());
        dance.wait_for_revocations().await;
        assert_eq!(app.fake.request_count(ProviderEndpoint::Revocation), 6);
        assert_eq!(app.post("/login/logout", &[]).await.status(), Status::SeeOther);
        is_a_stranger(&app, "third").await;
        assert!(keys(&storage).is_empty());
    }
}

#[rocket::async_test]
async fn a9_what_a_crash_has_left_signs_no_user_in() {
    let (app, storage) = key_value_app(false).await;
    let dance = Dance::fetch(app.client.rocket()).unwrap();
    connect(&app, "first").await;
    let first = storage.0.lock().unwrap()["oauth:op:id:first"].clone();
    connect(&app, "second").await;
    assert_eq!(app.post("/login/logout", &[]).await.status(), Status::SeeOther);
    // The process ended after it had stored the second account, and before it removed the first one.
    storage.0.lock().unwrap().insert("oauth:op:id:first".into(), first.clone());
    is_a_stranger(&app, "first").await;
    assert!(dance.account(Op, "first").await.unwrap().is_none());
    assert!(dance.client_for_account(Op, "first").await.unwrap().is_none());
    // Its removal does not remove the second one, whose owner's key a simple `delete` deletes.
    dance.delete(&AccountKey::identity("op", "first")).await.unwrap();
    assert_eq!(keys(&storage), ["oauth:op:id:second", "oauth:op:user:1"]);
    assert!(dance.client(Op, &1).await.unwrap().is_some());

    // A removal that ended after one of two keys.
    storage.0.lock().unwrap().remove("oauth:op:user:1");
    is_a_stranger(&app, "second").await;
    connect(&app, "second").await;
    assert_eq!(keys(&storage), ["oauth:op:id:second", "oauth:op:user:1"]);
    // A write that ended after one of two keys: the later token counts.
    let old = storage.0.lock().unwrap()["oauth:op:id:second"].clone();
    connect(&app, "second").await;
    let new = dance.tokens(Op).of(&1).get().await.unwrap().unwrap();
    for key in ["oauth:op:user:1", "oauth:op:id:second"] {
        let whole = storage.0.lock().unwrap().insert(key.into(), old.clone()).unwrap();
        let found = dance.tokens(Op).of(&1).get().await.unwrap().unwrap();
        assert!(found.access_token.matches(new.access_token.expose()), "{key}");
        assert_eq!(app.get("/guarded").await.status(), Status::Ok);
        storage.0.lock().unwrap().insert(key.into(), whole);
    }
}

#[rocket::async_test]
async fn a9_an_account_that_a_cookie_has_lost_is_revoked() {
    let fake = FakeProvider::start().await;
    let figment = figment(&fake);
    let app = App::new(fake, figment, Dance::fairing().storage(CookieStorage)).await;
    let dance = Dance::fetch(app.client.rocket()).unwrap();
    connect(&app, "first").await;
    connect(&app, "first").await;
    dance.wait_for_revocations().await;
    assert_eq!(app.fake.request_count(ProviderEndpoint::Revocation), 0, "the same account");
    connect(&app, "second").await;
    dance.wait_for_revocations().await;
    assert_eq!(app.fake.request_count(ProviderEndpoint::Revocation), 2);
    assert_eq!(app.get("/guarded").await.into_string().await.as_deref(), Some("second"));
}

#[rocket::async_test]
async fn a9_a_store_that_keeps_nothing_signs_no_user_in() {
    let fake = FakeProvider::start().await;
    let figment = figment(&fake);
    let app = App::new(fake, figment, Dance::fairing().storage(NullStorage)).await;
    for person in ["first", "second"] {
        connect(&app, person).await;
        assert_eq!(app.get("/guarded").await.status(), Status::SeeOther);
    }
    let dance = Dance::fetch(app.client.rocket()).unwrap();
    dance.wait_for_revocations().await;
    assert_eq!(app.fake.request_count(ProviderEndpoint::Revocation), 0);
}

/// A key-value store that keeps several accounts per owner.
#[derive(Clone, Default)]
struct SeveralValues(Arc<Mutex<BTreeMap<String, Account>>>);

impl SeveralValues {
    fn accounts(&self, is_wanted: impl Fn(&Account) -> bool) -> Vec<Account> {
        let mut accounts: Vec<Account> =
            self.0.lock().unwrap().values().filter(|account| is_wanted(account)).cloned().collect();
        accounts.sort_by_key(|account| (account.entry.clone(), account.rank, account.id));
        accounts
    }
}

#[rocket::async_trait]
impl Storage for SeveralValues {
    async fn get(&self, key: &AccountKey) -> Result<Option<Account>> {
        Ok(self.accounts(|account| account.keys().contains(key)).into_iter().next())
    }

    async fn set(&self, account: &Account) -> Result<()> {
        self.0.lock().unwrap().insert(account.key().to_string(), account.clone());
        Ok(())
    }

    async fn delete(&self, key: &AccountKey) -> Result<()> {
        self.0.lock().unwrap().retain(|_, account| !account.keys().contains(key));
        Ok(())
    }

    async fn list(&self, user: Option<&str>, entries: &[&str]) -> Result<Vec<Account>> {
        Ok(self.accounts(|account| account.user_id.as_deref() == user && entries.contains(&&*account.entry)))
    }
}

#[rocket::async_test]
async fn a9_a_store_of_several_accounts_keeps_the_others() {
    let fake = FakeProvider::start().await;
    let figment = figment(&fake);
    let storage = SeveralValues::default();
    let app = App::new(fake, figment, Dance::fairing().storage(storage.clone())).await;
    let dance = Dance::fetch(app.client.rocket()).unwrap();
    for person in ["first", "second"] {
        connect(&app, person).await;
        assert_eq!(app.get("/guarded").await.into_string().await.as_deref(), Some("first"));
    }
    let ranks = || storage.accounts(|_| true).iter().map(|account| account.rank).collect::<Vec<_>>();
    assert_eq!(ranks(), [0, 1]);
    let second = dance.account(Op, "second").await.unwrap().unwrap();
    dance.make_primary(&second).await.unwrap();
    assert_eq!(app.get("/guarded").await.into_string().await.as_deref(), Some("second"));
    // The primary account goes: the other one is it now.
    let form = [("account", &*second.id.to_string())];
    assert_eq!(app.post("/login/op/disconnect", &form).await.status(), Status::SeeOther);
    assert_eq!(app.get("/guarded").await.into_string().await.as_deref(), Some("first"));
    connect(&app, "second").await;
    assert_eq!(storage.0.lock().unwrap().len(), 2);
    assert_eq!(app.post("/login/op/disconnect", &[]).await.status(), Status::SeeOther);
    assert!(storage.0.lock().unwrap().is_empty());
    assert_eq!(app.post("/login/logout", &[]).await.status(), Status::SeeOther);
    for person in ["first", "second"] {
        is_a_stranger(&app, person).await;
    }
}

/// A token that the app has stored for the user 1 before they connect.
async fn move_in(app: &App) -> Account {
    let token = Token::new("moved in").with_refresh_token("moved-in refresh");
    Dance::fetch(app.client.rocket()).unwrap().tokens(Op).of(&1).set(token).await.unwrap()
}

#[rocket::async_test]
async fn a8_a_moved_in_token_becomes_the_users_account() {
    let key_value = KeyValue::default();
    let people = People::new();
    people.sql("INSERT INTO users (id, name) VALUES (1, 'ada')");
    let storages: [AnyStorage; 4] = [
        key_value.clone().into(),
        SeveralValues::default().into(),
        MemoryStorage::new().into(),
        people.storage().into(),
    ];
    for (n, storage) in storages.into_iter().enumerate() {
        let fake = FakeProvider::start().await;
        let figment = figment(&fake);
        let app = App::new(fake, figment, Dance::fairing().storage(storage)).await;
        let dance = Dance::fetch(app.client.rocket()).unwrap();
        let moved_in = move_in(&app).await;
        assert_eq!(moved_in.provider_user_id, None);
        connect(&app, "ada-at-op").await;
        let accounts = dance.accounts(&1).await.unwrap();
        let [account] = &accounts[..] else { panic!("{n}: {accounts:?}") };
        assert_eq!((account.id, account.rank), (moved_in.id, moved_in.rank), "{n}");
        assert_eq!((account.provider_user_id.as_deref(), account.version), (Some("ada-at-op"), 2), "{n}");
        assert_eq!(app.get("/guarded").await.into_string().await.as_deref(), Some("ada-at-op"));
        if n == 0 {
            assert_eq!(keys(&key_value), ["oauth:op:id:ada-at-op", "oauth:op:user:1"]);
        }
        dance.wait_for_revocations().await;
        // The provider may have one grant per user: revoking the old token would end it.
        assert_eq!(app.fake.request_count(ProviderEndpoint::Revocation), 0, "{n}");
        // It is refreshed, and signs its user in.
        let before = app.token_calls();
        dance.advance_clock(7200);
        app.fake.advance_clock(7200);
        app.sign_in_as(1).await;
        assert_eq!(app.get("/guarded").await.status(), Status::Ok);
        assert_eq!(app.token_calls(), before + 1, "{n}");
        assert_eq!(app.post("/login/logout", &[]).await.status(), Status::SeeOther);
        assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
        assert_eq!(app.get("/me").await.into_string().await.as_deref(), Some("1"), "{n}");
    }
    assert_eq!(people.accounts(), ["op/ada-at-op -> 1"]);
    assert_eq!(people.count("users"), 1);
}

#[rocket::async_test]
async fn a8_a_visitor_who_is_signed_out_does_not_get_a_moved_in_token() {
    let people = People::new();
    people.sql("INSERT INTO users (id, name) VALUES (1, 'ada')");
    let storages: [AnyStorage; 3] =
        [KeyValue::default().into(), MemoryStorage::new().into(), people.storage().into()];
    for (n, storage) in storages.into_iter().enumerate() {
        let fake = FakeProvider::start().await;
        let figment = figment(&fake);
        let app = App::new(fake, figment, Dance::fairing().storage(storage)).await;
        let dance = Dance::fetch(app.client.rocket()).unwrap();
        let moved_in = move_in(&app).await;
        app.fake.set_user("stranger");
        let status = sign_in(&app.client, "op").await.status;
        match n {
            // This app's policy signs every stranger up, as another user.
            2 => {
                assert_eq!(status, Status::SeeOther);
                assert_eq!(app.get("/me").await.into_string().await.as_deref(), Some("2"));
            }
            _ => {
                assert_eq!(status, Status::Forbidden);
                assert_eq!(app.get("/me").await.status(), Status::SeeOther, "no user is signed in");
            }
        }
        // Another user who connects does not get it either.
        app.fake.set_user("grace-at-op");
        app.sign_in_as(2).await;
        assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
        assert_eq!(dance.accounts(&1).await.unwrap(), [moved_in], "{n}");
    }
}
