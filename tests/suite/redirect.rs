//! Redirects: only to paths of the app, and with 303.

use rocket::http::Status;
use rocket::{Request, async_trait};
use rocket_dance::testing::ProviderEndpoint;
use rocket_dance::{
    AuthorizationRequest, AuthorizedLogin, Client, LocalPath, NextStep, RedirectTarget, Result, Signals,
};
use url::form_urlencoded::byte_serialize;

use crate::harness::{NOT_TRUSTED, Refusal, TestApp, TestRequest, assert_refused, query_parameter};

/// None of these is followed. The parser's unit tests have many more.
const TRICKS: &[&str] = &[
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n//evil.example",
    "/a\r\nSet-Cookie: evil=1",
    "/a\0evil",
    "/./\\evil.example",
    "/.//evil.example",
    "/%09/evil.example",
    "/%2f%2fevil.example",
    "/%5cevil.example",
    "/%0d%0aSet-Cookie:%20evil=1",
    "https:evil.example",
    "http:/evil.example",
    "https://evil.example",
    "http://localhost:8000@evil.example",
    "http://localhost.evil.example",
    "http://localhost:8000/evil",
    "javascript:alert('evil')",
    "data:text/html,evil",
    "evil",
    "?evil",
    " /evil",
    "/%ed%a0%80evil",
];

fn begin(next: &str) -> String {
    format!("/login/op?next={}", byte_serialize(next.as_bytes()).collect::<String>())
}

async fn with_home() -> TestApp {
    TestApp::launch_with(|figment| figment.merge(("dance.after_login", "/home"))).await
}

#[rocket::async_test]
async fn rd_01_rd_03_no_trick_is_followed() {
    let app = with_home().await;
    for trick in TRICKS {
        let mut ada = app.browser();
        let callback = ada.ride(&begin(trick)).await;
        let end = ada.get(&callback).await;
        assert_eq!(end.location(), "/home", "{trick:?}");
        assert!(!end.sets("evil"), "{trick:?}");

        // Signed in: neither the page that asks nor its form follows it.
        let page = ada.get(&begin(trick)).await;
        assert!(!page.body.contains("evil"), "{trick:?}: {}", page.body);
        let authorization = ada.post("/login/op", &[("next", trick)]).await.location().to_owned();
        let callback = app.approve(&authorization).await;
        assert_eq!(ada.get(&callback).await.location(), "/home", "{trick:?}");
    }
}

#[rocket::async_test]
async fn rd_01_the_sign_in_page_hands_on_no_trick() {
    let app = TestApp::launch().await;
    for trick in TRICKS {
        let next: String = byte_serialize(trick.as_bytes()).collect();
        for uri in [format!("/login?next={next}"), format!("/login/op?next={next}")] {
            let page =
                app.browser().peek(&TestRequest::get(&uri).header("Sec-Fetch-Site", "cross-site")).await;
            assert_eq!(page.status, Status::Ok);
            assert!(!page.body.contains("evil"), "{trick:?}: {}", page.body);
        }
    }
}

#[rocket::async_test]
async fn rd_02_paths_of_the_app_are_followed_unchanged() {
    let app = with_home().await;
    for path in ["/", "/a/b?c=d&e=%2F", "/a%20b?x=//evil.example", "/login/accounts", "/loginx"] {
        let mut ada = app.browser();
        let authorization = ada.begin(&begin(path)).await;
        assert!(!authorization.contains("evil"), "the provider does not see the target");
        let callback = app.approve(&authorization).await;
        assert_eq!(ada.get(&callback).await.location(), path);
    }
}

#[rocket::async_test]
async fn rd_03_the_providers_words_split_no_header() {
    let app = TestApp::launch().await;
    for error in ["server_error", "access_denied", "x%0d%0aSet-Cookie:%20evil=1"] {
        let mut ada = app.browser();
        let authorization = ada.begin("/login/op").await;
        let state = query_parameter(&authorization, "state").unwrap();
        let iss: String = byte_serialize(app.fake.issuer().as_bytes()).collect();
        let callback = format!(
            "/login/op/authorized?error={error}&error_description=%0d%0aSet-Cookie:%20evil=1%0d%0a%00&state={state}&iss={iss}"
        );
        let end = ada.get(&callback).await;
        assert!(end.status.code >= 400 && !end.sets("evil"), "{end:?}");
    }
}

