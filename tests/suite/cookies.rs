//! The cookies as a real server writes them.

use rocket::figment::Figment;
use rocket::figment::providers::Serialized;
use rocket::local::asynchronous::Client;
use rocket::{Config, Request};
use rocket_dance::storage::MemoryStorage;
use rocket_dance::testing::{FakeProvider, ProviderEndpoint};
use rocket_dance::{AuthorizationRequest, Dance, Result, Signals};
use serde_json::json;

use crate::app::{App, figment, location, rocket};
use crate::harness::SESSION;
use crate::server::{Server, Tab};

const HTTPS: &str = "https://app.example.com";
const LOOPBACK: &str = "http://localhost:8000";
/// The name of the session cookie at `HTTPS`.
const HTTPS_SESSION: &str = "__Host-rocket_dance_session_uuEpGsi9";

/// A `Set-Cookie` header without the tag of the address, and without the parts that differ each time: the flow's handle,
/// the value and the date.
fn shape(cookie: &str) -> String {
    let (name, rest) = cookie.split_once('=').expect("a cookie");
    let (value, attributes) = rest.split_once("; ").expect("attributes");
    let tag = if name.starts_with("__Host-") { "uuEpGsi9" } else { "VuWjeEX0" };
    let name = match name.split_once(tag) {
        Some((kind, "")) => format!("{kind}TAG"),
        Some((kind, handle)) if handle.len() == 17 => format!("{kind}TAG_HANDLE"),
        _ => name.to_owned(),
    };
    let value = if value.is_empty() { "" } else { "VALUE" };
    let attributes: Vec<&str> =
        attributes.split("; ").filter(|attribute| !attribute.starts_with("Expires=")).collect();
    format!("{name}={value}; {}", attributes.join("; "))
}

#[rocket::async_test]
async fn ck_01_ck_07_https_cookies_are_host_only_secure_and_lax() {
    let fake = FakeProvider::start().await;
    let server = Server::start(&fake, HTTPS, "off", json!({"oauth": {"op": {"logout": true}}}));
    let mut tab = Tab::new(&server);

    let begun = tab.get("/login/op");
    let flow = begun.set_cookies();
    assert_eq!(flow.len(), 1, "{flow:?}");
    let expected =
        "__Host-rocket_dance_flow_TAG_HANDLE=VALUE; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=3300";
    assert_eq!(shape(flow[0]), expected);
    assert!(flow[0].len() <= 4096, "{}", flow[0].len());
    assert_eq!(begun.header("cache-control"), Some("no-store"));

    let callback = fake.authorize(begun.location()).await;
    assert!(callback.starts_with(HTTPS));
    let name = tab.flows()[0].clone();
    let ended = tab.get(&callback[HTTPS.len()..]);
    assert_eq!((ended.status, ended.location()), (303, "/"), "{}", ended.body);
    // CK-07: removed with the same name, path and flags.
    let removal = ended.set_cookie("__Host-rocket_dance_flow_");
    assert!(removal.starts_with(&format!("{name}=;")));
    assert_eq!(shape(removal), expected.replace("VALUE", "").replace("3300", "0"));
    let session = ended.set_cookie("__Host-rocket_dance_session");
    assert_eq!(
        shape(session),
        "__Host-rocket_dance_session_TAG=VALUE; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=1209600"
    );
    assert_eq!(
        shape(ended.set_cookie("__Host-rocket_dance_done")),
        "__Host-rocket_dance_done_TAG=VALUE; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=1800"
    );
    assert!(!ended.text().contains("Domain"));
    assert_eq!(tab.get("/me").body, "1");

    let page = tab.get("/login/accounts");
    assert_eq!(
        shape(page.set_cookie("__Host-rocket_dance_csrf")),
        "__Host-rocket_dance_csrf_TAG=VALUE; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=1209600"
    );
    let csrf =
        page.body.split("name=\"csrf\" value=\"").nth(1).expect("a form").split('"').next().unwrap_or("");
    let out = tab.send("POST", "/login/logout", &format!("csrf={csrf}"));
    assert_eq!(out.status, 303, "{}", out.body);
    let removal = out.set_cookie("__Host-rocket_dance_session");
    assert!(shape(removal).starts_with("__Host-rocket_dance_session_TAG=; "), "{removal}");
    for attribute in ["; Secure", "; Path=/", "; Max-Age=0", "; SameSite=Lax"] {
        assert!(removal.contains(attribute), "{attribute} of {removal}");
    }
    assert!(!removal.contains("Domain"));
    // The cookies that the callback needs.
    let expected =
        "__Host-rocket_dance_logout_TAG=VALUE; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=600";
    assert_eq!(shape(out.set_cookie("__Host-rocket_dance_logout")), expected);
    let landing = fake.authorize(out.location()).await;
    let landed = tab.get(&landing[HTTPS.len()..]);
    let removal = landed.set_cookie("__Host-rocket_dance_logout");
    assert_eq!(shape(removal), expected.replace("VALUE", "").replace("600", "0"));
    assert_eq!((landed.status, landed.location(), tab.get("/me").status), (303, "/", 303));
}

