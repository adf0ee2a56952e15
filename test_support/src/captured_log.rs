//! [`CapturedLog`]: the log of the process.

use std::sync::{Mutex, OnceLock, PoisonError};

static LINES: Mutex<Vec<(log::Level, String)>> = Mutex::new(Vec::new());
static IS_LOGGER: OnceLock<bool> = OnceLock::new();

struct Logger;

impl log::Log for Logger {
    fn enabled(&self, metadata: &log::Metadata<'_>) -> bool {
        metadata.level() <= log::Level::Info
    }

    fn log(&self, record: &log::Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = format!("{}: {}", record.target(), record.args());
            LINES.lock().unwrap_or_else(PoisonError::into_inner).push((record.level(), line));
        }
    }

    fn flush(&self) {}
}

/// The log of the process, at level `info`.
#[derive(Debug, Clone, Copy)]
pub struct CapturedLog(());

impl CapturedLog {
    /// Starts to capture the log. Returns `None` if another logger is set, for example Rocket's. Call it before the first
    /// Rocket is built.
    pub fn start() -> Option<Self> {
        let is_logger = *IS_LOGGER.get_or_init(|| {
            let is_set = log::set_logger(&Logger).is_ok();
            if is_set {
                log::set_max_level(log::LevelFilter::Info);
            }
            is_set
        });
        is_logger.then_some(Self(()))
    }

    /// The lines so far, of all tests in this process.
    pub fn lines(self) -> Vec<String> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(_, line)| line.clone()).collect()
    }

    /// Whether a line so far contains `text`, and a release shows it with Rocket's default `log_level`: a warning or an error.
    pub fn is_shown_in_a_release(self, text: &str) -> bool {
        let lines = LINES.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().any(|(level, line)| *level <= log::Level::Warn && line.contains(text))
    }

    /// The text so far, of all tests in this process.
    pub fn text(self) -> String {
        self.lines().join("\n")
    }
}
