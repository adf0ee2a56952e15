//! [`Cassette`]: the calls of one test to a real API.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use futures::FutureExt;
use futures::future::BoxFuture;
use http::header::{LINK, LOCATION};
use rocket::{Build, Rocket};
use url::Url;

use super::credentials::{client_secrets, complete};
use super::recorded_call::{CalledRequest, CassetteFile, RecordedCall};
use super::scrubber::Scrubber;
use crate::dance::TestSetup;
use crate::error::Result;
use crate::flow::{RequestKind, StandIn, unavailable};
use crate::lock::lock;
use crate::secret::Secret;
use crate::testing::TestAccount;
use crate::token::Token;

/// The environment variable with which cassettes are recorded.
const RECORD: &str = "RECORD_CASSETTES";

/// The calls of an app to the real API of a provider, recorded once and replayed offline from then on.
///
/// The file has each call and its answer as indented JSON: commit it, and a change of the API shows in a diff. It is recorded with
/// a token of your own from the environment:
///
/// ```console
/// $ RECORD_CASSETTES=1 GITHUB_TOKEN=ghp_… cargo test index_shows_the_name
/// ```
///
/// Without `RECORD_CASSETTES`, no call leaves the process. A call that is not on the cassette is a fault: the app gets a
/// [`ProviderUnreachable`](crate::ErrorKind::ProviderUnreachable), and the test panics at its end and says how to record again.
/// Calls with the same method, URL and body are answered in the order in which they were recorded, each once.
///
/// What is not recorded: the headers of requests, bodies of requests that are not text, cookies, and most headers of responses. An
/// answer that is neither text nor an image, audio, video or font is a fault: a secret in it could not be found. What is replaced:
/// the token, the entry's client secret, fields, parameters and XML elements whose names say that they are secrets (`access_token`,
/// `password`, …), users and passwords of URLs, and whatever looks like a token; and e-mail addresses, with
/// [`scrub_emails`](Cassette::scrub_emails). Read the file before you commit it. The positions of pages (`next_token`, `cursor`, …)
/// stay, and an app that follows a scrubbed URL of an answer reaches the real one while the cassette is recorded.
///
/// ```no_run
/// use rocket::local::asynchronous::Client;
/// use rocket_dance::provider::GitHub;
/// use rocket_dance::testing::{Cassette, connect, sign_in_as};
///
/// # async fn test(rocket: rocket::Rocket<rocket::Build>) {
/// let cassette = Cassette::open("tests/cassettes/index.json", "GITHUB_TOKEN");
/// let client = Client::tracked(cassette.stand_in(rocket, "github")).await.unwrap();
/// connect(&client, &1, GitHub, cassette.account()).await;
/// sign_in_as(&client, &1).await;
/// assert_eq!(client.get("/").dispatch().await.into_string().await.unwrap(), "You are @ada on GitHub");
/// # }
/// ```
pub struct Cassette(Arc<Inner>);

struct Inner {
    path: PathBuf,
    token: Secret,
    /// What to write to record it again.
    how_to_record: String,
    state: Mutex<State>,
}

struct State {
    mode: Mode,
    scrubber: Scrubber,
    /// The calls that it does not have or cannot record, one text for each.
    faults: Vec<String>,
}

enum Mode {
    Record(CassetteFile),
    /// Each call with whether it was replayed.
    Replay(Vec<(RecordedCall, bool)>),
}

impl Cassette {
    /// Opens the cassette in the file `path`, which is relative to the package's folder, where `cargo test` runs. With
    /// `RECORD_CASSETTES=1` it is recorded, with the token in the environment variable `token_variable`.
    ///
    /// # Panics
    /// If it is to be recorded and there is no token, or if it is to be replayed and there is no such file.
    #[track_caller]
    pub fn open(path: impl AsRef<Path>, token_variable: &str) -> Self {
        let (path, how) = (path.as_ref(), how_to_record(token_variable));
        if std::env::var_os(RECORD).is_none_or(|value| value.is_empty() || value == "0") {
            return Self::load(path, how);
        }
        match std::env::var(token_variable).ok().filter(|token| !token.is_empty()) {
            Some(token) => Self::start(path, &token, how),
            None => panic!("{}: to record it, `{token_variable}` must have a token: {how}", path.display()),
        }
    }

    /// Records the cassette in the file `path` now, with `token`. A file that exists is replaced at the first call.
    pub fn record(path: impl AsRef<Path>, token: &str) -> Self {
        Self::start(path.as_ref(), token, how_to_record("<TOKEN>"))
    }

    /// Replays the cassette in the file `path`.
    ///
    /// # Panics
    /// If there is no such file.
    #[track_caller]
    pub fn replay(path: impl AsRef<Path>) -> Self {
        Self::load(path.as_ref(), how_to_record("<TOKEN>"))
    }

    #[track_caller]
    fn load(path: &Path, how_to_record: String) -> Self {
        let file = CassetteFile::read(path).unwrap_or_else(|error| {
            panic!("the cassette {} can't be read: {error}. To record it: {how_to_record}", path.display())
        });
        let calls = file.calls.into_iter().map(|call| (call, false)).collect();
        Self::new(path, "a token of a cassette", how_to_record, Mode::Replay(calls))
    }

    fn start(path: &Path, token: &str, how_to_record: String) -> Self {
        Self::new(path, token, how_to_record, Mode::Record(CassetteFile::default()))
    }

