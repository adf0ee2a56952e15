//! No secret is in the log of whole sign-ins, in a URL, or in the `Debug` text of a type.

use std::collections::BTreeSet;
use std::fmt::{Debug, Display};
use std::sync::{Arc, Mutex};

use diesel::prelude::*;
use rocket::Request;
use rocket::http::Status;
use rocket_dance::storage::{AccountKey, DieselStorage};
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint};
use rocket_dance::{
    AuthorizationRequest, AuthorizedLogin, Client, Event, Login, NextStep, Result, Secret, Signals, Token,
    Verdict,
};
use serde::Serialize;
use serde_json::{Value, json};

use crate::app::Op;
use crate::harness::{Refusal, SESSION, TestApp, TestRequest, assert_refused, captured_log};
use crate::server::{Server, Tab};

const BASE: &str = "http://localhost:8000";

/// Every secret that has passed the provider, and every cookie of the browsers.
struct Secrets(Arc<Mutex<BTreeSet<String>>>);

impl Secrets {
    fn of(fake: &FakeProvider) -> Self {
        let secrets = Self(Arc::default());
        secrets.add(fake.client_secret());
        let id_tokens = secrets.0.clone();
        fake.edit_id_token(move |token| {
            id_tokens.lock().expect("the set").insert(token.clone());
            token
        });
        secrets
    }

    fn add(&self, secret: &str) {
        if secret.len() > 8 {
            self.0.lock().expect("the set").insert(secret.to_owned());
            self.0
                .lock()
                .expect("the set")
                .insert(url::form_urlencoded::byte_serialize(secret.as_bytes()).collect());
        }
    }

    fn learn(&self, fake: &FakeProvider) {
        for request in fake.requests() {
            for name in ["state", "nonce"] {
                self.add(request.query.get(name).map_or("", String::as_str));
            }
            for name in ["code", "code_verifier", "refresh_token", "client_secret"] {
                self.add(request.form.get(name).map_or("", String::as_str));
            }
            let authorization = request.headers.get("authorization").map_or("", String::as_str);
            self.add(authorization.split_once(' ').map_or("", |(_, token)| token));
        }
    }

    fn assert_absent(&self, place: &str, text: &str) {
        for secret in self.0.lock().expect("the set").iter() {
            assert!(!text.contains(secret.as_str()), "{place} holds {secret}");
        }
    }
}

/// Every way that leads to a callback. `normal` and `debug` differ only in the log level.
async fn ride(log_level: &str, log_requests: bool) -> (Server, Secrets) {
    let fake = FakeProvider::start().await;
    let secrets = Secrets::of(&fake);
    let extra = json!({
        "oauth": { "op2": { "redirect_uri": "http://localhost:8000/auth/back" } },
        "dance": { "log_requests": log_requests, "cache": false },
    });
    let server = Server::start(&fake, BASE, log_level, extra);
    let ways: [fn(&str) -> String; 6] = [
        |callback| callback.to_owned(),
        |callback| format!("/{callback}"),
        |callback| callback.replacen("?", "/?", 1),
        |callback| callback.replacen("authorized", "%61uthorized", 1).replacen("back", "%62ack", 1),
        |callback| callback.replacen("/login", "/%6cogin", 1).replacen("/auth/", "//%61uth//", 1),
        |callback| callback.replacen("/op/", "/%6Fp/", 1),
    ];
    let mut done = 0;
    for entry in ["op", "op2"] {
        for way in ways {
            let mut tab = Tab::new(&server);
            let callback = way(&tab.callback(&fake, &format!("/login/{entry}?next=/guarded")).await);
            let query: Value =
                url::form_urlencoded::parse(callback.split_once('?').expect("a query").1.as_bytes())
                    .into_owned()
                    .map(|(name, value)| (name, json!(value)))
                    .collect::<serde_json::Map<_, _>>()
                    .into();
            secrets.add(query["code"].as_str().unwrap_or_default());
            // Requests that must not use the flow up are logged, too.
            assert_eq!(tab.send("HEAD", &callback, "").status, 405);
            assert!(matches!(tab.send("POST", &callback, "x=y").status, 405 | 404));
            let ended = tab.get(&callback);
            done += usize::from(ended.status == 303);
            secrets.add(tab.cookies.get(crate::harness::SESSION).map_or("", String::as_str));
            if ended.status == 303 && entry == "op" {
                assert_eq!(tab.get("/guarded").body, "ada");
                fake.expire_access_tokens();
                assert_eq!(tab.get("/guarded").body, "ada", "refreshed");
            }
            // A repeated callback, and one in another browser.
            tab.get(&callback);
            assert_eq!(server.request("GET", &callback, &[], "").status, 400);
        }
    }
    assert!(done >= 4, "only {done} rides reached the app");
    assert!(fake.request_count(ProviderEndpoint::Token) > done);
    secrets.learn(&fake);
    (server, secrets)
}

