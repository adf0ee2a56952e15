//! The app under test as a process with a port: for what Rocket's local client cannot show (raw cookies, the log), and for
//! what belongs to a whole process (https, the log level).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rocket::fairing::AdHoc;
use rocket::figment::Figment;
use rocket::figment::providers::Serialized;
use rocket::http::Status;
use rocket::serde::json::Value;
use rocket::{Config, State, get, post, routes};
use rocket_dance::storage::DieselStorage;
use rocket_dance::testing::FakeProvider;
use rocket_dance::{Dance, DanceFairing};
use serde_json::json;
use test_support::{Cookies, Watchdog};
use url::Url;

use crate::people::{People, SignUp};

const FIGMENT: &str = "SUITE_FIGMENT";
pub const SECRET_KEY: &str = "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk=";

#[post("/advance/<seconds>")]
fn advance(seconds: i64, dance: &State<Dance>) {
    dance.advance_clock(seconds);
}

/// A route of the app with parameters that a callback has, too.
#[get("/own?<code>&<state>")]
fn own_parameters(code: &str, state: &str) -> String {
    format!("own {code} {state}")
}

/// A page of the app for whatever has no route.
#[get("/<_..>?<code>&<state>", rank = 30)]
fn catch_all(code: Option<&str>, state: Option<&str>) -> String {
    format!("catch-all {code:?} {state:?}")
}

/// Not a test: the process that [`Server::start`] starts.
#[test]
#[ignore = "the process that other tests start"]
fn serve() {
    serve_with(|settings| {
        let database = settings["people"].as_str().expect("a path");
        Dance::fairing().storage(DieselStorage::url(database).migrate().link(SignUp))
    });
}

/// Serves the app of the settings, in the process that was started for it.
#[allow(clippy::print_stdout)]
pub fn serve_with(dance: impl FnOnce(&BTreeMap<String, Value>) -> DanceFairing) {
    let Ok(figment) = std::env::var(FIGMENT) else { return };
    let settings: BTreeMap<String, Value> = serde_json::from_str(&figment).expect("JSON");
    let dance = dance(&settings);
    let more = if settings.contains_key("catch_all") { routes![catch_all] } else { Vec::new() };
    let figment = settings
        .into_iter()
        .filter(|(key, _)| !["people", "crash", "catch_all"].contains(&key.as_str()))
        .fold(Figment::from(Config::debug_default()), |figment, (key, value)| {
            figment.merge(Serialized::default(&key, value))
        });
    let rocket = crate::app::rocket(figment, dance)
        .mount("/", routes![advance, own_parameters])
        .mount("/", more)
        .attach(AdHoc::on_liftoff(
            "port",
            // It begins a new line, because the test runner may have printed something before.
            |rocket| Box::pin(async move { println!("\nSERVED AT {} END", rocket.config().port) }),
        ));
    rocket::execute(async {
        rocket.launch().await.map(drop).map_err(|error| println!("NOT LAUNCHED {error:?}"))
    })
    .expect("launched");
}

/// The process.
pub struct Server {
    child: Child,
    _watchdog: Watchdog,
    port: u16,
    base_url: String,
    /// The Host of its requests.
    pub host: String,
    pub people: Arc<People>,
}

/// A response as it was sent.
pub struct Raw {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Server {
    /// Starts a server with this `base_url` and these `extra` settings.
    pub fn start(fake: &FakeProvider, base_url: &str, log_level: &str, extra: Value) -> Self {
        Self::start_as("server::serve", Arc::new(People::new()), fake, base_url, log_level, extra)
    }

    /// Starts a server whose process is the ignored test `test`, with the database of `people`.
    pub fn start_as(
        test: &str,
        people: Arc<People>,
        fake: &FakeProvider,
        base_url: &str,
        log_level: &str,
        extra: Value,
    ) -> Self {
        Self::start_in(&[], test, people, fake, base_url, log_level, extra)
    }

