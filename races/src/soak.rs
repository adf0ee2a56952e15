//! Load while the database has outages: PostgreSQL is killed and started again, or a replica takes over.

use std::time::{Duration, Instant};

use rocket::tokio::task::spawn_blocking;
use rocket::tokio::time::sleep;

use test_support::wait_until_blocking;

use crate::database::Kind;
use crate::load::{Seen, lock};
use crate::nodes;
use crate::outage::Outage;
use crate::outcome::Outcome;
use crate::under_load::UnderLoad;
use crate::{Result, Settings};

/// Time until users can sign in again after the end of an outage.
const BACK_WITHIN: Duration = Duration::from_secs(5);

pub(crate) async fn run(kind: Kind, settings: &Settings, outage: Outage) -> Result<Outcome> {
    if kind == Kind::Sqlite || (kind == Kind::Mysql && outage == Outage::Restart) {
        return Err(format!("{kind} cannot have this outage").into());
    }
    let mut outcome = Outcome::default();
    let (users, mut apps) = UnderLoad::start(kind, settings.app.as_deref()).await?;
    let mut forgotten = Vec::new();
    let outages = users.during(async {
        let mut outages = Vec::new();
        for round in 0..settings.rounds {
            sleep(Duration::from_millis(1500)).await;
            sleep(Duration::from_millis((round as u64 * 37) % 200)).await;
            let begun = Instant::now();
            outage.begin().await?;
            sleep(Duration::from_millis(500)).await;
            outage.end().await?;
            let probe = users.database.clone();
            let up = spawn_blocking(move || {
                wait_until_blocking("the database accepts connections", || probe.is_up());
                Instant::now()
            });
            outages.push((begun, up.await?));
            outage.rebuild().await?;
            outage.settle().await;
            forgotten.push(users.load.time_to_forget().await);
        }
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(outages)
    });
    let outages = outages.await?;

    for app in &mut apps {
        if !app.is_alive() {
            outcome.violation("a process ended");
        }
    }
    times(&mut outcome, &lock(&users.load.seen), &outages);
    users.check(&mut outcome, nodes::bound(kind), forgotten).await?;
    Ok(outcome)
}

/// When users could sign in again after each outage.
fn times(outcome: &mut Outcome, seen: &[Seen], outages: &[(Instant, Instant)]) {
    outcome.figure("outages", outages.len());
    let (mut first, mut steady) = (Vec::new(), Vec::new());
    for (one, (_, up)) in outages.iter().enumerate() {
        let end = outages.get(one + 1).map_or(*up + Duration::from_secs(4), |(killed, _)| *killed);
        let since: Vec<_> = seen.iter().filter(|seen| *up <= seen.at && seen.at < end).collect();
        // A response from the cache says nothing about the database; a finished callback does.
        match since.iter().find(|seen| seen.what == "callback" && seen.status == 303) {
            Some(seen) if seen.at - *up <= BACK_WITHIN => first.push(seen.at - *up),
            Some(seen) => outcome.violation(format!("no user could sign in for {:?}", seen.at - *up)),
            None => outcome.violation("no user could sign in after an outage"),
        }
        let last = since.iter().rev().find(|seen| seen.status == 503);
        steady.push(last.map_or(Duration::ZERO, |seen| seen.at - *up));
    }
    outcome.times("first sign-in", first);
    outcome.times("last 503", steady);
}