#[rocket::async_test]
async fn rd_04_checked_when_it_is_used_too() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let callback = ada.ride(&begin("/auth/op")).await;
    // After a restart that path is one of the library's routes.
    let app = app
        .relaunch(|figment| {
            figment
                .merge(("dance.prefix", "/auth"))
                .merge(("dance.after_login", "/home"))
                .merge(("oauth.op.redirect_uri", "http://localhost:8000/login/op/authorized"))
        })
        .await;
    ada.app = app;
    // The flow was begun at another place: it is not used at all.
    assert_refused(&mut ada, &TestRequest::get(&callback), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn rd_05_none_of_our_own_routes() {
    let app = with_home().await;
    for ours in [
        "/login",
        "/login/",
        "/login/op",
        "/login/op2?next=/",
        "/login/op/authorized?code=a&state=b",
        "/login/logout",
        "/login/op/disconnect",
        "/login/op/primary",
        "/a/../login/op",
        "/%6cogin/op",
        "/login%2fop",
    ] {
        let mut ada = app.browser();
        let callback = ada.ride(&begin(ours)).await;
        assert_eq!(ada.get(&callback).await.location(), "/home", "{ours}");
    }
}

#[rocket::async_test]
async fn rd_06_two_kibibytes() {
    let app = with_home().await;
    let longest = format!("/{}", "a".repeat(2047));
    for (next, to) in [(longest.clone(), longest.as_str()), (format!("{longest}a"), "/home")] {
        let mut ada = app.browser();
        let callback = ada.ride(&begin(&next)).await;
        assert_eq!(ada.get(&callback).await.location(), to);
    }
}

/// A signal that redirects to a given target.
struct To(&'static str);

#[async_trait]
impl Signals for To {
    async fn before_login(&self, _: &Request<'_>, begin: &mut AuthorizationRequest) -> Result<()> {
        begin.next = RedirectTarget::try_from(self.0).ok();
        Ok(())
    }

    async fn authorized(
        &self,
        _: &rocket::Request<'_>,
        _: &mut AuthorizedLogin,
        _: &Client,
    ) -> Result<NextStep> {
        Ok(LocalPath::try_from(self.0).map_or(NextStep::Continue, NextStep::ContinueTo))
    }
}

#[rocket::async_test]
async fn rd_07_what_the_app_says_is_checked_too() {
    for (to, wanted) in [
        ("//evil.example", "/home"),
        ("https://evil.example", "/home"),
        ("/login/logout", "/home"),
        ("/fine", "/fine"),
    ] {
        let app = TestApp::launch_built(
            |figment| figment.merge(("dance.after_login", "/home")),
            |dance| dance.signals(To(to)),
        )
        .await;
        let mut ada = app.browser();
        let callback = ada.ride("/login/op").await;
        assert_eq!(ada.get(&callback).await.location(), wanted);
    }
}

#[rocket::async_test]
async fn rd_07_after_error() {
    let app = TestApp::launch_with(|figment| figment.merge(("dance.after_error", "/oops"))).await;
    let mut ada = app.browser();
    let callback = ada.ride(&begin("/guarded")).await;
    let elsewhere = Refusal::new(Status::SeeOther, "");
    let not_trusted = "/oops?error=callback_not_trusted&entry=op";
    for (uri, location) in [
        ("/login/op/authorized?next=//evil.example", not_trusted),
        ("/login/nobody?next=//evil.example", "/oops?error=unknown_provider"),
        ("/login/op/authorized", not_trusted),
    ] {
        assert_eq!(assert_refused(&mut ada, &TestRequest::get(uri), elsewhere).await.location(), location);
    }
    assert_eq!(
        assert_refused(&mut app.browser(), &TestRequest::get(&callback), elsewhere).await.location(),
        not_trusted
    );
    let json = TestRequest::get("/login/op/authorized").header("Accept", "application/json");
    let answer = assert_refused(&mut ada, &json, crate::harness::NOT_TRUSTED).await;
    assert_eq!(answer.json()["error"]["code"], "callback_not_trusted");
    assert_eq!(ada.get(&callback).await.location(), "/guarded");
}

#[rocket::async_test]
async fn rd_08_every_redirect_is_303() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    // `location` asserts the status.
    ada.get("/guarded").await.location();
    ada.get("/login/accounts").await.location();
    ada.sign_in("op").await;
    let callback = ada.ride_to_connect("/login/op2").await;
    ada.get(&callback).await.location();
    assert_eq!(ada.post("/login/op2/disconnect", &[]).await.location(), "/login/accounts");
    assert_eq!(ada.post("/login/logout", &[]).await.location(), "/");
}

#[rocket::async_test]
async fn rd_09_the_same_redirect_uri_with_the_code() {
    let app = TestApp::launch().await;
    for (key, value, is_same_app) in [
        ("dance.base_url", "http://127.0.0.1:9000", false),
        ("dance.base_url", "http://localhost:9000", false),
        ("oauth.op.redirect_uri", "http://localhost:8000/elsewhere", true),
    ] {
        let mut ada = app.browser();
        let begin = TestRequest::get("/login/op")
            .header("X-Forwarded-Host", "evil.example")
            .header("Forwarded", "host=evil.example");
        let authorization = ada.ask(&begin).await.location().to_owned();
        let callback = app.approve(&authorization).await;
        let asked = query_parameter(&authorization, "redirect_uri").unwrap();
        assert_eq!(asked, "http://localhost:8000/login/op/authorized");

        let after = app.relaunch(|figment| figment.merge((key, value))).await;
        ada.app = after.clone();
        if !is_same_app {
            assert_refused(&mut ada, &TestRequest::get(&callback), NOT_TRUSTED).await;
            continue;
        }
        assert_eq!(ada.get(&callback).await.location(), "/", "{key} = {value}");
        assert_eq!(
            after.fake.last_request(ProviderEndpoint::Token).form["redirect_uri"],
            asked,
            "{key} = {value}"
        );
    }
}
