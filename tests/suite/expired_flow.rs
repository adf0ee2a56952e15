//! A flow that has expired: the user begins again, at the same entry and with the same `next`.

use rocket::figment::Figment;
use rocket::http::{Method, Status};
use test_support::Html;

use crate::harness::{
    Browser, DONE, NOT_TRUSTED, TestApp, TestRequest, TestResponse, assert_refused, query_parameter,
};
use crate::oauth1;

/// The default lifetime of a flow, in seconds.
const TTL: i64 = 1800;

/// The link with which the page begins again, if it is that page.
fn start_again(page: &TestResponse) -> Option<String> {
    page.body.contains("Start again").then(|| Html::parse(&page.body).links.remove(0).href)
}

/// Lets time pass, here and at the provider.
fn wait(app: &TestApp, seconds: i64) {
    app.advance(seconds);
    app.fake.advance_clock(seconds);
}

/// Asserts that the callback is refused and changes nothing, cookies included. Returns the link that begins again.
async fn assert_expired(browser: &mut Browser, ask: &TestRequest) -> Option<String> {
    let jar = browser.jar.clone();
    let requests = browser.app.fake.requests().len();
    let page = assert_refused(browser, ask, NOT_TRUSTED).await;
    assert_eq!((&browser.jar, page.header("Set-Cookie")), (&jar, None), "{page:?}");
    assert_eq!(browser.app.fake.requests().len(), requests, "the provider is not called");
    start_again(&page)
}

#[rocket::async_test]
async fn b12_who_first_registers_at_the_provider_begins_again_where_they_were() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let late = ada.ride("/login/op?next=/inbox?a=1%26b=2").await;
    wait(&app, 40 * 60);
    let ask = TestRequest::get(&late);
    let again = assert_expired(&mut ada, &ask).await;
    assert_eq!(again.as_deref(), Some("/login/op?next=%2Finbox%3Fa%3D1%26b%3D2"));
    // The page may be loaded again.
    assert_eq!(assert_expired(&mut ada, &ask).await, again);
    let json = ask.clone().header("Accept", "application/json");
    let error = assert_refused(&mut ada, &json, NOT_TRUSTED).await.json();
    assert_eq!(error["error"]["login_url"].as_str(), again.as_deref());

    let callback = ada.ride(&again.unwrap()).await;
    assert_eq!(ada.get(&callback).await.location(), "/inbox?a=1&b=2");
    assert_eq!(ada.user().await, Some(1));
    // What has expired stays dead.
    assert!(assert_expired(&mut ada, &ask).await.is_some());
    assert_eq!((app.token_calls(), app.count("oauth_accounts")), (1, 1));
}

#[rocket::async_test]
async fn b12_it_is_the_same_for_a_denial_a_connection_and_another_method() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let late = ada.ride("/login/op").await;
    let state = query_parameter(&late, "state").unwrap();
    ada.enter(1).await;
    let connecting = ada.ride_to_connect("/login/op2").await;
    wait(&app, TTL);
    let denied = format!("/login/op/authorized?error=access_denied&state={state}");
    for (uri, link) in [(&late, "/login/op"), (&denied, "/login/op"), (&connecting, "/login/op2")] {
        assert_eq!(assert_expired(&mut ada, &TestRequest::get(uri)).await.as_deref(), Some(link));
    }
    // Signed in, the link asks before it connects anything.
    let page = ada.get("/login/op2").await;
    assert!(page.status == Status::Ok && page.body.contains("Connect"), "{page:?}");
    // A connection whose user has signed out: no other user continues it.
    ada.leave().await;
    let link = assert_expired(&mut ada, &TestRequest::get(&connecting)).await;
    assert_eq!(link.as_deref(), Some("/login/op2"));
    let head = TestRequest::new(Method::Head, &late);
    assert_eq!(ada.peek(&head).await.status, Status::MethodNotAllowed);
}

#[rocket::async_test]
async fn b12_nobody_else_and_no_other_entry_gets_that_page() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let late = ada.ride("/login/op?next=/private").await;
    let elsewhere = late.replace("/op/", "/op2/");
    let state = query_parameter(&late, "state").unwrap();
    let forged = late.replace(&state, &state.chars().rev().collect::<String>());
    wait(&app, TTL);
    for (mut browser, uri) in [(app.browser(), &late), (ada.clone(), &elsewhere), (ada.clone(), &forged)] {
        assert_eq!(assert_expired(&mut browser, &TestRequest::get(uri)).await, None, "{uri}");
    }
    // A cookie that is changed is none at all.
    let (name, sealed) = ada.flows().remove(0);
    ada.jar.insert(name, sealed.replace(&sealed[20..22], "xx"));
    assert_eq!(assert_expired(&mut ada, &TestRequest::get(&late)).await, None);
}

