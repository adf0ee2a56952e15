//! What a person decides once, sent many times at once to two processes: two users become one, a waiting account is confirmed, a
//! page's scopes are granted.

use std::time::Instant;

use futures::future::try_join_all;
use rocket::tokio::task::JoinSet;
use rocket_dance::testing::FakeProvider;
use serde_json::Value;

use test_support::{Cookies, Html, SecretLog};

use crate::browser::{Answer, Browser, Returned, has_session, provider, summary};
use crate::database::{Database, Kind};
use crate::outcome::Outcome;
use crate::refresh::look;
use crate::worker::Worker;
use crate::{Result, Settings};

/// How often a form is sent at once.
const PRESSES: usize = 6;
/// Number of sign-ins of each user that are under way during a merge.
const UNDER_WAY: usize = 3;
/// The pages that need a further scope, with that scope.
const PAGES: [(&str, &str); 2] = [("/repos", "repo"), ("/gists", "gist")];

struct Race {
    browser: Browser,
    workers: Vec<Worker>,
    fake: FakeProvider,
    secrets: SecretLog,
    database: Database,
    outcome: Outcome,
}

/// An answer, and the cookies of its browser.
type End = (Answer, Cookies);

impl Race {
    fn url(&self, n: usize) -> &str {
        &self.workers[n % self.workers.len()].url
    }

    /// The id of the user whose cookies these are, as the process `n` sees it; `None` if no user is signed in.
    async fn user(&self, n: usize, cookies: &Cookies) -> Result<Option<i64>> {
        let me = self.browser.get(&format!("{}/me", self.url(n)), &mut cookies.clone()).await?;
        Ok(serde_json::from_str::<Value>(&me.body)?["user"]["id"].as_i64())
    }

    /// Signs `person` in at `entry`, in the browser with these `cookies`.
    async fn sign_in(&self, entry: &str, person: &str, cookies: &mut Cookies) -> Result<i64> {
        self.fake.set_user(person);
        let begun = self.browser.page(&format!("{}/login/{entry}", self.url(0)), cookies).await?;
        let to = begun.location.ok_or_else(|| format!("a sign-in did not begin: {}", begun.status))?;
        let callback = self.browser.approve(&to, &self.secrets).await?;
        let returned = Returned { callback, cookies: cookies.clone() };
        (_, *cookies) = self.browser.finish(self.url(0), returned).await?;
        Ok(self.user(0, cookies).await?.ok_or("the sign-in failed")?)
    }

    /// Sends the form at `path` many times at once, over all processes.
    async fn press(&self, path: &str, cookies: &Cookies) -> Result<Vec<End>> {
        let mut cookies = cookies.clone();
        let csrf = self.browser.csrf(self.url(0), &mut cookies).await?;
        try_join_all((0..PRESSES).map(async |n| {
            let (url, mut cookies) = (format!("{}{path}", self.url(n)), cookies.clone());
            let answer = self.browser.post(&url, &[("csrf", &csrf)], &mut cookies).await?;
            Ok((answer, cookies))
        }))
        .await
    }

    /// Records each answer that is neither a redirect nor a refusal. Returns those that are a redirect to `to`.
    fn redirected(&mut self, what: &str, to: &str, ends: Vec<End>) -> Vec<Cookies> {
        let mut done = Vec::new();
        for (answer, cookies) in ends {
            match answer.status {
                303 if answer.location.as_deref().is_some_and(|location| location.ends_with(to)) => {
                    done.push(cookies);
                }
                303 | 400 | 401 | 403 => {}
                status => self.outcome.violation(format!("{what}: {status}, {}", summary(&answer.body))),
            }
        }
        done
    }

    fn expect_rows(&mut self, what: &str, from: &str, wanted: i64) -> Result<()> {
        let found = self.database.count(from)?;
        self.outcome.expect(what, found, wanted);
        Ok(())
    }

