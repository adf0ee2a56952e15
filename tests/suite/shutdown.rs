//! The app is stopped while a sign-in or a refresh is in progress.

use std::thread::scope;
use std::time::{Duration, SystemTime};

use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint};
use serde_json::json;
use test_support::wait_until_blocking;

use crate::server::{Raw, Server, Tab};

const BASE_URL: &str = "http://127.0.0.1";

/// Requests `target`, and stops the app as soon as the provider's token endpoint has received one more request.
fn stopped_during(server: &mut Server, fake: &FakeProvider, target: &str, cookies: &str) -> Option<Raw> {
    let calls = fake.request_count(ProviderEndpoint::Token);
    let answer = scope(|scope| {
        let asked = scope.spawn(|| server.try_request("GET", target, &[("Cookie", cookies)], ""));
        wait_until_blocking("the token request", || {
            fake.request_count(ProviderEndpoint::Token) > calls || asked.is_finished()
        });
        server.terminate();
        asked.join().expect("no panic")
    });
    assert!(!server.has_crashed(), "it has stopped by itself");
    answer
}

#[rocket::async_test]
async fn sh_01_a_callback_under_way_ends_well() {
    let fake = FakeProvider::start().await;
    let mut server = Server::start(&fake, BASE_URL, "off", json!({}));
    let mut tab = Tab::new(&server);
    let callback = tab.callback(&fake, "/login/op").await;
    let cookies = tab.cookie_header();
    fake.respond_once(ProviderEndpoint::Token, FakeResponse::unmodified().delay(Duration::from_millis(800)));
    let answer = stopped_during(&mut server, &fake, &callback, &cookies).expect("within Rocket's grace");
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    assert_eq!((server.people.count("users"), server.people.count("oauth_accounts")), (1, 1));
}

#[rocket::async_test]
async fn sh_01_a_callback_that_takes_too_long_leaves_nothing() {
    let fake = FakeProvider::start().await;
    let shutdown = json!({ "shutdown": { "grace": 1, "mercy": 1 } });
    let mut server = Server::start(&fake, BASE_URL, "off", shutdown);
    let mut tab = Tab::new(&server);
    let callback = tab.callback(&fake, "/login/op").await;
    let cookies = tab.cookie_header();
    fake.respond_once(ProviderEndpoint::Token, FakeResponse::hang());
    let answer = stopped_during(&mut server, &fake, &callback, &cookies);
    assert!(answer.is_none_or(|answer| answer.header("set-cookie").is_none()), "no session");
    assert_eq!((server.people.count("users"), server.people.count("oauth_accounts")), (0, 0));
}

#[rocket::async_test]
async fn sh_02_a_refresh_that_is_cut_off_leaves_no_lease_for_long() {
    let fake = FakeProvider::start().await;
    let shutdown = json!({ "shutdown": { "grace": 1, "mercy": 1 }, "dance": { "cache": false } });
    let mut server = Server::start(&fake, BASE_URL, "off", shutdown);
    let mut tab = Tab::new(&server);
    let callback = tab.callback(&fake, "/login/op").await;
    assert_eq!(tab.get(&callback).status, 303);
    let cookies = tab.cookie_header();
    fake.expire_access_tokens();
    fake.respond_once(ProviderEndpoint::Token, FakeResponse::hang());
    stopped_during(&mut server, &fake, "/guarded", &cookies);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
    let leased = |until: u64| server.people.count(&format!("oauth_accounts WHERE lease_until > {until}"));
    assert_eq!((leased(0), leased(now + 60)), (1, 0), "leased for at most as long as a refresh may take");
}
