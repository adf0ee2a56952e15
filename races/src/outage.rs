//! What happens to the database under load.

use rocket::tokio::task::spawn_blocking;
use rocket::tokio::time::sleep;
use std::time::Duration;

use crate::Result;

/// An outage, and its end.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Outage {
    /// PostgreSQL is killed and started again.
    Restart,
    /// The primary is killed (PostgreSQL) or becomes read-only (MariaDB), and its replica takes over.
    Failover,
}

impl Outage {
    pub(crate) async fn begin(self) -> Result<()> {
        match self {
            Outage::Restart => run("POSTGRES_KILL", &[]).await,
            Outage::Failover => run("FAILOVER", &["kill"]).await,
        }
    }

    pub(crate) async fn end(self) -> Result<()> {
        match self {
            Outage::Restart => run("POSTGRES_START", &[]).await,
            Outage::Failover => run("FAILOVER", &["promote"]).await,
        }
    }

    /// Makes the next outage possible.
    pub(crate) async fn rebuild(self) -> Result<()> {
        match self {
            Outage::Restart => Ok(()),
            Outage::Failover => run("FAILOVER", &["rebuild"]).await,
        }
    }

    /// Time after the end of the outage in which everything is as before: the connection that listens is opened again, too.
    pub(crate) async fn settle(self) {
        sleep(Duration::from_secs(3)).await;
    }
}

/// Runs the program in the environment variable `variable`.
async fn run(variable: &'static str, args: &'static [&str]) -> Result<()> {
    let run = move || {
        let program = std::env::var(variable).map_err(|_| {
            format!(
                "{variable} is not set: run this behind tests/databases, or failover behind tests/postgres_replicas"
            )
        })?;
        let status = std::process::Command::new(program).args(args).status()?;
        if status.success() { Ok(()) } else { Err(format!("{variable} {args:?}: {status}").into()) }
    };
    spawn_blocking(run).await?
}
