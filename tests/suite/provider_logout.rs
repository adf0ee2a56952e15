//! Signing out at the provider, too (OpenID Connect RP-Initiated Logout 1.0).

use rocket::http::{Method, Status};
use rocket::local::asynchronous::Client;
use rocket_dance::storage::{CookieStorage, MemoryStorage};
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint};
use rocket_dance::{Dance, DanceFairing};
use serde_json::{Value, json};

use crate::app::{figment, path_and_query, rocket};
use crate::harness::{
    Browser, LOGOUT, TestApp, TestRequest, assert_guarded, captured_log, query_parameter, with_parameter,
};

const LANDING: &str = "http://localhost:8000/login/logged-out";

/// An app whose entry `op` signs out at the provider, too.
pub(crate) async fn app() -> TestApp {
    TestApp::launch_with(|figment| figment.merge(("oauth.op.logout", true))).await
}

/// Signs out with the form of the page, and returns the target.
async fn leaves(browser: &mut Browser) -> String {
    let copy = browser.clone();
    let answer = browser.post("/login/logout", &[]).await;
    assert_eq!((browser.user().await, copy.user().await), (None, None), "signed out here in any case");
    assert_guarded(&answer);
    answer.location().to_owned()
}

#[rocket::async_test]
async fn lo_02_signing_out_leads_to_the_provider_and_back() {
    let app = app().await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let id_token = app.tokens()[2].clone();
    assert!(app.rows().contains("id_token='v1.") && !app.rows().contains(&id_token), "it is sealed");

    let there = leaves(&mut ada).await;
    assert!(there.starts_with(&format!("{}/logout?", app.fake.issuer())), "{there}");
    let said = |name| query_parameter(&there, name).unwrap_or_default();
    assert_eq!(said("id_token_hint"), id_token);
    assert_eq!(said("client_id"), app.fake.client_id());
    assert_eq!(said("post_logout_redirect_uri"), LANDING);
    assert_eq!(said("state").len(), 43);
    assert!(!ada.jar[LOGOUT].contains(&said("state")));
    assert_eq!(app.count("oauth_sessions"), 0);

    let back = app.fake.authorize(&there).await;
    assert_eq!(back, format!("{LANDING}?state={}", said("state")));
    let answer = ada.get(&path_and_query(&back)).await;
    assert_eq!(answer.location(), "/");
    assert_guarded(&answer);
    assert!(!ada.jar.contains_key(LOGOUT), "it is used up");
    app.assert_no_secret("the log", &captured_log().unwrap_or_default(), &[("state", said("state"))]);

    // The next sign-out has another state; so has signing out everywhere.
    ada.sign_in("op").await;
    let mut phone = app.browser();
    phone.sign_in("op").await;
    let answer = ada.post("/login/logout/everywhere", &[]).await;
    let again = query_parameter(answer.location(), "state").unwrap();
    assert_ne!(again, said("state"));
    assert_eq!((ada.user().await, phone.user().await), (None, None));
}

#[rocket::async_test]
async fn lo_02_a_user_of_another_entry_is_not_redirected() {
    let app = app().await;
    let mut ada = app.browser();
    // A sign-in with the app's own form, and an entry without `logout`.
    ada.enter(7).await;
    assert_eq!(leaves(&mut ada).await, "/");
    ada.sign_in("op2").await;
    assert!(app.rows().contains("id_token=NULL"), "no ID token is stored for it");
    assert_eq!(leaves(&mut ada).await, "/");
    assert_eq!(
        (app.fake.request_count(ProviderEndpoint::EndSession), ada.jar.contains_key(LOGOUT)),
        (0, false)
    );
}

#[rocket::async_test]
async fn lo_02_the_landing_leads_nowhere_else_whatever_comes_back() {
    let app = TestApp::launch_with(|figment| {
        figment.merge(("oauth.op.logout", true)).merge(("dance.after_logout", "/bye"))
    })
    .await;
    let (mut ada, mut grace) = (app.browser(), app.browser());
    ada.sign_in("op").await;
    let there = leaves(&mut ada).await;
    grace.enter(2).await;
    let good = path_and_query(&app.fake.authorize(&there).await);
    let evil = "https://evil.example/";
    let mut wrong =
        vec![with_parameter(&good, "state", None), format!("{good}x"), format!("{good}&state=x&state=")];
    wrong[2] = wrong[2].replace("?state=", "?state=y&old=");
    for state in ["", "another", evil, "%0d%0aSet-Cookie:a=b", &"x".repeat(9000)] {
        wrong.push(with_parameter(&good, "state", Some(state)));
    }
    for name in ["next", "post_logout_redirect_uri", "redirect_uri", "target_link_uri"] {
        wrong.push(with_parameter(&with_parameter(&good, "state", None), name, Some(evil)));
    }
    for uri in &wrong {
        for browser in [&mut ada, &mut grace] {
            let before = (browser.jar.clone(), browser.user().await, app.rows());
            let answer = browser.get(uri).await;
            assert_eq!(answer.location(), "/bye", "{uri}");
            assert_guarded(&answer);
            assert_eq!((browser.jar.clone(), browser.user().await, app.rows()), before, "{uri}");
        }
    }
    // The right state in another browser.
    assert_eq!(grace.get(&good).await.location(), "/bye");
    assert_eq!(grace.user().await, Some(2));
    // Neither the cookie of another browser nor a flow cookie is accepted.
    let mut mallory = app.browser();
    mallory.begin("/login/op").await;
    mallory.jar.insert(LOGOUT.to_owned(), mallory.flows()[0].1.clone());
    assert_eq!(mallory.get(&good).await.location(), "/bye");
    assert!(mallory.jar.contains_key(LOGOUT));
    assert_eq!(ada.ask(&TestRequest::new(Method::Head, &good)).await.location(), "/bye");
    assert!(ada.jar.contains_key(LOGOUT), "a HEAD uses nothing up");
    for _ in 0..2 {
        assert_eq!(ada.get(&good).await.location(), "/bye");
        assert!(!ada.jar.contains_key(LOGOUT));
    }
    for method in [Method::Post, Method::Put, Method::Delete] {
        let status = ada.ask(&TestRequest::new(method, &good)).await.status;
        assert!([Status::MethodNotAllowed, Status::NotFound].contains(&status), "{method}: {status}");
    }
}

