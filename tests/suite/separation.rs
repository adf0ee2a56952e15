//! Two apps on one host, and two servers with the same keys: each has cookies of its own.

use rocket::http::Status;
use rocket_dance::DanceFairing;
use rocket_dance::storage::CookieStorage;

use crate::harness::{
    ACCOUNT, Browser, CSRF, DONE, LOGOUT, NOT_TRUSTED, PENDING, Refusal, SESSION, TestApp, TestRequest,
};
use crate::linking::{app, ask};

/// The same keys and database, somewhere else: staging, another port of the host, or another path of it.
const ELSEWHERE: [(&str, &str); 5] = [
    ("dance.base_url", "https://staging.example.com"),
    ("dance.base_url", "http://localhost:9000"),
    ("dance.base_url", "http://127.0.0.1:8000"),
    ("dance.prefix", "/auth"),
    ("dance.base_url", "http://localhost:8000/app"),
];

/// The tag in the names of an app's cookies.
#[track_caller]
fn tag(browser: &Browser) -> String {
    let name = browser.jar.keys().find_map(|name| name.split_once("rocket_dance_csrf_"));
    name.unwrap_or_else(|| panic!("no CSRF cookie: {:?}", browser.jar)).1.to_owned()
}

/// What belongs to the app at `from`, renamed by hand for the app at `to`.
fn renamed(browser: &Browser, from: &str, to: &Browser) -> Browser {
    let secure = to.jar.keys().any(|name| name.starts_with("__Host-"));
    let jar = browser.jar.iter().map(|(name, value)| {
        let plain = name.trim_start_matches("__Host-").replace(from, &tag(to));
        (if secure { format!("__Host-{plain}") } else { plain }, value.clone())
    });
    Browser { jar: jar.collect(), ..to.clone() }
}

#[rocket::async_test]
async fn d13_two_apps_on_one_host_keep_their_cookies_apart() {
    let here = TestApp::launch().await;
    for (key, value) in &ELSEWHERE[1..4] {
        let there = here.relaunch(|figment| figment.merge((*key, *value))).await;
        let prefix = if *key == "dance.prefix" { *value } else { "/login" };
        // One browser: cookies know no ports, and ours are for all paths.
        let mut ada = here.browser();
        let callback = ada.ride("/login/op").await;
        ada.app = there.clone();
        let theirs = ada.ride(&format!("{prefix}/op")).await;
        assert_eq!(ada.flows().len(), 1, "{key}: neither app removes the other's flow");
        assert_eq!(ada.jar.len(), 2, "{key}: {:?}", ada.jar);
        assert_eq!(ada.get(&theirs).await.location(), "/", "{key}");
        assert!(ada.user().await.is_some(), "{key}");
        ada.app = here.clone();
        assert_eq!(ada.user().await, None, "{key}: signed in there, not here");
        assert_eq!(ada.get(&callback).await.location(), "/", "{key}");
        assert!(ada.user().await.is_some(), "{key}");
        // Repeated callbacks find the outcome that is theirs.
        assert_eq!(ada.get(&callback).await.location(), "/", "{key}");
        ada.app = there.clone();
        assert_eq!(ada.get(&theirs).await.location(), "/", "{key}");
        ada.app = here.clone();
        ada.leave().await;
        ada.app = there;
        assert!(ada.user().await.is_some(), "{key}: signing out here is not signing out there");
    }
}

#[rocket::async_test]
async fn d13_what_another_place_has_sealed_opens_nowhere_else() {
    let here = TestApp::launch_with(|figment| figment.merge(("oauth.op.logout", true))).await;
    for (key, value) in ELSEWHERE {
        let there =
            here.relaunch(|figment| figment.merge(("oauth.op.logout", true)).merge((key, value))).await;
        let prefix = if key == "dance.prefix" { value } else { "/login" };
        let mut ada = here.browser();
        let done = ada.sign_in("op").await;
        let csrf = ada.csrf().await;
        let callback = ada.ride_to_connect("/login/op2").await;
        let mut eve = there.browser();
        eve.enter(9).await;
        let page = TestRequest::get(&format!("{prefix}/accounts")).header("Accept", "application/json");
        eve.ask(&page).await;
        // The browser has every cookie of the other app, under the names of this one.
        let mut eve = renamed(&ada, &tag(&ada), &eve);
        assert!(eve.jar.len() >= 4 && eve.jar.keys().all(|name| !name.contains(&tag(&ada))), "{:?}", eve.jar);
        assert_eq!(eve.user().await, None, "{key} = {value}: no session");
        for uri in [&callback, &done] {
            let uri = uri.replace("/login/", &format!("{prefix}/"));
            assert_refused_there(&mut eve, &TestRequest::get(&uri), NOT_TRUSTED).await;
        }
        let forged = TestRequest::post(&format!("{prefix}/logout"), &[("csrf", &csrf)]);
        assert_refused_there(&mut eve, &forged, Refusal::new(Status::Forbidden, "csrf")).await;

        // A sign-out at the provider.
        let mut ada = here.browser();
        ada.sign_in("op").await;
        let leaving = ada.post("/login/logout", &[]).await;
        let landing = here.approve(leaving.location()).await;
        let mut eve = renamed(&ada, &tag(&ada), &eve);
        let landing = landing.replace("/login/", &format!("{prefix}/"));
        let landed = eve.get(&landing).await;
        assert!(!landed.sets(&LOGOUT.replace(&tag(&ada), &tag(&eve))), "{key} = {value}: {landed:?}");

        // The controls: at its own place all of it is good.
        let mut ada = here.browser();
        ada.sign_in("op").await;
        let callback = ada.ride_to_connect("/login/op2").await;
        assert_eq!(ada.get(&callback).await.location(), "/");
        assert!(ada.jar.contains_key(SESSION) && ada.jar.contains_key(DONE) && ada.jar.contains_key(CSRF));
        ada.post("/login/op2/disconnect", &[]).await;
    }
}

