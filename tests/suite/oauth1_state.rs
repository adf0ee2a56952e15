//! OAuth 1.0a: the attacks on the state, which OAuth 1.0a replaces by the temporary token.

use futures::future::join_all;
use rocket::http::{Method, Status};
use rocket_dance::testing::{FakeResponse, ProviderEndpoint};

use crate::harness::{
    Browser, CSRF, DONE, NOT_TRUSTED, Refusal, SESSION, TestRequest, assert_refused, query_parameter,
    with_parameter,
};
use crate::oauth1::{app, request_tokens};
use crate::state::assert_flips_refused;

#[rocket::async_test]
async fn o1_13_st_04_a_token_of_another_browser() {
    let app = app().await;
    let callback = app.browser().ride("/login/one").await;
    assert_refused(&mut app.browser(), &TestRequest::get(&callback), NOT_TRUSTED).await;
    app.fake.set_user("bob");
    let mut bob = app.browser();
    bob.begin("/login/one").await;
    assert_refused(&mut bob, &TestRequest::get(&callback), NOT_TRUSTED).await;
    bob.sign_in("one").await;
    assert_refused(&mut bob, &TestRequest::get(&callback), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn o1_13_st_05_a_token_of_another_entry_or_protocol() {
    let app = app().await;
    let mut ada = app.browser();
    let (one, two) = (ada.ride("/login/one").await, ada.ride("/login/two").await);
    let query = |uri: &str| uri.split_once('?').unwrap().1.to_owned();
    assert_refused(
        &mut ada,
        &TestRequest::get(&format!("/login/two/authorized?{}", query(&one))),
        NOT_TRUSTED,
    )
    .await;
    assert_refused(
        &mut ada,
        &TestRequest::get(&format!("/login/one/authorized?{}", query(&two))),
        NOT_TRUSTED,
    )
    .await;
    let mixed = with_parameter(&one, "oauth_token", query_parameter(&two, "oauth_token").as_deref());
    assert_refused(&mut ada, &TestRequest::get(&mixed), NOT_TRUSTED).await;
    // An OAuth 2 flow of this browser at an OAuth 1.0a callback, and the reverse.
    let oidc = ada.ride("/login/op").await;
    let state = query_parameter(&oidc, "state").unwrap();
    let crossed = format!("/login/one/authorized?oauth_token={state}&oauth_verifier=x");
    assert_refused(&mut ada, &TestRequest::get(&crossed), NOT_TRUSTED).await;
    let crossed = with_parameter(&oidc, "state", query_parameter(&one, "oauth_token").as_deref());
    assert_refused(&mut ada, &TestRequest::get(&crossed), NOT_TRUSTED).await;
    for callback in [one, two, oidc] {
        assert_eq!(ada.get(&callback).await.status, Status::SeeOther);
        ada.leave().await;
    }
}

#[rocket::async_test]
async fn o1_13_st_06_st_07_repeats_one_after_the_other_and_at_once() {
    let app = app().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/one?next=/guarded").await;
    let before = ada.clone();
    assert_eq!(ada.get(&callback).await.location(), "/guarded");
    let rows = app.rows();
    for browser in [ada.clone(), before] {
        let again = browser.peek(&TestRequest::get(&callback)).await;
        assert_eq!(again.location(), "/guarded");
        assert!(!again.sets(SESSION) && !again.sets(CSRF), "{again:?}");
    }
    assert_eq!((app.token_calls(), app.rows()), (1, rows));
    assert_refused(&mut app.browser(), &TestRequest::get(&callback), NOT_TRUSTED).await;
    ada.leave().await;
    assert_eq!(ada.get(&callback).await.location(), "/guarded");
    assert_eq!(ada.user().await, None, "a repeated callback signs no user in");

    let callback = ada.ride("/login/one?next=/guarded").await;
    let ask = TestRequest::get(&callback);
    let answers = join_all((0..16).map(|_| ada.peek(&ask))).await;
    assert_eq!((app.token_calls(), app.count("users"), app.count("oauth_accounts")), (2, 1, 1));
    assert_eq!(answers.iter().filter(|answer| answer.sets(SESSION)).count(), 1);
    assert!(answers.iter().all(|answer| answer.location() == "/guarded"));
}

#[rocket::async_test]
async fn d8_two_visitors_with_the_same_temporary_token_have_two_flows() {
    let app = app().await;
    let (mut ada, mut bob) = (app.browser(), app.browser());
    let callback = ada.ride("/login/one?next=/guarded").await;
    let token = query_parameter(&callback, "oauth_token").unwrap();
    app.fake.respond_once(
        ProviderEndpoint::RequestToken,
        FakeResponse::edit(move |answer| answer["oauth_token"] = token.as_str().into()),
    );
    bob.begin("/login/one?next=/").await;
    assert_eq!(ada.get(&callback).await.location(), "/guarded");
    assert_eq!(app.token_calls(), 1);
    // The provider refuses the second exchange. Bob must not get the outcome of Ada's.
    assert_refused(&mut bob, &TestRequest::get(&callback), NOT_TRUSTED.after_exchange()).await;
    assert_eq!((app.token_calls(), bob.user().await), (2, None));
}

#[rocket::async_test]
async fn o1_13_st_08_an_old_flow() {
    let app = app().await;
    let mut ada = app.browser();
    let (young, old) = (ada.ride("/login/one").await, ada.ride("/login/one").await);
    app.advance(1790);
    app.fake.advance_clock(1790);
    assert_eq!(ada.get(&young).await.location(), "/");
    app.advance(10);
    assert_refused(&mut ada, &TestRequest::get(&old), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn o1_13_st_10_st_11_for_what_and_for_whom_it_was_begun() {
    let app = app().await;
    let mut ada = app.browser();
    ada.sign_in("one").await;
    let callback = ada.ride_to_connect("/login/two").await;
    let mut grace = ada.clone();
    ada.leave().await;
    assert_refused(&mut ada, &TestRequest::get(&callback), NOT_TRUSTED).await;
    grace.enter(700).await;
    assert_refused(&mut grace, &TestRequest::get(&callback), NOT_TRUSTED).await;
    let mut eve = app.browser();
    eve.jar.extend(grace.flows());
    eve.enter(3).await;
    assert_refused(&mut eve, &TestRequest::get(&callback), NOT_TRUSTED).await;
    // Begun without a user; at the end another user is signed in.
    app.fake.set_user("bob");
    let mut bob = app.browser();
    let callback = bob.ride("/login/one").await;
    bob.enter(700).await;
    let rows = app.rows();
    assert_eq!(bob.get(&callback).await.status, Status::Forbidden);
    assert_eq!((bob.user().await, app.rows()), (Some(700), rows));
}

#[rocket::async_test]
async fn o1_13_st_12_st_19_an_authorization_url_of_another_visitor() {
    let app = app().await;
    let callback = app.approve(&app.browser().begin("/login/one").await).await;
    let mut victim = app.browser();
    assert_refused(&mut victim, &TestRequest::get(&callback), NOT_TRUSTED).await;
    // A link cannot set the values of a flow.
    let fixed =
        "oauth_token=fixed&oauth_callback=https://evil.example&oauth_token_secret=fixed&oauth_verifier=fixed";
    let url = victim.begin(&format!("/login/one?{fixed}")).await;
    assert!(!url.contains("fixed") && !url.contains("evil"), "{url}");
    assert_refused(
        &mut victim,
        &TestRequest::get("/login/one/authorized?oauth_token=fixed&oauth_verifier=fixed"),
        NOT_TRUSTED,
    )
    .await;
    assert_refused(&mut victim, &TestRequest::get(&callback), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn o1_13_st_13_no_value_is_another() {
    let app = app().await;
    let mut ada = app.browser();
    let used = ada.sign_in("one").await;
    let pending = ada.ride_to_connect("/login/two").await;
    let flow = ada.flows().remove(0);
    let values = [
        query_parameter(&pending, "oauth_token").unwrap(),
        query_parameter(&pending, "oauth_verifier").unwrap(),
        query_parameter(&used, "oauth_token").unwrap(),
        flow.1.clone(),
        ada.jar[DONE].clone(),
        ada.jar[SESSION].clone(),
    ];
    let forbidden = Refusal::new(Status::Forbidden, "csrf");
    for value in &values {
        for name in [SESSION, CSRF, DONE, crate::harness::ACCOUNT, flow.0.as_str()] {
            if ada.jar.get(name) == Some(value) {
                continue;
            }
            let mut eve = app.browser();
            eve.jar.insert(name.to_owned(), value.clone());
            assert_eq!(eve.user().await, None, "{name}");
            assert_refused(&mut eve, &TestRequest::get(&pending), NOT_TRUSTED).await;
            assert_refused(&mut eve, &TestRequest::get(&used), NOT_TRUSTED).await;
            assert_refused(&mut eve, &TestRequest::post("/login/one", &[("csrf", value)]), forbidden).await;
        }
    }
}

#[rocket::async_test]
async fn o1_13_st_14_any_byte_of_cookie_or_token() {
    assert_flips_refused(&app().await, "/login/one", "oauth_token", 32).await;
}

#[rocket::async_test]
async fn ten_tabs_of_both_protocols() {
    let app = app().await;
    let mut ada = app.browser();
    let mut tabs = Vec::new();
    for tab in 0..10 {
        let entry = if tab % 2 == 0 { "one" } else { "op" };
        tabs.push((tab, ada.ride(&format!("/login/{entry}?next=/tab/{tab}")).await));
    }
    for (tab, callback) in tabs.into_iter().rev() {
        assert_eq!(ada.get(&callback).await.location(), format!("/tab/{tab}"));
        ada.leave().await;
    }
    assert!(ada.flows().is_empty());
}

#[rocket::async_test]
async fn a_head_begins_nothing() {
    let app = app().await;
    let mut ada: Browser = app.browser();
    let answer = ada.ask(&TestRequest::new(Method::Head, "/login/one")).await;
    assert_eq!((answer.status, request_tokens(&app)), (Status::MethodNotAllowed, 0));
}
