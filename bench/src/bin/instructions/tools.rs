//! The tools that count.

use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

/// A tool that counts what a process does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tool {
    /// Instructions in user space.
    Callgrind,
    /// Allocations.
    Dhat,
    /// Calls of `futex`.
    Strace,
}

impl Tool {
    /// Returns a command that runs this binary as the server `server` and writes what it counts to `output`.
    pub(crate) fn command(self, server: &str, output: &Path) -> Command {
        let output = output.display();
        let (tool, arguments) = match self {
            Tool::Callgrind => (
                "valgrind",
                vec![
                    "--tool=callgrind".into(),
                    format!("--callgrind-out-file={output}"),
                    "--log-file=/dev/null".into(),
                ],
            ),
            Tool::Dhat => (
                "valgrind",
                vec![
                    "--tool=dhat".into(),
                    "--dhat-out-file=/dev/null".into(),
                    format!("--log-file={output}"),
                ],
            ),
            // -D: the command has the process id of this child, and gets its signals.
            Tool::Strace => (
                "strace",
                ["-D", "-f", "-c", "-e", "trace=futex", "-o", &output.to_string()].map(str::to_owned).into(),
            ),
        };
        let mut command = Command::new(tool);
        command.args(arguments).arg(std::env::current_exe().expect("this binary")).arg(server);
        // Of one thread's work, the order of threads says nothing.
        command.env("ROCKET_WORKERS", "1").env("WORKERS", "1");
        command
    }

    /// Reads the count from what the tool has written.
    pub(crate) fn read(self, output: &Path) -> u64 {
        // strace ends after its command.
        let lines = || std::fs::read_to_string(output).ok().filter(|text| text.contains('\n'));
        let pauses = std::iter::repeat_n(Duration::from_millis(50), 100).inspect(|pause| sleep(*pause));
        let text = lines().or_else(|| pauses.into_iter().find_map(|_| lines()));
        let text = text.unwrap_or_else(|| panic!("{} is empty", output.display()));
        let number = |text: &str| text.trim().replace(',', "").parse().ok();
        let count = match self {
            Tool::Callgrind => text.lines().find_map(|line| number(line.strip_prefix("totals:")?)),
            // "Total:     1,234 bytes in 56 blocks"
            Tool::Dhat => text
                .lines()
                .find_map(|line| line.split_once(" Total: ")?.1.split_once(" in ")?.1.strip_suffix(" blocks"))
                .and_then(number),
            // "% time, seconds, usecs/call, calls, errors, syscall"
            Tool::Strace => text
                .lines()
                .find(|line| line.ends_with(" futex"))
                .map_or(Some(0), |line| line.split_whitespace().nth(3).and_then(number)),
        };
        count.unwrap_or_else(|| panic!("no count in {}", output.display()))
    }
}
