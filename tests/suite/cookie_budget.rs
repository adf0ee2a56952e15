//! All our cookies together stay small enough for a default nginx or Apache in front of an app.

use rocket::figment::Figment;
use rocket::http::Status;
use rocket_dance::Signals;
use rocket_dance::storage::CookieStorage;
use rocket_dance::testing::{FakeResponse, ProviderEndpoint};
use serde_json::json;

use crate::harness::{Browser, DONE, FLOW, NOT_TRUSTED, TestApp, TestRequest, assert_refused, captured_log};
use crate::signals::{Heard, Listener};

/// What all our cookies together may take, in bytes, as docs/guide/operation.md says.
const BUDGET: usize = 6144;
const ACCOUNTS: usize = 4096;
/// What a default nginx accepts of a response, in bytes, without what is left for the app's own headers.
const HEAD: usize = 4096 - 96;

/// The size of the browser's cookies whose names begin with `prefix`, as the header of a request counts it.
fn size(browser: &Browser, prefix: &str) -> usize {
    let ours = browser.jar.iter().filter(|(name, _)| name.starts_with(prefix));
    ours.map(|(name, value)| name.len() + value.len() + 3).sum()
}

fn assert_within_budget(browser: &Browser) {
    let (accounts, all) = (size(browser, "rocket_dance_account_"), size(browser, "rocket_dance_"));
    assert!(accounts <= ACCOUNTS && all <= BUDGET, "{accounts} of {all} bytes: {:?}", browser.jar.keys());
}

/// An app that keeps accounts in cookies, with the entries a, b and c. Two of their accounts fill the room for accounts.
async fn app_with_large_tokens() -> (TestApp, Heard) {
    let heard = Heard::default();
    let app = app_with_large_tokens_and(Listener(heard.clone())).await;
    heard.take();
    (app, heard)
}

/// The same, with `signals`.
pub(crate) async fn app_with_large_tokens_and(signals: impl Signals) -> TestApp {
    let first = TestApp::launch().await;
    let entries = ["a", "b", "c"].map(|name| first.fake.preset_config(name, "github"));
    let configure = |figment: Figment| entries.into_iter().fold(figment, Figment::merge);
    let app = first.relaunch_with(configure, |dance| dance.storage(CookieStorage).signals(signals)).await;
    answer_with(&app, 380);
    app
}

/// From now on, the provider gives an access token and a text of `more` bytes.
fn answer_with(app: &TestApp, more: usize) {
    let edit = move |answer: &mut serde_json::Value| {
        for name in ["id_token", "refresh_token"] {
            answer.as_object_mut().unwrap().remove(name);
        }
        answer["more"] = json!("y".repeat(more));
    };
    app.fake.respond_always(ProviderEndpoint::Token, FakeResponse::edit(edit));
}

#[rocket::async_test]
async fn d17_three_accounts_in_cookies_fit_a_default_proxy() {
    let (app, heard) = app_with_large_tokens().await;
    let mut ada = app.browser();
    for entry in ["a", "b", "c"] {
        let callback = ada.ride(&format!("/login/{entry}")).await;
        let landed = ada.get(&callback).await;
        assert_eq!(landed.location(), "/");
        assert_within_budget(&ada);
        // A repeated callback still finds its outcome.
        assert_eq!(ada.get(&callback).await.location(), "/");
        app.advance(1);
    }
    // The oldest account made room, and the app and the operator know.
    assert!(!ada.jar.keys().any(|name| name.ends_with("_a")), "{:?}", ada.jar.keys());
    assert!(size(&ada, "rocket_dance_account_") > 2000, "two accounts: {:?}", ada.jar.keys());
    assert_eq!(
        heard.take().iter().filter(|event| event.starts_with("removed")).collect::<Vec<_>>(),
        ["removed a ada -"]
    );
    app.dance().wait_for_revocations().await;
    assert_eq!(app.fake.request_count(ProviderEndpoint::Revocation), 0, "other accounts need the grant");
    if let Some(log) = captured_log() {
        assert!(
            log.contains("`a`: an account was removed from a browser, whose cookies have no room"),
            "{log}"
        );
    }
    // What is left works, and signing out removes all of it.
    assert_eq!(ada.post("/login/b/disconnect", &[]).await.status, Status::SeeOther);
    assert_eq!(ada.post("/login/logout", &[]).await.status, Status::SeeOther);
    assert_eq!(size(&ada, "rocket_dance_account_"), 0);
}

