//! Keeps each browser's accounts in its own cookies.

use std::sync::Arc;

use super::{Key, KeyRing, Record, Storage};
use crate::error::Result;

/// Keeps each browser's accounts in that browser, sealed, in one cookie per entry: for trying out, and the default when
/// no storage is named.
#[derive(Debug, Clone, Copy, Default)]
pub struct CookieStorage;

/// The accounts of one browser during one request: read from its cookies, written back with the response.
pub(crate) struct Browser;

impl Browser {
    /// The accounts in these cookies (name, value) whose names begin with `prefix`; what can't be opened is absent.
    pub(crate) fn new<'c>(
        prefix: &str,
        cookies: impl Iterator<Item = (&'c str, &'c str)>,
        keys: Arc<KeyRing>,
    ) -> Self {
        let _ = (prefix, cookies, keys);
        todo!()
    }

    /// The cookies to write (name, value; none removes it), once.
    pub(crate) fn changes(&self) -> Vec<(String, Option<String>)> {
        todo!()
    }
}

#[rocket::async_trait]
impl Storage for Browser {
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