    fn check_rows(&mut self) -> Result<()> {
        let database = &self.database;
        let found = [
            ("accounts without user", database.accounts_without_user()?),
            ("sessions without user", database.sessions_without_user()?),
            ("sessions without account", database.sessions_without_account()?),
        ];
        for (what, found) in found {
            self.outcome.expect(what, found, 0);
        }
        Ok(())
    }

    /// Each of two users of one person asks to become one with the other, and both confirm many times, among sign-ins of both and
    /// refreshes.
    async fn merge(&mut self, round: usize) -> Result<usize> {
        let people = [format!("merge{round}a"), format!("merge{round}b")];
        let entries = ["op", "op2"];
        let (mut users, mut jars) = (Vec::new(), Vec::new());
        for (person, entry) in people.iter().zip(entries) {
            let mut cookies = Cookies::default();
            users.push(self.sign_in(entry, person, &mut cookies).await?);
            jars.push(cookies);
        }
        let [a, b] = [users[0], users[1]];
        let notes = 2 * round;
        self.database.execute(&format!("INSERT INTO notes VALUES ({notes}, {a}), ({}, {b})", notes + 1))?;
        for (n, cookies) in jars.iter_mut().enumerate() {
            self.fake.set_user(&people[1 - n]);
            let (browser, url) = (&self.browser, self.workers[n % self.workers.len()].url.clone());
            let connect = browser.begin_connect(&url, entries[1 - n], cookies, &self.secrets).await?;
            let (answer, after) = browser.finish(&url, connect).await?;
            if answer.location.as_deref().is_none_or(|to| !to.ends_with("/login/merge")) {
                return Err(format!("no merge was asked for: {answer:?}").into());
            }
            *cookies = after;
        }
        let mut sign_ins = Vec::new();
        for (person, entry) in people.iter().zip(entries) {
            self.fake.set_user(person);
            for n in 0..UNDER_WAY {
                let begun = self.browser.begin(self.url(n), entry, &self.secrets).await?;
                sign_ins.push(begun.map_err(|answer| format!("a sign-in did not begin: {answer:?}"))?);
            }
        }
        self.fake.expire_access_tokens();
        let mut callbacks = JoinSet::new();
        for (n, returned) in sign_ins.into_iter().enumerate() {
            let (browser, url) = (self.browser.clone(), self.url(n).to_owned());
            callbacks.spawn(async move { browser.finish(&url, returned).await });
        }
        let refreshes = jars.iter().zip(entries).enumerate().map(async |(n, (cookies, entry))| {
            let url = format!("{}/whoami/{entry}", self.url(n));
            let answer = self.browser.get(&url, &mut cookies.clone()).await?;
            Ok((answer, cookies.clone()))
        });
        let presses = jars.iter().map(|cookies| self.press("/login/merge", cookies));
        // Now one of the two users first, now the other.
        let mut presses: Vec<_> = presses.collect();
        presses.rotate_left(round % 2);
        let (pressed, refreshed) =
            futures::future::try_join(try_join_all(presses), try_join_all(refreshes)).await?;
        let mut ends = Vec::new();
        while let Some(end) = callbacks.join_next().await {
            ends.push(end??);
        }
        for (answer, _) in refreshed {
            if !matches!(answer.status, 200 | 401) {
                self.outcome.violation(format!("refresh: {}, {}", answer.status, summary(&answer.body)));
            }
        }
        let merged = self.redirected("merge", "/", pressed.into_iter().flatten().collect());
        let signed_in = self.redirected("sign-in", "/", ends);

        let survivors = [self.database.count(&format!("users WHERE id = {a}"))?, {
            self.database.count(&format!("users WHERE id = {b}"))?
        }];
        let survivor = if survivors[0] == 1 { a } else { b };
        self.outcome.expect("users after a merge", survivors.iter().sum::<i64>(), 1);
        let of_round = format!("oauth_accounts WHERE provider_user_id LIKE 'merge{round}_'");
        self.expect_rows("accounts after a merge", &of_round, 2)?;
        self.expect_rows("accounts of the user", &format!("oauth_accounts WHERE user_id = '{survivor}'"), 2)?;
        self.expect_rows("notes of the user", &format!("notes WHERE user_id = {survivor}"), 2)?;
        self.expect_rows("merges", &format!("merges WHERE from_user IN ({a}, {b})"), 1)?;
        // Each session of the user is that of one browser, which is signed in with each process.
        let mut live = 0;
        for cookies in signed_in.iter().chain(&merged) {
            let places = [self.user(0, cookies).await?, self.user(1, cookies).await?];
            match places {
                [Some(user), Some(same)] if user == survivor && same == survivor => live += 1,
                [None, None] => {}
                other => self.outcome.violation(format!("a session of {other:?} instead of {survivor}")),
            }
        }
        let sessions = format!("oauth_sessions WHERE user_id = '{survivor}'");
        self.expect_rows("sessions of the user", &sessions, live)?;
        match merged.first() {
            // The tokens of both accounts can be used.
            Some(cookies) => {
                for entry in entries {
                    let url = format!("{}/whoami/{entry}", self.url(1));
                    let answer = self.browser.get(&url, &mut cookies.clone()).await?;
                    self.outcome.expect("the token after a merge", answer.status, 200);
                }
            }
            None => self.outcome.violation("no merge was answered"),
        }
        self.check_rows()?;
        Ok(signed_in.len())
    }