#[rocket::async_test]
async fn lk_04_the_normal_log_holds_no_secret() {
    let (server, secrets) = ride("normal", false).await;
    let log = server.log();
    assert!(log.contains("GET /login/op/authorized"), "the log was on: {log}");
    assert!(log.contains("GET /auth/back") && log.contains("callback_not_trusted"));
    secrets.assert_absent("the log", &log);
}

#[rocket::async_test]
async fn lk_04_the_debug_log_holds_no_secret() {
    let (server, secrets) = ride("debug", false).await;
    let log = server.log();
    assert!(log.contains("GET /login/op/authorized"), "the log was on");
    assert!(log.contains("capped at info"));
    secrets.assert_absent("the log", &log);
}

/// The control: with `log_requests`, Rocket prints everything, so the two tests above can fail.
#[rocket::async_test]
async fn lk_04_an_uncapped_debug_log_would_hold_them() {
    let (server, secrets) = ride("debug", true).await;
    let log = server.log();
    assert!(secrets.0.lock().expect("the set").iter().any(|secret| log.contains(secret.as_str())));
}

/// LK-06: the database and its side files contain no secret.
#[rocket::async_test]
async fn lk_06_the_database_holds_no_secret() {
    let (server, secrets) = ride("off", false).await;
    let mut files = 0;
    for file in std::fs::read_dir(server.people.folder()).expect("the folder") {
        let path = file.expect("a file").path();
        files += 1;
        secrets.assert_absent(
            &path.display().to_string(),
            &String::from_utf8_lossy(&std::fs::read(&path).expect("read")),
        );
    }
    assert!(files >= 2, "a database and a log");
    assert_eq!(server.people.count("oauth_accounts"), 2);
}

/// The `Debug` text of every value that an app receives.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<String>>);

impl Printed {
    fn add(&self, value: &dyn Debug) {
        let mut all = self.0.lock().expect("the text");
        *all += &format!("{value:?} {value:#?}\n");
    }
}

#[rocket::async_trait]
impl Signals for Printed {
    async fn before_login(&self, _: &Request<'_>, begin: &mut AuthorizationRequest) -> Result<()> {
        begin.add_note("note", "of the app");
        self.add(begin);
        Ok(())
    }

    async fn authorized(
        &self,
        _: &rocket::Request<'_>,
        login: &mut AuthorizedLogin,
        client: &Client,
    ) -> Result<NextStep> {
        self.add(login);
        self.add(client);
        self.add(&client.get("me"));
        Ok(NextStep::Continue)
    }

    async fn event(&self, _: Option<&rocket::Request<'_>>, event: &Event) {
        self.add(event);
    }
}

/// LK-01: whatever an app prints, at every step of a sign-in.
#[rocket::async_test]
async fn lk_01_nothing_that_an_app_holds_prints_a_secret() {
    let printed = Printed::default();
    let (signals, policy) = (printed.clone(), printed.clone());
    let storage = DieselStorage::database("app").migrate().link(
        move |login: &Login<i32>, conn: &mut SqliteConnection| {
            policy.add(login);
            crate::harness::sign_up(login, conn)
        },
    );
    printed.add(&storage);
    let app = TestApp::launch_built(|figment| figment, |dance| dance.storage(storage).signals(signals)).await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let page = ada.get("/debug").await;
    assert!(page.body.contains("Accounts {") && page.body.contains("Dance {"), "{}", page.body);
    printed.0.lock().unwrap().push_str(&page.body);

    let user = ada.user().await.unwrap();
    app.advance(3600);
    let client = app.dance().client(Op, &user).await.unwrap().expect("an account");
    client.access_token().await.expect("refreshed");
    let token = app.dance().tokens(Op).of(&user).get().await.unwrap().expect("a token");
    assert!(app.tokens().iter().any(|known| known == token.access_token.expose()));
    printed.add(&token);
    printed.add(&(app.dance(), &client, app.dance().tokens(Op), app.fake.as_ref()));
    // Errors contain no secret either.
    app.advance(3600);
    let dead = json!({"error": "invalid_grant", "error_description": token.access_token.expose()});
    app.fake.respond_once(ProviderEndpoint::Token, FakeResponse::json(dead).with_status(400));
    let error = client.access_token().await.unwrap_err();
    printed.add(&error);
    printed.0.lock().unwrap().push_str(&error.to_string());
    app.dance().delete(&AccountKey::identity("op", "ada")).await.unwrap();

    let printed = printed.0.lock().unwrap();
    let turns = [
        "AuthorizationRequest",
        "AuthorizedLogin",
        "Login",
        "Client",
        "AccountCreated",
        "TokenRefreshed",
        "Token {",
        "FakeProvider",
    ];
    for turn in turns {
        assert!(printed.contains(turn), "{turn} has printed itself: {printed}");
    }
    app.assert_no_secret("what prints itself", &printed, &[]);
}

