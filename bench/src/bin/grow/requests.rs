//! Browsers and requests of the measurements.

use std::time::{Duration, Instant};

use rocket::futures::future::join_all;
use test_support::{Browser, Navigation};
use url::Url;

/// A browser that has signed in at the server with this URL.
pub(crate) async fn signed_in(server: &str) -> Browser {
    let mut browser = Browser::new();
    let page = browser.open(&url(server, "/login/op?next=/bare")).await;
    assert_eq!(page.body, "hello", "{:#?}", browser.trail);
    browser
}

/// The cookies of `browser`.
pub(crate) fn cookies(browser: &Browser, server: &str) -> String {
    browser.cookies.header(&url(server, "/"), Navigation::SameSite).expect("a session")
}

pub(crate) fn url(server: &str, path: &str) -> Url {
    Url::parse(&format!("{server}{path}")).expect("a URL")
}

/// The time of `work`.
pub(crate) async fn timed<T>(work: impl Future<Output = T>) -> (T, Duration) {
    let begun = Instant::now();
    (work.await, begun.elapsed())
}

/// Sends GET requests for `paths` at once, and returns the times of the answers, sorted.
pub(crate) async fn at_once(server: &str, paths: impl Iterator<Item = String>) -> Vec<Duration> {
    let http = test_support::http_client();
    let requests = paths.map(|path| {
        let request = http.get(url(server, &path)).send();
        async move {
            let (answer, took) = timed(request).await;
            assert_eq!(answer.expect("an answer").status().as_u16(), 200, "{path}");
            took
        }
    });
    let mut times = join_all(requests).await;
    times.sort();
    times
}

/// The time within which `percent` % of the answers came.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}
