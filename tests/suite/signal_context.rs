//! What a signal does with its request: a flash message, a cookie, request-local state. And `flash = true`.

use std::net::{IpAddr, Ipv4Addr};

use rocket::http::{Cookie, SameSite, Status};
use rocket::{Request, Response};
use rocket_dance::storage::DieselStorage;
use rocket_dance::testing::{FakeResponse, ProviderEndpoint};
use rocket_dance::{
    AuthorizedLogin, Client, DanceFairing, Error, Event, Login, NextStep, Result, Signals, Verdict, flash,
};

use crate::cookie_budget::app_with_large_tokens_and;
use crate::harness::{Browser, SESSION, TestApp, TestRequest, TestResponse, sign_up};

/// The message on the app's next page, which the browser reaches by a redirect from the provider's site. Another page shows none.
async fn next_message(browser: &mut Browser) -> String {
    let page = TestRequest::get("/flash").header("Sec-Fetch-Site", "cross-site");
    let shown = browser.ask(&page).await.body;
    assert_eq!(browser.ask(&page).await.body, "", "it is shown once");
    shown
}

async fn launch(attach: impl FnOnce(DanceFairing) -> DanceFairing) -> TestApp {
    let settings = |figment: rocket::figment::Figment| {
        figment.merge(("dance.flash", true)).merge(("dance.after_error", "/failed"))
    };
    TestApp::launch_built(settings, attach).await
}

#[rocket::async_test]
async fn a4_a_flash_message_per_outcome() {
    let app = launch(|dance| dance).await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    let landed = ada.get(&callback).await;
    let set: Vec<_> = landed.set_cookies().filter(|cookie| cookie.name() == "_flash").collect();
    assert_eq!(set.len(), 1, "{landed:?}");
    // Rocket's own is Strict, and browsers would not send it to the page after the callback.
    assert_eq!((set[0].same_site(), set[0].path()), (Some(SameSite::Lax), Some("/")));
    assert_eq!((set[0].http_only(), landed.header("Cache-Control")), (Some(true), Some("no-store")));
    assert_eq!(next_message(&mut ada).await, "success: You are signed in with Op.");
    // In the visitor's language.
    let mut grace = app.browser();
    let german = grace.ride("/login/op").await;
    grace.ask(&TestRequest::get(&german).header("Accept-Language", "de")).await;
    assert_eq!(next_message(&mut grace).await, "success: Sie sind mit Op angemeldet.");
    // A repeated callback redirects again, and says nothing again.
    assert_eq!(ada.get(&callback).await.location(), "/");
    assert_eq!(next_message(&mut ada).await, "");

    for message in ["success: Op2 is connected.", "info: Op2 was connected already. It is up to date now."] {
        let callback = ada.ride_to_connect("/login/op2").await;
        assert_eq!(ada.get(&callback).await.location(), "/");
        assert_eq!(next_message(&mut ada).await, message);
    }
    assert_eq!(ada.post("/login/op2/disconnect", &[]).await.status, Status::SeeOther);
    assert_eq!(next_message(&mut ada).await, "info: Op2 is disconnected.");
    // Nothing is left to disconnect, and the last way to sign in stays: the page says so.
    assert_eq!(ada.post("/login/op2/disconnect", &[]).await.status, Status::SeeOther);
    assert_eq!(ada.post("/login/op/disconnect", &[]).await.status, Status::Conflict);
    assert_eq!(next_message(&mut ada).await, "");
    ada.leave().await;

    app.fake.deny_next_authorization();
    let callback = ada.ride("/login/op").await;
    assert!(ada.get(&callback).await.location().starts_with("/failed"));
    assert_eq!(next_message(&mut ada).await, "error: You did not let this site use your Op account.");

    let callback = ada.ride("/login/op").await;
    app.fake.respond_once(ProviderEndpoint::Token, FakeResponse::status(500));
    let rows = app.rows();
    assert!(ada.get(&callback).await.location().starts_with("/failed"));
    let failed = next_message(&mut ada).await;
    assert!(
        failed.starts_with("error: Op: The provider") && failed.ends_with("Please try again."),
        "{failed}"
    );
    assert_eq!((ada.user().await, app.rows()), (None, rows));
    app.assert_no_secret("the message", &failed, &[]);
}

