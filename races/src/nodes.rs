//! Disconnected on one process: when does the other know?

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::browser::{Browser, provider};
use crate::database::{Database, Kind};
use crate::outcome::Outcome;
use crate::secrets::Secrets;
use crate::worker::Worker;
use crate::{Result, Settings};

/// Longer than any bound on a stale read.
const PATIENCE: Duration = Duration::from_secs(15);

pub(crate) async fn run(kind: Kind, settings: &Settings) -> Result<Outcome> {
    let (secrets, refusals) = (Secrets::default(), Secrets::default());
    let mut outcome = Outcome::default();
    let database = Database::create(kind)?;
    let fake = provider(&secrets, &refusals).await;
    let workers = Worker::pair(&database.url, &fake, &Value::Bool(true))?;
    let [here, there] = workers.each_ref().map(|worker| worker.url.as_str());
    let browser = Browser::new()?;

    let mut times = Vec::new();
    for round in 0..settings.rounds {
        fake.user(&format!("person{round}"));
        let mut cookies = browser.sign_in(here, "op", &secrets).await?;
        let whoami = format!("{there}/whoami/op");
        outcome.expect("before", browser.get(&whoami, &mut cookies).await?.status, 200);
        let page = browser.page(&format!("{here}/login/accounts"), &mut cookies).await?;
        let csrf = page
            .body
            .split_once("name=\"csrf\" value=\"")
            .and_then(|(_, rest)| rest.split_once('"'))
            .map(|(csrf, _)| csrf.to_owned())
            .ok_or_else(|| format!("no form to disconnect: {page:?}"))?;
        let gone =
            browser.post(&format!("{here}/login/op/disconnect"), &[("csrf", &csrf)], &mut cookies).await?;
        outcome.expect("disconnected", gone.status, 303);
        let disconnected = Instant::now();
        loop {
            let asked = Instant::now();
            let answer = browser.get(&whoami, &mut cookies).await?;
            match answer.status {
                401 => {
                    times.push(asked - disconnected);
                    break;
                }
                200 if disconnected.elapsed() < PATIENCE => {}
                status => {
                    outcome.breach(format!("after being disconnected elsewhere: {status} {}", answer.body));
                    break;
                }
            }
        }
        outcome.expect("here", browser.get(&format!("{here}/whoami/op"), &mut cookies).await?.status, 401);
    }
    outcome.figure("rounds", settings.rounds);
    outcome.times("until the other process refuses", times);
    Ok(outcome)
}