    fn new(path: &Path, token: &str, how_to_record: String, mode: Mode) -> Self {
        let mut scrubber = Scrubber::default();
        scrubber.add(token, "<token>");
        let state = Mutex::new(State { mode, scrubber, faults: Vec::new() });
        Self(Arc::new(Inner { path: path.to_owned(), token: Secret::new(token), how_to_record, state }))
    }

    /// Replaces every e-mail address by `person@example.test`.
    #[must_use]
    pub fn scrub_emails(self) -> Self {
        self.0.state().scrubber.replace_emails();
        self
    }

    /// Replaces `text` by `replacement` wherever it is recorded, for example the name of a private repository.
    #[must_use]
    pub fn scrub(self, text: &str, replacement: &str) -> Self {
        self.0.state().scrubber.add(text, replacement);
        self
    }

    /// Answers the app's calls of the API of the entry called `name` from this cassette. If the app's configuration has no
    /// credentials for the entry, it gets some, because the launch requires them.
    pub fn stand_in(&self, rocket: Rocket<Build>, name: &str) -> Rocket<Build> {
        let env = |variable: &str| std::env::var(variable).ok();
        for secret in client_secrets(rocket.figment(), name, env) {
            self.0.state().scrubber.add(&secret, "<client secret>");
        }
        let figment = complete(rocket.figment().clone(), name, env);
        let player = Player { cassette: self.0.clone(), entry: name.to_owned() };
        TestSetup::change(rocket.configure(figment), |changes| changes.stand_ins.push(Arc::new(player)))
    }

    /// Returns the account for [`connect`](crate::testing::connect): with the token from the environment while the cassette is
    /// recorded, otherwise with one that no API knows.
    pub fn account(&self) -> TestAccount {
        TestAccount::valid().with_token(Token::new(self.0.token.expose()))
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Returns the answer on the cassette; `None` if it is being recorded.
    fn replay(&self, request: &CalledRequest, url: Url) -> Option<Result<reqwest::Response>> {
        let mut state = self.state();
        let State { mode: Mode::Replay(calls), faults, .. } = &mut *state else { return None };
        let next = calls.iter_mut().find(|(call, is_played)| !is_played && call.request == *request);
        if let Some((call, is_played)) = next {
            *is_played = true;
            return Some(call.replay(url).map_err(|error| unavailable(error.to_string())));
        }
        let known = calls.iter().map(|(call, is_played)| {
            format!("\n  {}{}", call.request, if *is_played { " (replayed already)" } else { "" })
        });
        let fault = format!(
            "the cassette {} does not have {request}. It has:{}\nTo record it again: {}",
            self.path.display(),
            known.collect::<String>(),
            self.how_to_record
        );
        faults.push(fault.clone());
        Some(Err(unavailable(fault)))
    }

    /// Sends a call over the network and writes it to the file.
    async fn record(
        &self,
        mut request: reqwest::Request,
        called: CalledRequest,
        network: &reqwest::Client,
    ) -> Result<reqwest::Response> {
        let failed = |error: reqwest::Error| unavailable(error.without_url().to_string());
        let url = request.url().clone();
        // The app may have the URL from a scrubbed answer.
        if let Some(real) = self.state().scrubber.real_url(&url) {
            *request.url_mut() = real;
        }
        let response = network.execute(request).await.map_err(failed)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await.map_err(failed)?;
        let mut state = self.state();
        let recorded = RecordedCall::record(called, status, &headers, &body, &state.scrubber);
        let recorded = recorded.map_err(|fault| {
            state.faults.push(fault.clone());
            unavailable(fault)
        })?;
        if let Mode::Record(file) = &mut state.mode {
            file.calls.push(recorded.clone());
            file.write(&self.path).map_err(|error| {
                unavailable(format!("the cassette {} can't be written: {error}", self.path.display()))
            })?;
        }
        // What is recorded, so that the test sees now what it will see later; but the app must be able to go where it is sent.
        let mut replayed = recorded.replay(url).map_err(|error| unavailable(error.to_string()))?;
        for name in [LINK, LOCATION] {
            if let (Some(recorded), Some(real)) = (replayed.headers_mut().get_mut(&name), headers.get(&name))
            {
                recorded.clone_from(real);
            }
        }
        Ok(replayed)
    }
}

/// The command that records the cassettes of the running test, which Rust names its thread for.
fn how_to_record(token_variable: &str) -> String {
    let thread = std::thread::current();
    let test = thread.name().filter(|name| *name != "main").unwrap_or_default();
    format!("{RECORD}=1 {token_variable}=… cargo test {test}").trim_end().to_owned()
}

/// Answers the calls of one entry's API from a cassette.
struct Player {
    cassette: Arc<Inner>,
    entry: String,
}

impl StandIn for Player {
    fn answers(&self, _: &Url, kind: RequestKind<'_>) -> bool {
        kind == RequestKind::Api(&self.entry)
    }

    fn answer<'a>(
        &'a self,
        request: reqwest::Request,
        network: &'a reqwest::Client,
    ) -> BoxFuture<'a, Result<reqwest::Response>> {
        async move {
            let called = CalledRequest::new(&request, &self.cassette.state().scrubber);
            match self.cassette.replay(&called, request.url().clone()) {
                Some(replayed) => replayed,
                None => self.cassette.record(request, called, network).await,
            }
        }
        .boxed()
    }
}

impl Drop for Cassette {
    /// Fails the test if a call was not on the cassette, or could not be recorded.
    fn drop(&mut self) {
        let faults = self.0.state().faults.join("\n");
        assert!(faults.is_empty() || std::thread::panicking(), "{faults}");
    }
}

impl fmt::Debug for Cassette {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Cassette").field(&self.0.path).finish()
    }
}
