//! Deadlines: [`Watchdog`], [`within`], [`wait_until`].

use std::fmt;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use rocket::tokio::time::{sleep, timeout};

/// Timeout for a test. After it the watchdog ends the process.
const TEST_TIMEOUT: Duration = Duration::from_secs(240);

/// Timeout of [`wait_until`].
const WAIT_TIMEOUT: Duration = Duration::from_secs(30);

/// The pause between two checks of [`wait_until`].
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Ends the process with the name of the test if the test runs for too long.
///
/// It works with every test runner and also where a test blocks its thread. A fixture holds it, so that each test with
/// that fixture is guarded.
#[derive(Clone)]
pub struct Watchdog {
    /// Dropping the last clone stops the watchdog.
    _running: mpsc::Sender<()>,
}

impl Watchdog {
    /// Starts a watchdog for the current test, with a limit of four minutes. Cargo's test runner names the thread for the
    /// test.
    pub fn start() -> Self {
        Self::with_limit(TEST_TIMEOUT)
    }

    /// Starts a watchdog for the current test, with another limit.
    pub fn with_limit(limit: Duration) -> Self {
        let test = std::thread::current().name().unwrap_or("a test without a name").to_owned();
        Self::for_step(format!("test {test}"), limit)
    }

    /// Starts a watchdog for a step of a program. `step` says what hangs.
    pub fn for_step(step: impl Into<String>, limit: Duration) -> Self {
        let step = step.into();
        let (running, stopped) = mpsc::channel();
        std::thread::spawn(move || {
            if let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(limit) {
                eprintln!("{step} hangs: it did not end within {} s", limit.as_secs());
                std::process::exit(101);
            }
        });
        Self { _running: running }
    }
}

impl fmt::Debug for Watchdog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watchdog")
    }
}

/// Waits for `future`.
///
/// # Panics
/// If it takes longer than `limit`. The message names `what`.
#[track_caller]
pub fn within<F: Future>(limit: Duration, what: &str, future: F) -> impl Future<Output = F::Output> {
    let caller = std::panic::Location::caller();
    async move {
        match timeout(limit, future).await {
            Ok(output) => output,
            Err(_) => panic!("{what}: not done within {limit:?}, at {caller}"),
        }
    }
}

/// Waits until `condition` returns true. It checks every 5 milliseconds.
///
/// Use it only for what another process or thread does and gives no signal for.
///
/// # Panics
/// If that takes longer than 30 seconds. The message names `what`.
#[track_caller]
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) -> impl Future<Output = ()> {
    within(WAIT_TIMEOUT, what, async move {
        while !condition() {
            sleep(POLL_INTERVAL).await;
        }
    })
}

/// Waits until `condition` returns true, as [`wait_until`] does, outside of async code.
///
/// # Panics
/// If that takes longer than 30 seconds. The message names `what`.
#[track_caller]
pub fn wait_until_blocking(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + WAIT_TIMEOUT;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: not done within {WAIT_TIMEOUT:?}");
        std::thread::sleep(POLL_INTERVAL);
    }
}
