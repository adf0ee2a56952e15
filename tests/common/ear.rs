//! Hears the log of everything that runs in this process.

use std::sync::{Mutex, OnceLock, PoisonError};

static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());
static HEARD: OnceLock<bool> = OnceLock::new();

struct Ear;

impl log::Log for Ear {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Info
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = format!("{}: {}", record.target(), record.args());
            LOG.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        }
    }

    fn flush(&self) {}
}

/// Listens to the log, if no Rocket has taken it before.
pub(crate) fn listen() -> bool {
    *HEARD.get_or_init(|| {
        let first = log::set_logger(&Ear).is_ok();
        if first {
            log::set_max_level(log::LevelFilter::Info);
        }
        first
    })
}

/// What was logged so far, by all tests of this process; none if somebody else listens.
pub(crate) fn log() -> Option<String> {
    listen().then(|| LOG.lock().unwrap_or_else(PoisonError::into_inner).join("\n"))
}
