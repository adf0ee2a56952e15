//! How many statements a request costs. docs/guide/scale.md has these numbers.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use diesel::connection::InstrumentationEvent;
use diesel::prelude::*;
use rocket::figment::Figment;
use rocket::http::{ContentType, Status};
use rocket::local::asynchronous::Client;
use rocket::tokio::time::sleep;
use rocket::{Build, Rocket};
use rocket_dance::testing::{FakeProvider, sign_in};
use rocket_dance::{Dance, DanceFairing, Token};
use serde_json::{Value, json};

use crate::app::{App, Op, figment, rocket};
use crate::people::People;

/// The statements that an app's storage has sent, in order.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<Vec<String>>>);

impl Statements {
    /// Notes each statement of `conn`.
    fn watch(&self, conn: &mut SqliteConnection) {
        let noted = self.0.clone();
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                noted.lock().unwrap().push(query.to_string());
            }
        });
    }

    /// Waits for the last statement of the launch, which counts the accounts by the key that seals them, and forgets all.
    async fn of_the_launch(&self) {
        while !self.0.lock().unwrap().iter().any(|sql| sql.contains("min(`oauth_accounts`.`id`)")) {
            sleep(Duration::from_millis(5)).await;
        }
        self.take();
    }

    /// Returns the numbers of [`take`](Self::take) when what a request does in the background has ended: a disconnect looks whether
    /// the grant may be revoked.
    async fn of_a_request(&self) -> (usize, usize) {
        let sent = || self.0.lock().unwrap().len();
        let mut before = usize::MAX;
        while before != sent() {
            before = sent();
            sleep(Duration::from_millis(100)).await;
        }
        self.take()
    }

    /// Returns the numbers of statements and of transactions since the last call. What begins and ends a transaction is no
    /// statement.
    fn take(&self) -> (usize, usize) {
        let noted = std::mem::take(&mut *self.0.lock().unwrap());
        let transactions = noted.iter().filter(|sql| sql.starts_with("BEGIN")).count();
        let ends = noted.iter().filter(|sql| *sql == "COMMIT" || *sql == "ROLLBACK").count();
        assert_eq!(transactions, ends, "{noted:#?}");
        (noted.len() - transactions - ends, transactions)
    }
}

async fn app(people: &People, statements: &Statements, settings: &[(&str, Value)]) -> App {
    app_with(people, statements, settings, rocket).await
}

async fn app_with(
    people: &People,
    statements: &Statements,
    settings: &[(&str, Value)],
    build: fn(Figment, DanceFairing) -> Rocket<Build>,
) -> App {
    let fake = FakeProvider::start().await;
    let figment = settings.iter().fold(figment(&fake), |figment, setting| figment.merge(setting.clone()));
    let watched = statements.clone();
    let storage = people.storage().on_connect(move |conn: &mut SqliteConnection| {
        watched.watch(conn);
        Ok(())
    });
    let client =
        Client::tracked(build(figment, Dance::fairing().storage(storage))).await.expect("the app launches");
    App::of(client, fake)
}

/// A request, its statements, and its transactions.
type Cost = (&'static str, usize, usize);

/// Rides through an app with these settings, and returns what each request costs.
async fn costs(settings: &[(&str, Value)]) -> Vec<Cost> {
    let (people, statements) = (People::new(), Statements::default());
    let app = app(&people, &statements, settings).await;
    statements.of_the_launch().await;
    let mut costs = Vec::new();
    let mut cost = async |request| {
        let (count, transactions) = statements.of_a_request().await;
        costs.push((request, count, transactions));
    };

    let callback = app.callback("/login/op").await;
    cost("begin").await;
    assert_eq!(app.get(&callback).await.status(), Status::SeeOther);
    cost("callback of a new user").await;
    assert_eq!(app.get("/me").await.status(), Status::Ok);
    cost("CurrentUser, the first time").await;
    assert_eq!(app.get("/me").await.status(), Status::Ok);
    cost("CurrentUser").await;
    assert_eq!(app.get("/guarded").await.status(), Status::Ok);
    cost("OAuth, the first time").await;
    assert_eq!(app.get("/guarded").await.status(), Status::Ok);
    cost("OAuth").await;
    assert_eq!(app.get("/accounts").await.status(), Status::Ok);
    cost("Accounts").await;
    assert_eq!(sign_in(&app.client, "op2").await.status, Status::SeeOther);
    statements.take();
    let (_, page) = app.json("/login/accounts").await;
    cost("accounts page").await;
    let post = async |path: &'static str| {
        let csrf = [("csrf", page["csrf"].as_str().unwrap())];
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(csrf).finish();
        let response = app.client.post(path).header(ContentType::Form).body(form).dispatch().await;
        assert_eq!(response.status(), Status::SeeOther, "{path}");
    };
    post("/login/op2/disconnect").await;
    cost("disconnect").await;
    post("/login/logout").await;
    cost("sign-out").await;
    let callback = app.callback("/login/op").await;
    statements.take();
    assert_eq!(app.get(&callback).await.status(), Status::SeeOther);
    cost("callback of a known user").await;
    costs
}

