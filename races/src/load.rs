//! Load: users who sign up, who use their token, and who sign out, at one or more processes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rocket::tokio::time::sleep;
use rocket_dance::testing::FakeProvider;

use test_support::{Cookies, SecretLog};

use crate::Result;
use crate::browser::{Browser, has_session, summary};

/// A response: what was requested, when it arrived, and its status.
pub(crate) struct Seen {
    pub(crate) what: &'static str,
    pub(crate) at: Instant,
    pub(crate) status: u16,
}

pub(crate) struct Load {
    pub(crate) browser: Browser,
    /// The processes.
    pub(crate) apps: Vec<String>,
    pub(crate) fake: FakeProvider,
    pub(crate) secrets: SecretLog,
    pub(crate) stop: AtomicBool,
    pub(crate) people: AtomicUsize,
    pub(crate) seen: Mutex<Vec<Seen>>,
    pub(crate) odd: Mutex<BTreeMap<String, usize>>,
    /// The sessions that began, and copies of those that ended.
    pub(crate) sessions: Mutex<Vec<Cookies>>,
    pub(crate) ended: Mutex<Vec<Cookies>>,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Load {
    pub(crate) fn new(apps: Vec<String>, fake: FakeProvider, secrets: SecretLog) -> Self {
        Self {
            browser: Browser::new(),
            apps,
            fake,
            secrets,
            stop: AtomicBool::new(false),
            people: AtomicUsize::new(0),
            seen: Mutex::default(),
            odd: Mutex::default(),
            sessions: Mutex::default(),
            ended: Mutex::default(),
        }
    }

    pub(crate) fn app(&self, n: usize) -> &str {
        &self.apps[n % self.apps.len()]
    }

    /// Lets the next sign-in at the provider be that of a new person. Returns the person's number.
    pub(crate) fn next_person(&self) -> usize {
        let person = self.people.fetch_add(1, Ordering::Relaxed);
        self.fake.set_user(&format!("person{person}"));
        person
    }

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

    /// Signs new users up, one after the other.
    pub(crate) async fn newcomer(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            let app = self.app(self.next_person());
            if let Some(cookies) = self.sign_in(app).await {
                lock(&self.sessions).push(cookies);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn sign_in(&self, app: &str) -> Option<Cookies> {
        match self.browser.begin(app, "op", &self.secrets).await {
            Ok(Ok(returned)) => {
                self.saw("begin", 303, 303, "");
                match self.browser.finish(app, returned).await {
                    Ok((answer, cookies)) => {
                        self.saw("callback", answer.status, 303, &answer.body);
                        return has_session(&cookies).then_some(cookies);
                    }
                    Err(error) => self.lost("callback", error),
                }
            }
            Ok(Err(answer)) => self.saw("begin", answer.status, 303, &answer.body),
            Err(error) => self.lost("begin", error),
        }
        None
    }

    /// Signs new users up and out again, one after the other. A copy of each session is seen by another process in between.
    pub(crate) async fn leaver(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            let person = self.next_person();
            if let Some(cookies) = self.sign_in(self.app(person)).await
                && let Err(error) = self.leave(person, cookies).await
            {
                // The page of the form was an outage's.
                self.saw("sign-out", 503, 303, &error.to_string());
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn leave(&self, person: usize, mut cookies: Cookies) -> Result<()> {
        let (app, copy) = (self.app(person), cookies.clone());
        self.browser.get(&format!("{}/me", self.app(person + 1)), &mut copy.clone()).await?;
        let answer = self.browser.submit(&format!("{app}/login/logout"), app, &mut cookies).await?;
        self.saw("sign-out", answer.status, 303, &answer.body);
        if answer.status == 303 {
            lock(&self.ended).push(copy);
        }
        Ok(())
    }

    /// Whether `app` accepts the session. An outage counts as yes.
    pub(crate) async fn accepts(&self, app: &str, session: &Cookies) -> Result<bool> {
        let me = self.browser.get(&format!("{app}/me"), &mut session.clone()).await?;
        let me: serde_json::Value = serde_json::from_str(&me.body).unwrap_or_default();
        Ok(me.get("user").is_none_or(|user| !user.is_null()))
    }

    /// Signs a user in and out at one process. Returns the time until the last one refuses the session, if that takes less than ten
    /// seconds.
    pub(crate) async fn time_to_forget(&self) -> Result<Option<Duration>> {
        self.next_person();
        let (here, there) = (self.app(0), self.app(self.apps.len() - 1));
        let mut cookies = self.browser.sign_in(here, "op", &self.secrets).await?;
        let copy = cookies.clone();
        if !self.accepts(there, &copy).await? {
            return Err("the other process doesn't know the session".into());
        }
        let answer = self.browser.submit(&format!("{here}/login/logout"), here, &mut cookies).await?;
        if answer.status != 303 {
            return Err(format!("the sign-out failed: {answer:?}").into());
        }
        let ended = Instant::now();
        while ended.elapsed() < Duration::from_secs(10) {
            if !self.accepts(there, &copy).await? {
                return Ok(Some(ended.elapsed()));
            }
            sleep(Duration::from_millis(2)).await;
        }
        Ok(None)
    }

    /// Uses the token of a user who is signed in.
    pub(crate) async fn regular(&self, n: usize, mut cookies: Cookies) {
        while !self.stop.load(Ordering::Relaxed) {
            match self.browser.get(&format!("{}/whoami/op", self.app(n)), &mut cookies).await {
                Ok(answer) => self.saw("whoami", answer.status, 200, &answer.body),
                Err(error) => self.lost("whoami", error),
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
}
