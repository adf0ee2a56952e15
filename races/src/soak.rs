//! Load while the database has outages: PostgreSQL is killed and started again, or a replica takes over.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures::future::join_all;
use rocket::tokio::task::spawn_blocking;
use rocket::tokio::time::sleep;
use serde_json::Value;

use test_support::{SecretLog, wait_until_blocking};

use crate::browser::provider;
use crate::database::{Database, Kind};
use crate::load::{Load, Seen, lock};
use crate::nodes;
use crate::outage::Outage;
use crate::outcome::Outcome;
use crate::refresh::look;
use crate::worker::Worker;
use crate::{Result, Settings};

/// The number of tasks that sign new users up, one after the other.
const NEWCOMERS: usize = 4;
/// The number of tasks that sign new users up and out again.
const LEAVERS: usize = 2;
/// The number of signed-in users that use their token.
const REGULARS: usize = 16;
/// Time until users can sign in again after the end of an outage.
const BACK_WITHIN: Duration = Duration::from_secs(5);

pub(crate) async fn run(kind: Kind, settings: &Settings, outage: Outage) -> Result<Outcome> {
    if kind == Kind::Sqlite || (kind == Kind::Mysql && outage == Outage::Restart) {
        return Err(format!("{kind} cannot have this outage").into());
    }
    let (secrets, refusals) = (SecretLog::default(), SecretLog::default());
    let mut outcome = Outcome::default();
    let fake = provider(&secrets, &refusals).await;
    // The short lifetime makes every user refresh often.
    fake.set_access_token_ttl(20);
    let (database, mut apps) = match &settings.app {
        Some(program) => {
            let database = Database::empty(kind)?;
            let app = Worker::example(program, &database, &fake)?;
            (database, vec![app])
        }
        None => {
            let database = Database::create(kind)?;
            let apps = Worker::several(&database, &fake, &Value::Bool(true))?;
            (database, apps)
        }
    };
    let database = Arc::new(database);
    let load = Load::new(apps.iter().map(|app| app.url.clone()).collect(), fake, secrets.clone());
    let mut regulars = Vec::new();
    for n in 0..REGULARS {
        load.next_person();
        regulars.push(load.browser.sign_in(load.app(n), "op", &secrets).await?);
    }
    lock(&load.sessions).extend(regulars.iter().cloned());

    let mut forgotten = Vec::new();
    let outages = async {
        let mut outages = Vec::new();
        for round in 0..settings.rounds {
            sleep(Duration::from_millis(1500)).await;
            sleep(Duration::from_millis((round as u64 * 37) % 200)).await;
            let begun = Instant::now();
            outage.begin().await?;
            sleep(Duration::from_millis(500)).await;
            outage.end().await?;
            let probe = database.clone();
            let up = spawn_blocking(move || {
                wait_until_blocking("the database accepts connections", || probe.is_up());
                Instant::now()
            });
            outages.push((begun, up.await?));
            outage.rebuild().await?;
            outage.settle().await;
            forgotten.push(load.time_to_forget().await);
        }
        sleep(nodes::bound(kind)).await;
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(outages)
    };
    let newcomers = join_all((0..NEWCOMERS).map(|_| load.newcomer()));
    let leavers = join_all((0..LEAVERS).map(|_| load.leaver()));
    let regulars = join_all(regulars.into_iter().enumerate().map(|(n, cookies)| load.regular(n, cookies)));
    let stop_anyway = async {
        let outages = outages.await;
        load.stop.store(true, Ordering::Relaxed);
        outages
    };
    let (outages, _, _, _) = rocket::tokio::join!(stop_anyway, newcomers, leavers, regulars);
    let outages = outages?;

    for app in &mut apps {
        if !app.is_alive() {
            outcome.violation("a process ended");
        }
    }
    for (what, times) in std::mem::take(&mut *lock(&load.odd)) {
        (0..times).for_each(|_| outcome.violation(what.clone()));
    }
    figures(&mut outcome, &lock(&load.seen), &outages);
    check_caches(&mut outcome, nodes::bound(kind), forgotten);
    check_sessions(&mut outcome, &load, &database).await?;
    outcome.expect("users without account", database.users_without_account()?, 0);
    outcome.expect("accounts without user", database.accounts_without_user()?, 0);
    outcome.expect("sessions without account", database.sessions_without_account()?, 0);
    outcome.expect("refresh tokens reused or refused", refusals.count(), 0);
    outcome.figure("users", database.count("users")?);
    look(&mut outcome, &database, &secrets, "person0")?;
    Ok(outcome)
}

/// What one process writes, the others see within `bound`, also after the outages.
fn check_caches(outcome: &mut Outcome, bound: Duration, forgotten: Vec<Result<Option<Duration>>>) {
    let mut times = Vec::new();
    for time in forgotten {
        match time {
            Ok(Some(time)) if time <= bound => times.push(time),
            Ok(time) => outcome.violation(format!("another process accepts an ended session for {time:?}")),
            Err(error) => outcome.violation(format!("after an outage: {error}")),
        }
    }
    outcome.times("forgotten elsewhere", times);
}

/// Every session that began is there, with its user; none that ended has come back.
async fn check_sessions(outcome: &mut Outcome, load: &Load, database: &Database) -> Result<()> {
    let sessions = std::mem::take(&mut *lock(&load.sessions));
    let ended = std::mem::take(&mut *lock(&load.ended));
    outcome.figure("sessions", sessions.len());
    outcome.figure("ended", ended.len());
    for mut cookies in sessions {
        let me = load.browser.get(&format!("{}/me", load.app(0)), &mut cookies).await?;
        let me: Value = serde_json::from_str(&me.body)?;
        let Some(id) = me["user"]["id"].as_i64() else {
            outcome.violation("a session without a user");
            continue;
        };
        outcome.expect("users of a session", database.count(&format!("users WHERE id = {id}"))?, 1);
    }
    for cookies in ended {
        for app in &load.apps {
            if load.accepts(app, &cookies).await? {
                outcome.violation("a session that had ended is accepted again");
            }
        }
    }
    Ok(())
}

fn figures(outcome: &mut Outcome, seen: &[Seen], outages: &[(Instant, Instant)]) {
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for one in seen {
        *statuses.entry(one.status).or_default() += 1;
    }
    outcome.figure("outages", outages.len());
    outcome.figure("statuses", format!("{statuses:?}"));
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
