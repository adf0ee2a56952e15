//! The storage on a real Redis: the rules of every storage, and two processes of the app that race.

#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use redis_storage::RedisStorage;
use rocket::Config;
use rocket::figment::Figment;
use rocket::tokio::time::sleep;
use rocket_dance::provider::GitHub;
use rocket_dance::testing::{FakeProvider, ProviderEndpoint, storage_suite};
use rocket_dance::{Dance, Profile, Token};
use tempfile::TempDir;
use test_support::{Browser, Page, Watchdog, wait_until};

/// A process that ends with the test.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A Redis of this test, on a socket in a folder of its own.
struct Redis {
    _server: Process,
    folder: TempDir,
}

impl Redis {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let mut server = Command::new("redis-server");
        server
            .args(["--port", "0", "--save", "", "--unixsocket"])
            .arg(&socket)
            .arg("--dir")
            .arg(folder.path());
        server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = server.spawn().expect("redis-server starts (Debian: apt-get install redis-server)");
        let redis = Self { _server: Process(server), folder };
        wait_until("the socket of Redis", || std::os::unix::net::UnixStream::connect(&socket).is_ok()).await;
        redis
    }

    fn url(&self) -> String {
        format!("redis+unix://{}", self.folder.path().join("socket").display())
    }

    fn storage(&self, prefix: &str) -> RedisStorage {
        RedisStorage::new(&self.url(), prefix).unwrap()
    }
}

#[rocket::async_test]
async fn a9_the_storage_keeps_the_rules() {
    let redis = Redis::start().await;
    let count = AtomicUsize::new(0);
    let new = async || redis.storage(&format!("{}:", count.fetch_add(1, Ordering::Relaxed)));
    let offers = storage_suite(new).await;
    assert!(offers.several_accounts && offers.page && offers.coordination && !offers.sessions);
}

const SECRET_KEY: &str = "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk=";

/// A running process of the app.
struct App {
    _process: Process,
    url: url::Url,
}

