//! Disconnect, sign-out and back-channel logout on one process: until when does the other process accept the session?

use std::time::{Duration, Instant};

use rocket::tokio::time::sleep;
use serde_json::Value;

use test_support::{Cookies, SecretLog};

use crate::browser::{Browser, provider};
use crate::database::{Database, Kind};
use crate::outcome::Outcome;
use crate::refresh;
use crate::worker::Worker;
use crate::{Result, Settings};

/// Timeout for the other process. It is longer than any bound on a stale read.
const PATIENCE: Duration = Duration::from_secs(15);

/// The documented bound, with room for a busy machine. PostgreSQL notifies the other processes with the commit; on the
/// other databases they read again after `cache.ttl`, 5 seconds.
pub(crate) fn bound(kind: Kind) -> Duration {
    match kind {
        Kind::Postgres => Duration::from_secs(1),
        Kind::Sqlite | Kind::Mysql => Duration::from_secs(5 + 1),
    }
}

/// What happens on the first process.
#[derive(Clone, Copy)]
enum End {
    Disconnected,
    SignedOut,
    BackchannelLogout,
}

impl End {
    const ALL: [(End, &str, u16); 3] = [
        (End::Disconnected, "disconnected", 303),
        (End::SignedOut, "signed out", 303),
        (End::BackchannelLogout, "logged out by the provider", 200),
    ];
}

pub(crate) async fn run(kind: Kind, settings: &Settings) -> Result<Outcome> {
    let (secrets, refusals) = (SecretLog::default(), SecretLog::default());
    let mut outcome = Outcome::default();
    let database = Database::create(kind)?;
    let fake = provider(&secrets, &refusals).await;
    let workers = Worker::several(&database, &fake, &Value::Bool(true))?;
    let (here, there) = (workers[0].url.as_str(), workers[1].url.as_str());
    let browser = Browser::new();
    let connected = |node: &str| format!("{node}/connected");

    outcome.figure("rounds", settings.rounds);
    for (end, name, expected) in End::ALL {
        let mut times = Vec::new();
        for round in 0..settings.rounds {
            let person = format!("{name} {round}");
            fake.set_user(&person);
            let mut cookies = browser.sign_in(here, "op", &secrets).await?;
            // A copy of the cookies, as a thief would have it.
            let mut copy = cookies.clone();
            outcome.expect("before", browser.get(&connected(there), &mut copy).await?.status, 200);
            let status = match end {
                End::Disconnected => post(&browser, here, "/login/op/disconnect", &mut cookies).await?,
                End::SignedOut => post(&browser, here, "/login/logout", &mut cookies).await?,
                End::BackchannelLogout => {
                    let form = [("logout_token", &*fake.logout_token(Some(&person), None))];
                    let uri = format!("{here}/login/op/backchannel-logout");
                    browser.post(&uri, &form, &mut Cookies::default()).await?.status
                }
            };
            outcome.expect(name, status, expected);
            let ended = Instant::now();
            outcome.expect("here", browser.get(&connected(here), &mut copy.clone()).await?.status, 401);
            loop {
                let asked = Instant::now();
                let answer = browser.get(&connected(there), &mut copy).await?;
                match answer.status {
                    401 if asked - ended <= bound(kind) => times.push(asked - ended),
                    401 => outcome.violation(format!(
                        "{name}: the other process accepts the session for {:?}",
                        asked - ended
                    )),
                    200 if ended.elapsed() < PATIENCE => {
                        sleep(Duration::from_millis(1)).await;
                        continue;
                    }
                    status => outcome.violation(format!("{name} elsewhere: {status} {}", answer.body)),
                }
                break;
            }
        }
        outcome.times(&format!("until the other process refuses who is {name}:"), times);
    }
    refresh::look(&mut outcome, &database, &secrets, "signed out 0")?;
    Ok(outcome)
}

/// Posts a form of the accounts page.
async fn post(browser: &Browser, app: &str, uri: &str, cookies: &mut Cookies) -> Result<u16> {
    let page = browser.page(&format!("{app}/login/accounts"), cookies).await?;
    let csrf = page
        .body
        .split_once("name=\"csrf\" value=\"")
        .and_then(|(_, rest)| rest.split_once('"'))
        .map(|(csrf, _)| csrf.to_owned())
        .ok_or_else(|| format!("no form: {page:?}"))?;
    Ok(browser.post(&format!("{app}{uri}"), &[("csrf", &csrf)], cookies).await?.status)
}
