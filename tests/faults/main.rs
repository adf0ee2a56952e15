//! What a provider can do wrong, one fault at a time, in front of a certified provider: what must be refused is refused
//! completely, and what must be tolerated is tolerated.
//!
//! They need node, so `cargo test` ignores them; `./test.sh` installs what they need and runs them.

#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;
mod house;
mod table;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use rocket::http::Status;
use rocket::tokio::sync::Semaphore;
use rocket::tokio::task::JoinSet;

use common::faulty_proxy::{Faulty, TOKEN, USERINFO};
use common::openid_provider::Provider;
use house::{Answer, App, CALLBACK, Person};
use table::{At, ELSEWHERE, Outcome, Row, TABLE, When};
use test_support::{CapturedLog, KnownSecret, SecretSearch, Watchdog};

/// Lifetime of an access token, in seconds.
const TTL: u32 = 600;
/// Maximum number of faults that are tried at a time. The slow ones wait for the library's timeout of 10 s.
const AT_ONCE: usize = 8;
/// Timeout for all faults together.
const TEST_TIMEOUT: Duration = Duration::from_secs(20 * 60);

#[test]
fn seventy_three_faults_eleven_of_them_harmless() {
    let names: BTreeSet<_> = TABLE.iter().map(|row| row.name).collect();
    assert_eq!((TABLE.len(), names.len()), (73, 73));
    let survived = TABLE.iter().filter(|row| row.outcome == Outcome::Survived).map(|row| row.name);
    let harmless = [
        "aud-array-of-one",
        "exp-float",
        "jwks-extra-odd-keys",
        "kid-missing",
        "kid-rotated",
        "refresh-not-returned",
        "token-bom",
        "token-expires-negative",
        "token-expires-text",
        "userinfo-401",
        "userinfo-html",
    ];
    assert_eq!(survived.collect::<BTreeSet<_>>(), BTreeSet::from(harmless));
}

#[rocket::async_test]
#[ignore = "needs node: ./test.sh, or: cargo test --all-features --test faults -- --ignored"]
async fn each_fault_has_its_outcome() {
    let _watchdog = Watchdog::with_limit(TEST_TIMEOUT);
    let log = CapturedLog::start().expect("no other logger is set");
    let folder = tempfile::tempdir().unwrap();
    let provider = Arc::new(Provider::start(folder.path(), &[CALLBACK.to_owned()], TTL));
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    let mut names = std::collections::HashMap::new();
    for row in chosen() {
        let (provider, turns) = (provider.clone(), turns.clone());
        let task = running.spawn(async move {
            let _turn = turns.acquire_owned().await.unwrap();
            run(row, &provider).await
        });
        names.insert(task.id(), row.name);
    }
    let (mut failed, mut hidden) = (Vec::new(), Vec::new());
    while let Some(ended) = running.join_next_with_id().await {
        match ended {
            Ok((_, passed)) => hidden.extend(passed),
            Err(panic) => failed.push(names[&panic.id()]),
        }
    }
    assert!(
        failed.is_empty(),
        "{} faults have another outcome than their row in tests/faults/table.rs says: {failed:?}. Each printed its outcome \
         above. Repeat one with `FAULT=<name>`; if the new outcome is right, change its row.",
        failed.len()
    );

    let log = log.text();
    assert_eq!(SecretSearch::new(hidden).find_in("the log", log.as_bytes()), Vec::<String>::new());
    // The control: it is the right log, and the search finds what is in it.
    assert!(log.contains("GET /login/op/authorized") && !log.contains("panicked"), "{log}");
    let seen = [KnownSecret::new("word", "authorized")];
    assert!(!SecretSearch::new(seen).find_in("the log", log.as_bytes()).is_empty());
}

/// All rows, or those whose name contains the environment variable `FAULT`.
fn chosen() -> Vec<Row> {
    let wanted = std::env::var("FAULT").unwrap_or_default();
    TABLE.iter().filter(|row| row.name.contains(&wanted)).copied().collect()
}

/// One fault with its app, provider and user.
struct Case<'a> {
    row: Row,
    provider: &'a Provider,
    faulty: Faulty,
    folder: tempfile::TempDir,
    app: App,
    /// The user who is signed in before the fault, and stays signed in.
    alice: Person,
}

/// Tries one fault, with a correct sign-in before and after it. Returns every secret so far.
async fn run(row: Row, provider: &Provider) -> Vec<KnownSecret> {
    let folder = tempfile::tempdir().unwrap();
    let faulty = Faulty::start(&provider.url).await;
    let app = App::launch(folder.path(), &faulty).await;
    let mut alice = Person::new("alice");
    let first = alice.sign_in(&app, provider).await;
    assert_eq!(first.location(), Some("/"), "{}: an honest start: {}", row.name, first.brief());
    let mut case = Case { row, provider, faulty, folder, app, alice };
    if row.when == When::Refresh {
        case.refresh().await
    } else {
        case.sign_in().await
    }

    let hidden = case.faulty.secrets();
    let files = case.app.files();
    assert_eq!(SecretSearch::new(hidden.clone()).find_in_files(&files), Vec::<String>::new(), "{}", row.name);
    hidden
}