    /// An account waits for its user, who signs in and confirms many times.
    async fn confirm(&mut self, round: usize) -> Result<()> {
        let person = format!("again{round}");
        let user = self.sign_in("op", &person, &mut Cookies::default()).await?;
        let begun = self.browser.begin(self.url(1), "op2", &self.secrets).await?;
        let begun = begun.map_err(|answer| format!("a sign-in did not begin: {answer:?}"))?;
        let (answer, mut cookies) = self.browser.finish(self.url(1), begun).await?;
        if answer.location.as_deref().is_none_or(|to| !to.ends_with("/login/confirm"))
            || has_session(&cookies)
        {
            return Err(format!("the account does not wait: {answer:?}").into());
        }
        self.sign_in("op", &person, &mut cookies).await?;
        let pressed = self.press("/login/confirm", &cookies).await?;
        let done = self.redirected("confirm", "/", pressed);
        self.outcome.expect("one confirmation", done.is_empty(), false);
        self.expect_rows("accounts of the user", &format!("oauth_accounts WHERE user_id = '{user}'"), 2)?;
        self.expect_rows("users of the person", &format!("users WHERE id = {user}"), 1)?;
        // Those of the two sign-ins.
        self.expect_rows("sessions of the user", &format!("oauth_sessions WHERE user_id = '{user}'"), 2)?;
        self.check_rows()
    }

    /// Leads the user from `page` to the provider, who grants its scope.
    async fn consent(&self, n: usize, page: &str, cookies: &Cookies) -> Result<Returned> {
        let (url, mut cookies) = (self.url(n), cookies.clone());
        let asks = self.browser.page(&format!("{url}{page}"), &mut cookies).await?;
        let to = asks.location.ok_or_else(|| format!("{page} asks for nothing: {}", asks.status))?;
        let asks = self.browser.page(&format!("{url}{to}"), &mut cookies).await?;
        let html = Html::parse(&asks.body);
        let form = html.form("/login/op").ok_or("there is no form")?;
        let field = |name: &'static str| (name, form.field(name).unwrap_or_default());
        let fields = ["csrf", "next", "scope"].map(field);
        let begun = self.browser.post(&format!("{url}/login/op"), &fields, &mut cookies).await?;
        let to = begun.location.ok_or_else(|| format!("no consent began: {}", begun.status))?;
        let callback = self.browser.approve(&to, &self.secrets).await?;
        Ok(Returned { callback, cookies })
    }