#[rocket::async_test]
async fn d17_some_tabs_work_beside_full_accounts() {
    let (app, _) = app_with_large_tokens().await;
    let mut ada = app.browser();
    for entry in ["a", "b", "c"] {
        let callback = ada.ride(&format!("/login/{entry}")).await;
        ada.get(&callback).await;
        app.advance(1);
    }
    let mut callbacks = Vec::new();
    for number in 0..6 {
        callbacks.push(ada.ride(&format!("/login/b?next=/guarded?tab={number}")).await);
        assert_within_budget(&ada);
        app.advance(1);
    }
    let open = ada.flows().len();
    assert!((3..6).contains(&open), "{open} tabs");
    for (number, callback) in callbacks.iter().enumerate() {
        let landed = ada.get(callback).await;
        match number < 6 - open {
            true => assert_eq!(landed.status, Status::BadRequest, "{number}"),
            false => assert_eq!(landed.location(), format!("/guarded?tab={number}")),
        }
        assert_within_budget(&ada);
    }
    // A page that does not fit is left out; the sign-in goes on.
    let long = format!("/login/b?next=/guarded?{}", "n".repeat(1900));
    let callback = ada.ride(&long).await;
    assert_within_budget(&ada);
    assert_eq!(ada.get(&callback).await.location(), "/");
}

#[rocket::async_test]
async fn d17_a_new_account_makes_old_flows_give_way() {
    let (app, _) = app_with_large_tokens().await;
    let mut ada = app.browser();
    let mut callbacks = Vec::new();
    for _ in 0..12 {
        callbacks.push(ada.ride("/login/a").await);
        app.advance(1);
    }
    assert_eq!(ada.flows().len(), 12);
    callbacks.push(ada.ride("/login/b").await);
    for callback in callbacks.iter().rev().take(2) {
        assert_eq!(ada.get(callback).await.location(), "/");
        assert_within_budget(&ada);
    }
    assert!(ada.flows().len() < 11, "{}", ada.flows().len());
}

