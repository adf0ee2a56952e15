//! Whole scenarios in OAuth 1.0a: the example app as an operator runs it, and API calls, against a provider where oauthlib
//! verifies each signature. They need Debian's python3-oauthlib, so `cargo test` ignores them; `./test.sh` installs it and
//! runs them.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;
use std::time::Duration;

use common::app::App;
use common::database::Database;
use common::oauth1_provider::OAuth1Provider;
use rocket::figment::Figment;
use rocket::figment::providers::Serialized;
use rocket::http::Status;
use rocket::local::asynchronous::Client;
use rocket::serde::json::Json;
use rocket::{get, routes};
use rocket_dance::reqwest::multipart::Form;
use rocket_dance::storage::CookieStorage;
use rocket_dance::{Dance, OAuth, Result, provider};
use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::{Browser, Page};
use test_support::{KnownSecret, SecretSearch, Watchdog};
use url::{Position, Url};

/// Timeout for a test. The first one may build the example app.
const TEST_TIMEOUT: Duration = Duration::from_secs(20 * 60);

/// The example app and a provider as the entry `judge`, with their files in one folder.
struct Ride {
    _folder: TempDir,
    app: App,
    provider: OAuth1Provider,
    _watchdog: Watchdog,
}

impl Ride {
    fn new(method: &'static str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let app = App::new(folder.path(), Database::sqlite(folder.path()), "debug");
        let provider = OAuth1Provider::start(folder.path(), method, &app.callback("judge"));
        Self { _folder: folder, app, provider, _watchdog: Watchdog::with_limit(TEST_TIMEOUT) }
    }

    fn entries(&self) -> String {
        format!("{{judge={}}}", self.provider.entry())
    }

    async fn begin(&self, browser: &mut Browser) -> Page {
        browser.open(&self.app.url("/login/judge?next=/me")).await
    }

    /// Signs in in a new browser.
    async fn signed_in(&self, user: &str) -> Browser {
        let mut browser = Browser::new();
        let page = self.begin(&mut browser).await;
        let me = self.provider.allow(&mut browser, &page, user).await;
        assert_eq!((me.status, &me.url), (Status::Ok, &self.app.url("/me")), "{}", me.body);
        browser
    }

    async fn me(&self, browser: &mut Browser) -> Value {
        browser.get_json(&self.app.url("/me")).await.json()
    }

    /// Reads the user from the provider with a signed request with parameters.
    async fn assert_api_knows_user(&self, browser: &mut Browser, user: &str) {
        let page = browser.get_json(&self.app.url("/whoami/judge")).await;
        assert_eq!(page.status, Status::Ok, "{}", page.body);
        let answer = page.json();
        let query = json!([["include", "~"], ["include", "ü"], ["include", ""], ["a", "b c d+e"]]);
        assert_eq!((&answer["id"], &answer["query"]), (&json!(user), &query));
    }

    /// The numbers of issued temporary credentials, issued tokens, and refused requests.
    async fn counts(&self) -> [u64; 3] {
        let count = |what| self.provider.count(what);
        [count("temporary").await, count("token").await, count("refused").await]
    }

    /// Asserts that neither the database nor the log contains a secret of this test.
    async fn leaves_no_secret(&self) {
        let hidden = self.provider.hidden().await;
        for kind in [
            "client secret",
            "temporary token",
            "temporary secret",
            "verifier",
            "token",
            "token secret",
            "private key",
        ] {
            assert!(hidden.iter().any(|secret| secret.kind == kind), "the ride has no {kind} to look for");
        }
        let files = self.app.files();
        let files: Vec<&Path> = files.iter().map(AsRef::as_ref).collect();
        assert_eq!(SecretSearch::new(hidden).find_in_files(&files), Vec::<String>::new());
        let seen = KnownSecret::new("user", "alice");
        assert!(!SecretSearch::new([seen]).find_in_files(&files).is_empty(), "the search is blind");
    }
}

