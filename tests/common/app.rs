//! The example app as an operator starts it: a binary, configured by environment variables.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use url::Url;

use super::database::Database;
use super::process::{Process, free_port, root};

/// How the example app is started. It is the same for every start, so that it can be stopped and started again.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) port: u16,
    /// The app's `base_url`.
    pub(crate) base_url: Url,
    pub(crate) database: Database,
    pub(crate) log: PathBuf,
    pub(crate) log_level: &'static str,
}

/// The running app.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) process: Process,
}

impl App {
    /// An app on `database`, with its log in `folder`.
    pub(crate) fn new(folder: &Path, database: Database, log_level: &'static str) -> Self {
        let port = free_port();
        let base_url = Url::parse(&format!("http://localhost:{port}")).unwrap();
        Self { port, base_url, database, log: folder.join("app.log"), log_level }
    }

    /// The app's `base_url` with `path`.
    pub(crate) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("{}{path}", self.base_url.as_str().trim_end_matches('/'))).unwrap()
    }

    /// The callback of the entry `name`.
    pub(crate) fn callback(&self, name: &str) -> String {
        self.url(&format!("/login/{name}/authorized")).into()
    }

    /// Starts the app with `entries`, the TOML of `[default.oauth]` in one line, and waits until it listens.
    pub(crate) fn start(&self, entries: &str) -> Running {
        let started = std::fs::read_to_string(&self.log).unwrap_or_default().len();
        let mut process = Process::start(
            Command::new(binary(self.database.feature))
                .current_dir(root())
                .env("ROCKET_ADDRESS", "127.0.0.1")
                .env("ROCKET_PORT", self.port.to_string())
                .env("ROCKET_LOG_LEVEL", self.log_level)
                .env("ROCKET_CLI_COLORS", "false")
                .env("ROCKET_SECRET_KEY", SECRET_KEY)
                .env("ROCKET_DATABASES", format!("{{app={{url={:?}}}}}", self.database.url))
                .env(
                    "ROCKET_DANCE",
                    format!("{{base_url={:?}}}", self.url("/").as_str().trim_end_matches('/')),
                )
                .env("ROCKET_OAUTH", entries),
            &self.log,
        );
        process.wait_for(|log| log[started..].contains("Rocket has launched").then_some(()));
        Running { process }
    }

    /// The files that must not contain a secret.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = self.database.files();
        files.push(self.log.clone());
        files
    }
}

/// A key for tests only.
pub(crate) const SECRET_KEY: &str = "0c8e3b1f2d5a49768b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a";

/// The binary for one database: from the folder `EXAMPLE_APPS`, or built if need be and put beside this test's own, because
/// each build replaces the binary for another database.
pub(crate) fn binary(feature: &'static str) -> PathBuf {
    if let Some(folder) = std::env::var_os("EXAMPLE_APPS") {
        return Path::new(&folder).join(format!("example_app-{feature}"));
    }
    static BUILT: Mutex<Vec<&str>> = Mutex::new(Vec::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let test = std::env::current_exe().unwrap();
    let beside = test.ancestors().nth(2).unwrap();
    let own = beside.join(format!("example_app-{feature}"));
    if !built.contains(&feature) {
        let build = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "example_app", "--no-default-features"])
            .args(["--features", &format!("{feature},rsa-sha1")])
            .current_dir(root())
            .status()
            .expect("cargo");
        assert!(build.success(), "example_app doesn't build");
        // Another test may run that file, so it is replaced atomically.
        let new = beside.join(format!("example_app-{feature}-{}", std::process::id()));
        std::fs::copy(beside.join("example_app"), &new).unwrap();
        std::fs::rename(new, &own).unwrap();
        built.push(feature);
    }
    own
}
