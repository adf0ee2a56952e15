//! A storage of an app's own with the three required methods and nothing else: a key-value store.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use futures::future::join_all;
use rocket::http::Status;
use rocket_dance::storage::{Account, AccountKey, Storage};
use rocket_dance::testing::{FakeProvider, sign_in};
use rocket_dance::{Dance, Error, Result};

use crate::app::{App, Op, figment};

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
