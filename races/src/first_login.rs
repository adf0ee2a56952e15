//! Many first logins of one person at once in two processes: one user, one account.

use std::time::Instant;

use futures::future::join_all;
use rocket_dance::testing::FakeProvider;
use serde_json::Value;

use test_support::SecretLog;

use crate::browser::{Browser, has_session, provider, summary};
use crate::database::{Database, Kind};
use crate::outcome::Outcome;
use crate::refresh::look;
use crate::worker::Worker;
use crate::{Result, Settings};

struct Crowd {
    browser: Browser,
    workers: Vec<Worker>,
    fake: FakeProvider,
    secrets: SecretLog,
    size: usize,
}

/// The end of a sign-in: entry, status, whether a session began, and a summary of the body.
type End = (&'static str, u16, bool, String);

impl Crowd {
    fn url(&self, one: usize) -> &str {
        &self.workers[one % self.workers.len()].url
    }

    /// Signs in with `size` browsers of the same person, in turns at `entries`. All are redirected back by the provider
    /// before the first callback is sent.
    async fn rush(&self, entries: &[&'static str]) -> Result<Vec<End>> {
        let begun = join_all((0..self.size).map(|one| {
            let entry = entries[one / self.workers.len() % entries.len()];
            self.browser.begin(self.url(one), entry, &self.secrets)
        }));
        let mut returned = Vec::new();
        for (one, begun) in begun.await.into_iter().enumerate() {
            let begun = begun?.map_err(|answer| format!("a sign-in doesn't begin: {answer:?}"))?;
            returned.push((one, begun));
        }
        let ends = join_all(returned.into_iter().map(|(one, returned)| async move {
            let entry = entries[one / self.workers.len() % entries.len()];
            let (answer, cookies) = self.browser.finish(self.url(one), returned).await?;
            Ok((entry, answer.status, has_session(&cookies), summary(&answer.body)))
        }));
        ends.await.into_iter().collect()
    }
}

pub(crate) async fn run(kind: Kind, settings: &Settings) -> Result<Outcome> {
    let (secrets, refusals) = (SecretLog::default(), SecretLog::default());
    let mut outcome = Outcome::default();
    let database = Database::create(kind)?;
    let fake = provider(&secrets, &refusals).await;
    let workers = Worker::several(&database, &fake, &Value::Bool(true))?;
    let crowd = Crowd { browser: Browser::new(), workers, fake, secrets, size: settings.requests };

    let begun = Instant::now();
    let (mut sessions, mut refused, mut people) = (0, 0, 0);
    for round in 0..settings.rounds {
        crowd.fake.set_user(&format!("newcomer{round}"));
        people += 1;
        for (_, status, session, body) in crowd.rush(&["op"]).await? {
            match (status, session) {
                (303, true) => sessions += 1,
                _ => outcome.violation(format!("a first login got {status}, session {session}: {body}")),
            }
        }
        outcome.expect("users after a rush", database.count("users")?, people);
        outcome.expect("accounts after a rush", database.count("oauth_accounts")?, people);

        // AL-18: two providers, one address.
        crowd.fake.set_user(&format!("twice{round}"));
        people += 1;
        let ends = crowd.rush(&["op", "op2"]).await?;
        let inside: Vec<_> = ends.iter().filter(|end| end.1 == 303 && end.2).map(|end| end.0).collect();
        for (entry, status, session, body) in &ends {
            match (status, session) {
                (303, true) if Some(entry) == inside.first() => {}
                (403, false) if Some(entry) != inside.first() => refused += 1,
                _ => outcome.violation(format!("with the same address: {status}, session {session}: {body}")),
            }
        }
        outcome.expect("who came in with the same address", inside.len(), settings.requests / 2);
        outcome.expect("users with the same address", database.count("users")?, people);
        outcome.expect("accounts with the same address", database.count("oauth_accounts")?, people);
    }
    outcome.expect("users without account", database.users_without_account()?, 0);
    outcome.expect("accounts without user", database.accounts_without_user()?, 0);
    outcome.expect("codes refused by the provider", refusals.count(), 0);
    outcome.figure("rounds", settings.rounds);
    outcome.figure("sessions", sessions);
    outcome.figure("refused with the other account", refused);
    outcome.figure("took", format!("{:.1?}", begun.elapsed()));
    look(&mut outcome, &database, &crowd.secrets, "newcomer0")?;
    Ok(outcome)
}