#[rocket::async_test]
async fn ck_02_plain_names_on_a_loopback_host() {
    let fake = FakeProvider::start().await;
    let server = Server::start(&fake, LOOPBACK, "off", json!({}));
    let mut tab = Tab::new(&server);
    let begun = tab.get("/login/op");
    assert_eq!(
        shape(begun.set_cookie("rocket_dance_flow_")),
        "rocket_dance_flow_TAG_HANDLE=VALUE; HttpOnly; SameSite=Lax; Path=/; Max-Age=3300"
    );
    let callback = fake.authorize(begun.location()).await;
    let ended = tab.get(&callback[LOOPBACK.len()..]);
    assert_eq!(
        shape(ended.set_cookie("rocket_dance_flow_")),
        "rocket_dance_flow_TAG_HANDLE=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0"
    );
    assert_eq!(
        shape(ended.set_cookie("rocket_dance_session")),
        "rocket_dance_session_TAG=VALUE; HttpOnly; SameSite=Lax; Path=/; Max-Age=1209600"
    );
    let out = tab.send("POST", "/leave", "");
    assert!(out.set_cookie(&format!("{SESSION}=;")).contains("Max-Age=0"));
    assert_eq!(tab.get("/me").status, 303);
}

async fn launches(figment: Figment) -> bool {
    match Client::untracked(rocket(figment, Dance::fairing().storage(MemoryStorage::default()))).await {
        Ok(_) => true,
        // An error of Rocket panics when it is dropped, unless its kind was read.
        Err(error) => matches!(error.kind(), rocket::error::ErrorKind::Io(_)),
    }
}

#[rocket::async_test]
async fn ck_02_http_elsewhere_stops_the_launch() {
    let fake = FakeProvider::start().await;
    let at = |profile: &'static str, base_url: &str| {
        figment(&fake).merge(Serialized::default("dance.base_url", base_url)).select(profile)
    };
    for profile in ["debug", "release"] {
        assert!(launches(at(profile, LOOPBACK)).await, "{profile}");
        assert!(launches(at(profile, "http://127.0.0.1:8000")).await, "{profile}");
        for base_url in ["http://app.example.com", "http://192.168.0.7:8000", "http://localhost.example.com"]
        {
            assert!(!launches(at(profile, base_url)).await, "{profile} {base_url}");
        }
    }
    assert!(launches(figment(&fake).select("debug")).await);
    assert!(!launches(figment(&fake).select("release")).await, "no base_url in release");
}

#[rocket::async_test]
async fn ck_03_no_key_no_launch_in_release() {
    let fake = FakeProvider::start().await;
    let bare = Figment::from(Config { log_level: rocket::config::LogLevel::Off, ..Config::debug_default() })
        .merge(fake.config("op"))
        .merge(fake.config("op2"))
        .merge(Serialized::default("dance.base_url", LOOPBACK));
    let with = |keys: serde_json::Value| bare.clone().merge(Serialized::default("dance.token_keys", keys));
    assert!(launches(bare.clone().select("debug")).await);
    // Rocket refuses a release build without secret_key. A key of zeros would make the library's keys public.
    assert!(!launches(bare.clone().select("release")).await);
    assert!(!launches(with(json!(["c2hvcnQ="]))).await, "a short key");
    assert!(!launches(with(json!([]))).await, "no key at all");
    assert!(launches(with(json!(["hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk="]))).await);
}

#[rocket::async_test]
async fn ck_04_ten_tabs_finished_in_reverse() {
    let fake = FakeProvider::start().await;
    let server = Server::start(&fake, HTTPS, "off", json!({}));
    let mut tab = Tab::new(&server);
    let mut callbacks = Vec::new();
    for number in 0..10 {
        callbacks.push(tab.callback(&fake, &format!("/login/op?next=/guarded?tab={number}")).await);
    }
    assert_eq!(tab.flows().len(), 10);
    for (number, callback) in callbacks.iter().enumerate().rev() {
        let ended = tab.get(callback);
        assert_eq!((ended.status, ended.location()), (303, format!("/guarded?tab={number}").as_str()));
    }
    assert_eq!((tab.flows().len(), fake.request_count(ProviderEndpoint::Token)), (0, 10));
    assert_eq!(server.people.accounts(), ["op/ada -> 1"]);
}