#[rocket::async_test]
async fn d17_the_oldest_outcomes_make_room() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let mut callbacks = Vec::new();
    for number in 0..5 {
        let next = format!("/guarded?{number}{}", "n".repeat(500));
        let begun = ada.post("/login/op", &[("next", &next)]).await;
        let callback = app.approve(begun.location()).await;
        assert_eq!(ada.get(&callback).await.location(), next);
        assert!(size(&ada, DONE) <= 1200, "{} bytes", size(&ada, DONE));
        callbacks.push((callback, next));
    }
    let (newest, next) = callbacks.pop().unwrap();
    assert_eq!(ada.get(&newest).await.location(), next, "a repeated callback");
    let (oldest, _) = &callbacks[0];
    assert_refused(&mut ada, &TestRequest::get(oldest), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn d17_every_response_with_an_account_in_a_cookie_passes_a_default_nginx() {
    let (app, _) = app_with_large_tokens().await;
    let (mut stored, mut targets) = (Vec::new(), Vec::new());
    for more in [0, 400, 800, 1000, 1300, 1700, 3200] {
        answer_with(&app, more);
        for next in [0, 200, 700, 1500, 2000] {
            let next = format!("/guarded?{}", "n".repeat(next));
            let mut ada = app.browser();
            let begun = ada.get(&format!("/login/a?next={next}")).await;
            assert!(begun.head_size() <= HEAD, "{more} {}: {}", next.len(), begun.head_size());
            let landed = ada.get(&app.approve(begun.location()).await).await;
            // A larger token is stored, and the log says what a proxy needs.
            assert!(more > 1000 || landed.head_size() <= HEAD, "{more} {}: {landed:?}", next.len());
            match landed.status {
                Status::SeeOther => {
                    stored.push(more);
                    assert!(landed.location() == next || landed.location() == "/", "{landed:?}");
                    targets.push((more, next.len(), landed.location() == next));
                }
                status => {
                    assert_eq!(
                        (status, size(&ada, "rocket_dance_account_")),
                        (Status::InternalServerError, 0)
                    );
                    assert!(landed.body.contains("This app could not keep the account"), "{landed:?}");
                }
            }
            if more <= 1000 {
                assert_within_budget(&ada);
            }
        }
    }
    assert!(stored.contains(&1700) && !stored.contains(&3200), "{stored:?}");
    // Small ones fit, and so does a usual page beside a large account.
    assert!(targets.iter().all(|(more, next, fits)| *fits || *next > 600 || *more > 1000), "{targets:?}");
    assert!(targets.iter().any(|(more, next, fits)| *fits && *more == 0 && *next > 700), "{targets:?}");
    if let Some(log) = captured_log() {
        assert!(log.contains("use DieselStorage instead of CookieStorage"), "{log}");
        assert!(log.contains("raise `proxy_buffer_size`, or use DieselStorage"), "{log}");
    }
}

#[rocket::async_test]
async fn d17_a_long_page_and_long_scopes_pass_a_default_nginx() {
    let scopes: Vec<String> =
        (0..6).map(|n| format!("https://provider.example/auth/{n}/{}", "s".repeat(40))).collect();
    let app = TestApp::launch_with(|figment| figment.merge(("oauth.op.extra_scope", scopes))).await;
    for (length, fits) in [(20, true), (500, true), (2030, false)] {
        let mut ada = app.browser();
        let next = format!("/guarded?{}", "n".repeat(length));
        let begun = ada.get(&format!("/login/op?next={next}")).await;
        assert!(begun.head_size() <= HEAD, "{length}: {}", begun.head_size());
        let landed = ada.get(&app.approve(begun.location()).await).await;
        assert!(landed.head_size() <= HEAD, "{length}: {}", landed.head_size());
        assert_eq!(landed.location(), if fits { &next } else { "/" });
    }
    if let Some(log) = captured_log() {
        assert!(log.contains("`op`: `next` is too long for the header of a response"), "{log}");
    }
    // Many flows are not removed at once.
    let mut ada = app.browser();
    for _ in 0..12 {
        ada.ride("/login/op2").await;
        app.advance(1);
    }
    for number in 0..8 {
        let begun = ada.get(&format!("/login/op2?next=/guarded?{number}{}", "n".repeat(number * 250))).await;
        assert!(begun.head_size() <= HEAD, "{number}: {}", begun.head_size());
        assert_within_budget(&ada);
        assert_eq!(ada.clone().get(&app.approve(begun.location()).await).await.status, Status::SeeOther);
        app.advance(1);
    }
}

#[rocket::async_test]
async fn d13_account_cookies_that_do_not_open_make_room() {
    let (app, _) = app_with_large_tokens().await;
    answer_with(&app, 0);
    let mut ada = app.browser();
    for entry in ["a", "b"] {
        let callback = ada.ride(&format!("/login/{entry}")).await;
        ada.get(&callback).await;
    }
    let old: Vec<_> = ada.jar.keys().filter(|name| name.contains("account_")).cloned().collect();
    assert_eq!(old.len(), 2);
    let name = |entry: &str| format!("{}_{entry}", old[0].rsplit_once('_').unwrap().0);
    // Under keys that are gone, of an entry that is gone, and damaged; another app's on the same host.
    ada.jar.insert(name("gone"), "x".repeat(700));
    let foreign = ("rocket_dance_account_AAAAAAAA_a".to_owned(), "x".repeat(1000));
    ada.jar.extend([foreign.clone()]);
    let configure = |figment: Figment| {
        let figment = ["a", "b", "c"]
            .iter()
            .fold(figment, |figment, entry| figment.merge(app.fake.preset_config(entry, "github")));
        figment.merge(("dance.token_keys", ["AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="]))
    };
    ada.app = app.relaunch_with(configure, |dance| dance.storage(CookieStorage)).await;
    let begun = ada.get("/login/a?next=/guarded").await;
    assert!(begun.head_size() <= HEAD);
    for name in old.iter().chain([&name("gone")]) {
        assert!(!ada.jar.contains_key(name), "{name} is ours, and holds nothing");
    }
    let callback = app.approve(begun.location()).await;
    assert_eq!(ada.get(&callback).await.location(), "/guarded");
    for entry in ["b", "c"] {
        let callback = ada.ride(&format!("/login/{entry}")).await;
        let landed = ada.get(&callback).await;
        assert_eq!(landed.location(), "/");
        assert!(landed.head_size() <= HEAD);
        assert!(size(&ada, "rocket_dance_account_") <= ACCOUNTS, "with the other app's");
        assert!(size(&ada, "rocket_dance_") <= BUDGET);
        ada.app.advance(1);
    }
    assert_eq!(ada.jar.get(&foreign.0), Some(&foreign.1), "not ours to remove");
    assert!(ada.jar.contains_key(&name("c")), "the newest is there");
}

#[rocket::async_test]
async fn d17_an_outcome_pushes_out_no_flow() {
    // An outcome is larger than a flow without `next`.
    let target = format!("/guarded?{}", "n".repeat(500));
    let app = TestApp::launch_with(|figment| figment.merge(("dance.after_login", target.as_str()))).await;
    let mut ada = app.browser();
    let newest = fill(&mut ada).await;
    let open = ada.flows().len();
    assert_eq!(ada.get(&newest).await.location(), target);
    assert_eq!(ada.flows().len(), open - 1, "the other flows stay");
    assert_within_budget(&ada);
}

/// Begins flows until the oldest one makes room, and returns the callback of the newest.
async fn fill(browser: &mut Browser) -> String {
    loop {
        let open = browser.flows().len();
        let callback = browser.ride("/login/op").await;
        browser.app.advance(1);
        if browser.flows().len() <= open {
            return callback;
        }
    }
}

#[rocket::async_test]
async fn d17_flows_push_out_no_outcome_that_has_room_of_its_own() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let callback = ada.sign_in("op").await;
    ada.leave().await;
    fill(&mut ada).await;
    assert!(ada.jar.contains_key(DONE));
    assert_eq!(ada.get(&callback).await.location(), "/", "a repeated callback");
}

#[rocket::async_test]
async fn d17_cookies_that_are_not_ours_are_left_alone() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    let flow = ada.flows()[0].clone();
    // A sibling domain plants flows with our names: nonsense, and one that another app has sealed.
    let mut foreign: Vec<(String, String)> =
        (0..40).map(|n| (format!("{FLOW}{n:016}"), "x".repeat(200))).collect();
    foreign.push((format!("{FLOW}AAAAAAAAAAAAAAAA"), flow.1.clone()));
    ada.jar.extend(foreign.clone());
    let mut others = Vec::new();
    for number in 0..9 {
        others.push(ada.ride(&format!("/login/op?next=/guarded?{number}")).await);
    }
    for (name, value) in &foreign {
        assert_eq!(ada.jar.get(name), Some(value), "not ours to remove");
    }
    assert_eq!(ada.jar.get(&flow.0), Some(&flow.1), "nor do they push out what is ours");
    for (number, callback) in others.iter().enumerate() {
        assert_eq!(ada.get(callback).await.location(), format!("/guarded?{number}"));
    }
    assert_eq!(ada.get(&callback).await.location(), "/");
    let refused = ada.peek(&TestRequest::get(&callback)).await;
    assert_eq!(refused.location(), "/", "the outcome of the first");
}
