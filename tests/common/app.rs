//! The example app as people start it: a binary, configured by environment.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use url::Url;

use super::process::{Process, free_port, root};

/// How the example app is started; the same for every start, so that it can be stopped and started again.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) port: u16,
    pub(crate) database: PathBuf,
    pub(crate) log: PathBuf,
    pub(crate) log_level: &'static str,
}

/// The app, running.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) process: Process,
}

impl App {
    /// One with its database and its log in `folder`.
    pub(crate) fn new(folder: &Path, log_level: &'static str) -> Self {
        let (database, log) = (folder.join("app.sqlite"), folder.join("app.log"));
        Self { port: free_port(), database, log, log_level }
    }

    /// Its `base_url`, with `path`.
    pub(crate) fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://localhost:{}", self.port)).unwrap().join(path).unwrap()
    }

    /// The callback of the entry `name`.
    pub(crate) fn callback(&self, name: &str) -> String {
        self.url(&format!("/login/{name}/authorized")).into()
    }

    /// Starts it with `entries`, the TOML of `[default.oauth]` in one line, and waits until it answers.
    pub(crate) fn start(&self, entries: &str) -> Running {
        let started = std::fs::read_to_string(&self.log).unwrap_or_default().len();
        let mut process = Process::start(
            Command::new(binary())
                .current_dir(root())
                .env("ROCKET_ADDRESS", "127.0.0.1")
                .env("ROCKET_PORT", self.port.to_string())
                .env("ROCKET_LOG_LEVEL", self.log_level)
                .env("ROCKET_CLI_COLORS", "false")
                .env("ROCKET_SECRET_KEY", SECRET_KEY)
                .env("ROCKET_DATABASES", format!("{{app={{url={:?}}}}}", self.database))
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

    /// The files in which secrets could lie open.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let beside = |suffix: &str| PathBuf::from(format!("{}{suffix}", self.database.display()));
        vec![self.database.clone(), beside("-wal"), beside("-shm"), beside("-journal"), self.log.clone()]
    }
}

/// For tests only.
pub(crate) const SECRET_KEY: &str = "0c8e3b1f2d5a49768b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a";

/// The binary beside this test's own, built if need be.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--package", "example_app"])
            .current_dir(root())
            .status()
            .expect("cargo");
        assert!(built.success(), "example_app doesn't build");
        let test = std::env::current_exe().unwrap();
        test.ancestors().nth(2).unwrap().join("example_app")
    })
}