impl App {
    fn start(redis: &Redis, fake: &FakeProvider) -> Self {
        let _watchdog = Watchdog::for_step("the start of the app", Duration::from_secs(60));
        let oauth = serde_json::json!({ "github": fake.config("github").1 });
        let mut child = Command::new(Path::new(env!("CARGO_BIN_EXE_redis_storage")))
            .env("REDIS_URL", redis.url())
            .envs([("ROCKET_ADDRESS", "127.0.0.1"), ("ROCKET_PORT", "0"), ("ROCKET_CLI_COLORS", "false")])
            .envs([("ROCKET_LOG_LEVEL", "normal"), ("ROCKET_SECRET_KEY", SECRET_KEY)])
            // The processes share it. The test calls each of them by its port.
            .env("ROCKET_DANCE", r#"{base_url="http://127.0.0.1:1"}"#)
            .env("ROCKET_OAUTH", toml(&oauth))
            .current_dir(redis.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let process = Process(child);
        let url = lines.find_map(|line| {
            let line = line.unwrap();
            line.split_once("launched from ").map(|(_, url)| url.trim().to_owned())
        });
        let url = url.expect("the app launches").parse().unwrap();
        std::thread::spawn(move || lines.for_each(drop));
        Self { _process: process, url }
    }

    fn at(&self, path: &str) -> url::Url {
        self.url.join(path).unwrap()
    }
}

/// Writes a value as in ROCKET_OAUTH.
fn toml(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Object(fields) => {
            let fields: Vec<_> = fields.iter().map(|(key, value)| format!("{key}={}", toml(value))).collect();
            format!("{{{}}}", fields.join(","))
        }
        other => other.to_string(),
    }
}

/// Connects an account of the user 1, up to the callback (path and query).
async fn begin(browser: &mut Browser, app: &App, fake: &FakeProvider) -> String {
    browser.post(&app.at("/enter/1"), &[]).await;
    let accounts = browser.get_json(&app.at("/login/accounts")).await.json();
    let csrf = accounts["csrf"].as_str().unwrap().to_owned();
    let begun = browser.post(&app.at("/login/github"), &[("csrf".into(), csrf)]).await;
    let authorization = begun.location().unwrap_or_else(|| panic!("{} {}", begun.status, begun.body));
    let back: url::Url = fake.authorize(authorization.as_str()).await.parse().unwrap();
    back[url::Position::BeforePath..].to_owned()
}

/// Sends the same request 16 times at once, with the same cookies, to both processes in turn.
async fn at_once(browser: &Browser, apps: &[App; 2], path: &str) -> Vec<Page> {
    join_all((0..16).map(|n| {
        let (mut browser, url) = (browser.clone(), apps[n % 2].at(path));
        async move { browser.get(&url).await }
    }))
    .await
}

#[rocket::async_test]
async fn a9_two_processes_use_a_callback_once_and_refresh_once() {
    let (redis, fake) = (Redis::start().await, FakeProvider::start().await);
    let apps = [App::start(&redis, &fake), App::start(&redis, &fake)];
    for round in 0..5 {
        let mut browser = Browser::new();
        fake.set_user(&format!("ada {round}")).set_access_token_ttl(2);
        let callback = begin(&mut browser, &apps[0], &fake).await;
        let before = fake.request_count(ProviderEndpoint::Token);
        let answers = at_once(&browser, &apps, &callback).await;
        assert_eq!(fake.request_count(ProviderEndpoint::Token), before + 1, "the code is exchanged once");
        let done: Vec<u16> = answers.iter().map(|answer| answer.status.code).collect();
        assert!(done.iter().all(|status| *status == 303), "{done:?}");

        fake.set_access_token_ttl(3600);
        sleep(Duration::from_millis(2_100)).await;
        let answers = at_once(&browser, &apps, "/").await;
        for answer in &answers {
            assert_eq!(answer.status.code, 200, "{}", answer.body);
        }
        assert_eq!(fake.request_count(ProviderEndpoint::Token), before + 2, "the token is refreshed once");
        // The next round begins with another account. The first one stays the primary one.
        let accounts = browser.get_json(&apps[1].at("/login/accounts")).await.json();
        let csrf = accounts["csrf"].as_str().unwrap().to_owned();
        browser.post(&apps[1].at("/login/github/disconnect"), &[("csrf".into(), csrf)]).await;
    }
}

#[rocket::async_test]
async fn a9_two_walks_reseal_each_token_once() {
    let redis = Redis::start().await;
    let fake = FakeProvider::start().await;
    // 32 bytes each, in base64.
    let keys = [format!("{}MTE=", "MTEx".repeat(10)), format!("{}MjI=", "MjIy".repeat(10))];
    let dance = async |keys: &[String]| {
        let figment =
            Figment::from(Config { log_level: rocket::config::LogLevel::Off, ..Config::debug_default() })
                .merge(("dance.token_keys", keys))
                .merge(fake.config("github"));
        let fairing = Dance::fairing().storage(redis.storage("app:"));
        let rocket = rocket::custom(figment).attach(fairing).ignite().await.unwrap();
        Dance::fetch(&rocket).unwrap().clone()
    };
    let old = dance(&keys[..1]).await;
    for n in 0..120 {
        let mut profile = Profile::default();
        profile.id = Some(format!("person {n}"));
        old.import(GitHub, &n, profile, Token::new("token")).await.unwrap();
    }
    let rotated = [keys[1].clone(), keys[0].clone()];
    let dances = [dance(&rotated).await, dance(&rotated).await];
    let walk = async |dance: &Dance| dance.reseal().run().await.unwrap();
    let (one, other) = rocket::tokio::join!(walk(&dances[0]), walk(&dances[1]));
    assert_eq!((one.walked, other.walked), (120, 120));
    assert_eq!((one.resealed + other.resealed, one.unreadable + other.unreadable), (120, 0));
    let new = dance(&keys[1..]).await;
    for n in 0..120 {
        let token = new.tokens(GitHub).of(&n).get().await.unwrap().unwrap();
        assert!(token.access_token.matches("token"));
    }
}
