//! An account is removed, or its user, while an attacker who has signed in with it does what brings things back.

use std::time::{Duration, Instant};

use futures::future::join_all;
use rocket::tokio::task::JoinSet;
use rocket::tokio::time::sleep;
use rocket_dance::testing::FakeProvider;
use serde_json::Value;

use test_support::{Cookies, SecretLog};

use crate::browser::{Browser, Returned, provider, summary};
use crate::database::{Database, Kind};
use crate::outcome::Outcome;
use crate::refresh::look;
use crate::worker::Worker;
use crate::{Result, Settings};

/// Number of connections and of sign-ins that are under way.
const UNDER_WAY: usize = 4;

/// How the account goes.
#[derive(Clone, Copy, PartialEq)]
enum Removal {
    /// The user disconnects it.
    Disconnect,
    /// The app deletes the user.
    Deletion,
}

/// Ada, whose account at `op2` is an attacker's.
struct Victim {
    id: i64,
    ada: Cookies,
    attacker: Cookies,
    connections: Vec<Returned>,
    sign_ins: Vec<Returned>,
}

struct Race {
    browser: Browser,
    workers: Vec<Worker>,
    fake: FakeProvider,
    secrets: SecretLog,
}

impl Race {
    fn url(&self, n: usize) -> &str {
        &self.workers[n % self.workers.len()].url
    }

    async fn prepare(&self, round: usize) -> Result<Victim> {
        let (browser, secrets) = (&self.browser, &self.secrets);
        self.fake.set_user(&format!("ada{round}"));
        let mut ada = browser.sign_in(self.url(0), "op", secrets).await?;
        let me: Value =
            serde_json::from_str(&browser.get(&format!("{}/me", self.url(0)), &mut ada).await?.body)?;
        let id = me["user"]["id"].as_i64().ok_or("no user")?;
        self.fake.set_user(&format!("mallory{round}"));
        let connect = browser.begin_connect(self.url(0), "op2", &mut ada, secrets).await?;
        let (answer, ada) = browser.finish(self.url(0), connect).await?;
        if answer.status != 303 {
            return Err(format!("the account is not connected: {answer:?}").into());
        }
        let mut attacker = browser.sign_in(self.url(1), "op2", secrets).await?;
        let (mut connections, mut sign_ins) = (Vec::new(), Vec::new());
        for n in 0..UNDER_WAY {
            connections.push(browser.begin_connect(self.url(n), "op2", &mut attacker, secrets).await?);
            let begun = browser.begin(self.url(n), "op2", secrets).await?;
            sign_ins.push(begun.map_err(|answer| format!("a sign-in did not begin: {answer:?}"))?);
        }
        Ok(Victim { id, ada, attacker, connections, sign_ins })
    }

