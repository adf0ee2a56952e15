//! The kinds of requests.

use std::process::Command;

use bench::child::Server;
use bench::connection::{Answer, Connection};

use crate::tools::Tool;

/// A kind of request.
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    /// `serve` or `peer`.
    server: &'static str,
    /// `[default.dance]`.
    settings: &'static str,
    request: fn(&mut Browser),
}

/// Nothing in the cache expires.
const WARM: &str = "{cache={bytes=67108864,ttl=86400}}";
const NO_CACHE: &str = "{cache=false}";

const fn ours(name: &'static str, request: fn(&mut Browser)) -> Kind {
    Kind { name, server: "serve", settings: WARM, request }
}

const fn peer(name: &'static str, request: fn(&mut Browser)) -> Kind {
    Kind { name, server: "peer", settings: "", request }
}

/// The kinds, in the order of the table.
pub(crate) const KINDS: [Kind; 19] = [
    ours("bare", |browser| browser.page("/bare")),
    ours("private_cookie", |browser| browser.page("/cookie")),
    ours("current_user", |browser| browser.page("/user")),
    ours("guarded", |browser| browser.page("/guarded")),
    ours("accounts", |browser| browser.page("/accounts")),
    Kind { settings: NO_CACHE, ..ours("current_user_uncached", |browser| browser.page("/user")) },
    Kind { settings: NO_CACHE, ..ours("guarded_uncached", |browser| browser.page("/guarded")) },
    ours("begin", |browser| drop(browser.begin())),
    ours("rocket_oauth2", |browser| browser.redirect("/theirs")),
    // Signing out keeps the number of sessions at one.
    ours("begin_callback_sign_out", |browser| {
        browser.sign_in();
        browser.page("/sign_out");
    }),
    ours("round_trips", |browser| browser.call("/reference/round_trips")),
    ours("transaction", |browser| browser.page("/reference/transaction")),
    ours("api", |browser| browser.call("/api")),
    ours("expire", |browser| browser.page("/expire")),
    ours("expire_and_refresh", |browser| {
        browser.page("/expire");
        browser.page("/guarded");
    }),
    peer("axum_bare", |browser| browser.page("/bare")),
    peer("axum_guarded", |browser| browser.page("/guarded")),
    peer("axum_redirect", |browser| browser.redirect("/redirect")),
    peer("axum_nothing", |_| {}),
];

/// A browser of one user.
pub(crate) struct Browser {
    connection: Connection,
    cookies: String,
}

impl Browser {
    fn page(&mut self, path: &str) {
        let answer = self.connection.get(path, &self.cookies);
        assert_eq!((answer.status, answer.body.as_str()), (200, "hello"), "{path}: {answer:?}");
    }

    /// Requests a route that calls the provider.
    fn call(&mut self, path: &str) {
        let answer = self.connection.get(path, &self.cookies);
        assert!(answer.status == 200 && answer.body.contains("name"), "{path}: {answer:?}");
    }

    /// Requests a redirect, without a session.
    fn redirect(&mut self, path: &str) {
        let answer = self.connection.get(path, "");
        assert!(
            (302..304).contains(&answer.status) && answer.target().starts_with("/authorize?"),
            "{answer:?}"
        );
    }

    fn begin(&mut self) -> Answer {
        let answer = self.connection.get("/login/op", "");
        assert_eq!(answer.status, 303, "{answer:?}");
        answer
    }

    /// Signs in, as a visitor who has no session yet.
    fn sign_in(&mut self) {
        let begun = self.begin();
        let callback = format!("/login/op/authorized?code=c0de&state={}", begun.parameter("state"));
        let answer = self.connection.get(&callback, &begun.cookies.join("; "));
        assert_eq!((answer.status, answer.location.as_deref()), (303, Some("/")), "{answer:?}");
        let cookies = answer.cookies.into_iter().filter(|cookie| !cookie.ends_with('='));
        self.cookies = cookies.collect::<Vec<_>>().join("; ");
    }

    /// A browser that has requested everything once.
    fn warm(server: &Server, kind: &Kind) -> Self {
        let mut browser = Self { connection: Connection::open(server.port()), cookies: String::new() };
        if kind.server == "peer" {
            browser.cookies = browser.connection.post("/sign_in").cookies.join("; ");
        } else {
            browser.sign_in();
            let set = browser.connection.post("/cookie").cookies.join("; ");
            browser.cookies = format!("{}; {set}", browser.cookies);
        }
        for _ in 0..WARM_UP {
            (kind.request)(&mut browser);
        }
        browser
    }
}

/// The number of requests before the counted ones.
const WARM_UP: u32 = 20;

impl Kind {
    /// Returns what `tool` counts in a server that answers this number of requests, and some to warm up.
    pub(crate) fn run(&self, tool: Tool, provider: &str, requests: u32) -> u64 {
        let folder = tempfile::tempdir().expect("a folder");
        let output = folder.path().join("output");
        let mut command: Command = tool.command(self.server, &output);
        if !self.settings.is_empty() {
            command.env("DANCE", self.settings);
        }
        let server = Server::start(command, provider);
        let mut browser = Browser::warm(&server, self);
        for _ in 0..requests {
            (self.request)(&mut browser);
        }
        server.stop();
        if let Ok(kept) = std::env::var("KEEP") {
            let _ = std::fs::copy(&output, format!("{kept}/{}.{tool:?}.{requests}", self.name));
        }
        tool.read(&output)
    }
}
