//! A sibling domain in Chromium: it plants cookies that look like ours.

use tempfile::tempdir;
use url::Url;

use super::Ride;
use super::common::app::App;
use super::common::chromium;
use super::common::database::Database;
use super::common::process::free_port;

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn d1_cookies_that_a_sibling_domain_plants_are_without_effect_in_chromium() {
    let folder = tempdir().unwrap();
    let mut app = App::new(folder.path(), Database::sqlite(folder.path()), "normal");
    app.base_url = Url::parse(&format!("https://app.example.test:{}", free_port())).unwrap();
    let ride = Ride::with(folder, app, 3600, &[]);
    let running = ride.app.start(&ride.entries);
    let (base, port) = (ride.app.url("/"), ride.app.port.to_string());
    chromium::ride(
        &["planted", base.as_str(), &port, "op", "op2"],
        &chromium::shots("planted", ride.folder.path()),
    );
    // Mallory has one account, Alice two: each their own.
    assert_eq!((ride.app.database.count("users"), ride.app.database.count("oauth_accounts")), (2, 3));
    assert!(!running.process.log().contains("panicked"));
}
