//! A rolling restart under load: one process after the other is stopped, and started again as the next version, which has one more
//! migration; then one after the other as this version again, on the database that the next version has migrated.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rocket::tokio::task::spawn_blocking;
use rocket::tokio::time::sleep;
use serde_json::Value;

use crate::database::Kind;
use crate::load::Load;
use crate::outcome::Outcome;
use crate::under_load::UnderLoad;
use crate::worker::{self, Worker, WorkerVersion};
use crate::{Result, Settings, next_version, nodes};

/// Time for which the processes run between two restarts.
const PAUSE: Duration = Duration::from_millis(1000);

pub(crate) async fn run(kind: Kind, settings: &Settings) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let (users, mut apps) = UnderLoad::start(kind, None).await?;
    let (mut stops, mut starts, mut forgotten) = (Vec::new(), Vec::new(), Vec::new());
    let done = users.during(async {
        for round in 0..settings.rounds {
            for version in [WorkerVersion::Next(round), WorkerVersion::This] {
                for n in 0..apps.len() {
                    sleep(PAUSE).await;
                    let (stopped, started) =
                        restart(&mut apps, n, version, &users.database.urls[0], &users.load).await?;
                    stops.push(stopped);
                    starts.push(started);
                    sleep(PAUSE).await;
                    // The two are of different versions.
                    if n == 0 {
                        forgotten.push(users.load.time_to_forget().await);
                    }
                }
            }
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
    });
    done.await?;

    outcome.figure("restarts", starts.len());
    outcome.times("stopped in", stops);
    outcome.times("started in", starts);
    outcome.figure("went to another process", users.load.moved.load(Ordering::Relaxed));
    for round in 0..settings.rounds {
        let (of_this, of_all) = next_version::rows(&users.database, round)?;
        outcome.figure("accounts that this version has stored since", of_this);
        if of_this == 0 || of_this == of_all {
            outcome.violation(format!(
                "{of_this} of {of_all} accounts are of this version: nothing ran side by side"
            ));
        }
    }
    users.check(&mut outcome, nodes::bound(kind), forgotten).await?;
    Ok(outcome)
}

/// Restarts the process `n` as `version`. Returns how long its end and its start have taken.
async fn restart(
    apps: &mut Vec<Worker>,
    n: usize,
    version: WorkerVersion,
    url: &str,
    load: &Load,
) -> Result<(Duration, Duration)> {
    let settings = worker::settings(url, &load.fake, &Value::Bool(true), version);
    let old = apps.remove(n);
    load.expect_end(&old.url);
    // Neither may block the load.
    let stopped = spawn_blocking(move || old.stop()).await??;
    let begun = Instant::now();
    let new = spawn_blocking(move || Worker::launch(&settings)).await??;
    load.replace(n, &new.url);
    apps.insert(n, new);
    Ok((stopped, begun.elapsed()))
}