#[rocket::async_test]
async fn lo_02_signed_out_here_whatever_the_provider_says_of_its_page() {
    for page in [
        json!(null),
        json!(7),
        json!("http://provider.example/"),
        json!("javascript:alert(1)"),
        json!("/logout"),
    ] {
        let app = app().await;
        let answer = page.clone();
        let edit = FakeResponse::edit(move |metadata| metadata["end_session_endpoint"] = answer.clone());
        app.fake.respond_always(ProviderEndpoint::Discovery, edit);
        let mut ada = app.browser();
        ada.sign_in("op").await;
        assert_eq!(leaves(&mut ada).await, "/", "{page}");
    }
    assert!(captured_log().is_none_or(|log| log.contains("end_session_url")), "the log names the fix");

    // A restart while the provider is down.
    let app = app().await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    app.fake.respond_always(ProviderEndpoint::Discovery, FakeResponse::status(503));
    let restarted = app.relaunch(|figment| figment.merge(("oauth.op.logout", true))).await;
    let mut ada = Browser { app: restarted, ..ada };
    assert_eq!(leaves(&mut ada).await, "/");
    assert_eq!(app.fake.request_count(ProviderEndpoint::EndSession), 0);
}

#[rocket::async_test]
async fn lo_02_an_entry_that_points_elsewhere_now_gets_nothing() {
    let (app, other) = (app().await, FakeProvider::start().await);
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let moved =
        app.relaunch(|figment| figment.merge(other.config("op")).merge(("oauth.op.logout", true))).await;
    let mut ada = Browser { app: moved, ..ada };
    assert_eq!(leaves(&mut ada).await, "/");
}

#[rocket::async_test]
async fn lo_02_an_id_token_too_long_for_a_url_stays_away() {
    let app = app().await;
    app.fake.edit_claims(|claims| claims["groups"] = json!("x".repeat(4000)));
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let there = leaves(&mut ada).await;
    assert_eq!(query_parameter(&there, "id_token_hint"), None);
    assert_eq!(query_parameter(&there, "client_id").as_deref(), Some(app.fake.client_id()));
}

#[rocket::async_test]
async fn lo_02_the_log_names_the_urls_to_register() {
    let _app = app().await;
    let Some(log) = captured_log() else { return };
    for url in [LANDING, "http://localhost:8000/login/op/backchannel-logout"] {
        assert!(log.contains(url), "{url}: {log}");
    }
}

#[rocket::async_test]
async fn lo_02_a_page_from_rocket_toml() {
    let app = TestApp::launch_with(|figment| {
        let (key, mut plain) = (String::from("oauth.plain"), json!({"provider": "oauth2", "client_id": "c"}));
        for (name, url) in
            [("authorization_url", "a"), ("token_url", "t"), ("end_session_url", "end?client=c")]
        {
            plain[name] = json!(format!("https://plain.example/{url}"));
        }
        plain["client_secret"] = json!("s3cret");
        plain["logout"] = json!(true);
        let figment = figment.merge((key, plain));
        figment
            .merge(("oauth.op.logout", true))
            .merge(("oauth.op.end_session_url", "https://op.example/bye?a=b"))
    })
    .await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let there = leaves(&mut ada).await;
    assert!(there.starts_with("https://op.example/bye?a=b&id_token_hint="), "{there}");
}

async fn stops(fake: &FakeProvider, changes: Value, dance: DanceFairing) {
    let figment = figment(fake).merge(("oauth.op", changes));
    let launched = Client::untracked(rocket(figment, dance)).await;
    let error = launched.map(|_| ()).expect_err("refused");
    assert!(matches!(error.kind(), rocket::error::ErrorKind::FailedFairings(_)), "{error:?}");
}

#[rocket::async_test]
async fn lo_02_what_could_not_work_stops_the_launch() {
    let fake = FakeProvider::start().await;
    let memory = || Dance::fairing().storage(MemoryStorage::new());
    // The session storage does not store which account a session comes from.
    stops(&fake, json!({"logout": true}), Dance::fairing().storage(CookieStorage)).await;
    stops(&fake, json!({"logout": "yes"}), memory()).await;
    stops(&fake, json!({"end_session_url": "http://provider.example/"}), memory()).await;
    let plain = json!({
        "provider": "oauth2", "logout": true, "issuer": null,
        "authorization_url": "https://a.example/", "token_url": "https://a.example/t",
    });
    stops(&fake, plain, memory()).await;
}
