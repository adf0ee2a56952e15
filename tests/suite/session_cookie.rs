//! The session cookie: what it contains, and what a changed, old or copied one is worth.

use rocket::figment::Figment;
use rocket::http::{CookieJar, Method, Status};
use rocket::local::asynchronous::Client;
use rocket::{get, routes};
use rocket_dance::storage::CookieStorage;
use rocket_dance::testing::FakeProvider;
use rocket_dance::{Dance, ErrorKind};

use crate::app::{App, figment, rocket};
use crate::harness::{Browser, SESSION, TestApp, TestRequest, TestResponse};
use crate::logout::{HOUR, copy, sessions};

#[rocket::async_test]
async fn lo_05_a_forged_cookie_ends_no_session() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let before = sessions(&app);
    let id = before[0].split('\'').nth(1).expect("its id").to_owned();
    let mut mallory = app.browser();
    mallory.enter(666).await;
    let (kept, last) = ada.jar[SESSION].split_at(ada.jar[SESSION].len() - 1);
    let flipped = format!("{kept}{}", if last == "A" { "B" } else { "A" });
    for forged in [id.clone(), format!("v1.{id}"), flipped, "1".into(), "0 1".into(), String::new()] {
        let mut forger = copy(&mallory);
        forger.jar.insert(SESSION.to_owned(), forged.clone());
        assert_eq!(forger.user().await, None, "{forged}");
        for uri in ["/login/logout", "/login/logout/everywhere"] {
            forger.jar.insert(SESSION.to_owned(), forged.clone());
            let _ = forger.post(uri, &[]).await;
        }
        forger.jar.insert(SESSION.to_owned(), forged);
        forger.ask(&TestRequest::new(Method::Post, "/enter/666")).await;
    }
    assert_eq!(ada.user().await, Some(1));
    assert!(sessions(&app).contains(&before[0]));
}

#[rocket::async_test]
async fn ck_11_what_the_cookie_holds_is_not_in_the_database() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let ended = {
        let callback = ada.ride("/login/op").await;
        ada.get(&callback).await
    };
    assert_eq!(ended.header("Cache-Control"), Some("no-store"));
    let entered = ada.ask(&TestRequest::new(Method::Post, "/enter/1")).await;
    assert!(entered.sets(SESSION) && !entered.sets("rocket_dance_pass"), "{entered:?}");
    assert_eq!(entered.header("Cache-Control"), Some("no-store"));
    let rows = sessions(&app).join("\n");
    assert!(!rows.contains(&ada.jar[SESSION]), "{rows}");
    // What the row has is not accepted as a cookie.
    let id = rows.split('\'').nth(1).expect("its id");
    assert_eq!(id.len(), 32);
    assert!(!ada.jar[SESSION].contains(id));
}

/// A page of the app's that sets a cookie of the app's.
#[get("/theme")]
fn theme(jar: &CookieJar<'_>) {
    jar.add(("theme", "dark"));
}

#[rocket::async_test]
async fn ck_11_a_cookie_of_the_apps_own_keeps_no_cache_out() {
    let fake = FakeProvider::start().await;
    let rocket = rocket(figment(&fake), Dance::fairing().storage(CookieStorage)).mount("/", routes![theme]);
    let client = Client::untracked(rocket).await.expect("the app launches");
    let page = client.get("/theme").dispatch().await;
    assert!(page.cookies().get("theme").is_some());
    assert_eq!(page.headers().get_one("Cache-Control"), None, "the app decides");
}

#[rocket::async_test]
async fn a_session_cookie_without_an_id_has_no_user() {
    let app = App::in_memory().await;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let old = app.client.get("/me").private_cookie((SESSION, format!("{now} 1")));
    assert_eq!(old.dispatch().await.status(), Status::SeeOther);
}

#[rocket::async_test]
async fn without_a_database_a_copy_lives_on_until_its_age() {
    let fake = FakeProvider::start().await;
    let figment = figment(&fake).merge(("dance.session.age", 2 * HOUR));
    let app = App::new(fake, figment.clone(), Dance::fairing().storage(CookieStorage)).await;
    app.sign_in_as(7).await;
    let copy = app.cookies()[SESSION].clone();
    let who = async || {
        let request = app.client.get("/me").cookie((SESSION, copy.clone()));
        request.dispatch().await.status()
    };
    for route in ["/login/logout/everywhere", "/login/logout/session"] {
        let refused = app.post(route, &[("session", "1")]).await;
        assert_eq!(refused.status(), Status::NotFound, "{route}");
        assert!(refused.cookies().iter().next().is_none(), "{route} leaves this browser signed in");
        let page = refused.into_string().await.unwrap();
        assert!(page.contains("sessions_not_stored"), "{route}: {page}");
    }
    assert_eq!(app.post("/login/logout", &[]).await.status(), Status::SeeOther);
    assert!(!app.cookies().contains_key(SESSION));
    assert_eq!(who().await, Status::Ok, "the end of the session is not stored");
    let dance = Dance::fetch(app.client.rocket()).unwrap();
    let error = dance.sign_out_everywhere(&7).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SessionsNotStored);
    let (_, accounts) = app.json("/login/accounts").await;
    assert_eq!(accounts["logout_everywhere_url"], serde_json::Value::Null);
    dance.advance_clock(2 * HOUR + 10);
    assert_eq!(who().await, Status::SeeOther);

    // A lifetime that cannot be enforced stops the launch.
    let figment = figment.merge(("dance.session.idle", HOUR));
    let launched = Client::untracked(rocket(figment, Dance::fairing().storage(CookieStorage))).await;
    let error = launched.expect_err("refused");
    assert!(matches!(error.kind(), rocket::error::ErrorKind::FailedFairings(_)), "{error:?}");
}

