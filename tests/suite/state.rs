//! State and flow: a callback counts only in the browser that began it, once, and for the same purpose.

use futures::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rocket::http::Status;
use rocket::tokio::join;
use rocket::tokio::runtime::Handle;
use rocket::tokio::task::block_in_place;

use crate::harness::{
    CSRF, DONE, FLOW, NOT_TRUSTED, Refusal, SESSION, TestApp, TestRequest, assert_refused, query_parameter,
    with_parameter,
};

const CALLBACK: &str = "/login/op/authorized";

#[rocket::async_test]
async fn st_01_no_state() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    assert_refused(&mut ada, &TestRequest::get(&with_parameter(&callback, "state", None)), NOT_TRUSTED).await;
    assert_refused(&mut ada, &TestRequest::get(CALLBACK), NOT_TRUSTED).await;
    // None of these used the flow up.
    assert_eq!(ada.get(&callback).await.location(), "/");
}

#[rocket::async_test]
async fn st_02_wrong_state() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    let state = query_parameter(&callback, "state").unwrap();
    let other = app.browser().ride("/login/op").await;
    for wrong in [
        "x",
        &state[..state.len() - 1],
        &format!("{state}A"),
        &state.to_ascii_lowercase(),
        &format!(" {state}"),
        &format!("{state}\0"),
        &query_parameter(&other, "state").unwrap(),
    ] {
        assert_refused(
            &mut ada,
            &TestRequest::get(&with_parameter(&callback, "state", Some(wrong))),
            NOT_TRUSTED,
        )
        .await;
    }
    assert_eq!(ada.get(&callback).await.location(), "/");
}

