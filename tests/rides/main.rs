//! Whole scenarios: the example app as an operator runs it, against a certified OpenID provider, with a browser without
//! JavaScript and with Chromium. They need node and Chromium, so `cargo test` ignores them; `./test.sh` installs what they
//! need and runs them.

#![cfg(feature = "sqlite")]
#![allow(clippy::unwrap_used)]

mod below_path;
mod client_auth;
#[path = "../common/mod.rs"]
mod common;
mod documented;
#[cfg(feature = "testing")]
mod doctor;
mod form_post;
mod logout;
mod nightly_job;
mod pages;
mod planted;
mod spa;
mod web_servers;

use std::path::Path;
use std::time::{Duration, Instant};

use common::app::App;
use common::chromium;
use common::database::Database;
use common::openid_provider::{CLIENT_ID, CLIENT_SECRET, Provider};
use rocket::futures::future::join_all;
use rocket::http::Status;
use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::{Browser, Page};
use test_support::{KnownSecret, SecretSearch, Watchdog};

/// Lifetime of an access token where a test waits for its end, in seconds.
const SHORT: u32 = 5;

/// Timeout for a test. The first one may build the example app.
const TEST_TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// An app and a provider with their files in one folder.
struct Ride {
    folder: TempDir,
    app: App,
    provider: Provider,
    entries: String,
    _watchdog: Watchdog,
}

impl Ride {
    /// Two entries of the same provider, `op` and `op2`.
    fn new(log_level: &'static str, access_token_ttl: u32) -> Self {
        Self::on("sqlite", log_level, access_token_ttl, &[])
    }

    fn on(
        database: &'static str,
        log_level: &'static str,
        access_token_ttl: u32,
        settings: &[(&str, &str)],
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = match database {
            "sqlite" => Database::sqlite(folder.path()),
            server => Database::on_server(server, folder.path()),
        };
        let app = App::new(folder.path(), database, log_level);
        Self::with(folder, app, access_token_ttl, settings)
    }

    fn with(folder: TempDir, app: App, access_token_ttl: u32, settings: &[(&str, &str)]) -> Self {
        let callbacks = [app.callback("op"), app.callback("op2")];
        let (landing, backchannel) = (app.url("/login/logged-out"), app.url("/login/op/backchannel-logout"));
        let logout = [
            ("POST_LOGOUT_REDIRECT_URIS", landing.as_str()),
            ("BACKCHANNEL_LOGOUT_URI", backchannel.as_str()),
        ];
        let settings = [&logout, settings].concat();
        let provider = Provider::start_with(folder.path(), &callbacks, access_token_ttl, &settings);
        let entries = entries(&provider);
        Self { folder, app, provider, entries, _watchdog: Watchdog::with_limit(TEST_TIMEOUT) }
    }

    async fn begin(&self, browser: &mut Browser, entry: &str) -> Page {
        browser.open(&self.app.url(&format!("/login/{entry}"))).await
    }

    /// Signs in at `op` in a new browser.
    async fn signed_in(&self, user: &str) -> Browser {
        let mut browser = Browser::new();
        let page = self.begin(&mut browser, "op").await;
        let flow = self.flow_cookies(&browser);
        let home = self.provider.consent(&mut browser, page, user).await;
        assert_eq!((home.status, home.url.path()), (Status::Ok, "/"), "{}", home.body);
        self.leaves_no_flow_cookie(&browser, &flow);
        browser
    }

    /// Checks the cookies of a flow in progress.
    fn flow_cookies(&self, browser: &Browser) -> Vec<String> {
        let home = self.app.url("/");
        let names: Vec<_> = browser.cookies.names(&home).iter().map(ToString::to_string).collect();
        assert!(!names.is_empty(), "a flow is bound to its browser");
        names
    }

    #[track_caller]
    fn leaves_no_flow_cookie(&self, browser: &Browser, flow: &[String]) {
        for name in browser.cookies.names(&self.app.url("/")) {
            assert!(!flow.iter().any(|old| old == name), "a finished flow leaves no cookie: {name}");
        }
    }

