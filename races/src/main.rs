//! Races and outages on real databases, between real processes: what must hold when many requests do the same thing at
//! once, and when the database stops in the meantime.
//!
//! ```text
//! races <race> [--rounds N] [--requests N] [sqlite] [postgres] [mysql]
//!
//! refresh      one expired token, 64 requests at once in two processes: one refresh, 64 answers, no token reused
//! first-login  64 first logins of one person at once in two processes: one user, one account, 64 sessions; and of one
//!              person at two providers, with the same address: one entry signs in, the other is refused with the reason
//! removal      an account is disconnected, or its user deleted, among connects, sign-ins and refreshes of an attacker in two
//!              processes: nothing removed comes back, no session without its account, no row without its user
//! one-person   two users are merged, a waiting account is confirmed and further scopes are granted, each many times at once in two
//!              processes: no account of two users or of none, the app's rows moved once, no scope lost
//! nodes        disconnect, sign-out and back-channel logout on one process: until when the other accepts the session
//! soak         load while PostgreSQL is killed and started again: only 200, 303 and 503, and nothing half done
//! failover     the same while the primary is killed and its standby promoted: sign-ins succeed again within 5 seconds, no
//!              session that ended comes back, no refresh token is lost
//! rolling-restart
//!              the same while one process after the other is restarted as the next version, which has one more migration, and
//!              then as this version again
//! ```
//!
//! PostgreSQL and MySQL need a server, and the features `postgres` and `mysql`:
//!
//! ```text
//! tests/databases cargo run --release -p races --all-features -- refresh --rounds 1000 sqlite postgres mysql
//! tests/databases tests/pgbouncer cargo run --release -p races --all-features -- first-login postgres
//! tests/postgres_replicas cargo run --release -p races --all-features -- failover --rounds 20
//! tests/mysql_replicas cargo run --release -p races --all-features -- failover --rounds 20 mysql
//! tests/galera cargo run --release -p races --all-features -- first-login --requests 60 mysql
//! DURABLE=1 tests/databases cargo run --release -p races --all-features -- soak --rounds 20
//! ```
//!
//! `RACES_LOG=critical` lets the processes log.
//!
//! The processes are this program again (`worker`): each is a Rocket app with a `DieselStorage` on the same new database.
//! The provider runs in the first process. `soak --app target/release/example_app` runs that app instead of a worker.
//! Each race ends with a line of figures and a search of a database dump for every secret that the provider issued.
//! Violations are counted and printed, and make the exit code 1.

mod browser;
mod database;
mod first_login;
mod load;
mod next_version;
mod nodes;
mod one_person;
mod outage;
mod outcome;
mod refresh;
mod removal;
mod rolling_restart;
mod soak;
mod under_load;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;

use database::Kind;
use outage::Outage;
use outcome::Outcome;
use rocket::tokio::runtime::Runtime;

/// Errors of the race program itself.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// How a race is run.
struct Settings {
    rounds: usize,
    /// The number of requests at once, over both processes.
    requests: usize,
    /// The program that runs instead of a worker.
    app: Option<PathBuf>,
}

struct Command {
    race: String,
    rounds: Option<usize>,
    requests: usize,
    app: Option<PathBuf>,
    kinds: Vec<Kind>,
}

fn parse(mut args: impl Iterator<Item = String>) -> Result<Command> {
    let race = args.next().ok_or(
        "which race? refresh, first-login, removal, one-person, nodes, soak, failover or rolling-restart",
    )?;
    let mut command = Command { race, rounds: None, requests: 64, app: None, kinds: Vec::new() };
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or(format!("{arg} requires a value"));
        match &*arg {
            "--rounds" => command.rounds = Some(value()?.parse()?),
            "--requests" => command.requests = value()?.parse()?,
            "--app" => command.app = Some(value()?.into()),
            name => command.kinds.push(Kind::named(name)?),
        }
    }
    Ok(command)
}

async fn run(command: Command) -> Result<bool> {
    let Command { race, rounds, requests, app, mut kinds } = command;
    if kinds.is_empty() {
        kinds = match &*race {
            "nodes" | "soak" | "failover" => vec![Kind::named("postgres")?],
            _ => Kind::all(),
        };
    }
    let mut held = true;
    for kind in kinds {
        let settings = |usual| Settings { rounds: rounds.unwrap_or(usual), requests, app: app.clone() };
        let outcome: Outcome = match &*race {
            "refresh" => refresh::run(kind, &settings(10)).await?,
            "first-login" => first_login::run(kind, &settings(10)).await?,
            "removal" => removal::run(kind, &settings(20)).await?,
            "one-person" => one_person::run(kind, &settings(5)).await?,
            "nodes" => nodes::run(kind, &settings(20)).await?,
            "soak" => soak::run(kind, &settings(2), Outage::Restart).await?,
            "failover" => soak::run(kind, &settings(2), Outage::Failover).await?,
            "rolling-restart" => rolling_restart::run(kind, &settings(1)).await?,
            other => return Err(format!("there is no race `{other}`").into()),
        };
        held &= outcome.print(&race, kind);
    }
    Ok(held)
}

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1).peekable();
    if args.peek().is_some_and(|arg| arg == "worker") {
        return worker::main();
    }
    // Not `rocket::execute`, whose futures must be `Send`.
    let done = parse(args).and_then(|command| Runtime::new()?.block_on(run(command)));
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("races: {error}");
            ExitCode::from(2)
        }
    }
}