    /// Sends everything at once. Returns the answers, and Ada's to the form.
    async fn rush(
        &self,
        database: &Database,
        removal: Removal,
        round: usize,
        victim: Victim,
    ) -> Result<(Vec<(&'static str, u16, String)>, Cookies)> {
        let Victim { id, mut ada, attacker, connections, sign_ins } = victim;
        // The stored token has expired: each use refreshes it. Those of the callbacks are issued later.
        self.fake.expire_access_tokens();
        let mut tasks = JoinSet::new();
        let pause = |n: usize| Duration::from_millis(4 * n as u64);
        let callbacks = connections.into_iter().map(|one| ("connect", one));
        for (n, (what, returned)) in
            callbacks.chain(sign_ins.into_iter().map(|one| ("sign-in", one))).enumerate()
        {
            let (browser, app) = (self.browser.clone(), self.url(n + round).to_owned());
            tasks.spawn(async move {
                sleep(pause(n % UNDER_WAY)).await;
                let (answer, _) = browser.finish(&app, returned).await?;
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>((what, answer.status, answer.body))
            });
        }
        for n in 0..2 {
            let (browser, app, mut cookies) =
                (self.browser.clone(), self.url(n).to_owned(), attacker.clone());
            tasks.spawn(async move {
                sleep(pause(n)).await;
                let answer = browser.get(&format!("{app}/whoami/op2"), &mut cookies).await?;
                Ok(("refresh", answer.status, answer.body))
            });
        }
        sleep(Duration::from_millis((round * 7 % 160) as u64)).await;
        let removed = match removal {
            Removal::Disconnect => {
                let url = format!("{}/login/op2/disconnect", self.url(round));
                let answer = self.browser.submit(&url, self.url(round), &mut ada).await?;
                ("disconnect", answer.status, answer.body)
            }
            Removal::Deletion => {
                let delete = format!("DELETE FROM users WHERE id = {id}");
                database
                    .execute(&delete)
                    .map_err(|error| format!("the app's own deletion failed: {error}"))?;
                ("deletion", 303, String::new())
            }
        };
        let mut answers = vec![removed];
        while let Some(done) = tasks.join_next().await {
            answers.push(done??);
        }
        // Once more, now that all is over.
        for (n, cookies) in [(0, &attacker), (1, &attacker)] {
            let me = self.browser.get(&format!("{}/me", self.url(n)), &mut cookies.clone()).await?;
            answers.push(("attacker", if me.body.contains("null") { 401 } else { 200 }, me.body));
        }
        Ok((answers, ada))
    }
}

pub(crate) async fn run(kind: Kind, settings: &Settings) -> Result<Outcome> {
    let (secrets, refusals) = (SecretLog::default(), SecretLog::default());
    let mut outcome = Outcome::default();
    let database = Database::create(kind)?;
    let fake = provider(&secrets, &refusals).await;
    // Without the cache, so that each process sees at once what the other one does.
    let workers = Worker::several(&database, &fake, &Value::Bool(false))?;
    let race = Race { browser: Browser::new(), workers, fake, secrets };

    let begun = Instant::now();
    let (mut deletions, mut connected, mut signed_in, mut refused) = (0, 0, 0, 0);
    for round in 0..settings.rounds {
        let removal = if round % 3 == 2 { Removal::Deletion } else { Removal::Disconnect };
        let victim = race.prepare(round).await?;
        let user = victim.id;
        let (answers, ada) = race.rush(&database, removal, round, victim).await?;
        for (what, status, body) in answers {
            match (what, status) {
                ("connect", 303) => connected += 1,
                ("sign-in", 303) => signed_in += 1,
                ("connect" | "sign-in", 400 | 401 | 403) => refused += 1,
                ("refresh", 200 | 401) | ("disconnect" | "deletion", 303) | ("attacker", 401) => {}
                _ => outcome.violation(format!("{what}: {status}, {}", summary(&body))),
            }
        }
        deletions += usize::from(removal == Removal::Deletion);
        let of_user = |table| format!("{table} WHERE user_id = '{user}'");
        let (accounts, sessions) = match removal {
            Removal::Disconnect => (1, 1),
            Removal::Deletion => (0, 0),
        };
        outcome.expect("accounts of the user", database.count(&of_user("oauth_accounts"))?, accounts);
        outcome.expect("sessions of the user", database.count(&of_user("oauth_sessions"))?, sessions);
        outcome.expect("accounts without user", database.accounts_without_user()?, 0);
        outcome.expect("sessions without user", database.sessions_without_user()?, 0);
        outcome.expect("sessions without account", database.sessions_without_account()?, 0);
        let places = (0..race.workers.len()).map(|n| {
            let (browser, mut cookies) = (&race.browser, ada.clone());
            let url = format!("{}/me", race.url(n));
            async move { browser.get(&url, &mut cookies).await }
        });
        for place in join_all(places).await {
            let is_there = !place?.body.contains("null");
            outcome.expect("the user's own session lives", is_there, removal == Removal::Disconnect);
        }
    }
    outcome.figure("rounds", settings.rounds);
    outcome.figure("deletions", deletions);
    outcome.figure("connected", connected);
    outcome.figure("signed in", signed_in);
    outcome.figure("refused", refused);
    outcome.figure("took", format!("{:.1?}", begun.elapsed()));
    look(&mut outcome, &database, &race.secrets, "ada0")?;
    Ok(outcome)
}
