//! The driver: it signs in, loads the routes in turns, and prints medians and ratios.

use std::process::Command;

use bench::child::Server;
use bench::wrk::{self, Run};
use test_support::{Browser, Navigation};
use url::Url;

/// A route that is loaded.
struct Route {
    name: &'static str,
    server: usize,
    path: &'static str,
    /// Whether the requests come from a browser that has signed in.
    signed_in: bool,
}

const fn route(name: &'static str, server: usize, path: &'static str, signed_in: bool) -> Route {
    Route { name, server, path, signed_in }
}

/// The servers: the argument that starts one, and `[default.dance]`.
const SERVERS: [(&str, &str); 3] = [("serve", "{}"), ("serve", "{cache=false}"), ("peer", "{}")];
/// The number of connections over which a route is loaded.
const CONNECTIONS: u32 = 32;

const OURS: usize = 0;
const UNCACHED: usize = 1;
const PEER: usize = 2;

const ROUTES: [Route; 11] = [
    route("bare route", OURS, "/bare", false),
    route("private cookie", OURS, "/cookie", true),
    route("`CurrentUser`, warm cache", OURS, "/user", true),
    route("`OAuth<P>`, warm cache", OURS, "/guarded", true),
    route("`OAuth<P>`, `cache = false`", UNCACHED, "/guarded", true),
    route("`Accounts`", OURS, "/accounts", true),
    route("our redirect", OURS, "/login/op", false),
    route("rocket_oauth2's redirect", OURS, "/theirs", false),
    route("axum, bare route", PEER, "/bare", false),
    route("axum-login's guard, sessions in memory", PEER, "/guarded", true),
    route("axum, redirect with oauth2", PEER, "/redirect", false),
];

/// A ratio of two routes' requests per second, and the aim.
const RATIOS: [(&str, &str, f64); 6] = [
    ("/guarded", "/cookie", 0.95),
    ("/user", "/cookie", 0.97),
    ("/login/op", "/theirs", 1.0),
    ("uncached /guarded", "/bare", 0.35),
    ("axum /guarded", "axum /bare", 0.0),
    ("axum /redirect", "axum /bare", 0.0),
];

fn setting(name: &str, fallback: u32) -> u32 {
    std::env::var(name).map_or(fallback, |value| value.parse().expect("a number"))
}

impl Route {
    /// The route's name in [`RATIOS`].
    fn label(&self) -> String {
        let server = match self.server {
            UNCACHED => "uncached ",
            PEER => "axum ",
            _ => "",
        };
        format!("{server}{}", self.path)
    }
}

/// Runs all measurements and prints the table.
pub(crate) async fn drive() {
    let (rounds, seconds) = (setting("BENCH_ROUNDS", 5), setting("BENCH_SECONDS", 5));
    let provider = bench::provider::start().await;
    let servers = SERVERS.map(|(server, settings)| {
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        command.arg(server).env("DANCE", settings);
        Server::start(command, &provider.url)
    });
    let mut cookies = Vec::new();
    for (n, server) in servers.iter().enumerate() {
        let base = Url::parse(&server.url()).expect("a URL");
        cookies.push(if n == PEER { sign_in_to_peer(&base).await } else { sign_in(&base).await });
    }
    let drive = |route: &Route, seconds| {
        // A sign-in begins in a browser without a session.
        let cookies = if route.signed_in { &cookies[route.server] } else { "none=0" };
        wrk::run(&format!("{}{}", servers[route.server].url(), route.path), cookies, CONNECTIONS, seconds)
    };

    for route in &ROUTES {
        drive(route, 1);
    }
    let mut runs = vec![Vec::new(); ROUTES.len()];
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        for (route, runs) in ROUTES.iter().zip(&mut runs) {
            runs.push(drive(route, seconds));
        }
    }
    print(&runs);
}

/// Signs in as a browser does, checks that each route does what is measured, and returns the cookies.
async fn sign_in(base: &Url) -> String {
    let url = |path: &str| base.join(path).expect("a URL");
    let mut browser = Browser::new();
    for path in ["/login/op", "/theirs"] {
        let page = browser.get(&url(path)).await;
        let target = page.location().expect("a redirect");
        assert_eq!(target.path(), "/authorize", "{path} leads to the provider");
    }
    let mut browser = Browser::new();
    browser.post(&url("/cookie"), &[]).await;
    browser.open(&url("/login/op?next=/bare")).await;
    for path in ["/cookie", "/user", "/guarded", "/accounts"] {
        let page = browser.get(&url(path)).await;
        assert_eq!((page.status.code, page.body.as_str()), (200, "hello"), "{path}: {:#?}", browser.trail);
    }
    browser.cookies.header(base, Navigation::SameSite).expect("a session")
}

async fn sign_in_to_peer(base: &Url) -> String {
    let url = |path: &str| base.join(path).expect("a URL");
    let mut browser = Browser::new();
    let page = browser.get(&url("/redirect")).await;
    assert_eq!(page.location().expect("a redirect").path(), "/authorize");
    let mut browser = Browser::new();
    browser.post(&url("/sign_in"), &[]).await;
    let page = browser.get(&url("/guarded")).await;
    assert_eq!((page.status.code, page.body.as_str()), (200, "hello"));
    browser.cookies.header(base, Navigation::SameSite).expect("a session")
}

fn median(runs: &[Run], of: impl Fn(&Run) -> f64) -> f64 {
    let mut figures: Vec<f64> = runs.iter().map(of).collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn print(runs: &[Vec<Run>]) {
    println!("| route | req/s | p50 ms | p99 ms | lowest to highest req/s |");
    println!("|---|---|---|---|---|");
    for (Route { name, .. }, runs) in ROUTES.iter().zip(runs) {
        let figures = runs.iter().map(|run| run.per_second);
        let (low, high) =
            figures.fold((f64::MAX, 0.0_f64), |(low, high), next| (low.min(next), high.max(next)));
        let (per_second, p50, p99) =
            (median(runs, |r| r.per_second), median(runs, |r| r.p50), median(runs, |r| r.p99));
        println!("| {name} | {per_second:.0} | {p50:.2} | {p99:.2} | {low:.0} to {high:.0} |");
    }
    let of = |label: &str| {
        let at = ROUTES.iter().position(|route| route.label() == label).expect("a route");
        median(&runs[at], |run| run.per_second)
    };
    println!("\n| ratio | measured | aim |\n|---|---|---|");
    for (one, other, aim) in RATIOS {
        println!("| {one} : {other} | {:.2} | {aim:.2} |", of(one) / of(other));
    }
}
