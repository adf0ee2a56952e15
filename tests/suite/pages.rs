//! Pages over HTTP: the visitor's language, and the app's own templates and texts.

use rocket::http::Status;

use crate::harness::{TestApp, TestRequest, assert_guarded, with_parameter};

#[rocket::async_test]
async fn a_page_is_in_the_language_that_the_visitor_wants() {
    let app = TestApp::launch().await;
    let nobody = app.browser();
    for (wanted, tag, text) in [
        ("de-CH, en;q=0.5", "de", "Mit Op anmelden"),
        ("es", "es", "Iniciar sesión con Op"),
        ("xx, fr;q=0.2", "fr", "Se connecter avec Op"),
        ("ja", "ja", "Opでサインイン"),
        ("ar-EG", "ar", "dir=\"rtl\""),
        ("xx", "en", "Sign in with Op"),
        ("en, de", "en", "Sign in with Op"),
        ("de;q=0, en;q=0", "en", "Sign in with Op"),
    ] {
        let page = nobody.peek(&TestRequest::get("/login").header("Accept-Language", wanted)).await;
        assert_eq!((page.status, page.header("Content-Language")), (Status::Ok, Some(tag)), "{wanted}");
        assert!(
            page.body.contains(text) && page.body.contains(&format!("<html lang=\"{tag}\"")),
            "{}",
            page.body
        );
        assert!(page.header("Vary").is_some_and(|vary| vary.contains("Accept-Language")));
        assert_guarded(&page);
    }
}

#[rocket::async_test]
async fn an_error_is_in_the_language_too_and_its_json_is_not() {
    let app = TestApp::launch().await;
    let nobody = app.browser();
    let german = TestRequest::get("/login/nobody").header("Accept-Language", "de");
    let page = nobody.peek(&german).await;
    assert_eq!(page.status, Status::NotFound);
    assert!(page.body.contains("Diese Anmeldung gibt es nicht"), "{}", page.body);
    assert!(
        page.body.contains("Diesen Anbieter gibt es hier nicht.") && page.body.contains("unknown_provider")
    );
    let json = nobody.peek(&german.header("Accept", "application/json")).await.json();
    assert_eq!(json["error"]["message"], "There is no such provider here.");
    // A sentence with a value in it.
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    let denied = with_parameter(&with_parameter(&callback, "code", None), "error", Some("access_denied"));
    let page = ada.peek(&TestRequest::get(&denied).header("Accept-Language", "fr")).await;
    assert_eq!(page.status, Status::Forbidden, "{}", page.body);
    assert!(
        page.body.contains("Vous n’avez pas autorisé ce site à utiliser votre compte Op."),
        "{}",
        page.body
    );
}

#[rocket::async_test]
async fn the_page_after_signing_out_says_so() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let page = ada.get("/login/signed-out").await;
    assert_eq!(page.status, Status::Ok);
    assert!(
        page.body.contains("You are signed out") && page.body.contains("href=\"/login\""),
        "{}",
        page.body
    );
    ada.sign_in("op").await;
    let page = ada.get("/login/signed-out").await;
    assert_eq!((page.status, page.location()), (Status::SeeOther, "/login/accounts"), "it would be wrong");
}

#[rocket::async_test]
async fn the_accounts_page_says_how_each_account_is() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let json = TestRequest::get("/login/accounts").header("Accept", "application/json");
    let account = ada.peek(&json).await.json()["entries"][0]["accounts"][0].clone();
    assert_eq!(
        (&account["health"], &account["mark"]["letter"]),
        (&"working".into(), &"A".into()),
        "{account}"
    );
    assert!(account["scopes"].as_array().is_some_and(|scopes| !scopes.is_empty()), "{account}");
    assert_eq!(account["connected"], account["used"]);
    // The session counts as use.
    app.advance(2 * 3600);
    assert_eq!(ada.user().await, Some(1));
    let later = ada.peek(&json).await.json()["entries"][0]["accounts"][0].clone();
    assert_ne!(later["used"], account["used"]);
    assert_eq!(later["connected"], account["connected"]);
    assert!(["expired", "working"].contains(&later["health"].as_str().expect("health")), "{later}");
    let page = ada.get("/login/accounts").await.body;
    for text in
        ["Connected since", "Last used about", "Permissions", "Reconnect Op", "Connect another account"]
    {
        assert!(page.contains(text), "{text}: {page}");
    }
}
