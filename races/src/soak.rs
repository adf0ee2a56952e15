//! Load while PostgreSQL is killed and started again.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::join_all;
use rocket::tokio::task::spawn_blocking;
use rocket::tokio::time::sleep;
use rocket_dance::testing::FakeProvider;
use serde_json::Value;

use test_support::{Cookies, SecretLog, wait_until_blocking};

use crate::browser::{Browser, has_session, provider, summary};
use crate::database::{Database, Kind};
use crate::outcome::Outcome;
use crate::refresh::look;
use crate::worker::Worker;
use crate::{Result, Settings};

/// The number of tasks that sign new users up, one after the other.
const NEWCOMERS: usize = 4;
/// The number of signed-in users that use their token.
const REGULARS: usize = 16;

/// A response: what was requested, when it arrived, and its status.
struct Seen {
    what: &'static str,
    at: Instant,
    status: u16,
}

struct Load {
    browser: Browser,
    app: String,
    fake: FakeProvider,
    secrets: SecretLog,
    stop: AtomicBool,
    people: AtomicUsize,
    seen: Mutex<Vec<Seen>>,
    odd: Mutex<BTreeMap<String, usize>>,
    sessions: Mutex<Vec<Cookies>>,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Load {
    /// Records a response. Any status other than `fine` and 503 is unexpected.
    fn saw(&self, what: &'static str, status: u16, fine: u16, body: &str) {
        lock(&self.seen).push(Seen { what, at: Instant::now(), status });
        if status != fine && status != 503 {
            *lock(&self.odd).entry(format!("{what} got {status}: {}", summary(body))).or_default() += 1;
        }
    }

    fn lost(&self, what: &str, error: impl std::fmt::Display) {
        *lock(&self.odd).entry(format!("{what} got no answer: {error}")).or_default() += 1;
    }

    async fn newcomer(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            self.fake.set_user(&format!("person{}", self.people.fetch_add(1, Ordering::Relaxed)));
            match self.browser.begin(&self.app, "op", &self.secrets).await {
                Ok(Ok(returned)) => {
                    self.saw("begin", 303, 303, "");
                    match self.browser.finish(&self.app, returned).await {
                        Ok((answer, cookies)) => {
                            self.saw("callback", answer.status, 303, &answer.body);
                            if has_session(&cookies) {
                                lock(&self.sessions).push(cookies);
                            }
                        }
                        Err(error) => self.lost("callback", error),
                    }
                }
                Ok(Err(answer)) => self.saw("begin", answer.status, 303, &answer.body),
                Err(error) => self.lost("begin", error),
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn regular(&self, mut cookies: Cookies) {
        while !self.stop.load(Ordering::Relaxed) {
            match self.browser.get(&format!("{}/whoami/op", self.app), &mut cookies).await {
                Ok(answer) => self.saw("whoami", answer.status, 200, &answer.body),
                Err(error) => self.lost("whoami", error),
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Runs the program in the environment variable `variable`.
fn command(variable: &str) -> Result<()> {
    let program =
        std::env::var(variable).map_err(|_| format!("{variable}: run this behind tests/databases"))?;
    let status = std::process::Command::new(program).status()?;
    if status.success() { Ok(()) } else { Err(format!("{variable}: {status}").into()) }
}

pub(crate) async fn run(kind: Kind, settings: &Settings) -> Result<Outcome> {
    if kind.to_string() != "postgres" {
        return Err("the race soak needs PostgreSQL".into());
    }
    let (secrets, refusals) = (SecretLog::default(), SecretLog::default());
    let mut outcome = Outcome::default();
    let fake = provider(&secrets, &refusals).await;
    // The short lifetime makes every user refresh often.
    fake.set_access_token_ttl(10);
    let (database, mut app) = match &settings.app {
        Some(program) => {
            let database = Database::empty(kind)?;
            let app = Worker::example(program, &database, &fake)?;
            (database, app)
        }
        None => {
            let database = Database::create(kind)?;
            let app = Worker::start(&database.url, &fake, Value::Bool(true))?;
            (database, app)
        }
    };
    let database = Arc::new(database);
    let load = Load {
        browser: Browser::new(),
        app: app.url.clone(),
        fake,
        secrets: secrets.clone(),
        stop: AtomicBool::new(false),
        people: AtomicUsize::new(0),
        seen: Mutex::default(),
        odd: Mutex::default(),
        sessions: Mutex::default(),
    };
    let mut regulars = Vec::new();
    for _ in 0..REGULARS {
        load.fake.set_user(&format!("person{}", load.people.fetch_add(1, Ordering::Relaxed)));
        regulars.push(load.browser.sign_in(&load.app, "op", &secrets).await?);
    }
    lock(&load.sessions).extend(regulars.iter().cloned());

    let kills = async {
        let mut restarts = Vec::new();
        for kill in 0..settings.rounds {
            sleep(Duration::from_millis(1500)).await;
            sleep(Duration::from_millis((kill as u64 * 37) % 200)).await;
            let killed = Instant::now();
            spawn_blocking(|| command("POSTGRES_KILL")).await??;
            sleep(Duration::from_millis(500)).await;
            spawn_blocking(|| command("POSTGRES_START")).await??;
            let probe = database.clone();
            let up = spawn_blocking(move || {
                wait_until_blocking("PostgreSQL accepts connections", || probe.is_up());
                Instant::now()
            });
            restarts.push((killed, up.await?));
        }
        sleep(Duration::from_secs(4)).await;
        load.stop.store(true, Ordering::Relaxed);
        Ok::<_, Box<dyn std::error::Error + Send + Sync>>(restarts)
    };
    let newcomers = join_all((0..NEWCOMERS).map(|_| load.newcomer()));
    let regulars = join_all(regulars.into_iter().map(|cookies| load.regular(cookies)));
    let stop_anyway = async {
        let restarts = kills.await;
        load.stop.store(true, Ordering::Relaxed);
        restarts
    };
    let (restarts, _, _) = rocket::tokio::join!(stop_anyway, newcomers, regulars);
    let restarts = restarts?;

    if !app.is_alive() {
        outcome.violation("the app ended");
    }
    for (what, times) in std::mem::take(&mut *lock(&load.odd)) {
        (0..times).for_each(|_| outcome.violation(what.clone()));
    }
    figures(&mut outcome, &lock(&load.seen), &restarts);
    let mut sessions = std::mem::take(&mut *lock(&load.sessions));
    outcome.figure("sessions", sessions.len());
    for cookies in &mut sessions {
        let me = load.browser.get(&format!("{}/me", load.app), cookies).await?;
        let me: Value = serde_json::from_str(&me.body)?;
        let Some(id) = me["user"]["id"].as_i64() else {
            outcome.violation("a session without a user");
            continue;
        };
        outcome.expect("users of a session", database.count(&format!("users WHERE id = {id}"))?, 1);
    }
    outcome.expect("users without account", database.users_without_account()?, 0);
    outcome.expect("accounts without user", database.accounts_without_user()?, 0);
    outcome.figure("users", database.count("users")?);
    outcome.figure("refused by the provider", refusals.count());
    look(&mut outcome, &database, &secrets, "person0")?;
    Ok(outcome)
}

fn figures(outcome: &mut Outcome, seen: &[Seen], restarts: &[(Instant, Instant)]) {
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for one in seen {
        *statuses.entry(one.status).or_default() += 1;
    }
    outcome.figure("kills", restarts.len());
    outcome.figure("statuses", format!("{statuses:?}"));
    let (mut first, mut steady) = (Vec::new(), Vec::new());
    for (one, (_, up)) in restarts.iter().enumerate() {
        let end = restarts.get(one + 1).map_or(*up + Duration::from_secs(4), |(killed, _)| *killed);
        let since: Vec<_> = seen.iter().filter(|seen| *up <= seen.at && seen.at < end).collect();
        // A response from the cache says nothing about the database; a finished callback does.
        match since.iter().find(|seen| seen.what == "callback" && seen.status == 303) {
            Some(seen) => first.push(seen.at - *up),
            None => outcome.violation("no user could sign in after a restart"),
        }
        let last = since.iter().rev().find(|seen| seen.status == 503);
        steady.push(last.map_or(Duration::ZERO, |seen| seen.at - *up));
    }
    outcome.times("first sign-in", first);
    outcome.times("last 503", steady);
}
