//! The process ends at each step of a callback (DB-03, TX-01): what remains, and whether the user can sign in after the
//! next start.

use std::process::abort;
use std::sync::Arc;

use diesel::prelude::*;
use rocket_dance::storage::DieselStorage;
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint};
use rocket_dance::{
    AuthorizedLogin, Client, Dance, Event, LinkPolicy, Login, NextStep, Result, Signals, Verdict,
};
use serde_json::json;

use crate::people::{People, SignUp};
use crate::server::{Server, Tab};

const BASE_URL: &str = "http://127.0.0.1";

diesel::define_sql_function! {
    /// An SQL function that ends the process, for triggers.
    fn crash(id: diesel::sql_types::BigInt) -> diesel::sql_types::Integer;
}

/// Ends the process at a chosen step.
struct Crash(String);

impl Crash {
    fn at(&self, step: &str) {
        if self.0 == step {
            abort();
        }
    }
}

impl LinkPolicy<SqliteConnection, i32> for Crash {
    fn link(&self, login: &Login<i32>, conn: &mut SqliteConnection) -> Result<Verdict<i32>> {
        let verdict = SignUp.link(login, conn);
        self.at("policy");
        verdict
    }
}

#[rocket::async_trait]
impl Signals for Crash {
    async fn authorized(
        &self,
        _: &rocket::Request<'_>,
        _: &mut AuthorizedLogin,
        _: &Client,
    ) -> Result<NextStep> {
        self.at("authorized");
        Ok(NextStep::Continue)
    }

    async fn event(&self, _: Option<&rocket::Request<'_>>, event: &Event) {
        match event {
            Event::AccountCreated { .. } => self.at("stored"),
            Event::LoginCompleted { .. } => self.at("signed in"),
            _ => {}
        }
    }
}

/// Not a test: the process that [`Ride::start`] starts.
#[test]
#[ignore = "the process that other tests start"]
fn serve() {
    crate::server::serve_with(|settings| {
        let database = settings["people"].as_str().expect("a path");
        let step = || Crash(settings["crash"].as_str().expect("a step").to_owned());
        let storage =
            DieselStorage::url(database).migrate().link(step()).on_connect(|conn: &mut SqliteConnection| {
                crash_utils::register_impl(conn, |_: i64| -> i32 { abort() })
            });
        Dance::fairing().storage(storage).signals(step())
    });
}

/// What must hold at whichever step the process ended.
fn check(people: &People, step: &str) {
    let users =
        "users WHERE NOT EXISTS (SELECT 1 FROM oauth_accounts WHERE user_id = CAST(users.id AS TEXT))";
    let accounts = "oauth_accounts WHERE NOT EXISTS (SELECT 1 FROM users WHERE CAST(users.id AS TEXT) = ifnull(user_id, '-'))";
    assert_eq!(people.count(users), 0, "{step}: a user without account");
    assert_eq!(people.count(accounts), 0, "{step}: an account without user");
}

/// A first sign-in during which the process ends at `step`; `lay` prepares that once the tables exist. Then the next
/// start: the numbers of rows, and whether the user can sign in.
async fn crashes(step: &str, lay: &str, wanted: i32) {
    let people = Arc::new(People::new());
    let fake = FakeProvider::start().await;
    let start = |step: &str| {
        Server::start_as("crash::serve", people.clone(), &fake, BASE_URL, "off", json!({ "crash": step }))
    };
    let mut server = start(step);
    if !lay.is_empty() {
        people.sql(&format!("CREATE TRIGGER trap {lay} BEGIN SELECT crash(1); END"));
    }
    let mut tab = Tab::new(&server);
    let callback = tab.callback(&fake, "/login/op").await;
    let (cookies, left) = (tab.cookie_header(), tab.cookies);
    let answer = if step == "exchange" {
        // The code was sent, and no answer arrives.
        fake.respond_once(ProviderEndpoint::Token, FakeResponse::hang());
        std::thread::scope(|scope| {
            let asked = scope.spawn(|| server.try_request("GET", &callback, &[("Cookie", &cookies)], ""));
            test_support::wait_until_blocking("the token request", || {
                fake.request_count(ProviderEndpoint::Token) > 0 || asked.is_finished()
            });
            server.kill();
            asked.join().expect("no panic")
        })
    } else {
        server.try_request("GET", &callback, &[("Cookie", &cookies)], "")
    };
    assert!(answer.is_none(), "{step}: an answer, and with it a session");
    assert!(server.has_crashed(), "{step}");
    check(&people, step);
    assert_eq!(people.count("oauth_accounts"), wanted, "{step}: accounts after the crash");

    people.sql("DROP TRIGGER IF EXISTS trap");
    fake.reset_behavior();
    let next = start("");
    // In the same browser, with the cookies of the failed sign-in.
    let mut tab = Tab::new(&next);
    tab.cookies = left;
    let callback = tab.callback(&fake, "/login/op").await;
    let end = tab.get(&callback);
    assert_eq!((end.status, end.header("location")), (303, Some("/")), "{step}: {}", end.body);
    assert_eq!(tab.get("/me").body, "1", "{step}: a session of the one user");
    check(&people, step);
    assert_eq!((people.count("users"), people.count("oauth_accounts")), (1, 1), "{step}");
}

#[rocket::async_test]
async fn db_03_in_the_transaction_of_the_claim() {
    crashes("claim", "AFTER INSERT ON oauth_claims", 0).await;
}

#[rocket::async_test]
async fn db_03_after_the_claim_while_the_code_is_exchanged() {
    crashes("exchange", "", 0).await;
}

#[rocket::async_test]
async fn db_03_after_the_exchange() {
    crashes("authorized", "", 0).await;
}

#[rocket::async_test]
async fn tx_01_in_the_policy_after_the_user_was_inserted() {
    crashes("policy", "", 0).await;
}

#[rocket::async_test]
async fn tx_01_after_the_account_was_inserted_before_the_commit() {
    crashes("account", "AFTER INSERT ON oauth_accounts", 0).await;
}

#[rocket::async_test]
async fn tx_01_after_the_commit() {
    crashes("stored", "", 1).await;
}

#[rocket::async_test]
async fn tx_01_after_the_session_was_given_before_the_answer() {
    crashes("signed in", "", 1).await;
    crashes("settled", "AFTER UPDATE ON oauth_claims", 1).await;
}
