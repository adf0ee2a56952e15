//! Load: users who sign up, who use their token, and who sign out, at one or more processes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rocket::tokio::time::sleep;
use rocket_dance::testing::FakeProvider;
use serde_json::Value;

use test_support::{Cookies, SecretLog};

use crate::Result;
use crate::browser::{Browser, Returned, has_session, summary};

/// A response: what was requested, when it arrived, and its status.
pub(crate) struct Seen {
    pub(crate) what: &'static str,
    pub(crate) at: Instant,
    pub(crate) status: u16,
}

pub(crate) struct Load {
    pub(crate) browser: Browser,
    /// The URLs of the processes.
    apps: RwLock<Vec<String>>,
    pub(crate) fake: FakeProvider,
    pub(crate) secrets: SecretLog,
    pub(crate) stop: AtomicBool,
    pub(crate) people: AtomicUsize,
    pub(crate) seen: Mutex<Vec<Seen>>,
    pub(crate) odd: Mutex<BTreeMap<String, usize>>,
    /// The URL of the process that is stopped at the moment, or was stopped last.
    stopping: Mutex<Option<String>>,
    /// The number of requests that went to another process, because their own was stopped.
    pub(crate) moved: AtomicUsize,
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
            apps: RwLock::new(apps),
            fake,
            secrets,
            stop: AtomicBool::new(false),
            people: AtomicUsize::new(0),
            seen: Mutex::default(),
            odd: Mutex::default(),
            stopping: Mutex::default(),
            moved: AtomicUsize::new(0),
            sessions: Mutex::default(),
            ended: Mutex::default(),
        }
    }

    /// The URLs of all processes.
    pub(crate) fn apps(&self) -> Vec<String> {
        self.apps.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn app(&self, n: usize) -> String {
        let mut apps = self.apps();
        let at = n % apps.len();
        apps.swap_remove(at)
    }

    /// Lets requests to the process at `url` go to another one if it closes their connection without an answer.
    pub(crate) fn expect_end(&self, url: &str) {
        *lock(&self.stopping) = Some(url.to_owned());
    }

    /// Puts the process at `url` in the place of the process `n`.
    pub(crate) fn replace(&self, n: usize, url: &str) {
        self.apps.write().unwrap_or_else(PoisonError::into_inner)[n] = url.to_owned();
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

    fn lost(&self, what: &str, why: &str) {
        *lock(&self.odd).entry(format!("{what} got no answer: {why}")).or_default() += 1;
    }

    /// Asks the process `n`, or the next one while that one is stopped. Without an answer, it records why.
    async fn ask<T>(&self, n: usize, what: &str, mut ask: impl AsyncFnMut(&str) -> Result<T>) -> Option<T> {
        for one in 0..self.apps().len() {
            let app = self.app(n + one);
            let error = match ask(&app).await {
                Ok(answer) => return Some(answer),
                Err(error) => chain(error),
            };
            let is_stopped = lock(&self.stopping).as_ref() == Some(&app);
            // Between two requests, a server may close the connection at the moment at which the next one is sent.
            if !is_stopped || !error.contains("client error") {
                self.lost(what, &error);
                return None;
            }
            self.moved.fetch_add(1, Ordering::Relaxed);
        }
        self.lost(what, "no process answers");
        None
    }

    /// Signs new users up, one after the other.
    pub(crate) async fn newcomer(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            if let Some(cookies) = self.sign_in(self.next_person()).await {
                lock(&self.sessions).push(cookies);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    async fn sign_in(&self, n: usize) -> Option<Cookies> {
        let begin = async |app: &str| self.browser.begin(app, "op", &self.secrets).await;
        let Returned { callback, cookies } = match self.ask(n, "begin", begin).await? {
            Ok(returned) => returned,
            Err(answer) => {
                self.saw("begin", answer.status, 303, &answer.body);
                return None;
            }
        };
        self.saw("begin", 303, 303, "");
        let finish = async |app: &str| {
            let returned = Returned { callback: callback.clone(), cookies: cookies.clone() };
            self.browser.finish(app, returned).await
        };
        let (answer, cookies) = self.ask(n, "callback", finish).await?;
        self.saw("callback", answer.status, 303, &answer.body);
        has_session(&cookies).then_some(cookies)
    }

    /// Signs new users up and out again, one after the other. A copy of each session is seen by another process in between.
    pub(crate) async fn leaver(&self) {
        while !self.stop.load(Ordering::Relaxed) {
            let person = self.next_person();
            if let Some(cookies) = self.sign_in(person).await {
                self.leave(person, cookies).await;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Signs a user out. `None` if that did not succeed, which is recorded.
    async fn leave(&self, person: usize, mut cookies: Cookies) -> Option<()> {
        let copy = cookies.clone();
        let me = async |app: &str| self.browser.get(&format!("{app}/me"), &mut copy.clone()).await;
        self.ask(person + 1, "me", me).await?;
        let page = async |app: &str| self.browser.get(&format!("{app}/login/accounts"), &mut cookies).await;
        let page = self.ask(person, "accounts page", page).await?;
        self.saw("accounts page", page.status, 200, &page.body);
        let page: Value = serde_json::from_str(&page.body).ok().filter(|_| page.status == 200)?;
        let Some(csrf) = page["csrf"].as_str() else {
            self.lost("accounts page", "the session is gone");
            return None;
        };
        let form = [("csrf", csrf)];
        let sign_out =
            async |app: &str| self.browser.post(&format!("{app}/login/logout"), &form, &mut cookies).await;
        let answer = self.ask(person, "sign-out", sign_out).await?;
        self.saw("sign-out", answer.status, 303, &answer.body);
        if answer.status == 303 {
            lock(&self.ended).push(copy);
        }
        Some(())
    }

    /// Whether `app` accepts the session. An outage counts as yes.
    pub(crate) async fn accepts(&self, app: &str, session: &Cookies) -> Result<bool> {
        let me = self.browser.get(&format!("{app}/me"), &mut session.clone()).await?;
        let me: Value = serde_json::from_str(&me.body).unwrap_or_default();
        Ok(me.get("user").is_none_or(|user| !user.is_null()))
    }

    /// Signs a user in and out at one process. Returns the time until the last one refuses the session, if that takes less than ten
    /// seconds.
    pub(crate) async fn time_to_forget(&self) -> Result<Option<Duration>> {
        self.next_person();
        let (here, there) = (self.app(0), self.app(self.apps().len() - 1));
        let mut cookies = self.browser.sign_in(&here, "op", &self.secrets).await?;
        let copy = cookies.clone();
        if !self.accepts(&there, &copy).await? {
            return Err("the other process doesn't know the session".into());
        }
        let answer = self.browser.submit(&format!("{here}/login/logout"), &here, &mut cookies).await?;
        if answer.status != 303 {
            return Err(format!("the sign-out failed: {answer:?}").into());
        }
        let ended = Instant::now();
        while ended.elapsed() < Duration::from_secs(10) {
            if !self.accepts(&there, &copy).await? {
                return Ok(Some(ended.elapsed()));
            }
            sleep(Duration::from_millis(2)).await;
        }
        Ok(None)
    }

    /// Uses the token of a user who is signed in.
    pub(crate) async fn regular(&self, n: usize, mut cookies: Cookies) {
        while !self.stop.load(Ordering::Relaxed) {
            let whoami = async |app: &str| self.browser.get(&format!("{app}/whoami/op"), &mut cookies).await;
            if let Some(answer) = self.ask(n, "whoami", whoami).await {
                self.saw("whoami", answer.status, 200, &answer.body);
            }
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// The error and its sources, without the URL, whose query is different each time.
fn chain(error: Box<dyn std::error::Error + Send + Sync>) -> String {
    let error = match error.downcast::<reqwest::Error>() {
        Ok(error) => Box::new(error.without_url()),
        Err(error) => error,
    };
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        said = format!("{said}: {error}");
        source = error.source();
    }
    said
}