#[rocket::async_test]
async fn a4_no_message_for_json_for_an_error_page_and_unless_the_app_asks() {
    // The error page has said it already.
    let app = TestApp::launch_with(|figment| figment.merge(("dance.flash", true))).await;
    let mut ada = app.browser();
    app.fake.deny_next_authorization();
    let callback = ada.ride("/login/op").await;
    let denied = ada.get(&callback).await;
    assert_eq!((denied.status, denied.sets("_flash")), (Status::Forbidden, false));
    ada.sign_in("op").await;
    assert!(next_message(&mut ada).await.starts_with("success: "));
    let callback = ada.ride_to_connect("/login/op2").await;
    ada.get(&callback).await;
    next_message(&mut ada).await;
    let csrf = ada.csrf().await;
    let disconnect = TestRequest::post("/login/op2/disconnect", &[("csrf", &csrf)]);
    let answer = ada.ask(&disconnect.header("Accept", "application/json")).await;
    assert!(answer.status.class().is_success() && !answer.sets("_flash"), "{answer:?}");

    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    let landed = ada.get(&callback).await;
    assert!(landed.sets(SESSION) && !landed.sets("_flash"), "{landed:?}");
}

#[rocket::async_test]
async fn a4_a_refusal_of_the_app_is_a_message_and_no_markup_of_a_provider_is() {
    let refuse = |_: &Login<i32>, _: &mut diesel::SqliteConnection| -> Result<Verdict<i32>> {
        Ok(Verdict::Refuse(format!("Members only. {}", "Désolé, ".repeat(400))))
    };
    let app = launch(|dance| dance.storage(DieselStorage::database("app").migrate().link(refuse))).await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    let refused = ada.get(&callback).await;
    assert!(refused.location().starts_with("/failed"));
    let set = refused.set_cookies().find(|cookie| cookie.name() == "_flash").unwrap();
    assert!(set.encoded().to_string().len() < 1500, "{set}");
    let message = next_message(&mut ada).await;
    assert!(message.starts_with("error: Op: Members only. Désolé, Désolé"), "{message}");
    let state = crate::harness::query_parameter(&ada.begin("/login/op").await, "state").unwrap();
    let said = "error=%3Cscript%3E&error_description=%3Cimg%20src=x%3E&error_uri=https://evil.example/";
    let iss: String = url::form_urlencoded::byte_serialize(app.fake.issuer().as_bytes()).collect();
    assert!(
        ada.get(&format!("/login/op/authorized?state={state}&iss={iss}&{said}"))
            .await
            .location()
            .starts_with("/failed")
    );
    let message = next_message(&mut ada).await;
    assert!(message.starts_with("error: Op: ") && !message.contains(['<', '>']), "{message}");
    assert!(!message.contains("evil"), "{message}");
}

#[rocket::async_test]
async fn a4_the_message_below_a_path_and_on_https() {
    let settings = |figment: rocket::figment::Figment| {
        figment.merge(("dance.flash", true)).merge(("dance.base_url", "https://app.example/sub"))
    };
    let app = TestApp::launch_with(settings).await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    let landed = ada.get(&callback).await;
    let set = landed.set_cookies().find(|cookie| cookie.name() == "_flash").unwrap();
    // Rocket's `FlashMessage` removes the cookie at `/`.
    assert_eq!((set.path(), set.secure()), (Some("/"), Some(true)));
    assert_eq!(next_message(&mut ada).await, "success: You are signed in with Op.");
}

/// Counts how often it was called in one request, and adds a cookie with that each time.
#[derive(Clone, Copy)]
struct Marker {
    /// Whether `error` answers itself.
    answers: bool,
}

struct Calls(std::sync::Mutex<Vec<String>>);

impl Marker {
    fn mark(self, request: &Request<'_>, what: &str) {
        let calls = request.local_cache(|| Calls(Vec::new().into()));
        let mut calls = calls.0.lock().unwrap();
        calls.push(what.to_owned());
        let cookie = Cookie::build(("seen", calls.join("-"))).same_site(SameSite::Lax);
        request.cookies().add(cookie);
    }
}

#[rocket::async_trait]
impl Signals for Marker {
    async fn authorized(
        &self,
        request: &Request<'_>,
        _: &mut AuthorizedLogin,
        _: &Client,
    ) -> Result<NextStep> {
        self.mark(request, "authorized");
        Ok(NextStep::Continue)
    }