    /// As [`start_as`](Self::start_as), with these variables in its environment.
    #[allow(clippy::too_many_arguments)]
    pub fn start_in(
        env: &[(&str, &str)],
        test: &str,
        people: Arc<People>,
        fake: &FakeProvider,
        base_url: &str,
        log_level: &str,
        extra: Value,
    ) -> Self {
        let mut settings = json!({
            "people": people.path(), "address": "127.0.0.1", "port": 0, "log_level": log_level, "cli_colors": false,
            "workers": 2, "secret_key": SECRET_KEY, "dance": { "base_url": base_url },
        });
        let mut entries = serde_json::Map::new();
        for (key, value) in [fake.config("op"), fake.config("op2")] {
            entries.insert(key.trim_start_matches("oauth.").to_owned(), value);
        }
        settings["oauth"] = Value::Object(entries);
        merge(&mut settings, extra);
        let log = File::create(people.folder().join("log")).expect("a log file");
        let child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--exact", test, "--ignored", "--nocapture"])
            .env(FIGMENT, settings.to_string())
            .envs(env.iter().copied())
            .stdout(Stdio::from(log.try_clone().expect("the log file again")))
            .stderr(Stdio::from(log))
            .spawn()
            .expect("a process");
        let host = base_url.split_once("://").expect("a URL").1.to_owned();
        let base_url = base_url.to_owned();
        let mut server = Self { child, port: 0, base_url, host, people, _watchdog: Watchdog::start() };
        let deadline = Instant::now() + Duration::from_secs(60);
        while server.port == 0 {
            let log = server.log();
            let port = log.split("SERVED AT ").nth(1).and_then(|rest| rest.split_once(" END"));
            assert!(!log.contains("NOT LAUNCHED") && Instant::now() < deadline, "not launched: {log}");
            match port {
                Some((port, _)) => server.port = port.parse().expect("a port"),
                None => std::thread::sleep(Duration::from_millis(20)),
            }
        }
        server
    }

    /// What the process has written so far: the log.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.people.folder().join("log")).unwrap_or_default())
            .into_owned()
    }

    /// Sends one request on a new connection.
    pub fn request(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Raw {
        self.try_request(method, target, headers, body).expect("an answer")
    }

    /// Sends one request. Returns `None` if the process ends before it answers.
    pub fn try_request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Option<Raw> {
        let mut stream =
            TcpStream::connect(("127.0.0.1", self.port)).expect("the server accepts connections");
        stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.host);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if method == "POST" {
            head.push_str(&format!(
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
                body.len()
            ));
        }
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status");
        let headers = lines.filter_map(|line| line.split_once(": "));
        Some(Raw {
            status: status.parse().expect("a number"),
            headers: headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect(),
            body: body.to_owned(),
        })
    }

    /// Kills it.
    pub fn kill(&self) {
        self.signal("-KILL");
    }

    /// Asks it to stop (SIGTERM).
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill").success());
    }

    /// Waits until it has ended, and returns whether a signal ended it.
    pub fn has_crashed(&mut self) -> bool {
        use std::os::unix::process::ExitStatusExt;
        self.child.wait().expect("it ends").signal().is_some()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

impl Raw {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn location(&self) -> &str {
        self.header("location").unwrap_or_else(|| panic!("{} without Location: {}", self.status, self.body))
    }

    /// The `Set-Cookie` headers.
    pub fn set_cookies(&self) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(name, _)| name == "set-cookie")
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// The only `Set-Cookie` header whose cookie name begins with `prefix`.
    pub fn set_cookie(&self, prefix: &str) -> &str {
        let mut mine = self.set_cookies();
        mine.retain(|cookie| cookie.starts_with(prefix));
        assert_eq!(mine.len(), 1, "{prefix}: {:?}", self.set_cookies());
        mine[0]
    }

    /// The whole response as text.
    pub fn text(&self) -> String {
        format!("{:?}{}", self.headers, self.body)
    }
}

/// A browser's cookies by name. `Max-Age=0` removes one.
pub struct Tab<'s> {
    server: &'s Server,
    pub cookies: BTreeMap<String, String>,
}

impl<'s> Tab<'s> {
    pub fn new(server: &'s Server) -> Self {
        Self { server, cookies: BTreeMap::new() }
    }

    pub fn cookie_header(&self) -> String {
        let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    pub fn send(&mut self, method: &str, target: &str, body: &str) -> Raw {
        let cookies = self.cookie_header();
        let mut headers = vec![("Accept", "text/html")];
        if !cookies.is_empty() {
            headers.push(("Cookie", cookies.as_str()));
        }
        let raw = self.server.request(method, target, &headers, body);
        let url = Url::parse(&self.server.base_url).and_then(|base| base.join(target)).expect("a URL");
        for cookie in raw.set_cookies() {
            assert!(Cookies::default().receive(&url, cookie), "browsers ignore this cookie: {cookie}");
            let (name, rest) = cookie.split_once('=').expect("a cookie");
            match cookie.contains("Max-Age=0") {
                true => drop(self.cookies.remove(name)),
                false => {
                    let value = rest.split(';').next().unwrap_or_default();
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
            }
        }
        raw
    }

    pub fn get(&mut self, target: &str) -> Raw {
        self.send("GET", target, "")
    }

    /// Begins at `target`, approves at the provider, and returns path and query of the callback.
    pub async fn callback(&mut self, fake: &FakeProvider, target: &str) -> String {
        let begun = self.get(target);
        assert_eq!(begun.status, Status::SeeOther.code, "{target}: {}", begun.body);
        crate::app::path_and_query(&fake.authorize(begun.location()).await)
    }

    pub fn flows(&self) -> Vec<&String> {
        self.cookies.keys().filter(|name| name.contains("rocket_dance_flow_")).collect()
    }
}
