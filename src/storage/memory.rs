//! Keeps accounts in the process.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::local::lock;
use super::{Key, KeyRing, Record, Storage};
use crate::error::Result;

/// Keeps accounts in the memory of this process. For tests.
#[derive(Default)]
pub struct MemoryStorage(Mutex<BTreeMap<i64, Record>>);

impl MemoryStorage {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }
}

impl std::fmt::Debug for MemoryStorage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MemoryStorage({} accounts)", lock(&self.0).len())
    }
}

#[rocket::async_trait]
impl Storage for MemoryStorage {
    async fn get(&self, key: &Key) -> Result<Option<Record>> {
        let records = lock(&self.0);
        Ok(records
            .values()
            .filter(|record| record.is_under(key))
            .min_by_key(|record| record.place_in_list())
            .cloned())
    }

    async fn set(&self, record: &Record) -> Result<()> {
        let mut records = lock(&self.0);
        records.retain(|_, old| old.key() != record.key());
        records.insert(record.id, record.clone());
        Ok(())
    }

    async fn delete(&self, key: &Key) -> Result<()> {
        lock(&self.0).retain(|_, record| !record.is_under(key));
        Ok(())
    }

    async fn list(&self, user: Option<&str>, entries: &[&str]) -> Result<Vec<Record>> {
        let records = lock(&self.0);
        let mut mine: Vec<Record> = records
            .values()
            .filter(|record| record.user_id.as_deref() == user && entries.contains(&record.entry.as_str()))
            .cloned()
            .collect();
        mine.sort_by_key(Record::place_in_list);
        Ok(mine)
    }

    async fn page(&self, entry: Option<&str>, after: i64, limit: usize) -> Result<Vec<Record>> {
        let records = lock(&self.0);
        let next = records.range(after.saturating_add(1)..).map(|(_, record)| record);
        let wanted = next.filter(|record| entry.is_none_or(|entry| record.entry == entry));
        Ok(wanted.take(limit).cloned().collect())
    }

    async fn sealed_by(&self) -> Result<BTreeMap<String, u64>> {
        let mut counts = BTreeMap::new();
        for record in lock(&self.0).values() {
            *counts.entry(KeyRing::sealer(&record.token).unwrap_or_default().to_owned()).or_default() += 1;
        }
        Ok(counts)
    }
}