    async fn me(&self, browser: &mut Browser) -> Value {
        let page = browser.get_json(&self.app.url("/me")).await;
        assert_eq!(page.status, Status::Ok, "{}", page.body);
        page.json()
    }

    async fn whoami(&self, browser: &mut Browser, entry: &str) -> (Status, Value) {
        let page = browser.get_json(&self.app.url(&format!("/whoami/{entry}"))).await;
        (page.status, page.json())
    }

    /// Every stored row except those of `oauth_claims`.
    fn stored(&self) -> String {
        self.app.database.rows(Some("oauth_claims"))
    }

    /// Asserts that neither the database nor the log contains a secret of this test.
    async fn leaves_no_secret(&self, access_tokens: usize) {
        let hidden = self.provider.secrets().await;
        let of = |kind: &str| hidden.iter().filter(|secret| secret.kind == kind).count();
        for kind in
            ["client secret", "code", "state", "verifier", "access token", "refresh token", "ID token"]
        {
            assert!(of(kind) > 0, "the ride has no {kind} to look for");
        }
        assert!(of("access token") >= access_tokens, "{} access tokens", of("access token"));
        let files = self.app.files();
        let files: Vec<&Path> = files.iter().map(AsRef::as_ref).collect();
        assert_eq!(SecretSearch::new(hidden).find_in_files(&files), Vec::<String>::new());
        // The control: the search finds the user's name.
        let seen = KnownSecret::new("user", "alice");
        assert!(
            !SecretSearch::new([seen]).find_in_files(&files).is_empty(),
            "the search must find the user's name"
        );
    }
}

/// Two entries at `provider`, `op` and `op2`: the TOML of `[default.oauth]` in one line.
fn entries(provider: &Provider) -> String {
    let entry = format!(
        "{{provider=\"oidc\",issuer={:?},client_id={CLIENT_ID:?},client_secret={CLIENT_SECRET:?},\
         scope=[\"openid\",\"profile\",\"email\"]}}",
        provider.issuer()
    );
    format!("{{op={entry},op2={entry}}}")
}

fn accounts(me: &Value) -> Vec<(&str, &str)> {
    let accounts = me["accounts"].as_array().unwrap().iter();
    accounts.map(|a| (a["provider"].as_str().unwrap(), a["provider_user_id"].as_str().unwrap())).collect()
}

