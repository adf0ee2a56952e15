//! Users at work while something happens to the app or to its database. Afterwards nothing may be lost, and nothing that ended may
//! have come back.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use rocket::tokio::time::sleep;
use serde_json::Value;

use test_support::{Cookies, SecretLog};

use crate::Result;
use crate::browser::provider;
use crate::database::{Database, Kind};
use crate::load::{Load, lock};
use crate::outcome::Outcome;
use crate::refresh::look;
use crate::worker::Worker;

/// The number of tasks that sign new users up, one after the other.
const NEWCOMERS: usize = 4;
/// The number of tasks that sign new users up and out again.
const LEAVERS: usize = 2;
/// The number of signed-in users that use their token.
const REGULARS: usize = 16;

pub(crate) struct UnderLoad {
    pub(crate) database: Arc<Database>,
    pub(crate) load: Load,
    regulars: Vec<Cookies>,
    secrets: SecretLog,
    refusals: SecretLog,
}

impl UnderLoad {
    /// Starts two processes, or the one of `program`, and signs the first users in.
    pub(crate) async fn start(kind: Kind, program: Option<&Path>) -> Result<(Self, Vec<Worker>)> {
        let (secrets, refusals) = (SecretLog::default(), SecretLog::default());
        let fake = provider(&secrets, &refusals).await;
        // The short lifetime makes every user refresh often.
        fake.set_access_token_ttl(20);
        let (database, apps) = match program {
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
        let load = Load::new(apps.iter().map(|app| app.url.clone()).collect(), fake, secrets.clone());
        let mut regulars = Vec::new();
        for n in 0..REGULARS {
            load.next_person();
            regulars.push(load.browser.sign_in(&load.app(n), "op", &secrets).await?);
        }
        lock(&load.sessions).extend(regulars.iter().cloned());
        Ok((Self { database: Arc::new(database), load, regulars, secrets, refusals }, apps))
    }

    /// Lets the users work until `event` ends.
    pub(crate) async fn during<T>(&self, event: impl Future<Output = T>) -> T {
        let load = &self.load;
        let newcomers = join_all((0..NEWCOMERS).map(|_| load.newcomer()));
        let leavers = join_all((0..LEAVERS).map(|_| load.leaver()));
        let regulars = self.regulars.iter().cloned().enumerate();
        let regulars = join_all(regulars.map(|(n, cookies)| load.regular(n, cookies)));
        let event = async {
            let done = event.await;
            load.stop.store(true, Ordering::Relaxed);
            done
        };
        rocket::tokio::join!(event, newcomers, leavers, regulars).0
    }

    /// Checks what the users have seen, and what is stored. `bound` is the time after which each process knows what the others have
    /// written.
    pub(crate) async fn check(
        &self,
        outcome: &mut Outcome,
        bound: Duration,
        forgotten: Vec<Result<Option<Duration>>>,
    ) -> Result<()> {
        let (load, database) = (&self.load, &self.database);
        sleep(bound).await;
        for (what, times) in std::mem::take(&mut *lock(&load.odd)) {
            (0..times).for_each(|_| outcome.violation(what.clone()));
        }
        let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
        for one in &*lock(&load.seen) {
            *statuses.entry(one.status).or_default() += 1;
        }
        outcome.figure("statuses", format!("{statuses:?}"));
        check_caches(outcome, bound, forgotten);
        self.check_sessions(outcome).await?;
        outcome.expect("users without account", database.users_without_account()?, 0);
        outcome.expect("accounts without user", database.accounts_without_user()?, 0);
        outcome.expect("sessions without account", database.sessions_without_account()?, 0);
        outcome.expect("refresh tokens reused or refused", self.refusals.count(), 0);
        outcome.figure("users", database.count("users")?);
        look(outcome, database, &self.secrets, "person0")
    }

    /// Every session that began is there, with its user; none that ended has come back.
    async fn check_sessions(&self, outcome: &mut Outcome) -> Result<()> {
        let load = &self.load;
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
            outcome.expect("users of a session", self.database.count(&format!("users WHERE id = {id}"))?, 1);
        }
        for cookies in ended {
            for app in load.apps() {
                if load.accepts(&app, &cookies).await? {
                    outcome.violation("a session that had ended is accepted again");
                }
            }
        }
        Ok(())
    }
}

/// What one process writes, the others see within `bound`.
fn check_caches(outcome: &mut Outcome, bound: Duration, forgotten: Vec<Result<Option<Duration>>>) {
    let mut times = Vec::new();
    for time in forgotten {
        match time {
            Ok(Some(time)) if time <= bound => times.push(time),
            Ok(time) => outcome.violation(format!("another process accepts an ended session for {time:?}")),
            Err(error) => outcome.violation(format!("afterwards: {error}")),
        }
    }
    outcome.times("forgotten elsewhere", times);
}