impl Case<'_> {
    /// Bob signs in for the first time.
    async fn sign_in(&mut self) {
        let mut bob = Person::new("bob");
        self.restart_if_cold().await;
        self.faulty.spoil(Some(self.row.spoil));
        let before = self.app.rows();
        let asked = self.asked();
        let (at, answer) = match bob.ride(&self.app, self.provider).await {
            Ok(callback) => (At::Callback, bob.get(&self.app, &callback).await),
            Err(begin) => (At::Begin, begin),
        };
        let asked = (self.asked().0 - asked.0, self.asked().1 - asked.1);
        if self.row.outcome == Outcome::Survived {
            assert_eq!(answer.location(), Some("/"), "{}: {}", self.row.name, answer.brief());
        } else {
            self.refused(at, &answer, asked).await;
            assert_eq!(self.app.rows(), before, "{}: the database stays", self.row.name);
            assert_eq!(bob.user(&self.app).await, None, "{}", self.row.name);
            // The control: without the fault the sign-in succeeds.
            self.faulty.spoil(None);
            self.restart_if_cold().await;
            let again = bob.sign_in(&self.app, self.provider).await;
            assert_eq!(again.location(), Some("/"), "{}: an honest end: {}", self.row.name, again.brief());
        }
        assert_eq!(bob.user(&self.app).await.as_deref(), Some("2"), "{}", self.row.name);
        assert_eq!(self.app.counts(), (2, 2), "{}", self.row.name);
        assert_eq!(self.alice.user(&self.app).await.as_deref(), Some("1"), "{}", self.row.name);
    }

    /// Alice's access token must be refreshed.
    async fn refresh(&mut self) {
        let (counts, name) = (self.app.counts(), self.row.name);
        self.app.advance(i64::from(TTL));
        self.faulty.spoil(Some(self.row.spoil));
        let asked = self.asked();
        let answer = self.alice.call(&self.app).await;
        let asked = (self.asked().0 - asked.0, self.asked().1 - asked.1);
        if self.row.outcome == Outcome::Survived {
            assert_eq!((answer.status, answer.body.as_str(), asked), (Status::Ok, "alice", (1, 1)), "{name}");
            // This provider has replaced the refresh token that it did not return. What matters is that the stored one stays and
            // is sent the next time.
            self.app.advance(i64::from(TTL));
            let answer = self.alice.call(&self.app).await;
            assert_eq!(code(&answer), "reconnect_needed", "{name}: {}", answer.brief());
            let sent = self.faulty.refresh_tokens();
            assert!(sent.len() == 2 && sent[0] == sent[1], "{name}");
        } else {
            self.refused(At::Api, &answer, asked).await;
        }
        assert_eq!(self.app.counts(), counts, "{name}");
        assert_eq!(self.alice.user(&self.app).await.as_deref(), Some("1"), "{name}");
    }

    async fn restart_if_cold(&mut self) {
        if self.row.when == When::Cold {
            self.app = App::launch(self.folder.path(), &self.faulty).await;
        }
    }

    /// The numbers of token and userinfo requests.
    fn asked(&self) -> (usize, usize) {
        (self.faulty.count(TOKEN), self.faulty.count(USERINFO))
    }

    /// Asserts what holds for every refusal.
    async fn refused(&mut self, at: At, answer: &Answer, asked: (usize, usize)) {
        let name = self.row.name;
        let found = Outcome::Refused { at, status: answer.status, code: code(answer), asked };
        assert_eq!(found, self.row.outcome, "{name}: {}", answer.brief());
        assert!(!answer.sets_session(), "{name}: {}", answer.brief());
        assert_eq!(self.faulty.count(ELSEWHERE), 0, "{name}: no redirect is followed");
        for (header, wanted) in
            [("Cache-Control", "no-store"), ("Referrer-Policy", "no-referrer"), ("X-Frame-Options", "DENY")]
        {
            assert_eq!(answer.headers(header).collect::<Vec<_>>(), [wanted], "{name}: {header}");
        }
        let said = format!("{answer:?}");
        for foreign in ["alert(1)", "a=b", "evil.example", "mallory", "terms first"] {
            assert!(!said.contains(foreign), "{name}: {said}");
        }
        let hidden = self.faulty.secrets();
        assert_eq!(
            SecretSearch::new(hidden).find_in("the answer", said.as_bytes()),
            Vec::<String>::new(),
            "{name}"
        );
        if code(answer) == "callback_not_trusted" {
            // All causes give the same page, so that an attacker learns nothing from it.
            let any = Person::new("nobody").get(&self.app, "/login/op/authorized").await;
            assert_eq!((any.status, &any.body), (answer.status, &answer.body), "{name}");
        }
    }
}

/// The error code on the page.
fn code(answer: &Answer) -> &'static str {
    let codes = [
        "callback_not_trusted",
        "bad_provider_answer",
        "provider_unreachable",
        "provider_timeout",
        "reconnect_needed",
    ];
    codes.into_iter().find(|code| answer.body.contains(code)).unwrap_or("none of them")
}