    async fn error(&self, request: &Request<'_>, entry: &str, _: &Error) -> Option<Response<'static>> {
        self.mark(request, "error");
        flash(request, "error", &format!("Failed to log in with {entry}."));
        self.answers.then(|| crate::signals::page(Status::BadRequest, "my page"))
    }

    async fn event(&self, request: Option<&Request<'_>>, event: &Event) {
        if let Some(request) = request {
            let name = format!("{event:?}");
            self.mark(request, name.split(['(', ' ']).next().unwrap_or_default());
        }
    }
}

fn seen(response: &TestResponse) -> String {
    let cookies: Vec<_> = response.set_cookies().filter(|cookie| cookie.name() == "seen").collect();
    assert!(cookies.len() < 2, "{response:?}");
    cookies.first().map(|cookie| cookie.value().to_owned()).unwrap_or_default()
}

#[rocket::async_test]
async fn a4_a_cookie_of_a_signal_reaches_the_browser_with_every_response() {
    for answers in [false, true] {
        let app = TestApp::launch_built(|figment| figment, |dance| dance.signals(Marker { answers })).await;
        let mut ada = app.browser();
        // A redirect.
        let callback = ada.ride("/login/op").await;
        let landed = ada.get(&callback).await;
        assert_eq!(seen(&landed), "authorized-UserCreated-AccountCreated-SessionBegan-LoginCompleted");
        assert_eq!(seen(&ada.get(&callback).await), "", "a repeat reports nothing");
        assert_eq!(seen(&ada.post("/login/logout", &[]).await), "SessionEnded");
        // An error page, or the signal's own response; and the same again when the callback is repeated.
        app.fake.deny_next_authorization();
        let callback = ada.ride("/login/op").await;
        for _ in 0..2 {
            let denied = ada.get(&callback).await;
            assert_eq!(denied.status, if answers { Status::BadRequest } else { Status::Forbidden });
            assert_eq!(seen(&denied), "LoginFailed-error");
            assert_eq!(next_message(&mut ada).await, "error: Failed to log in with op.");
        }
        // As JSON.
        let begin =
            TestRequest::get("/login/op/authorized?code=a&state=b").header("Accept", "application/json");
        assert_eq!(seen(&ada.ask(&begin).await), "LoginFailed-error");
    }
}

#[rocket::async_test]
async fn a4_a_signal_of_an_app_with_cookie_storage() {
    let app = app_with_large_tokens_and(Marker { answers: false }).await;
    let mut ada = app.browser();
    let mut all = Vec::new();
    for entry in ["a", "b", "c"] {
        let callback = ada.ride(&format!("/login/{entry}")).await;
        all.push(seen(&ada.get(&callback).await));
        app.advance(1);
    }
    let (stored, made_room) = ("authorized-AccountCreated", "authorized-AccountCreated-AccountRemoved");
    assert_eq!(all, [stored, made_room, stored]);
}

/// Flashes the visitor's address.
struct Address;

#[rocket::async_trait]
impl Signals for Address {
    async fn event(&self, request: Option<&Request<'_>>, event: &Event) {
        if let (Event::SessionBegan { .. }, Some(request)) = (event, request) {
            let message = format!("{:?} {}", request.client_ip(), request.cookies().get("theme").is_some());
            flash(request, "info", &message);
        }
    }
}

#[rocket::async_test]
async fn a4_a_signal_sees_address_and_cookies_and_its_message_wins() {
    let app = launch(|dance| {
        dance.signals(Address).storage(DieselStorage::database("app").migrate().link(sign_up))
    })
    .await;
    let mut ada = app.browser();
    ada.jar.insert("theme".into(), "dark".into());
    let callback = ada.ride("/login/op").await;
    let from = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));
    let request = TestRequest::get(&callback).header("X-Real-IP", &from.to_string());
    assert_eq!(ada.ask(&request).await.location(), "/");
    assert_eq!(next_message(&mut ada).await, format!("info: Some({from}) true"));
    // The app's own form: the session begins when the response is sent.
    ada.enter(1).await;
    assert_eq!(next_message(&mut ada).await, "info: None true");
}
