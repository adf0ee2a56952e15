//! Keeps nothing.

use super::{Key, Record, Storage};
use crate::error::Result;

/// Keeps nothing: every dance ends well and nothing stays. For tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct NullStorage;

#[rocket::async_trait]
impl Storage for NullStorage {
    async fn get(&self, _: &Key) -> Result<Option<Record>> {
        Ok(None)
    }

    async fn set(&self, _: &Record) -> Result<()> {
        Ok(())
    }

    async fn delete(&self, _: &Key) -> Result<()> {
        Ok(())
    }
}