#[rocket::async_test]
async fn st_03_empty_state() {
    let app = TestApp::launch().await;
    let callback = with_parameter(&app.browser().ride("/login/op").await, "state", Some(""));
    let mut eve = app.browser();
    assert_refused(&mut eve, &TestRequest::get(&callback), NOT_TRUSTED).await;
    // Neither an empty cookie nor one without a handle is a flow.
    for name in [FLOW.to_owned(), format!("{FLOW}47DEQpj8HBSa-_TI"), DONE.to_owned()] {
        eve.jar.insert(name, String::new());
    }
    assert_refused(&mut eve, &TestRequest::get(&callback), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn st_04_state_of_another_browser() {
    let app = TestApp::launch().await;
    let mut eve = app.browser();
    let callback = eve.ride("/login/op").await;

    let mut stranger = app.browser();
    assert_refused(&mut stranger, &TestRequest::get(&callback), NOT_TRUSTED).await;
    // With another flow, and with a session.
    app.fake.set_user("bob");
    let mut bob = app.browser();
    bob.begin("/login/op").await;
    assert_refused(&mut bob, &TestRequest::get(&callback), NOT_TRUSTED).await;
    bob.sign_in("op").await;
    assert_refused(&mut bob, &TestRequest::get(&callback), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn st_05_state_of_another_provider() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let (one, two) = (ada.ride("/login/op").await, ada.ride("/login/op2").await);
    for (from, to) in [(&one, "/login/op2/authorized?"), (&two, "/login/op/authorized?")] {
        let crossed = format!("{to}{}", from.split_once('?').unwrap().1);
        assert_refused(&mut ada, &TestRequest::get(&crossed), NOT_TRUSTED).await;
    }
    // The state of one flow with the code of the other.
    let code = query_parameter(&two, "code");
    assert_refused(
        &mut ada,
        &TestRequest::get(&with_parameter(&two, "state", query_parameter(&one, "state").as_deref())),
        NOT_TRUSTED,
    )
    .await;
    let mixed = with_parameter(&one, "code", code.as_deref());
    assert_refused(&mut ada, &TestRequest::get(&mixed), NOT_TRUSTED.after_exchange()).await;
    assert_eq!(ada.get(&two).await.location(), "/");
}

#[rocket::async_test]
async fn st_06_repeated_one_after_the_other() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op?next=/guarded").await;
    let before = ada.clone();
    assert_eq!(ada.get(&callback).await.location(), "/guarded");
    let (rows, session) = (app.rows(), ada.jar[SESSION].clone());

    // The browser that finished it and one that missed the response's cookies are redirected to the same target.
    for browser in [ada.clone(), before] {
        let again = browser.peek(&TestRequest::get(&callback)).await;
        assert_eq!(again.location(), "/guarded");
        assert!(!again.sets(SESSION) && !again.sets(CSRF), "{again:?}");
    }
    assert_eq!((app.token_calls(), app.rows()), (1, rows.clone()));
    assert_eq!(ada.jar[SESSION], session);

    // In any other browser it is refused, also if the same user is signed in there.
    assert_refused(&mut app.browser(), &TestRequest::get(&callback), NOT_TRUSTED).await;
    let mut other = app.browser();
    other.sign_in("op").await;
    assert_refused(&mut other, &TestRequest::get(&callback), NOT_TRUSTED).await;

    // After signing out, a repeated callback signs no user in; after the lifetime of a flow it is refused.
    ada.leave().await;
    assert_eq!(ada.get(&callback).await.location(), "/guarded");
    assert_eq!(ada.user().await, None);
    app.advance(1800);
    assert_refused(&mut ada, &TestRequest::get(&callback), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn st_06_a_failure_repeated_stays_one() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    app.fake.deny_next_authorization();
    let callback = ada.ride("/login/op").await;
    let denied = Refusal::new(Status::Forbidden, "access_denied");
    assert_refused(&mut ada, &TestRequest::get(&callback), denied).await;
    assert_refused(&mut ada, &TestRequest::get(&callback), denied).await;
    // The same state with a code comes too late: the flow is used up.
    let code = query_parameter(&app.browser().ride("/login/op").await, "code");
    let late = with_parameter(&with_parameter(&callback, "error", None), "code", code.as_deref());
    assert_refused(&mut ada, &TestRequest::get(&late), denied).await;
    assert_refused(&mut app.browser(), &TestRequest::get(&callback), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn st_07_repeated_all_at_once() {
    let app = TestApp::launch().await;
    // A second process on the same database.
    let second = app.relaunch(|figment| figment).await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op?next=/guarded").await;
    let mut there = second.browser();
    there.jar = ada.jar.clone();
    let eve = app.browser();
    let ask = TestRequest::get(&callback);
    let browsers = (0..32).map(|n| if n % 2 == 0 { &ada } else { &there });
    let (answers, elsewhere) = join!(join_all(browsers.map(|browser| browser.peek(&ask))), eve.peek(&ask));

    assert_eq!(app.token_calls(), 1);
    assert_eq!((app.count("users"), app.count("oauth_accounts")), (1, 1));
    assert_eq!(answers.iter().filter(|answer| answer.sets(SESSION)).count(), 1);
    for answer in &answers {
        assert_eq!(answer.location(), "/guarded");
    }
    assert_eq!(elsewhere.status, NOT_TRUSTED.status);
}

#[rocket::async_test]
async fn st_08_old_state() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let young = ada.ride("/login/op").await;
    let old = ada.ride("/login/op").await;
    // The test itself may take a second or two.
    app.advance(1795);
    assert_eq!(ada.get(&young).await.location(), "/");
    app.advance(5);
    assert_refused(&mut ada, &TestRequest::get(&old), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn st_09_parameters_given_twice() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    let value = |name| query_parameter(&callback, name).unwrap();
    let (code, state, iss) = (value("code"), value("state"), value("iss"));
    for twice in [
        format!("code={code}"),
        "code=x".into(),
        format!("state={state}"),
        "state=x".into(),
        "state=".into(),
        format!("iss={iss}"),
        "iss=https://evil.example".into(),
        format!("%63ode={code}"),
        "st%61te=x".into(),
    ] {
        for polluted in [format!("{callback}&{twice}"), callback.replacen('?', &format!("?{twice}&"), 1)] {
            assert_refused(&mut ada, &TestRequest::get(&polluted), NOT_TRUSTED).await;
        }
    }
    assert_eq!(ada.get(&callback).await.location(), "/");
}

#[rocket::async_test]
async fn st_10_a_connect_is_no_sign_in() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let callback = ada.ride_to_connect("/login/op2").await;
    ada.leave().await;
    assert_refused(&mut ada, &TestRequest::get(&callback), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn st_10_a_sign_in_connects_nothing() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    app.browser().sign_in("op").await;
    // Begun without a user; before the callback a user signs in with the app's own form.
    let known = ada.ride("/login/op").await;
    app.fake.set_user("grace");
    let stranger = ada.ride("/login/op").await;
    ada.enter(700).await;
    let before = app.rows();
    // SF-04: the session keeps its user, and no user is created.
    for callback in [&known, &stranger] {
        let answer = ada.get(callback).await;
        assert_eq!((answer.status, ada.user().await), (Status::Forbidden, Some(700)), "{answer:?}");
    }
    assert_eq!(app.rows(), before);
    let is_grown = |row: &str| row.starts_with("oauth_accounts") && row.contains("user_id='700'");
    assert!(!app.rows().lines().any(is_grown), "{}", app.rows());
}

#[rocket::async_test]
async fn st_11_another_user_than_began() {
    let app = TestApp::launch().await;
    let mut browser = app.browser();
    browser.enter(1).await;
    let callback = browser.ride_to_connect("/login/op").await;
    browser.enter(2).await;
    assert_refused(&mut browser, &TestRequest::get(&callback), NOT_TRUSTED).await;
    browser.leave().await;
    assert_refused(&mut browser, &TestRequest::get(&callback), NOT_TRUSTED).await;
    assert_eq!(app.count("oauth_accounts"), 0);
    // It is refused in another user's browser, and with only the flow cookie copied.
    let mut eve = app.browser();
    eve.jar.extend(browser.flows());
    eve.enter(3).await;
    assert_refused(&mut eve, &TestRequest::get(&callback), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn st_12_an_authorization_url_of_another_visitor() {
    let app = TestApp::launch().await;
    let url = app.browser().begin("/login/op").await;
    let mut victim = app.browser();
    let callback = app.approve(&url).await;
    assert_refused(&mut victim, &TestRequest::get(&callback), NOT_TRUSTED).await;

    // A link cannot set the values of a flow.
    let fixed = "state=fixed&nonce=fixed&code_challenge=fixed&code_verifier=fixed&redirect_uri=https://evil.example\
                 &client_id=evil&response_type=token&scope=evil&response_mode=fragment&prompt=none&iss=evil";
    let url = victim.begin(&format!("/login/op?{fixed}")).await;
    assert!(!url.contains("fixed") && !url.contains("evil"), "{url}");
    assert_eq!(
        (query_parameter(&url, "response_type").as_deref(), query_parameter(&url, "prompt")),
        (Some("code"), None)
    );
    assert_refused(
        &mut victim,
        &TestRequest::get(&with_parameter(&callback, "state", Some("fixed"))),
        NOT_TRUSTED,
    )
    .await;
}

#[rocket::async_test]
async fn st_13_no_value_is_another() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let used = ada.sign_in("op").await;
    let csrf = ada.csrf().await;
    let pending = ada.ride_to_connect("/login/op2").await;
    let sealed_token = app.rows().split("token='").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    assert!(sealed_token.starts_with("v1."), "{sealed_token}");
    let flow = ada.flows().remove(0);
    let values = [
        ("state", query_parameter(&pending, "state").unwrap()),
        ("used state", query_parameter(&used, "state").unwrap()),
        ("code", query_parameter(&pending, "code").unwrap()),
        ("csrf token", csrf),
        ("csrf cookie", ada.jar[CSRF].clone()),
        ("flow cookie", flow.1.clone()),
        ("done cookie", ada.jar[DONE].clone()),
        ("session cookie", ada.jar[SESSION].clone()),
        ("sealed token", sealed_token),
    ];
    let forbidden = Refusal::new(Status::Forbidden, "csrf");
    let names = [SESSION, CSRF, DONE, crate::harness::ACCOUNT, flow.0.as_str()];
    for (kind, value) in &values {
        for name in names {
            // The control: in its own place it is valid.
            if ada.jar.get(name) == Some(value) {
                continue;
            }
            let mut eve = app.browser();
            eve.jar.insert(name.to_owned(), value.clone());
            assert_eq!(eve.user().await, None, "{kind} as {name}");
            assert_refused(&mut eve, &TestRequest::get(&pending), NOT_TRUSTED).await;
            assert_refused(&mut eve, &TestRequest::get(&used), NOT_TRUSTED).await;
            for form in ["/login/op", "/login/op/disconnect", "/login/op/primary", "/login/logout"] {
                assert_refused(&mut eve, &TestRequest::post(form, &[("csrf", value)]), forbidden).await;
            }
        }
        if *kind != "used state" && *kind != "state" {
            let as_state = with_parameter(&pending, "state", Some(value));
            assert_refused(&mut ada, &TestRequest::get(&as_state), NOT_TRUSTED).await;
        }
        if *kind != "csrf token" {
            for form in ["/login/op", "/login/op/disconnect", "/login/op/primary", "/login/logout"] {
                assert_refused(&mut ada, &TestRequest::post(form, &[("csrf", value)]), forbidden).await;
            }
        }
    }
    // The cookie of one flow under the name of another.
    let other = ada.ride_to_connect("/login/op2").await;
    let mut flows = ada.flows();
    assert_eq!(flows.len(), 2);
    let (first, second) = (flows.remove(0), flows.remove(0));
    ada.jar.insert(first.0, second.1);
    ada.jar.insert(second.0, first.1);
    assert_refused(&mut ada, &TestRequest::get(&pending), NOT_TRUSTED).await;
    assert_refused(&mut ada, &TestRequest::get(&other), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn st_14_any_byte_of_cookie_or_state() {
    let app = TestApp::launch().await;
    assert_flips_refused(&app, "/login/op", "state", 64).await;
}

/// Asserts that a callback is refused if any byte of its flow's cookie or of `parameter` is changed, in this number of
/// random cases, and that the unchanged callback succeeds afterwards.
pub(crate) async fn assert_flips_refused(app: &TestApp, begin: &str, parameter: &str, cases: u32) {
    let mut ada = app.browser();
    let callback = ada.ride(begin).await;
    let (name, sealed) = ada.flows().remove(0);
    let value = query_parameter(&callback, parameter).unwrap();
    let flips = (any::<prop::sample::Index>(), 1..128u8, any::<bool>());
    let runtime = Handle::current();
    let outcome = TestRunner::new(ProptestConfig::with_cases(cases)).run(&flips, |(at, flip, in_cookie)| {
        let flipped = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            String::from_utf8(bytes).expect("ASCII stays ASCII")
        };
        let mut browser = ada.clone();
        let ask = match in_cookie {
            true => {
                browser.jar.insert(name.clone(), flipped(&sealed));
                TestRequest::get(&callback)
            }
            false => TestRequest::get(&with_parameter(&callback, parameter, Some(&flipped(&value)))),
        };
        block_in_place(|| runtime.block_on(assert_refused(&mut browser, &ask, NOT_TRUSTED)));
        Ok(())
    });
    outcome.unwrap();
    assert_eq!(ada.get(&callback).await.location(), "/");
}

#[rocket::async_test]
async fn ten_tabs_in_reverse() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let mut tabs = Vec::new();
    for tab in 0..10 {
        tabs.push((tab, ada.ride(&format!("/login/op?next=/tab/{tab}")).await));
    }
    let first = tabs[9].1.clone();
    for (tab, callback) in tabs.into_iter().rev() {
        assert_eq!(ada.get(&callback).await.location(), format!("/tab/{tab}"));
    }
    assert_eq!((app.token_calls(), app.count("users"), ada.flows().len()), (10, 1, 0));
    assert_eq!(ada.get(&first).await.location(), "/tab/9");
    // The target must not be readable in the database.
    let claims = app.claims();
    assert!(claims.contains("v1.") && !claims.contains("/tab/"), "{claims}");
}
