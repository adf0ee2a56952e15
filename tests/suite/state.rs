//! State and flow: a callback counts in the browser that began its dance, once, and for what it was begun.

use futures::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use rocket::http::Status;
use rocket::tokio::join;
use rocket::tokio::runtime::Handle;
use rocket::tokio::task::block_in_place;

use crate::oracle::{Ask, CSRF, DONE, FLOW, House, NOT_TRUSTED, Refused, SESSION, param, refused, with};

const CALLBACK: &str = "/login/op/authorized";

#[rocket::async_test]
async fn st_01_no_state() {
    let house = House::open().await;
    let mut ada = house.browser();
    let callback = ada.ride("/login/op").await;
    refused(&mut ada, &Ask::get(&with(&callback, "state", None)), NOT_TRUSTED).await;
    refused(&mut ada, &Ask::get(CALLBACK), NOT_TRUSTED).await;
    // None of it used the flow up.
    assert_eq!(ada.get(&callback).await.location(), "/");
}

#[rocket::async_test]
async fn st_02_wrong_state() {
    let house = House::open().await;
    let mut ada = house.browser();
    let callback = ada.ride("/login/op").await;
    let state = param(&callback, "state").unwrap();
    let other = house.browser().ride("/login/op").await;
    for wrong in [
        "x",
        &state[..state.len() - 1],
        &format!("{state}A"),
        &state.to_ascii_lowercase(),
        &format!(" {state}"),
        &format!("{state}\0"),
        &param(&other, "state").unwrap(),
    ] {
        refused(&mut ada, &Ask::get(&with(&callback, "state", Some(wrong))), NOT_TRUSTED).await;
    }
    assert_eq!(ada.get(&callback).await.location(), "/");
}