/// As [`assert_refused`], which knows the paths and names of one place only.
async fn assert_refused_there(browser: &mut Browser, ask: &TestRequest, expected: Refusal) {
    let (rows, calls, user) = (browser.app.rows(), browser.app.token_calls(), browser.user().await);
    let answer = browser.ask(ask).await;
    assert_eq!(answer.status, expected.status, "{ask:?}: {answer:?}");
    assert!(answer.body.contains(expected.code), "{ask:?}: {answer:?}");
    assert!(!answer.header("Set-Cookie").is_some_and(|cookie| cookie.contains("session")), "{answer:?}");
    assert_eq!((browser.app.rows(), browser.app.token_calls()), (rows, calls), "{ask:?}");
    assert_eq!(browser.user().await, user);
}

#[rocket::async_test]
async fn d13_an_account_that_waits_is_found_at_its_own_place_only() {
    let (here, _) = app(false).await;
    let there = here.relaunch(|figment| figment.merge(("dance.base_url", "http://localhost:9000"))).await;
    let mut ada = here.browser();
    ask(&mut ada, "/login/op").await;
    let mut eve = there.browser();
    eve.enter(1).await;
    let csrf = eve.csrf().await;
    eve.jar.insert(PENDING.replace(&tag_of(SESSION), &tag(&eve)), ada.jar[PENDING].clone());
    let confirm = TestRequest::post("/login/confirm", &[("csrf", &csrf)]);
    assert_refused_there(&mut eve, &confirm, NOT_TRUSTED).await;
    // It was not used up there.
    ada.enter(1).await;
    assert_eq!(ada.post("/login/confirm", &[]).await.location(), "/");
}

/// The tag at the end of a name.
fn tag_of(name: &str) -> String {
    name.rsplit('_').next().unwrap_or_default().to_owned()
}

#[rocket::async_test]
async fn d13_an_account_in_a_cookie_opens_at_its_own_place_only() {
    let stored_in_cookies = |dance: DanceFairing| dance.storage(CookieStorage);
    let here = TestApp::launch_built(|figment| figment, stored_in_cookies).await;
    let there = here
        .relaunch_with(
            |figment| figment.merge(("dance.base_url", "http://localhost:9000")),
            stored_in_cookies,
        )
        .await;
    let mut ada = here.browser();
    let callback = ada.ride("/login/op").await;
    ada.get(&callback).await;
    assert_eq!(ada.get("/guarded").await.body, "ada");
    let mut eve = there.browser();
    eve.csrf().await;
    let name = ACCOUNT.replace(&tag_of(SESSION), &tag(&eve));
    eve.jar.insert(name, ada.jar[ACCOUNT].clone());
    assert_eq!(eve.get("/guarded").await.status, Status::SeeOther);
}

#[rocket::async_test]
async fn d13_two_processes_at_one_place_are_one_app() {
    let first = TestApp::launch().await;
    let second = first.relaunch(|figment| figment).await;
    let mut ada = first.browser();
    let callback = ada.ride("/login/op").await;
    ada.app = second.clone();
    assert_eq!(ada.get(&callback).await.location(), "/");
    ada.app = first.clone();
    assert!(ada.user().await.is_some());
    let callback = ada.ride_to_connect("/login/op2").await;
    ada.app = second;
    assert_eq!(ada.get(&callback).await.location(), "/");
    ada.app = first;
    ada.leave().await;
}
