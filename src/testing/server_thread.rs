//! [`ServerThread`]: a provider that listens on a free loopback port, in a thread of its own.

use std::net::Ipv4Addr;
use std::sync::mpsc;
use std::thread::JoinHandle;

use rocket::config::{LogLevel, Shutdown};
use rocket::fairing::AdHoc;
use rocket::tokio::runtime;
use rocket::tokio::sync::oneshot;
use rocket::{Build, Config, Rocket};

use super::server::AuthorizationServer;

/// A thread that serves a provider until it is dropped.
///
/// It has a runtime of its own, so that it serves async and blocking tests, and keeps answering while the test's
/// runtime is blocked.
pub(super) struct ServerThread {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ServerThread {
    /// Starts the server and sets its URL.
    ///
    /// # Panics
    /// If it cannot be launched, for example because no port is free.
    pub(super) fn start(server: AuthorizationServer) -> Self {
        let (stop, stopped) = oneshot::channel();
        let (started, has_started) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("the operating system gives an I/O driver");
            runtime.block_on(async {
                let launch = rocket(server, started).launch();
                rocket::tokio::select! {
                    launched = launch => drop(launched),
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        has_started.recv().expect("the fake provider could not be launched");
        Self { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for ServerThread {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The server. It reads neither Rocket.toml nor the environment, handles no signals and stops at once.
fn rocket(server: AuthorizationServer, started: mpsc::Sender<()>) -> Rocket<Build> {
    let level = log::max_level();
    let config = Config {
        address: Ipv4Addr::LOCALHOST.into(),
        port: 0,
        // At debug level Rocket prints whole requests. Tests read them with `FakeProvider::requests`.
        log_level: LogLevel::Off,
        shutdown: Shutdown {
            ctrlc: false,
            signals: Default::default(),
            grace: 0,
            mercy: 0,
            ..Shutdown::default()
        },
        ..Config::debug_default()
    };
    let served = server.clone();
    rocket::custom(config).attach(server).attach(AdHoc::on_liftoff("Fake provider", move |rocket| {
        Box::pin(async move {
            if served.set_url(format!("http://127.0.0.1:{}", rocket.config().port)) {
                // Rocket's log level belongs to the whole process: restore the level of the app under test.
                log::set_max_level(level);
                let _ = started.send(());
            }
        })
    }))
}