const KEYS: [&str; 3] = [
    "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
    "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=",
    "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=",
];

fn keys(keys: &[&str]) -> impl FnOnce(Figment) -> Figment {
    let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
    |figment| figment.merge(("dance.token_keys", keys)).merge(("oauth.op.logout", true))
}

#[rocket::async_test]
async fn without_a_database_a_cookie_from_the_future_is_none() {
    let fake = FakeProvider::start().await;
    let figment = figment(&fake);
    let app = App::new(fake, figment, Dance::fairing().storage(CookieStorage)).await;
    app.sign_in_as(7).await;
    let dance = Dance::fetch(app.client.rocket()).unwrap();
    // The clocks of two processes may differ by a minute.
    dance.advance_clock(-50);
    assert_eq!(app.get("/me").await.status(), Status::Ok);
    dance.advance_clock(-50);
    assert_eq!(app.get("/me").await.status(), Status::SeeOther);
}

/// The same browser in front of another process.
fn before(app: &TestApp, browser: &Browser) -> Browser {
    Browser { app: app.clone(), ..browser.clone() }
}

/// Posts a harmless form of the accounts page.
async fn makes_primary(browser: &Browser, csrf: &str) -> TestResponse {
    browser.peek(&TestRequest::post("/login/op/primary", &[("csrf", csrf), ("account", "1")])).await
}

#[rocket::async_test]
async fn ck_12_what_an_old_key_has_sealed_is_good_until_the_key_goes() {
    let old = TestApp::launch_with(keys(&[KEYS[0]])).await;
    let mut ada = old.browser();
    ada.sign_in("op").await;
    let callback = ada.ride_to_connect("/login/op2").await;
    let csrf = ada.csrf().await;
    // With the new key first, cookies, flows and forms stay valid; also between processes of which some have the new key
    // first and some do not.
    let both = old.relaunch(keys(&[KEYS[1], KEYS[0]])).await;
    let mut here = before(&both, &ada);
    assert_eq!(here.user().await, Some(1));
    assert_eq!(makes_primary(&here, &csrf).await.location(), "/login/accounts", "the old page's form");
    assert_eq!(here.get(&callback).await.location(), "/");
    let fresh = here.csrf().await;
    assert_ne!(fresh, csrf);
    let later = old.relaunch(keys(&[KEYS[0], KEYS[1]])).await;
    assert_eq!(before(&later, &here).user().await, Some(1));
    assert_eq!(makes_primary(&before(&later, &here), &fresh).await.location(), "/login/accounts");
    // Without the old key they are invalid: Ada's earlier session is gone, and what the new key sealed stays.
    let new = old.relaunch(keys(&[KEYS[1]])).await;
    assert_eq!((before(&new, &ada).user().await, before(&new, &here).user().await), (None, Some(1)));
    assert_eq!(makes_primary(&before(&new, &here), &csrf).await.status, Status::Forbidden);
    // An ID token that no key opens is not sent as a hint, and does not prevent signing out.
    let mut here = before(&new, &here);
    let out = here.post("/login/logout", &[]).await;
    assert!(out.location().starts_with(old.fake.issuer()) && !out.location().contains("id_token_hint"));
}

#[rocket::async_test]
async fn ck_10_a_cookie_that_was_meddled_with_is_none() {
    let app = TestApp::launch_with(keys(&[KEYS[0]])).await;
    let elsewhere = app.relaunch(keys(&[KEYS[2]])).await;
    let mut ada = app.browser();
    let done = ada.sign_in("op").await;
    let mut stranger = before(&elsewhere, &app.browser());
    stranger.sign_in("op").await;
    let _ = stranger.ride_to_connect("/login/op2").await;
    let csrf = ada.csrf().await;
    let callback = ada.ride_to_connect("/login/op2").await;
    let flow = ada.flows()[0].0.clone();
    let leave = TestRequest::post("/login/logout", &[("csrf", &csrf)]);
    for (name, ask, good) in [
        (SESSION, TestRequest::get("/me"), Status::Ok),
        (SESSION, leave.clone(), Status::SeeOther),
        (crate::harness::CSRF, leave, Status::SeeOther),
        (crate::harness::DONE, TestRequest::get(&done), Status::SeeOther),
        (flow.as_str(), TestRequest::get(&callback), Status::SeeOther),
    ] {
        let value = ada.jar[name].clone();
        let mut without = ada.clone();
        without.jar.remove(name);
        let expected = without.peek(&ask).await.status;
        assert_ne!(expected, good, "{name}");
        let mut broken = vec![
            String::new(),
            value[1..].to_owned(),
            value[..value.len() - 1].to_owned(),
            value[..value.len() / 2].to_owned(),
            format!("{value}A"),
            format!("{value}{value}"),
            format!("{}{}", if value.starts_with('B') { "C" } else { "B" }, &value[1..]),
            value.to_ascii_lowercase(),
            "v1.".to_owned(),
            "x".repeat(4000),
        ];
        // Sealed for another purpose, or with another key for this purpose.
        broken.extend(ada.jar.iter().filter(|(other, _)| *other != name).map(|(_, value)| value.clone()));
        broken.extend(stranger.jar.values().cloned());
        for value in broken {
            let mut browser = ada.clone();
            browser.jar.insert(name.to_owned(), value.clone());
            assert_eq!(browser.peek(&ask).await.status, expected, "{name}={value}: {ask:?}");
        }
    }
    assert_eq!(ada.get(&callback).await.location(), "/", "none of these used it up");
}
