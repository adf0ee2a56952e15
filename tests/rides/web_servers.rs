//! The app behind nginx and Apache with their default limits, with as many cookies as a browser can have of it.

use rocket::figment::Figment;
use rocket::figment::providers::{Format, Toml};
use rocket::http::Status;
use tempfile::tempdir;
use test_support::{Browser, Watchdog};

use super::TEST_TIMEOUT;
use super::common::openid_provider::Provider;
use super::common::process::free_port;
use super::common::web_server::WebServer;
use super::documented::{entries, minimal};

/// What is left for the app's own cookies, in bytes, as docs/guide/operation.md says.
const LEFT_FOR_THE_APP: usize = 2046;

async fn ride_behind(server: WebServer) {
    let _watchdog = Watchdog::with_limit(TEST_TIMEOUT);
    let folder = tempdir().unwrap();
    let port = free_port();
    let (base, _server) = server.start(folder.path(), &[("", &format!("http://127.0.0.1:{port}"))]);
    let url = |path: &str| base.join(path).unwrap();
    let names = ["github", "other", "third"];
    let callbacks = names.map(|name| url(&format!("/login/{name}/authorized")).into());
    let provider = Provider::start(folder.path(), &callbacks, 3600);
    let figment = Figment::from(rocket::Config::debug_default())
        .merge(("port", port))
        .merge(("secret_key", "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk="))
        .merge(("dance.base_url", base.as_str().trim_end_matches('/')))
        .merge(Toml::string(&entries(provider.issuer())));
    let app = minimal::app().configure(figment).ignite().await.unwrap();
    let shutdown = app.shutdown();
    let running = rocket::tokio::spawn(app.launch());

    let mut ada = Browser::new();
    for name in names {
        let page = ada.open(&url(&format!("/login/{name}"))).await;
        let page = provider.consent(&mut ada, page, "ada").await;
        assert_eq!((page.status, page.url.path()), (Status::Ok, "/"), "{server:?} {name}: {}", page.body);
    }
    // The app's own cookies, and 40 tabs.
    let own = LEFT_FOR_THE_APP - "Cookie: own=; ".len();
    assert!(ada.cookies.receive(&base, &format!("own={}; Path=/", "x".repeat(own))));
    for tab in 0..40 {
        let begun = ada.get(&url(&format!("/login/github?next=/?tab={tab}"))).await;
        assert_eq!(begun.status, Status::SeeOther, "{server:?} {tab}: {}", begun.body);
    }
    let page = ada.get(&url("/login/accounts")).await;
    assert_eq!(page.status, Status::Ok, "{server:?}: {}", page.body);
    let page = ada.submit(&page, &page.form("/login/third/disconnect"), &[]).await;
    assert_ne!(page.status, Status::BadRequest, "{server:?}: {}", page.body);
    // The control: a little more, and the server refuses every request.
    assert!(ada.cookies.receive(&base, &format!("more={}; Path=/", "x".repeat(4000))));
    assert!(ada.cookies.receive(&base, &format!("evenmore={}; Path=/", "x".repeat(4000))));
    assert_eq!(ada.get(&url("/login")).await.status, Status::BadRequest);
    shutdown.notify();
    running.await.unwrap().unwrap();
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn d17_all_cookies_pass_a_default_nginx() {
    ride_behind(WebServer::Nginx).await;
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn d17_all_cookies_pass_a_default_apache() {
    ride_behind(WebServer::Apache).await;
}