#[rocket::async_test]
async fn ck_05_the_oldest_flow_makes_room() {
    let fake = FakeProvider::start().await;
    let server = Server::start(&fake, HTTPS, "off", json!({}));
    let mut tab = Tab::new(&server);
    let mut callbacks = Vec::new();
    let mut most = 0;
    for number in 0..30 {
        callbacks.push(tab.callback(&fake, &format!("/login/op?next=/guarded?tab={number}")).await);
        server.request("POST", "/advance/1", &[], "");
        let total: usize = tab
            .cookies
            .iter()
            .filter(|(name, _)| name.contains("_flow_"))
            .map(|(name, value)| name.len() + value.len())
            .sum();
        assert!(total <= 5120, "{total} bytes of flows");
        assert!(tab.cookie_header().len() < 8 << 10);
        most = most.max(tab.flows().len());
    }
    assert!((10..30).contains(&most), "{most}");
    let calls = fake.request_count(ProviderEndpoint::Token);
    for old in &callbacks[..30 - most] {
        let ended = tab.get(old);
        assert_eq!(ended.status, 400, "an evicted flow is gone: {}", ended.body);
    }
    assert_eq!(fake.request_count(ProviderEndpoint::Token), calls);
    for new in &callbacks[30 - most..] {
        assert_eq!(tab.get(new).status, 303);
    }
}

/// Carries more than a cookie can hold.
struct Luggage(usize);

#[rocket::async_trait]
impl Signals for Luggage {
    async fn before_login(&self, _: &Request<'_>, begin: &mut AuthorizationRequest) -> Result<()> {
        begin.add_note("luggage", "x".repeat(self.0));
        Ok(())
    }
}

#[rocket::async_test]
async fn ck_06_long_is_kept_and_too_long_is_said() {
    let fake = FakeProvider::start().await;
    let mut many = vec!["openid".to_owned()];
    many.extend((0..60).map(|n| format!("https://scopes.example.com/a.long.scope.{n}")));
    let long = Server::start(&fake, HTTPS, "off", json!({ "oauth": { "op": { "scope": many } } }));
    let mut tab = Tab::new(&long);
    let next = format!("/guarded?{}", "n".repeat(2000));
    let begun = tab.get(&format!("/login/op?next={next}"));
    assert_eq!(begun.status, 303);
    assert!(begun.set_cookie("__Host-rocket_dance_flow_").len() <= 4096);
    let callback = crate::app::path_and_query(&fake.authorize(begun.location()).await);
    assert_eq!(tab.get(&callback).location(), next, "nothing is truncated");
    let mut tab = Tab::new(&long);
    let begun = tab.get(&format!("/login/op2?next={next}{}", "n".repeat(100)));
    let callback = crate::app::path_and_query(&fake.authorize(begun.location()).await);
    assert_eq!(tab.get(&callback).location(), "/", "over 2 KiB there is no `next`");

    for (size, fits) in [(1000, true), (4000, false)] {
        let fake = FakeProvider::start().await;
        let figment = figment(&fake);
        let dance = Dance::fairing().storage(MemoryStorage::default()).signals(Luggage(size));
        let app = App::new(fake, figment, dance).await;
        let begun = app.get("/login/op").await;
        if fits {
            assert!(location(&begun).starts_with(app.fake.issuer()));
        } else {
            assert_eq!(begun.status().code, 400);
            assert!(begun.cookies().iter().next().is_none(), "no flow is stored in parts");
            assert!(begun.headers().get_one("Location").is_none());
        }
    }
}

#[rocket::async_test]
async fn ck_08_a_planted_cookie_is_ignored() {
    let fake = FakeProvider::start().await;
    let server = Server::start(&fake, HTTPS, "off", json!({}));
    let mut tab = Tab::new(&server);
    let callback = tab.callback(&fake, "/login/op").await;
    let (name, value) = tab.cookies.clone().pop_first().expect("a flow");
    // A sibling subdomain or a page over http can set the same sealed flow without the prefix `__Host-`.
    let plain = name.trim_start_matches("__Host-").to_owned();
    let planted = format!("{plain}={value}");
    let refused = server.request("GET", &callback, &[("Cookie", &planted)], "");
    assert_eq!((refused.status, fake.request_count(ProviderEndpoint::Token)), (400, 0), "{}", refused.body);
    assert!(refused.set_cookies().iter().all(|cookie| !cookie.contains("session")));
    // Beside the real cookie it changes nothing.
    tab.cookies.insert(plain, "nonsense".into());
    assert_eq!(tab.get(&callback).status, 303);
    let session = &tab.cookies[HTTPS_SESSION];
    let planted = format!("{}={session}", HTTPS_SESSION.trim_start_matches("__Host-"));
    assert_eq!(server.request("GET", "/me", &[("Cookie", &planted)], "").status, 303, "not signed in");
    let real = format!("{HTTPS_SESSION}={session}");
    assert_eq!(server.request("GET", "/me", &[("Cookie", &real)], "").status, 200);
    assert_eq!(server.people.accounts(), ["op/ada -> 1"]);
}
