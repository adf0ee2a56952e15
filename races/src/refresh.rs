//! One expired token and many requests at once in two processes: one refresh.

use std::time::{Duration, Instant};

use futures::future::join_all;
use rocket_dance::testing::ProviderEndpoint;
use serde_json::Value;

use test_support::{SecretLog, SecretSearch};

use crate::browser::{Browser, provider};
use crate::database::{Database, Kind};
use crate::outcome::Outcome;
use crate::worker::Worker;
use crate::{Result, Settings};

/// Lifetime of an access token, in seconds.
const TTL: i64 = 100;
/// Age at which the provider refuses a token early, in seconds. The app answers no 401 of the API with a refresh in the minute
/// after the last refresh.
const EARLY: i64 = 70;

pub(crate) async fn run(kind: Kind, settings: &Settings) -> Result<Outcome> {
    let (secrets, refusals) = (SecretLog::default(), SecretLog::default());
    let mut outcome = Outcome::default();
    let database = Database::create(kind)?;
    let fake = provider(&secrets, &refusals).await;
    fake.set_user("ada").set_access_token_ttl(TTL);
    let workers = Worker::several(&database, &fake, &Value::Bool(true))?;
    let browser = Browser::new();
    let cookies = browser.sign_in(&workers[0].url, "op", &secrets).await?;

    let begun = Instant::now();
    let (mut refreshes, mut answers) = (0, 0);
    let mut times = Vec::new();
    for round in 0..settings.rounds {
        let expires = round % 2 == 1;
        // All clocks move. Either the token has expired, and the app knows it; or it is old enough that a 401 of the API is
        // worth a refresh.
        let seconds = if expires { TTL } else { EARLY };
        fake.advance_clock(seconds);
        for worker in &workers {
            browser.post(&format!("{}/advance/{seconds}", worker.url), &[], &mut cookies.clone()).await?;
        }
        if !expires {
            // The provider refuses the token early: the app learns it from the API's 401.
            fake.expire_access_tokens();
        }
        let before =
            (fake.request_count(ProviderEndpoint::Token), fake.request_count(ProviderEndpoint::Userinfo));
        let started = Instant::now();
        let requests = (0..settings.requests).map(|request| {
            let (browser, mut cookies) = (browser.clone(), cookies.clone());
            let url = format!("{}/whoami/op", workers[request % workers.len()].url);
            async move { browser.get(&url, &mut cookies).await }
        });
        for answer in join_all(requests).await {
            match answer {
                Ok(answer) if answer.status == 200 && answer.body.contains("\"ada\"") => answers += 1,
                Ok(answer) => outcome.violation(format!("a request got {} {}", answer.status, answer.body)),
                Err(error) => outcome.violation(format!("a request got no answer: {error}")),
            }
        }
        times.push(started.elapsed());
        let refreshed = fake.request_count(ProviderEndpoint::Token) - before.0;
        refreshes += refreshed;
        outcome.expect("refreshes in a round", refreshed, 1);
        if expires {
            // No request used the old token.
            outcome.expect(
                "calls in a round",
                fake.request_count(ProviderEndpoint::Userinfo) - before.1,
                settings.requests,
            );
        }
    }
    let took: Duration = begun.elapsed();
    outcome.expect("refresh tokens reused or refused", refusals.count(), 0);
    outcome.expect("accounts", database.count("oauth_accounts")?, 1);
    outcome.figure("rounds", settings.rounds);
    outcome.figure("requests", answers);
    outcome.figure("refreshes", refreshes);
    outcome.figure("reused", refusals.count());
    outcome.times("round", times);
    outcome.figure("took", format!("{took:.1?}"));
    look(&mut outcome, &database, &secrets, "example.test")?;
    Ok(outcome)
}

/// Searches a dump of `database` for secrets. The dump must contain `known`.
pub(crate) fn look(
    outcome: &mut Outcome,
    database: &Database,
    secrets: &SecretLog,
    known: &str,
) -> Result<()> {
    let dump = database.dump()?;
    if !String::from_utf8_lossy(&dump).contains(known) {
        outcome.violation(format!("the dump doesn't show {known}: is it one?"));
    }
    for kind in SecretSearch::new(secrets.secrets()).kinds_in(&dump) {
        outcome.violation(format!("a dump shows a {kind}"));
    }
    outcome.figure("secrets", secrets.count());
    outcome.figure("dump bytes", dump.len());
    Ok(())
}