async fn whole_ride(method: &'static str) {
    let ride = Ride::new(method);
    let running = ride.app.start(&ride.entries());
    let mut alice = ride.signed_in("alice").await;
    let me = ride.me(&mut alice).await;
    assert_eq!(me["user"]["name"], "alice of Loopback");
    let account =
        json!({"provider": "judge", "provider_user_id": "alice", "display_name": "alice of Loopback"});
    assert_eq!(me["accounts"], json!([account]));
    ride.assert_api_knows_user(&mut alice, "alice").await;
    assert_eq!(ride.counts().await, [1, 1, 0]);

    // Another process on the same database reads the token and its secret.
    running.process.stop();
    let running = ride.app.start(&ride.entries());
    assert_eq!(ride.me(&mut alice).await, me);
    ride.assert_api_knows_user(&mut alice, "alice").await;
    assert_eq!(ride.counts().await, [1, 1, 0]);

    // A new browser gets the same user.
    let mut elsewhere = ride.signed_in("alice").await;
    assert_eq!(ride.me(&mut elsewhere).await, me);
    assert_eq!(ride.counts().await, [2, 2, 0]);

    // Denying gives an error page and changes nothing else.
    let before = ride.app.database.rows(Some("oauth_claims"));
    let mut bob = Browser::new();
    let page = ride.begin(&mut bob).await;
    let page = ride.provider.deny(&mut bob, &page, "bob").await;
    assert!(page.url.query().is_some_and(|query| query.starts_with("denied=")), "{}", page.url);
    assert_eq!(page.status, Status::Forbidden, "{}", page.body);
    assert!(page.html().text.len() > 20, "a page that says so: {}", page.body);
    assert_eq!(ride.me(&mut bob).await["user"], Value::Null);
    assert_eq!(ride.app.database.rows(Some("oauth_claims")), before);
    assert_eq!((ride.counts().await, ride.provider.count("denied").await), ([3, 2, 0], 1));

    // Each request is accepted once.
    let page = ride.begin(&mut bob).await;
    let mut stranger = bob.clone();
    stranger.stops_at = Some(ride.app.url("/").origin());
    let callback = ride.provider.allow(&mut stranger, &page, "bob").await.location().unwrap();
    assert_eq!(Browser::new().get(&callback).await.status, Status::BadRequest);
    assert_eq!(ride.me(&mut bob).await["user"], Value::Null);
    assert_eq!(bob.get(&callback).await.location(), Some(ride.app.url("/me")));
    assert_eq!(bob.get(&callback).await.location(), Some(ride.app.url("/me")));
    assert_eq!(ride.counts().await, [4, 3, 0]);

    ride.leaves_no_secret().await;
    let log = running.process.log();
    assert!(!log.contains("panicked"), "{log}");
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: cargo test --all-features --test oauthlib -- --ignored"]
async fn o1_01_a_whole_ride_by_hmac_sha1() {
    whole_ride("HMAC-SHA1").await;
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: cargo test --all-features --test oauthlib -- --ignored"]
async fn o1_14_a_whole_ride_by_hmac_sha256() {
    whole_ride("HMAC-SHA256").await;
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: cargo test --all-features --test oauthlib -- --ignored"]
async fn o1_05_a_whole_ride_by_plaintext() {
    whole_ride("PLAINTEXT").await;
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: cargo test --all-features --test oauthlib -- --ignored"]
async fn o1_12_a_whole_ride_by_rsa_sha1() {
    whole_ride("RSA-SHA1").await;
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: cargo test --all-features --test oauthlib -- --ignored"]
async fn a_wrong_secret_goes_nowhere() {
    let ride = Ride::new("HMAC-SHA1");
    let entry = ride.provider.entry_with("client_secret=\"of another client\"");
    let running = ride.app.start(&format!("{{judge={entry}}}"));
    let page = ride.begin(&mut Browser::new()).await;
    assert_eq!(
        (page.status, page.url.path()),
        (Status::InternalServerError, "/login/judge"),
        "{}",
        page.body
    );
    assert_eq!(ride.counts().await, [0, 0, 1]);
    let log = running.process.log();
    assert!(log.contains("answered with 401") && !log.contains("of another client"), "{log}");
}

struct Judge;

impl provider::Provider for Judge {
    const NAME: &'static str = "judge";
}

/// Sends every kind of request, and checks what has arrived.
#[get("/calls")]
async fn calls(judge: OAuth<Judge>) -> Result<Json<Vec<Value>>> {
    let odd = [("a", "2 + ~"), ("a", "1"), ("A", ""), ("é!*'()", "%3D=&"), ("☃", "\"")];
    Ok(Json(vec![
        judge.get("things/é x").query(&odd).json().await?,
        judge.post("things?q=%2F&q=+&~").form(&odd).json().await?,
        judge.put("things").query(&odd).json_body(&json!({"a": "1&b=2"})).json().await?,
        judge.post("things").multipart(Form::new().text("a", "1&b=2")).json().await?,
        judge.patch("things").header("Content-Type", "text/plain").body("a=1&b=2").json().await?,
        judge.delete("things?id=7").json().await?,
    ]))
}

async fn calls_by(method: &'static str) {
    let folder = tempfile::tempdir().unwrap();
    // No server listens there: the test passes the callback to the app.
    let app = Url::parse("http://localhost:8000").unwrap();
    let callback = app.join("/login/judge/authorized").unwrap();
    let provider = OAuth1Provider::start(folder.path(), method, callback.as_str());
    let entry: rocket::figment::value::Value = provider.entry().parse().unwrap();
    let figment = Figment::from(rocket::Config::debug_default())
        .merge(Serialized::default("secret_key", "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk="))
        .merge(("dance.base_url", app.origin().ascii_serialization()))
        .merge(("oauth.judge", entry));
    let rocket = rocket::custom(figment)
        .attach(Dance::fairing().storage(CookieStorage))
        .mount("/", routes![calls])
        .register("/", rocket_dance::catchers());
    let client = Client::tracked(rocket).await.expect("the app launches");

    let begin = client.get("/login/judge").dispatch().await;
    let authorization =
        Url::parse(begin.headers().get_one("Location").expect("the way to the provider")).unwrap();
    let mut browser = Browser::new();
    browser.stops_at = Some(app.origin());
    let page = browser.open(&authorization).await;
    let back = provider.allow(&mut browser, &page, "alice").await.location().unwrap();
    let done = client.get(back[Position::BeforePath..].to_owned()).dispatch().await;
    assert_eq!(done.status(), Status::SeeOther, "{:?}", done.into_string().await);

    let calls: Vec<Value> = client.get("/calls").dispatch().await.into_json().await.expect("six answers");
    let odd = json!([["a", "2 + ~"], ["a", "1"], ["A", ""], ["é!*'()", "%3D=&"], ["☃", "\""]]);
    assert_eq!((&calls[0]["path"], &calls[0]["query"]), (&json!("/api/things/%C3%A9%20x"), &odd));
    let form = calls[1]["body"].as_str().unwrap();
    let form: Vec<_> = url::form_urlencoded::parse(form.as_bytes()).collect();
    assert_eq!((json!(form), &calls[1]["query"]), (odd.clone(), &json!([["q", "/"], ["q", " "], ["~", ""]])));
    assert_eq!((&calls[2]["body"], &calls[2]["query"]), (&json!("{\"a\":\"1&b=2\"}"), &odd));
    assert!(calls[3]["body"].as_str().unwrap().contains("1&b=2"));
    assert_eq!(calls[4]["body"], "a=1&b=2");
    assert_eq!((&calls[5]["method"], &calls[5]["query"]), (&json!("DELETE"), &json!([["id", "7"]])));
    assert_eq!(provider.count("refused").await, 0);
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: cargo test --all-features --test oauthlib -- --ignored"]
async fn o1_02_o1_04_calls_of_every_kind_by_every_method() {
    for method in ["HMAC-SHA1", "HMAC-SHA256", "PLAINTEXT", "RSA-SHA1"] {
        calls_by(method).await;
    }
}
