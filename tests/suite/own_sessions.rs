//! Sessions of the app's own, with cookies as browsers treat them.

use rocket::Request;
use rocket::http::{Cookie, SameSite, Status};
use rocket_dance::testing::{FakeProvider, ProviderEndpoint, sign_in};
use rocket_dance::{Dance, DanceFairing, Result, Sessions, SignInOutcome};

use crate::app::{App, figment};
use crate::harness::{TestApp, captured_log};
use crate::people::People;

/// The example in the documentation of `Sessions`.
#[path = "../../docs/app_sessions.rs"]
pub(crate) mod documented;

/// A session in a private cookie with these attributes: Rocket's defaults, but for what a test changes.
struct PrivateCookie(fn(Cookie<'static>) -> Cookie<'static>);

#[rocket::async_trait]
impl Sessions for PrivateCookie {
    type User = i32;

    async fn current(&self, request: &Request<'_>) -> Result<Option<i32>> {
        Ok(request.cookies().get_private("uid").and_then(|cookie| cookie.value().parse().ok()))
    }

    async fn sign_in(&self, request: &Request<'_>, user: &i32) -> Result<SignInOutcome> {
        request.cookies().add_private((self.0)(Cookie::new("uid", user.to_string())));
        Ok(SignInOutcome::Done)
    }

    async fn sign_out(&self, request: &Request<'_>) -> Result<()> {
        request.cookies().remove_private("uid");
        Ok(())
    }
}

/// The session cookies that do not come with a callback.
const KEPT_BACK: [fn(Cookie<'static>) -> Cookie<'static>; 4] = [
    |cookie| cookie,
    |cookie| Cookie::build(cookie).same_site(SameSite::Strict).path("/login").build(),
    |cookie| Cookie::build(cookie).same_site(SameSite::Lax).path("/app").build(),
    |cookie| Cookie::build(cookie).same_site(SameSite::Lax).domain("other.example").build(),
];

#[rocket::async_test]
async fn d15_a_session_that_browsers_keep_back_fails_in_a_test_as_well() {
    for build in KEPT_BACK {
        let people = People::new();
        let fake = FakeProvider::start().await;
        let figment = figment(&fake);
        let sessions = PrivateCookie(build);
        let app =
            App::new(fake, figment, Dance::fairing().storage(people.storage()).sessions(sessions)).await;
        assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
        let (before, calls) = (people.snapshot(), app.fake.request_count(ProviderEndpoint::Token));
        let refused = sign_in(&app.client, "op2").await;
        assert_eq!(refused.status, Status::BadRequest, "{}", refused.body);
        assert!(refused.body.contains("You are no longer signed in"), "{}", refused.body);
        assert!(refused.body.contains("callback_not_trusted"), "{}", refused.body);
        assert_eq!(people.snapshot(), before, "nothing is connected");
        assert_eq!(app.fake.request_count(ProviderEndpoint::Token), calls, "the code is not exchanged");
    }
    if let Some(log) = captured_log() {
        assert!(
            log.contains("SameSite=Strict, which is the default of Rocket's private cookies: use Lax"),
            "{log}"
        );
    }
}

#[rocket::async_test]
async fn d15_the_documented_sessions_connect_an_account() {
    let people = People::new();
    let fake = FakeProvider::start().await;
    let figment = figment(&fake);
    let dance = Dance::fairing().storage(people.storage()).sessions(documented::AppSessions);
    let app = App::new(fake, figment, dance).await;
    for entry in ["op", "op2"] {
        assert_eq!(sign_in(&app.client, entry).await.location.as_deref(), Some("/"), "{entry}");
    }
    assert_eq!(people.accounts(), ["op/ada -> 1", "op2/ada -> 1"]);
    assert_eq!(app.post("/login/logout", &[]).await.status(), Status::SeeOther);
    assert_eq!(app.get("/me").await.status(), Status::SeeOther);
}

/// The library does not know the other sessions of the app: the form must not claim to have ended them.
#[rocket::async_test]
async fn signing_out_everywhere_is_left_to_the_app() {
    let people = People::new();
    let fake = FakeProvider::start().await;
    let figment = figment(&fake);
    let sessions = PrivateCookie(|cookie| Cookie::build(cookie).same_site(SameSite::Lax).build());
    let app = App::new(fake, figment, Dance::fairing().storage(people.storage()).sessions(sessions)).await;
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    let before = people.snapshot();
    for route in ["/login/logout/everywhere", "/login/logout/session"] {
        let refused = app.post(route, &[("session", "1")]).await;
        assert_eq!(refused.status(), Status::NotFound, "{route}");
        assert!(refused.cookies().iter().next().is_none(), "this browser stays signed in as well");
        let page = refused.into_string().await.unwrap();
        assert!(page.contains("sessions_not_stored"), "{route}: {page}");
    }
    assert_eq!(people.snapshot(), before);
    assert_eq!(app.json("/login/accounts").await.1["signed_in"], true, "this browser, too");
}

#[rocket::async_test]
async fn d15_form_post_comes_without_lax_cookies_and_ends_well() {
    let people = People::new();
    let fake = FakeProvider::start().await;
    let figment = figment(&fake).merge(("oauth.op.response_mode", "form_post"));
    let dance = Dance::fairing().storage(people.storage());
    let app = App::new(fake, figment, dance).await;
    assert_eq!(sign_in(&app.client, "op").await.location.as_deref(), Some("/"));
    assert_eq!(people.accounts(), ["op/ada -> 1"]);
}

#[rocket::async_test]
async fn d15_a_strict_session_does_not_come_with_the_suites_browser_either() {
    let strict = |dance: DanceFairing| dance.sessions(PrivateCookie(|cookie| cookie));
    let app = TestApp::launch_built(|figment| figment, strict).await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    ada.get(&callback).await;
    assert!(ada.user().await.is_some(), "a page that the user opens gets the cookie");
    let callback = ada.ride_to_connect("/login/op2").await;
    let (rows, calls) = (app.rows(), app.token_calls());
    let refused = ada.get(&callback).await;
    assert_eq!(refused.status, Status::BadRequest);
    assert!(refused.body.contains("You are no longer signed in"), "{}", refused.body);
    assert_eq!((app.rows(), app.token_calls()), (rows, calls));
}

#[rocket::async_test]
async fn d15_a_session_of_ours_that_has_ended_is_said_so() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let callback = ada.ride_to_connect("/login/op2").await;
    let mut elsewhere = ada.clone();
    elsewhere.leave().await;
    let (rows, calls) = (app.rows(), app.token_calls());
    let refused = ada.get(&callback).await;
    assert_eq!(refused.status, Status::BadRequest);
    assert!(refused.body.contains("You are no longer signed in"), "{}", refused.body);
    assert_eq!((app.rows(), app.token_calls()), (rows, calls));
}
