//! Keeps accounts in the process.

use super::{Key, Record, Storage};
use crate::error::Result;

/// Keeps accounts in the memory of this process. For tests.
#[derive(Debug, Default)]
pub struct MemoryStorage;

#[rocket::async_trait]
impl Storage for MemoryStorage {
    async fn get(&self, _: &Key) -> Result<Option<Record>> {
        todo!()
    }

    async fn set(&self, _: &Record) -> Result<()> {
        todo!()
    }

    async fn delete(&self, _: &Key) -> Result<()> {
        todo!()
    }
}
