//! `KeyValue`: a storage with the three required methods only.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::error::{Error, Result};
use crate::storage::{Account, AccountKey, Storage};

/// A key-value store, as in the documentation of [`Storage`].
#[derive(Default)]
pub(crate) struct KeyValue(Mutex<HashMap<String, String>>);

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