async fn whole_ride(database: &'static str, log_level: &'static str) {
    let ride = Ride::on(database, log_level, SHORT, &[]);
    let (app, provider) = (&ride.app, &ride.provider);
    let running = app.start(&ride.entries);

    // A sign-in: the app knows the user and calls the provider's API.
    let mut alice = ride.signed_in("alice").await;
    let signed_in = Instant::now();
    let me = ride.me(&mut alice).await;
    assert!(me["user"]["id"].is_number() && me["user"]["name"].is_string(), "{me}");
    assert_eq!(accounts(&me), [("op", "alice")]);
    let (status, userinfo) = ride.whoami(&mut alice, "op").await;
    assert_eq!(status, Status::Ok, "{userinfo}");
    let wanted = json!({ "sub": "alice", "name": "alice of Loopback", "email": "alice@example.test", "email_verified": true });
    assert_eq!(userinfo, wanted);
    assert_eq!(provider.count("refresh").await, 0);

    // The access token expires: one refresh, with a new refresh token.
    rocket::tokio::time::sleep(Duration::from_secs(SHORT.into()).saturating_sub(signed_in.elapsed())).await;
    assert_eq!(ride.whoami(&mut alice, "op").await, (Status::Ok, wanted.clone()));
    assert_eq!((provider.count("refresh").await, provider.count("rotated").await), (1, 1));

    // Another process on the same database: session, account and token are valid, and the rotated refresh token is stored.
    running.process.stop();
    let running = app.start(&ride.entries);
    assert_eq!(ride.me(&mut alice).await, me);
    rocket::tokio::time::sleep(Duration::from_secs(SHORT.into())).await;
    assert_eq!(ride.whoami(&mut alice, "op").await, (Status::Ok, wanted.clone()));
    assert_eq!((provider.count("refresh").await, provider.count("rotated").await), (2, 2));
    assert_eq!(provider.count("refused").await, 0);

    // A new browser gets the same user.
    let mut elsewhere = ride.signed_in("alice").await;
    assert_eq!(ride.me(&mut elsewhere).await, me);

    // Denying at the provider gives an error page and changes nothing else.
    let before = ride.stored();
    let mut bob = Browser::new();
    let page = ride.begin(&mut bob, "op").await;
    let flow = ride.flow_cookies(&bob);
    let page = provider.deny(&mut bob, page, "bob").await;
    assert_eq!(page.status, Status::Forbidden, "{}", page.body);
    assert!(page.headers["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(page.html().text.len() > 20, "a page that says so: {}", page.body);
    assert_eq!(ride.me(&mut bob).await["user"], Value::Null);
    ride.leaves_no_flow_cookie(&bob, &flow);
    assert_eq!(ride.stored(), before);

    // The only account cannot be disconnected: without it the user could not sign in again.
    let page = alice.get(&app.url("/login/accounts")).await;
    let refused = alice.submit_once(&page, &page.form("/login/op/disconnect"), &[]).await;
    assert_eq!(refused.status, Status::Conflict, "{}", refused.body);
    assert_eq!(ride.stored(), before);
    assert_eq!(ride.me(&mut alice).await, me);

    // A second entry of the same provider: a visit asks first, the button connects.
    let page = alice.get(&app.url("/login/op2")).await;
    assert_eq!(page.status, Status::Ok, "{}", page.body);
    assert_eq!(ride.stored(), before, "a GET connects nothing");
    let page = alice.submit(&page, &page.form("/login/op2"), &[]).await;
    let page = provider.consent(&mut alice, page, "alice").await;
    assert_eq!(page.status, Status::Ok, "{}", page.body);
    let both = ride.me(&mut alice).await;
    assert_eq!(both["user"], me["user"]);
    assert_eq!(accounts(&both), [("op", "alice"), ("op2", "alice")]);

    // Now the first account may be disconnected.
    let page = alice.get(&app.url("/login/accounts")).await;
    let page = alice.submit_once(&page, &page.form("/login/op/disconnect"), &[]).await;
    assert_eq!(
        (page.status, page.location()),
        (Status::SeeOther, Some(app.url("/login/accounts"))),
        "{}",
        page.body
    );
    assert_eq!(accounts(&ride.me(&mut alice).await), [("op2", "alice")]);
    let (status, answer) = ride.whoami(&mut alice, "op").await;
    assert_eq!(status, Status::Unauthorized, "{answer}");
    assert!(answer["error"]["login_url"].as_str().is_some_and(|url| url.contains("/login/op")), "{answer}");
    assert_eq!(ride.whoami(&mut alice, "op2").await.0, Status::Ok);

    // The grant that op2 still needs was not revoked: the same user at the same client may have one grant for both.
    assert_eq!(provider.count("revoked").await, 0);
    // Two sign-ins, two refreshes, one connect.
    ride.leaves_no_secret(5).await;
    let log = running.process.log();
    assert!(!log.contains("panicked"), "{log}");
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn whole_ride_at_normal_log_level() {
    whole_ride("sqlite", "normal").await;
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn whole_ride_at_debug_log_level() {
    whole_ride("sqlite", "debug").await;
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn whole_ride_on_postgres() {
    whole_ride("postgres", "debug").await;
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn whole_ride_on_mysql() {
    whole_ride("mysql", "debug").await;
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn thirty_two_first_logins_at_once_make_one_user() {
    let ride = Ride::new("normal", 3600);
    let _running = ride.app.start(&ride.entries);
    let users = ride.app.database.count("users");

    let mut waiting = Vec::new();
    for _ in 0..32 {
        let mut browser = Browser::new();
        browser.stops_at = Some(ride.app.url("/").origin());
        let begin = browser.get(&ride.app.url("/login/op")).await;
        let page = browser.open(&begin.location().expect("the redirect to the provider")).await;
        let back = ride.provider.consent(&mut browser, page, "alice").await;
        waiting.push((browser, back.location().expect("a callback")));
    }
    let answers = join_all(waiting.into_iter().map(|(mut browser, callback)| async move {
        let page = browser.get(&callback).await;
        (browser, page)
    }));
    let mut ids = Vec::new();
    for (mut browser, page) in answers.await {
        assert_eq!(page.status, Status::SeeOther, "{}", page.body);
        ids.push(ride.me(&mut browser).await["user"]["id"].clone());
    }
    assert!(ids[0].is_number() && ids.iter().all(|id| *id == ids[0]), "32 sessions of one user: {ids:?}");
    assert_eq!(ride.app.database.count("users"), users + 1);
    assert_eq!(ride.app.database.count("oauth_accounts"), 1);
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn whole_ride_in_chromium() {
    let ride = Ride::new("debug", 3600);
    let _running = ride.app.start(&ride.entries);
    let base = ride.app.url("/");
    chromium::ride(
        &["whole", base.as_str(), "op", "op2", "alice"],
        &chromium::shots("whole", ride.folder.path()),
    );
    assert_eq!(ride.app.database.count("oauth_accounts"), 1, "Dana has denied");
    ride.leaves_no_secret(2).await;
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn ride_begun_at_another_loopback_name() {
    let ride = Ride::new("normal", 3600);
    let _running = ride.app.start(&ride.entries);

    let mut begin = ride.app.url("/login/op?next=/me");
    begin.set_host(Some("127.0.0.1")).unwrap();
    let mut browser = Browser::new();
    let page = browser.open(&begin).await;
    assert_eq!(browser.trail[0].0, 303);
    assert_eq!(browser.trail[1].1, ride.app.url("/login/op?next=/me"), "first under the app's own name");
    let page = ride.provider.consent(&mut browser, page, "alice").await;
    assert_eq!((page.status, &page.url), (Status::Ok, &ride.app.url("/me")), "{}", page.body);
    assert_eq!(accounts(&page.json()), [("op", "alice")]);

    let base = ride.app.url("/");
    let shots = chromium::shots("elsewhere", ride.folder.path());
    chromium::ride(&["elsewhere", base.as_str(), begin.as_str(), "erin"], &shots);
}

/// Signs in, reads the userinfo and refreshes at a provider that signs ID tokens and userinfo with this algorithm.
async fn ride_signed_by(algorithm: &str) {
    let settings = [("ID_TOKEN_ALG", algorithm), ("USERINFO_ALG", algorithm)];
    let ride = Ride::on("sqlite", "debug", SHORT, &settings);
    let entries = ride.entries.replace("provider=", &format!("signing_algorithms=[{algorithm:?}],provider="));
    let _running = ride.app.start(&entries);
    let mut alice = ride.signed_in("alice").await;
    let signed_in = Instant::now();
    assert_eq!(accounts(&ride.me(&mut alice).await), [("op", "alice")]);
    let (status, userinfo) = ride.whoami(&mut alice, "op").await;
    assert_eq!((status, &userinfo["sub"]), (Status::Ok, &json!("alice")), "{userinfo}");
    rocket::tokio::time::sleep(Duration::from_secs(SHORT.into()).saturating_sub(signed_in.elapsed())).await;
    assert_eq!(ride.whoami(&mut alice, "op").await, (Status::Ok, userinfo));
    assert_eq!((ride.provider.count("refresh").await, ride.provider.count("signed userinfo").await), (1, 3));
    ride.leaves_no_secret(2).await;
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn ride_signed_by_rs256() {
    ride_signed_by("RS256").await;
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn ride_signed_by_ps256() {
    ride_signed_by("PS256").await;
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn ride_signed_by_es256() {
    ride_signed_by("ES256").await;
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn ride_signed_by_eddsa() {
    ride_signed_by("EdDSA").await;
}
