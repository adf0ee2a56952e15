//! A server in a process of its own.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use tempfile::TempDir;

/// Time for a server to listen, also under valgrind.
const LAUNCH_TIMEOUT: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(20);

/// A server in a process of its own, with a folder for its files. Dropping it kills it.
pub struct Server {
    child: Child,
    port: u16,
    folder: TempDir,
}

/// Returns a port that nothing listens on.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port()
}

/// Waits until something listens on `port`.
pub fn wait_for(port: u16) {
    for _ in 0..LAUNCH_TIMEOUT.as_millis() / PAUSE.as_millis() {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return;
        }
        sleep(PAUSE);
    }
    panic!("nothing listens on port {port}");
}

impl Server {
    /// Starts `command`, with `PORT`, `FOLDER` and `PROVIDER`, the URL of the provider, and waits until it listens.
    pub fn start(mut command: Command, provider: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().expect("a folder"), free_port());
        command.env("PORT", port.to_string()).env("FOLDER", folder.path()).env("PROVIDER", provider);
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("a server");
        let server = Self { child, port, folder };
        wait_for(port);
        server
    }

    /// Returns the port that it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns the path of the file `name` in its folder.
    pub fn file(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Returns its resident memory, in KiB (VmRSS).
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("Linux");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("VmRSS");
        line.trim().trim_end_matches("kB").trim().parse().expect("a number")
    }

    /// Returns its URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(mut self) {
        // The standard library can only kill.
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
