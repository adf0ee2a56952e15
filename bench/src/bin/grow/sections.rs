//! The measurements, each a row or more of the table.

use std::process::Command;
use std::time::Duration;

use bench::child::Server;
use bench::connection::Connection;
use bench::provider::Provider;
use bench::wrk;
use diesel::SqliteConnection;
use diesel::connection::{Connection as _, SimpleConnection};

use crate::requests::{at_once, cookies, percentile, signed_in, timed, url};

/// Starts the server with this number of entries and these settings of `[default.dance]`.
fn serve(provider: &Provider, entries: usize, settings: &str) -> Server {
    let mut command = Command::new(std::env::current_exe().expect("this binary"));
    command.arg("serve").env("ENTRIES", entries.to_string()).env("DANCE", settings);
    Server::start(command, &provider.url)
}

fn row(what: &str, size: impl std::fmt::Display, measured: impl std::fmt::Display) {
    println!("| {what} | {size} | {measured} |");
}

/// The launch with 1, 10 and 100 entries: the median of five.
pub(crate) async fn providers(provider: &Provider) {
    for entries in [1, 10, 100] {
        let mut times = Vec::new();
        for _ in 0..5 {
            let (server, took) = timed(async { serve(provider, entries, "{}") }).await;
            times.push(took);
            server.stop();
        }
        times.sort();
        row("launch", format!("{entries} entries"), format!("{:.0?}", times[2]));
    }
}

/// A guarded page over 1 to 1,000 connections.
pub(crate) async fn connections(provider: &Provider) {
    let server = serve(provider, 1, "{}");
    let cookies = cookies(&signed_in(&server.url()).await, &server.url());
    for connections in [1, 10, 100, 1000] {
        let run = wrk::run(&format!("{}/guarded", server.url()), &cookies, connections, 5);
        let measured = format!("{:.0} req/s, p50 {:.2} ms, p99 {:.2} ms", run.per_second, run.p50, run.p99);
        row("`OAuth<P>`", format!("{connections} connections"), measured);
    }
}

/// Flows that are begun and abandoned: they are in the browsers, and nothing is in the server.
pub(crate) async fn flows(provider: &Provider) {
    const FLOWS: u32 = 100_000;
    let server = serve(provider, 1, "{}");
    let begin = |count: u32| {
        let mut connection = Connection::open(server.port());
        for _ in 0..count {
            assert_eq!(connection.get("/login/op", "").status, 303);
        }
    };
    begin(1000);
    let before = server.resident();
    begin(FLOWS);
    let measured = format!("{before} KiB resident before, {} KiB after", server.resident());
    row("flows begun and abandoned", format!("{FLOWS} flows"), measured);
}

/// Sessions: a page of a user while there are few and 10⁶, and signing out everywhere with a thousand of one's own.
pub(crate) async fn sessions(provider: &Provider) {
    let server = serve(provider, 1, "{cache=false}");
    let base = server.url();
    let mut browser = signed_in(&base).await;
    let cookies = cookies(&browser, &base);
    let pages = || {
        let mut connection = Connection::open(server.port());
        let mut times: Vec<Duration> = Vec::new();
        for _ in 0..2000 {
            let begun = std::time::Instant::now();
            assert_eq!(connection.get("/user", &cookies).status, 200);
            times.push(begun.elapsed());
        }
        times.sort();
        format!("p50 {:.0?}, p99 {:.0?}", percentile(&times, 50), percentile(&times, 99))
    };
    row("`CurrentUser`, without a cache", "1 session", pages());
    let mut database = SqliteConnection::establish(&server.file("bench.sqlite")).expect("the database");
    // A thousand of user 1, and one each of a million others.
    let fill = "PRAGMA busy_timeout = 60000;
        INSERT INTO oauth_sessions (id, cookie_hash, user_id, provider, issuer, provider_user_id, created_at, seen_at, expires_at)
        WITH RECURSIVE numbers (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000000)
        SELECT hex(randomblob(16)), hex(randomblob(16)), CASE WHEN n <= 1000 THEN '1' ELSE CAST(n AS TEXT) END, 'op', 'issuer',
               CAST(n AS TEXT), unixepoch(), unixepoch(), unixepoch() + 86400 FROM numbers";
    database.batch_execute(fill).expect("the sessions");
    row("`CurrentUser`, without a cache", "10⁶ sessions", pages());
    let csrf = browser.get_json(&url(&base, "/login/me")).await.json()["csrf"].as_str().map(str::to_owned);
    let fields = [("csrf".to_owned(), csrf.expect("a token"))];
    let (page, took) = timed(browser.post(&url(&base, "/login/logout/everywhere"), &fields)).await;
    assert_eq!(page.status.code, 303, "{}", page.body);
    row("signing out everywhere", "1,000 of 10⁶ sessions", format!("{took:.1?}"));
}

/// A thousand expired tokens at once, and a thousand requests for one expired token.
pub(crate) async fn refreshes(provider: &Provider) {
    const REQUESTS: i32 = 1000;
    const PROVIDER_TIME: Duration = Duration::from_millis(500);
    let server = serve(provider, 1, "{}");
    let base = server.url();
    let mut connection = Connection::open(server.port());
    for (users, size) in [(REQUESTS, "1,000 tokens, 1,000 requests"), (1, "1 token, 1,000 requests")] {
        assert_eq!(connection.get(&format!("/expire/{users}"), "").status, 200);
        provider.take_tokens();
        provider.set_delay(PROVIDER_TIME);
        let times = at_once(&base, (0..REQUESTS).map(|n| format!("/token/{}", 1 + n % users))).await;
        provider.set_delay(Duration::ZERO);
        let (p50, p99) = (percentile(&times, 50), percentile(&times, 99));
        let calls = provider.take_tokens();
        let measured = format!("{calls} calls of {PROVIDER_TIME:?}, p50 {p50:.1?}, p99 {p99:.1?}");
        row("expired tokens", size, measured);
    }
}