/// LK-02: an answer of the userinfo endpoint that repeats what it was sent, and more that is secret.
#[rocket::async_test]
async fn lk_02_no_log_holds_what_a_userinfo_answer_repeats() {
    let first = TestApp::launch().await;
    let (key, mut entry) = first.fake.preset_config("op", "oauth2");
    entry["profile"] = json!({"id": "sub"});
    let app = first.relaunch_with(move |figment| figment.merge((key, entry)), |dance| dance).await;
    let secret = app.fake.client_secret().to_owned();
    for status in [200, 400, 403, 500] {
        for body in [
            json!({"client_secret": secret, "error": secret, "error_description": secret, "message": secret})
                .to_string(),
            format!("{{\"sub\": {{\"client_secret\": \"{secret}\"}}}}"),
            format!("client_secret={secret}"),
            format!("{{\"client_secret\": \"{secret}\", "),
        ] {
            let mut ada = app.browser();
            let callback = ada.ride("/login/op").await;
            let response = FakeResponse::body("application/json", body.clone()).with_status(status);
            app.fake.respond_once(ProviderEndpoint::Userinfo, response);
            let answer = ada.get(&callback).await;
            assert!(answer.status.code >= 502 && !answer.sets(SESSION), "{status} {body}: {answer:?}");
            app.assert_no_secret("the page", &format!("{answer:?}"), &[]);
        }
    }
    assert_eq!(app.count("oauth_accounts"), 0);
    app.assert_no_secret("the log", &captured_log().unwrap_or_default(), &[]);
}

/// Whether a type implements a formatting trait: the compiler prefers the methods of `Shows<T>` if it does.
struct Shows<T>(std::marker::PhantomData<T>);

trait Hides {
    fn is_displayed(&self) -> bool {
        false
    }
    fn is_serialized(&self) -> bool {
        false
    }
}

impl<T> Hides for Shows<T> {}

impl<T: Display> Shows<T> {
    fn is_displayed(&self) -> bool {
        true
    }
}

impl<T: Serialize> Shows<T> {
    fn is_serialized(&self) -> bool {
        true
    }
}

#[test]
fn lk_01_secrets_are_neither_displayed_nor_serialized() {
    let shown = Shows::<String>(std::marker::PhantomData);
    assert!(shown.is_displayed() && shown.is_serialized());
    let secret = Shows::<Secret>(std::marker::PhantomData);
    assert!(!secret.is_displayed() && !secret.is_serialized());
    let token = Shows::<Token>(std::marker::PhantomData);
    assert!(!token.is_displayed() && !token.is_serialized());
    assert_eq!(format!("{:?}", Secret::new("hunter2")), "[redacted]");
    let token = Token::new("hunter2").with_refresh_token("hunter3");
    assert!(!format!("{token:?} {token:#?}").contains("hunter"));
}

#[rocket::async_test]
async fn lk_03_tokens_are_in_the_authorization_header_and_in_no_url() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let user = ada.user().await.unwrap();
    let client = app.dance().client(Op, &user).await.unwrap().expect("an account");
    for path in ["things?a=1", "/api/things", "things#fragment"] {
        client.get(path).query(&[("b", "2")]).json::<Value>().await.unwrap();
    }
    app.advance(3600);
    client.get("me").json::<Value>().await.unwrap();
    assert_eq!(ada.get("/guarded").await.body, "ada");
    app.dance().delete(&AccountKey::identity("op", "ada")).await.unwrap();
    app.dance().wait_for_revocations().await;
    let mut with_token = 0;
    for request in app.fake.requests() {
        let url = format!("{} {:?}", request.path, request.query);
        for token in app.tokens() {
            assert!(!url.contains(&token), "{url}");
        }
        if matches!(request.endpoint, ProviderEndpoint::Userinfo | ProviderEndpoint::Api) {
            let header = request.headers["authorization"].strip_prefix("Bearer ").expect("a bearer token");
            assert!(app.tokens().iter().any(|token| token == header));
            assert!(!request.body.contains(header), "the control: one of them is found");
            with_token += 1;
        }
    }
    assert!(with_token >= 5, "{with_token}");
}

/// LK-07: neither a page nor the log shows the panic message of an app's code, which may contain a secret.
#[rocket::async_test]
async fn lk_07_a_policy_that_panics_shows_nothing() {
    let storage = DieselStorage::database("app").migrate().link(
        |login: &Login<i32>, _: &mut SqliteConnection| -> Result<Verdict<i32>> {
            panic!("of {:?}, in the room with the secret-door", login.profile.id)
        },
    );
    let app = TestApp::launch_built(|figment| figment, |dance| dance.storage(storage)).await;
    for accept in ["text/html", "application/json"] {
        let mut ada = app.browser();
        let callback = ada.ride("/login/op").await;
        let broken = Refusal::new(Status::InternalServerError, "app_error").after_exchange();
        let page =
            assert_refused(&mut ada, &TestRequest::get(&callback).header("Accept", accept), broken).await;
        for word in ["secret-door", "panic", ".rs", "thread", "sqlite", "SELECT"] {
            assert!(!page.body.contains(word), "{word}: {}", page.body);
        }
    }
    assert_eq!((app.count("users"), app.count("oauth_accounts")), (0, 0));
    app.relaunch(|figment| figment).await.browser().sign_in("op").await;
}
