//! A signal that takes long delays its own request only: it holds no database connection, no transaction and no turn.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rocket::Request;
use rocket::Response;
use rocket::http::Status;
use rocket::tokio::sync::Semaphore;
use rocket::tokio::time::{sleep, timeout};
use rocket_dance::storage::DieselStorage;
use rocket_dance::{AuthorizedLogin, Client, Error, Event, NextStep, Result, Signals};

use crate::harness::{TestApp, sign_up};

/// Waits once, in the signal or the event with this name, until the test releases it.
#[derive(Clone)]
struct Slow {
    place: &'static str,
    waits: Arc<AtomicBool>,
    release: Arc<Semaphore>,
}

impl Slow {
    fn new(place: &'static str) -> Self {
        Self { place, waits: Arc::default(), release: Arc::new(Semaphore::new(0)) }
    }

    async fn pass(&self, place: &str) {
        if place == self.place && !self.waits.swap(true, Ordering::SeqCst) {
            self.release.acquire().await.unwrap().forget();
        }
    }

    async fn until_it_waits(&self) {
        while !self.waits.load(Ordering::SeqCst) {
            sleep(Duration::from_millis(5)).await;
        }
    }
}

#[rocket::async_trait]
impl Signals for Slow {
    async fn authorized(&self, _: &Request<'_>, _: &mut AuthorizedLogin, _: &Client) -> Result<NextStep> {
        self.pass("authorized").await;
        Ok(NextStep::Continue)
    }

    async fn error(&self, _: &Request<'_>, _: &str, _: &Error) -> Option<Response<'static>> {
        self.pass("error").await;
        None
    }

    async fn event(&self, _: Option<&Request<'_>>, event: &Event) {
        let name = format!("{event:?}");
        self.pass(name.split(['(', ' ']).next().unwrap_or_default()).await;
    }
}

/// An app with one connection to its database.
async fn app(slow: &Slow) -> TestApp {
    let storage = DieselStorage::database("app").migrate().link(sign_up).pool_size(1);
    TestApp::launch_built(
        |figment| figment.merge(("dance.cache", false)),
        |dance| dance.storage(storage).signals(slow.clone()),
    )
    .await
}

#[rocket::async_test]
async fn a4_a_slow_signal_holds_no_connection() {
    for place in [
        "authorized",
        "UserCreated",
        "AccountCreated",
        "SessionBegan",
        "LoginCompleted",
        "LoginFailed",
        "error",
    ] {
        let slow = Slow::new(place);
        let app = app(&slow).await;
        let mut first = app.browser();
        let is_failure = ["LoginFailed", "error"].contains(&place);
        if is_failure {
            app.fake.deny_next_authorization();
        }
        let callback = first.ride("/login/op").await;
        let others = async {
            slow.until_it_waits().await;
            let mut other = app.browser();
            app.fake.set_user("grace");
            timeout(Duration::from_secs(4), other.sign_in("op")).await.expect(place);
            slow.release.add_permits(1);
        };
        let (answer, ()) = rocket::tokio::join!(first.get(&callback), others);
        let expected = if is_failure { Status::Forbidden } else { Status::SeeOther };
        assert_eq!(answer.status, expected, "{place}: {answer:?}");
        assert_eq!(first.user().await.is_some(), !is_failure, "{place}");
    }
}

#[rocket::async_test]
async fn a4_a_slow_signal_delays_no_other_use_of_the_token() {
    for place in ["TokenRefreshed", "GrantLost"] {
        let slow = Slow::new(place);
        let app = app(&slow).await;
        let (mut first, mut other) = (app.browser(), app.browser());
        first.sign_in("op").await;
        other.sign_in("op").await;
        match place {
            "GrantLost" => {
                app.advance(120);
                app.fake.revoke_tokens("ada");
            }
            _ => {
                app.fake.expire_access_tokens();
            }
        }
        let others = async {
            slow.until_it_waits().await;
            let answer = timeout(Duration::from_secs(4), other.get("/guarded")).await.expect(place);
            slow.release.add_permits(1);
            answer
        };
        let (one, two) = rocket::tokio::join!(first.get("/guarded"), others);
        assert_eq!((one.status, &one.body), (two.status, &two.body), "{place}");
        assert_eq!(one.status == Status::Ok, place == "TokenRefreshed", "{one:?}");
    }
}