#[rocket::async_test]
async fn b12_the_page_comes_before_after_error() {
    let app = TestApp::launch_with(|figment| figment.merge(("dance.after_error", "/oops"))).await;
    let mut ada = app.browser();
    let late = ada.ride("/login/op?next=/inbox").await;
    wait(&app, TTL);
    let link = assert_expired(&mut ada, &TestRequest::get(&late)).await;
    assert_eq!(link.as_deref(), Some("/login/op?next=%2Finbox"));
    assert_eq!(
        ada.get("/login/op/authorized?code=x&state=y").await.location(),
        "/oops?error=callback_not_trusted&entry=op"
    );
}

#[rocket::async_test]
async fn b12_a_posted_callback() {
    let app = TestApp::launch_with(|figment| figment.merge(("oauth.op.response_mode", "form_post"))).await;
    let mut ada = app.browser();
    let authorization = ada.begin("/login/op?next=/inbox").await;
    let (_, body) = app.fake.authorize_form_post(&authorization).await;
    let fields: Vec<_> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let post = TestRequest::post("/login/op/authorized", &fields);
    wait(&app, TTL);
    // From the provider's site, without cookies, and then once more with them.
    let page = ada.peek(&post.clone().header("Sec-Fetch-Site", "cross-site")).await;
    let form = Html::parse(&page.body).forms.remove(0);
    let fields: Vec<_> = form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for ask in [TestRequest::post(&form.action, &fields), post] {
        let link = assert_expired(&mut ada, &ask).await;
        assert_eq!(link.as_deref(), Some("/login/op?next=%2Finbox"), "{ask:?}");
    }
}

#[rocket::async_test]
async fn b12_oauth_1() {
    let app = oauth1::app().await;
    let mut ada = app.browser();
    let late = ada.ride("/login/one?next=/inbox").await;
    wait(&app, TTL);
    let link = assert_expired(&mut ada, &TestRequest::get(&late)).await;
    assert_eq!(link.as_deref(), Some("/login/one?next=%2Finbox"));
    let callback = ada.ride(&link.unwrap()).await;
    assert_eq!(ada.get(&callback).await.location(), "/inbox");
}

#[rocket::async_test]
async fn b12_a_flow_lives_as_long_as_the_setting_says_and_so_does_its_claim() {
    const DAY: i64 = 86_400;
    let ttl = |seconds: i64| move |figment: Figment| figment.merge(("dance.flow.ttl", seconds));
    let app = TestApp::launch_with(ttl(DAY)).await;
    let mut ada = app.browser();
    let authorization = ada.begin("/login/op?next=/inbox").await;
    let late = ada.ride("/login/op").await;
    wait(&app, 60);
    let callback = app.approve(&authorization).await;
    let copy = ada.clone();
    assert_eq!(ada.get(&callback).await.location(), "/inbox");
    assert!(ada.jar.contains_key(DONE));
    // Almost a day later, a copy of the cookies from before: the callback was used up, and its outcome is known.
    wait(&app, DAY - 120);
    assert_eq!(copy.peek(&TestRequest::get(&callback)).await.location(), "/inbox");
    assert_eq!(app.token_calls(), 1, "the code is not sent again");
    // In the browser that has finished it, too.
    assert_eq!(ada.get(&callback).await.location(), "/inbox");
    // A flow keeps the lifetime with which it began.
    let shorter = app.relaunch(ttl(1)).await;
    shorter.advance(DAY - 60);
    let mut other = copy.clone();
    other.app = shorter;
    let answer = other.peek(&TestRequest::get(&late)).await;
    // The provider is asked, although its code has expired.
    assert_eq!((start_again(&answer), app.token_calls()), (None, 2), "{answer:?}");
    wait(&app, 60);
    let mut signed_out = copy;
    let link = assert_expired(&mut signed_out, &TestRequest::get(&late)).await;
    assert_eq!(link.as_deref(), Some("/login/op"));

    let app = TestApp::launch_with(ttl(1)).await;
    let mut ada = app.browser();
    let late = ada.ride("/login/op").await;
    wait(&app, 1);
    assert_eq!(assert_expired(&mut ada, &TestRequest::get(&late)).await.as_deref(), Some("/login/op"));
}

#[rocket::async_test]
async fn b12_expired_flows_make_room_first() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let old = ada.ride("/login/op?next=/old").await;
    wait(&app, TTL);
    let mut callbacks = Vec::new();
    for tab in 0..30 {
        callbacks.push(ada.ride(&format!("/login/op?next=/tab/{tab}")).await);
        wait(&app, 1);
    }
    let size: usize = ada.jar.iter().map(|(name, value)| name.len() + value.len() + 3).sum();
    assert!(size <= 6144, "{size}");
    assert_eq!(assert_expired(&mut ada, &TestRequest::get(&old)).await, None, "dropped");
    assert_eq!(ada.get(&callbacks[29]).await.location(), "/tab/29");
}
