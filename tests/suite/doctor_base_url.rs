//! `Dance::doctor` against what answers at `base_url`.

use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use rocket::figment::Figment;
use rocket::{Shutdown, get, routes};
use rocket_dance::testing::FakeProvider;

use crate::doctor::{assert_one_failure, assert_one_warning, bad, examine, healthy, memory};

/// An app on a port of its own. It stops when it is dropped.
struct Running {
    base_url: String,
    shutdown: Shutdown,
}

impl Running {
    /// Launches the app that `configure` configures.
    async fn start(fake: &FakeProvider, configure: impl FnOnce(Figment) -> Figment) -> Self {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let base_url = format!("http://127.0.0.1:{port}");
        let figment = healthy(fake).merge(("port", port)).merge(("dance.base_url", &base_url));
        let figment = configure(figment.merge(("shutdown.ctrlc", false)).merge(("shutdown.grace", 1)));
        let rocket = rocket::custom(figment).attach(memory()).mount("/", routes![moved, down]);
        let rocket = rocket.ignite().await.unwrap();
        let shutdown = rocket.shutdown();
        rocket::tokio::spawn(rocket.launch());
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            rocket::tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Self { base_url, shutdown }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.shutdown.clone().notify();
    }
}

#[get("/moved/login/me")]
fn moved() -> rocket::response::Redirect {
    rocket::response::Redirect::permanent("https://www.app.example/login/me")
}

#[get("/down/login/me")]
fn down() -> rocket::http::Status {
    rocket::http::Status::BadGateway
}

#[rocket::async_test]
async fn base_url_leads_to_this_app() {
    let fake = FakeProvider::start().await;
    let app = Running::start(&fake, |figment| figment).await;
    let here = healthy(&fake).merge(("dance.base_url", &app.base_url));
    let report = examine(here.clone(), memory()).await;
    assert!(bad(&report).is_empty() && report.to_string().contains("leads to this app"), "{report}");

    let other_key =
        here.clone().merge(("dance.token_keys", ["H6H8O0e3PLgVZ4iuBzZ/V05UeYCyBnZP3QR1nf9cGMg="]));
    let report = examine(other_key, memory()).await;
    assert_one_failure(&report, &["has another key than this process", "the same `token_keys`"]);

    for (path, words) in
        [("/elsewhere", "answers with 404"), ("/moved", "redirects to https://www.app.example/login/me")]
    {
        let report =
            examine(here.clone().merge(("dance.base_url", format!("{}{path}", app.base_url))), memory())
                .await;
        assert_one_failure(&report, &["base_url", words, "proxy"]);
    }
    let report = examine(here.merge(("dance.base_url", format!("{}/down", app.base_url))), memory()).await;
    assert_one_warning(&report, &["answers with 502"]);
}

#[rocket::async_test]
async fn the_app_there_has_another_base_url() {
    let fake = FakeProvider::start().await;
    let app =
        Running::start(&fake, |figment| figment.merge(("dance.base_url", "https://other.example"))).await;
    let report = examine(healthy(&fake).merge(("dance.base_url", &app.base_url)), memory()).await;
    assert_one_failure(&report, &["another `base_url` or `prefix`"]);
}

#[rocket::async_test]
async fn another_server_is_there() {
    let fake = FakeProvider::start().await;
    let report = examine(healthy(&fake).merge(("dance.base_url", fake.issuer())), memory()).await;
    assert_one_failure(&report, &["not as this app does", "A proxy must pass this path"]);
}

#[rocket::async_test]
async fn a_host_that_can_not_be_reached_is_a_warning() {
    let fake = FakeProvider::start().await;
    let report = examine(healthy(&fake).merge(("dance.base_url", "https://app.invalid")), memory()).await;
    assert_one_warning(&report, &["https://app.invalid/login/me can't be requested from this machine"]);
}