#[rocket::async_test]
async fn a_request_costs_these_statements() {
    let cached = [
        ("begin", 0, 0),
        ("callback of a new user", 18, 4),
        ("CurrentUser, the first time", 1, 0),
        ("CurrentUser", 0, 0),
        ("OAuth, the first time", 1, 0),
        ("OAuth", 0, 0),
        ("Accounts", 1, 0),
        ("accounts page", 3, 0),
        ("disconnect", 9, 2),
        ("sign-out", 3, 1),
        ("callback of a known user", 14, 4),
    ];
    assert_eq!(costs(&[]).await, cached);
    let uncached = [
        ("begin", 0, 0),
        ("callback of a new user", 18, 4),
        ("CurrentUser, the first time", 1, 0),
        ("CurrentUser", 1, 0),
        ("OAuth, the first time", 1, 0),
        ("OAuth", 1, 0),
        ("Accounts", 1, 0),
        ("accounts page", 3, 0),
        ("disconnect", 8, 2),
        ("sign-out", 4, 1),
        ("callback of a known user", 14, 4),
    ];
    assert_eq!(costs(&[("dance.cache", json!(false))]).await, uncached);
}

/// Whether `sql` reads or locks every account without a user of an entry.
fn reads_every_visitors(sql: &str) -> bool {
    let Some((_, condition)) = sql.split_once(" WHERE ").filter(|_| sql.contains("`oauth_accounts`")) else {
        return false;
    };
    condition.contains("`user_id` IS NULL")
        && !["`provider_user_id`", "`rank` =", "`id` =", "LIMIT"].iter().any(|one| condition.contains(one))
}

/// Many visitors may have an account without a user at an entry.
#[rocket::async_test]
async fn nothing_reads_the_accounts_of_all_visitors() {
    for is_site in [false, true] {
        let (people, statements) = (People::new(), Statements::default());
        let settings: &[(&str, Value)] = match is_site {
            false => &[("dance.user_required", json!(false))],
            true => &[("oauth.op.account", json!("bot"))],
        };
        // Without the guards of a user's account, which an entry of the site does not have.
        let build = |figment, dance| rocket::custom(figment).attach(dance);
        let app = app_with(&people, &statements, settings, build).await;
        statements.of_the_launch().await;
        people.sql(
            "INSERT INTO oauth_accounts (provider, issuer, provider_user_id, token, token_type, scope, email_verified, \
             userinfo, created_at, updated_at, version) WITH RECURSIVE visitor (n) AS (SELECT 1 UNION ALL SELECT n + 1 \
             FROM visitor WHERE n < 200) SELECT 'op', 'x', 'visitor' || n, 'x', 'Bearer', '', 0, '{}', 0, 0, 1 \
             FROM visitor",
        );
        let tokens = || Dance::fetch(app.client.rocket()).unwrap().tokens(Op);
        for token in ["first", "second"] {
            tokens().set(Token::new(token)).await.unwrap();
            assert!(tokens().get().await.unwrap().unwrap().access_token.matches(token));
        }
        tokens().delete().await.unwrap();
        assert!(tokens().get().await.unwrap().is_none());
        tokens().set(Token::new("third")).await.unwrap();
        if is_site {
            app.fake.set_user("bot");
            let callback = app.callback("/login/op").await;
            assert_eq!(app.get(&callback).await.status(), Status::SeeOther);
        }
        assert_eq!(people.count("oauth_accounts"), 201);
        let noted = statements.0.lock().unwrap().clone();
        assert!(noted.len() > 20, "{noted:#?}");
        let bad: Vec<_> = noted.iter().filter(|sql| reads_every_visitors(sql)).collect();
        assert!(bad.is_empty(), "{bad:#?}");
    }
}
