//! The driver: it signs in, loads the routes in turns, and prints medians and ratios.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use test_support::{Browser, Navigation};
use url::Url;

use crate::wrk::{self, Run};

/// The compared routes: name and path.
const ROUTES: [(&str, &str); 5] = [
    ("bare route", "/bare"),
    ("private cookie", "/cookie"),
    ("OAuth guard, warm cache", "/guarded"),
    ("our login redirect", "/login/op"),
    ("rocket_oauth2's redirect", "/theirs"),
];

/// The server process. Dropping it kills it.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn setting(name: &str, fallback: u32) -> u32 {
    std::env::var(name).map_or(fallback, |value| value.parse().expect("a number"))
}

/// Runs all measurements and prints the table.
pub(crate) async fn drive() {
    let (rounds, seconds) = (setting("BENCH_ROUNDS", 5), setting("BENCH_SECONDS", 5));
    let folder = tempfile::tempdir().expect("a folder");
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
    let base = Url::parse(&format!("http://127.0.0.1:{port}")).expect("a URL");
    let server = Command::new(std::env::current_exe().expect("this binary"))
        .arg("serve")
        .env("PORT", port.to_string())
        .env("FOLDER", folder.path())
        .stdin(Stdio::null())
        .spawn();
    let _server = Server(server.expect("a server"));
    wait_for(port).await;

    let cookies = sign_in(&base).await;
    let session = |path: &str| match path {
        "/cookie" | "/guarded" => cookies.as_str(),
        // A sign-in begins in a browser without a session.
        _ => "none=0",
    };
    let drive =
        |path: &str, seconds| wrk::run(base.join(path).expect("a URL").as_str(), session(path), seconds);

    for (_, path) in ROUTES {
        drive(path, 1);
    }
    let mut runs = vec![Vec::new(); ROUTES.len()];
    for round in 0..rounds {
        eprintln!("round {} of {rounds}", round + 1);
        for (route, (_, path)) in ROUTES.iter().enumerate() {
            runs[route].push(drive(path, seconds));
        }
    }
    print(&runs);
}

async fn wait_for(port: u16) {
    for _ in 0..500 {
        if rocket::tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return;
        }
        rocket::tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the server doesn't answer");
}

/// Signs in as a browser does, checks that each route does what is measured, and returns the cookies.
async fn sign_in(base: &Url) -> String {
    let url = |path: &str| base.join(path).expect("a URL");
    let mut browser = Browser::new();
    for path in ["/login/op", "/theirs"] {
        let page = browser.get(&url(path)).await;
        let target = page.location().expect("a redirect");
        assert_eq!(target.path(), "/op/authorize", "{path} leads to the provider");
    }
    let mut browser = Browser::new();
    browser.post(&url("/cookie"), &[]).await;
    browser.open(&url("/login/op?next=/bare")).await;
    for path in ["/cookie", "/guarded"] {
        let page = browser.get(&url(path)).await;
        assert_eq!((page.status.code, page.body.as_str()), (200, "hello"), "{path}: {:#?}", browser.trail);
    }
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
    for ((name, _), runs) in ROUTES.iter().zip(runs) {
        let figures = runs.iter().map(|run| run.per_second);
        let (low, high) =
            figures.fold((f64::MAX, 0.0_f64), |(low, high), next| (low.min(next), high.max(next)));
        let (per_second, p50, p99) =
            (median(runs, |r| r.per_second), median(runs, |r| r.p50), median(runs, |r| r.p99));
        println!("| {name} | {per_second:.0} | {p50:.2} | {p99:.2} | {low:.0} to {high:.0} |");
    }
    let of = |route: usize| median(&runs[route], |run| run.per_second);
    println!("\nguard / private cookie: {:.2} (aim: 0.95 or more)", of(2) / of(1));
    println!("our redirect / rocket_oauth2's: {:.2} (aim: 1.0 or more)", of(3) / of(4));
}
