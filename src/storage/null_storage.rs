//! `NullStorage`: stores nothing.

use super::{Account, AccountKey, Storage};
use crate::error::Result;

/// Stores nothing: every login succeeds and no account is kept. For tests: `rocket_dance::testing::replace_storage` puts it in place of
/// the storage of a finished app.
#[derive(Debug, Clone, Copy, Default)]
pub struct NullStorage;

#[rocket::async_trait]
impl Storage for NullStorage {
    async fn get(&self, _: &AccountKey) -> Result<Option<Account>> {
        Ok(None)
    }

    async fn set(&self, _: &Account) -> Result<()> {
        Ok(())
    }

    async fn delete(&self, _: &AccountKey) -> Result<()> {
        Ok(())
    }
}