#[rocket::async_test]
async fn st_03_empty_state() {
    let house = House::open().await;
    let callback = with(&house.browser().ride("/login/op").await, "state", Some(""));
    let mut eve = house.browser();
    refused(&mut eve, &Ask::get(&callback), NOT_TRUSTED).await;
    // "" is not "": neither an empty cookie nor one without a handle is a flow.
    for name in [FLOW.to_owned(), format!("{FLOW}47DEQpj8HBSa-_TI"), DONE.to_owned()] {
        eve.jar.insert(name, String::new());
    }
    refused(&mut eve, &Ask::get(&callback), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn st_04_state_of_another_browser() {
    let house = House::open().await;
    let mut eve = house.browser();
    let callback = eve.ride("/login/op").await;

    let mut stranger = house.browser();
    refused(&mut stranger, &Ask::get(&callback), NOT_TRUSTED).await;
    // With a flow of her own, and with a session.
    house.fake.set_user("bob");
    let mut bob = house.browser();
    bob.begin("/login/op").await;
    refused(&mut bob, &Ask::get(&callback), NOT_TRUSTED).await;
    bob.sign_in("op").await;
    refused(&mut bob, &Ask::get(&callback), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn st_05_state_of_another_provider() {
    let house = House::open().await;
    let mut ada = house.browser();
    let (one, two) = (ada.ride("/login/op").await, ada.ride("/login/op2").await);
    for (from, to) in [(&one, "/login/op2/authorized?"), (&two, "/login/op/authorized?")] {
        let crossed = format!("{to}{}", from.split_once('?').unwrap().1);
        refused(&mut ada, &Ask::get(&crossed), NOT_TRUSTED).await;
    }
    // The one's state with the other's code.
    let code = param(&two, "code");
    refused(&mut ada, &Ask::get(&with(&two, "state", param(&one, "state").as_deref())), NOT_TRUSTED).await;
    let mixed = with(&one, "code", code.as_deref());
    refused(&mut ada, &Ask::get(&mixed), NOT_TRUSTED.after_exchange()).await;
    assert_eq!(ada.get(&two).await.location(), "/");
}

#[rocket::async_test]
async fn st_06_repeated_one_after_the_other() {
    let house = House::open().await;
    let mut ada = house.browser();
    let callback = ada.ride("/login/op?next=/guarded").await;
    let before = ada.clone();
    assert_eq!(ada.get(&callback).await.location(), "/guarded");
    let (rows, session) = (house.rows(), ada.jar[SESSION].clone());

    // In the browser that finished it, and in one that missed the answer's cookies: to the same place.
    for browser in [ada.clone(), before] {
        let again = browser.peek(&Ask::get(&callback)).await;
        assert_eq!(again.location(), "/guarded");
        assert!(!again.sets(SESSION) && !again.sets(CSRF), "{again:?}");
    }
    assert_eq!((house.token_calls(), house.rows()), (1, rows.clone()));
    assert_eq!(ada.jar[SESSION], session);

    // Anywhere else, even where the same person is signed in.
    refused(&mut house.browser(), &Ask::get(&callback), NOT_TRUSTED).await;
    let mut other = house.browser();
    other.sign_in("op").await;
    refused(&mut other, &Ask::get(&callback), NOT_TRUSTED).await;

    // After signing out a repeat signs nobody in, and after its time it is nothing.
    ada.leave().await;
    assert_eq!(ada.get(&callback).await.location(), "/guarded");
    assert_eq!(ada.user().await, None);
    house.advance(600);
    refused(&mut ada, &Ask::get(&callback), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn st_06_a_failure_repeated_stays_one() {
    let house = House::open().await;
    let mut ada = house.browser();
    house.fake.deny_next_authorization();
    let callback = ada.ride("/login/op").await;
    let denied = Refused::new(Status::Forbidden, "access_denied");
    refused(&mut ada, &Ask::get(&callback), denied).await;
    refused(&mut ada, &Ask::get(&callback), denied).await;
    // The same state with a code, late: the flow is used up.
    let code = param(&house.browser().ride("/login/op").await, "code");
    let late = with(&with(&callback, "error", None), "code", code.as_deref());
    refused(&mut ada, &Ask::get(&late), denied).await;
    refused(&mut house.browser(), &Ask::get(&callback), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn st_07_repeated_all_at_once() {
    let house = House::open().await;
    // A second process on the same database.
    let second = house.again(|figment| figment).await;
    let mut ada = house.browser();
    let callback = ada.ride("/login/op?next=/guarded").await;
    let mut there = second.browser();
    there.jar = ada.jar.clone();
    let eve = house.browser();
    let ask = Ask::get(&callback);
    let browsers = (0..32).map(|n| if n % 2 == 0 { &ada } else { &there });
    let (answers, elsewhere) = join!(join_all(browsers.map(|browser| browser.peek(&ask))), eve.peek(&ask));

    assert_eq!(house.token_calls(), 1);
    assert_eq!((house.count("users"), house.count("oauth_accounts")), (1, 1));
    assert_eq!(answers.iter().filter(|answer| answer.sets(SESSION)).count(), 1);
    for answer in &answers {
        assert_eq!(answer.location(), "/guarded");
    }
    assert_eq!(elsewhere.status, NOT_TRUSTED.status);
}

#[rocket::async_test]
async fn st_08_old_state() {
    let house = House::open().await;
    let mut ada = house.browser();
    let young = ada.ride("/login/op").await;
    let old = ada.ride("/login/op").await;
    // A second or two may pass by themselves.
    house.advance(595);
    assert_eq!(ada.get(&young).await.location(), "/");
    house.advance(5);
    refused(&mut ada, &Ask::get(&old), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn st_09_parameters_given_twice() {
    let house = House::open().await;
    let mut ada = house.browser();
    let callback = ada.ride("/login/op").await;
    let value = |name| param(&callback, name).unwrap();
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
        "scope=a&scope=b".into(),
    ] {
        for polluted in [format!("{callback}&{twice}"), callback.replacen('?', &format!("?{twice}&"), 1)] {
            refused(&mut ada, &Ask::get(&polluted), NOT_TRUSTED).await;
        }
    }
    assert_eq!(ada.get(&callback).await.location(), "/");
}

#[rocket::async_test]
async fn st_10_a_connect_is_no_sign_in() {
    let house = House::open().await;
    let mut ada = house.browser();
    ada.sign_in("op").await;
    let callback = ada.ride_to_connect("/login/op2").await;
    ada.leave().await;
    refused(&mut ada, &Ask::get(&callback), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn st_10_a_sign_in_connects_nothing() {
    let house = House::open().await;
    let mut ada = house.browser();
    house.browser().sign_in("op").await;
    // Begun signed out; by the time it ends somebody has come in with the app's own form.
    let known = ada.ride("/login/op").await;
    house.fake.set_user("grace");
    let stranger = ada.ride("/login/op").await;
    ada.enter(700).await;
    let before = house.rows();
    // SF-04: nobody becomes somebody else, and nobody new.
    for callback in [&known, &stranger] {
        let answer = ada.get(callback).await;
        assert_eq!((answer.status, ada.user().await), (Status::Forbidden, Some(700)), "{answer:?}");
    }
    assert_eq!(house.rows(), before);
    let is_grown = |row: &str| row.starts_with("oauth_accounts") && row.contains("user_id='700'");
    assert!(!house.rows().lines().any(is_grown), "{}", house.rows());
}

#[rocket::async_test]
async fn st_11_another_user_than_began() {
    let house = House::open().await;
    let mut browser = house.browser();
    browser.enter(1).await;
    let callback = browser.ride_to_connect("/login/op").await;
    browser.enter(2).await;
    refused(&mut browser, &Ask::get(&callback), NOT_TRUSTED).await;
    browser.leave().await;
    refused(&mut browser, &Ask::get(&callback), NOT_TRUSTED).await;
    assert_eq!(house.count("oauth_accounts"), 0);
    // Nor in the browser of somebody else, nor with only the flow's cookie carried over.
    let mut eve = house.browser();
    eve.jar.extend(browser.flows());
    eve.enter(3).await;
    refused(&mut eve, &Ask::get(&callback), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn st_12_an_authorization_url_of_somebody_else() {
    let house = House::open().await;
    let url = house.browser().begin("/login/op").await;
    let mut victim = house.browser();
    let callback = house.approve(&url).await;
    refused(&mut victim, &Ask::get(&callback), NOT_TRUSTED).await;

    // A link can't fix what a dance is made of.
    let fixed = "state=fixed&nonce=fixed&code_challenge=fixed&code_verifier=fixed&redirect_uri=https://evil.example\
                 &client_id=evil&response_type=token&scope=evil&response_mode=fragment&prompt=none&iss=evil";
    let url = victim.begin(&format!("/login/op?{fixed}")).await;
    assert!(!url.contains("fixed") && !url.contains("evil"), "{url}");
    assert_eq!((param(&url, "response_type").as_deref(), param(&url, "prompt")), (Some("code"), None));
    refused(&mut victim, &Ask::get(&with(&callback, "state", Some("fixed"))), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn st_13_no_value_is_another() {
    let house = House::open().await;
    let mut ada = house.browser();
    let used = ada.sign_in("op").await;
    let csrf = ada.csrf().await;
    let pending = ada.ride_to_connect("/login/op2").await;
    let sealed_token = house.rows().split("token='").nth(1).unwrap().split('\'').next().unwrap().to_owned();
    assert!(sealed_token.starts_with("v1."), "{sealed_token}");
    let flow = ada.flows().remove(0);
    let values = [
        ("state", param(&pending, "state").unwrap()),
        ("used state", param(&used, "state").unwrap()),
        ("code", param(&pending, "code").unwrap()),
        ("csrf token", csrf),
        ("csrf cookie", ada.jar[CSRF].clone()),
        ("flow cookie", flow.1.clone()),
        ("done cookie", ada.jar[DONE].clone()),
        ("session cookie", ada.jar[SESSION].clone()),
        ("sealed token", sealed_token),
    ];
    let forbidden = Refused::new(Status::Forbidden, "csrf");
    let names = [SESSION, CSRF, DONE, "rocket_dance_account_op", flow.0.as_str()];
    for (kind, value) in &values {
        for name in names {
            // In its own place it is what it is.
            if ada.jar.get(name) == Some(value) {
                continue;
            }
            let mut eve = house.browser();
            eve.jar.insert(name.to_owned(), value.clone());
            assert_eq!(eve.user().await, None, "{kind} as {name}");
            refused(&mut eve, &Ask::get(&pending), NOT_TRUSTED).await;
            refused(&mut eve, &Ask::get(&used), NOT_TRUSTED).await;
            for form in ["/login/op", "/login/op/disconnect", "/login/op/primary", "/login/logout"] {
                refused(&mut eve, &Ask::post(form, &[("csrf", value)]), forbidden).await;
            }
        }
        if *kind != "used state" && *kind != "state" {
            let as_state = with(&pending, "state", Some(value));
            refused(&mut ada, &Ask::get(&as_state), NOT_TRUSTED).await;
        }
        if *kind != "csrf token" {
            for form in ["/login/op", "/login/op/disconnect", "/login/op/primary", "/login/logout"] {
                refused(&mut ada, &Ask::post(form, &[("csrf", value)]), forbidden).await;
            }
        }
    }
    // One flow's cookie under the name of another.
    let other = ada.ride_to_connect("/login/op2").await;
    let mut flows = ada.flows();
    assert_eq!(flows.len(), 2);
    let (first, second) = (flows.remove(0), flows.remove(0));
    ada.jar.insert(first.0, second.1);
    ada.jar.insert(second.0, first.1);
    refused(&mut ada, &Ask::get(&pending), NOT_TRUSTED).await;
    refused(&mut ada, &Ask::get(&other), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn st_14_any_byte_of_cookie_or_state() {
    let house = House::open().await;
    let mut ada = house.browser();
    let callback = ada.ride("/login/op").await;
    let (name, sealed) = ada.flows().remove(0);
    let state = param(&callback, "state").unwrap();
    let flips = (any::<prop::sample::Index>(), 1..128u8, any::<bool>());
    let runtime = Handle::current();
    let outcome = TestRunner::new(ProptestConfig::with_cases(64)).run(&flips, |(at, flip, in_cookie)| {
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
                Ask::get(&callback)
            }
            false => Ask::get(&with(&callback, "state", Some(&flipped(&state)))),
        };
        block_in_place(|| runtime.block_on(refused(&mut browser, &ask, NOT_TRUSTED)));
        Ok(())
    });
    outcome.unwrap();
    assert_eq!(ada.get(&callback).await.location(), "/");
}

#[rocket::async_test]
async fn ten_tabs_in_reverse() {
    let house = House::open().await;
    let mut ada = house.browser();
    let mut tabs = Vec::new();
    for tab in 0..10 {
        tabs.push((tab, ada.ride(&format!("/login/op?next=/tab/{tab}")).await));
    }
    let first = tabs[9].1.clone();
    for (tab, callback) in tabs.into_iter().rev() {
        assert_eq!(ada.get(&callback).await.location(), format!("/tab/{tab}"));
    }
    assert_eq!((house.token_calls(), house.count("users"), ada.flows().len()), (10, 1, 0));
    assert_eq!(ada.get(&first).await.location(), "/tab/9");
    // Where somebody went is not for readers of the database.
    let claims = house.claims();
    assert!(claims.contains("v1.") && !claims.contains("/tab/"), "{claims}");
}
