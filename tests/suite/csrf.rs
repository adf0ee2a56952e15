//! The cookie of the CSRF tokens, and links that sign a user in.

use rocket::figment::Figment;
use rocket::http::{CookieJar, Status};
use rocket::local::asynchronous::Client;
use rocket::{get, routes};
use rocket_dance::testing::FakeProvider;
use rocket_dance::{CurrentUser, Dance};

use crate::app::{App, cross_site, figment, rocket};
use crate::harness::{CSRF, Refusal, SESSION, TestApp, TestRequest, assert_refused};
use crate::people::People;

/// A shorter value is easier to guess: it is not one of ours, and no token is made from it.
#[rocket::async_test]
async fn a_csrf_cookie_of_another_length_is_replaced() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    for planted in ["", "a", &"a".repeat(42), &"a".repeat(44)] {
        ada.jar.insert(CSRF.to_owned(), planted.to_owned());
        let token = ada.csrf().await;
        assert_eq!(ada.jar[CSRF].len(), 43, "{planted:?} is replaced");
        assert_eq!(ada.csrf().await, token, "the new one stays");
    }
}

/// Only on a loopback host are its other names the same origin.
#[rocket::async_test]
async fn cs_01_a_loopback_origin_is_another_site_for_a_public_host() {
    let public = |figment: Figment| figment.merge(("dance.base_url", "https://app.example"));
    let app = TestApp::launch_with(public).await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let csrf = ada.csrf().await;
    let form = TestRequest::post("/login/op", &[("csrf", &csrf)]);
    for origin in [
        "https://localhost",
        "https://127.0.0.1",
        "https://[::1]",
        "http://app.example",
        "https://app.example:8443",
    ] {
        let form = form.clone().header("Origin", origin);
        assert_refused(&mut ada, &form, Refusal::new(Status::Forbidden, "csrf")).await;
    }
    let begun = ada.ask(&form.header("Origin", "https://app.example")).await;
    assert!(begun.location().starts_with(app.fake.issuer()), "{begun:?}");
}

/// The app's link in an e-mail, which signs the user in without a password.
#[get("/link/<user>")]
fn link(user: i32, jar: &CookieJar<'_>) {
    CurrentUser::sign_in(jar, &user);
}

#[rocket::async_test]
async fn cs_01_a_link_of_the_apps_own_may_come_from_another_site() {
    let (people, fake) = (People::new(), FakeProvider::start().await);
    let rocket = rocket(figment(&fake), Dance::fairing().storage(people.storage())).mount("/", routes![link]);
    let app = App::of(Client::tracked(rocket).await.expect("the app launches"), fake);
    let opened = app.client.get("/link/7").header(cross_site()).dispatch().await;
    assert_eq!(opened.status(), Status::Ok);
    assert!(app.cookies().contains_key(SESSION));
    assert_eq!(app.get("/me").await.into_string().await.as_deref(), Some("7"));
    // A form is another matter.
    let posted = app.client.post("/enter/8").header(cross_site()).dispatch().await;
    assert_eq!(posted.status(), Status::Forbidden);
    assert_eq!(app.get("/me").await.into_string().await.as_deref(), Some("7"));
}
