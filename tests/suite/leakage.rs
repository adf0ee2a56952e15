//! The log of whole rides holds no secret.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use rocket_dance::testing::{Endpoint, FakeProvider};
use serde_json::{Value, json};

use crate::server::{Server, Tab};

const BASE: &str = "http://localhost:8000";

/// Everything secret that has passed the provider, and what browsers had.
struct Secrets(Arc<Mutex<BTreeSet<String>>>);

impl Secrets {
    fn of(fake: &FakeProvider) -> Self {
        let secrets = Self(Arc::default());
        secrets.add(fake.client_secret());
        let id_tokens = secrets.0.clone();
        fake.id_token(move |token| {
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

/// Rides every way that leads to a callback; `normal` and `debug` differ in nothing but the log level.
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
            // What must not use the flow up is logged too.
            assert_eq!(tab.send("HEAD", &callback, "").status, 405);
            assert!(matches!(tab.send("POST", &callback, "x=y").status, 405 | 404));
            let ended = tab.get(&callback);
            done += usize::from(ended.status == 303);
            secrets.add(tab.cookies.get("rocket_dance_session").map_or("", String::as_str));
            if ended.status == 303 && entry == "op" {
                assert_eq!(tab.get("/guarded").body, "ada");
                fake.expire_access_tokens();
                assert_eq!(tab.get("/guarded").body, "ada", "refreshed");
            }
            // A repeat, and one in another browser.
            tab.get(&callback);
            assert_eq!(server.request("GET", &callback, &[], "").status, 400);
        }
    }
    assert!(done >= 4, "only {done} rides reached the app");
    assert!(fake.count(Endpoint::Token) > done);
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

/// The opposite, so that the two tests above are known to be able to fail: uncapped, Rocket prints everything.
#[rocket::async_test]
async fn lk_04_an_uncapped_debug_log_would_hold_them() {
    let (server, secrets) = ride("debug", true).await;
    let log = server.log();
    assert!(secrets.0.lock().expect("the set").iter().any(|secret| log.contains(secret.as_str())));
}

/// LK-06: neither does the database, nor what lies beside it.
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
