//! A server below `tests/peers`: a process that prints "ready" and its URL, and reports counts and secrets on request.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use url::Url;

use super::process::Process;
use test_support::Browser;
use test_support::KnownSecret;

/// A running peer.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) url: Url,
    _process: Process,
}

impl Peer {
    /// Starts `command` with its output in `log`.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Self {
        let mut process = Process::start(command, log);
        let url = process.wait_for(|log| {
            let line = log.lines().find_map(|line| line.strip_prefix("ready "))?;
            Url::parse(line).ok()
        });
        Self { url, _process: process }
    }

    async fn ask(&self, path: &str) -> Value {
        Browser::new().get_json(&self.url.join(path).unwrap()).await.json()
    }

    /// The count of `what`.
    pub(crate) async fn count(&self, what: &str) -> u64 {
        self.ask("/__counts").await[what].as_u64().unwrap_or_else(|| panic!("nothing counts {what}"))
    }

    /// Every secret so far.
    pub(crate) async fn secrets(&self) -> Vec<KnownSecret> {
        let secrets = self.ask("/__secrets").await;
        let secrets = secrets.as_object().unwrap().iter();
        secrets.map(|(value, kind)| KnownSecret::new(kind.as_str().unwrap(), value)).collect()
    }
}