    /// A user grants further scopes for two pages at once.
    async fn scopes(&mut self, round: usize) -> Result<()> {
        let person = format!("scope{round}");
        let mut ada = Cookies::default();
        let user = self.sign_in("op", &person, &mut ada).await?;
        let mut returned = Vec::new();
        for n in 0..4 {
            returned.push(self.consent(n, PAGES[(n / 2 + round) % 2].0, &ada).await?);
        }
        let ends = try_join_all(
            returned
                .into_iter()
                .enumerate()
                .map(async |(n, returned)| self.browser.finish(self.url(n), returned).await),
        )
        .await?;
        let done: Vec<_> = PAGES.iter().map(|(page, _)| (*page, ends.iter())).collect();
        let granted = done.into_iter().flat_map(|(page, ends)| {
            ends.filter(move |(answer, _)| answer.location.as_deref().is_some_and(|to| to.ends_with(page)))
        });
        let Some(mut ada) = granted.map(|(_, cookies)| cookies.clone()).next_back() else {
            self.outcome.violation("no consent was granted");
            return Ok(());
        };
        self.redirected("consent", "/", ends);
        let account = format!("oauth_accounts WHERE provider_user_id = '{person}' AND scope LIKE '%openid%'");
        let any = PAGES.map(|(_, scope)| format!("scope LIKE '%{scope}%'"));
        self.expect_rows(
            "the account with what it had",
            &format!("{account} AND ({})", any.join(" OR ")),
            1,
        )?;
        // Those whose cookie was replaced twice are signed out: the user signs in again, and no scope is lost by that.
        if self.user(0, &ada).await? != Some(user) {
            ada = Cookies::default();
            self.database.execute(&format!("DELETE FROM oauth_sessions WHERE user_id = '{user}'"))?;
            self.sign_in("op", &person, &mut ada).await?;
        }
        for (page, _) in PAGES {
            let answer = self.browser.page(&format!("{}{page}", self.url(0)), &mut ada).await?;
            if answer.status != 200 {
                let returned = self.consent(1, page, &ada).await?;
                (_, ada) = self.browser.finish(self.url(1), returned).await?;
            }
        }
        for n in 0..4 {
            let url = format!("{}{}", self.url(n), PAGES[n / 2].0);
            let answer = self.browser.page(&url, &mut ada).await?;
            self.outcome.expect("a page with its scope", answer.status, 200);
        }
        self.expect_rows("all scopes", &format!("{account} AND {}", any.join(" AND ")), 1)?;
        self.expect_rows("sessions of the user", &format!("oauth_sessions WHERE user_id = '{user}'"), 1)?;
        self.check_rows()
    }
}

pub(crate) async fn run(kind: Kind, settings: &Settings) -> Result<Outcome> {
    let (secrets, refusals) = (SecretLog::default(), SecretLog::default());
    let database = Database::create(kind)?;
    database.execute("CREATE TABLE notes (id INT PRIMARY KEY, user_id INT NOT NULL)")?;
    database.execute("CREATE TABLE merges (from_user INT NOT NULL, into_user INT NOT NULL)")?;
    let fake = provider(&secrets, &refusals).await;
    // Without the cache, so that each process sees at once what the other one does.
    let workers = Worker::several(&database, &fake, &Value::Bool(false))?;
    let outcome = Outcome::default();
    let mut race = Race { browser: Browser::new(), workers, fake, secrets, database, outcome };
    let begun = Instant::now();
    let mut signed_in = 0;
    for round in 0..settings.rounds {
        signed_in += race.merge(round).await?;
        race.confirm(round).await?;
        race.scopes(round).await?;
    }
    let Race { mut outcome, database, secrets, .. } = race;
    outcome.figure("rounds", settings.rounds);
    outcome.figure("sign-ins among merges", signed_in);
    outcome.figure("took", format!("{:.1?}", begun.elapsed()));
    look(&mut outcome, &database, &secrets, "merge0a")?;
    Ok(outcome)
}
