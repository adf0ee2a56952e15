//! The one HTTP client.

use crate::error::Result;

/// One reqwest client for everything: rustls on ring without a process-wide provider, no redirects, no cookies.
#[derive(Clone, Debug)]
pub(crate) struct Http(pub(crate) reqwest::Client);

impl Http {
    pub(crate) fn new() -> Result<Self> {
        todo!()
    }
}
