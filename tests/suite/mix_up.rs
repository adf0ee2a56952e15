//! Mix-up attacks: nothing of one provider is sent to another (RFC 9207, RFC 9700 §4.4).

use rocket::figment::Figment;
use rocket::http::Status;
use rocket::local::asynchronous::Client;
use rocket_dance::Dance;
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint};
use serde_json::json;

use crate::app::{figment, path_and_query, rocket};
use crate::harness::{
    NOT_TRUSTED, Refusal, TestApp, TestRequest, assert_refused, query_parameter, with_parameter,
};

const DENIED: Refusal = Refusal::new(Status::Forbidden, "access_denied");

/// An app with another provider at the entry `evil`.
async fn beside_evil() -> (TestApp, FakeProvider) {
    let evil = FakeProvider::start().await;
    let entry = evil.config("evil");
    (TestApp::launch_with(|figment| figment.merge(entry)).await, evil)
}

/// A provider whose metadata does not announce `iss`.
async fn silent() -> TestApp {
    let app = TestApp::launch().await;
    let silence = |metadata: &mut serde_json::Value| {
        let fields = metadata.as_object_mut().expect("metadata");
        fields.remove("authorization_response_iss_parameter_supported");
    };
    app.fake.respond_always(ProviderEndpoint::Discovery, FakeResponse::edit(silence));
    app
}

#[rocket::async_test]
async fn mx_01_the_configured_issuer() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    assert_eq!(query_parameter(&callback, "iss").as_deref(), Some(app.fake.issuer()));
    assert_eq!(ada.get(&callback).await.location(), "/");
}

#[rocket::async_test]
async fn mx_02_another_issuer() {
    let (app, evil) = beside_evil().await;
    for iss in [evil.issuer(), "https://evil.example", "null", ""] {
        let mut ada = app.browser();
        let callback = with_parameter(&ada.ride("/login/op").await, "iss", Some(iss));
        assert_refused(&mut ada, &TestRequest::get(&callback), NOT_TRUSTED).await;
    }
    assert_eq!(evil.requests().len(), 0, "the code is not sent");
}

#[rocket::async_test]
async fn mx_03_a_promised_issuer_that_is_missing() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let callback = with_parameter(&ada.ride("/login/op").await, "iss", None);
    assert_refused(&mut ada, &TestRequest::get(&callback), NOT_TRUSTED).await;
}

#[rocket::async_test]
async fn mx_04_on_errors_too() {
    let app = TestApp::launch().await;
    for (iss, expected) in
        [(Some("https://evil.example"), NOT_TRUSTED), (None, NOT_TRUSTED), (Some(app.fake.issuer()), DENIED)]
    {
        app.fake.deny_next_authorization();
        let mut ada = app.browser();
        let callback = with_parameter(&ada.ride("/login/op").await, "iss", iss);
        assert_refused(&mut ada, &TestRequest::get(&callback), expected).await;
    }
}

#[rocket::async_test]
async fn mx_05_byte_for_byte() {
    let app = TestApp::launch().await;
    let issuer = app.fake.issuer().to_owned();
    for iss in [
        format!("{issuer}/"),
        format!("{issuer}#"),
        format!("{issuer}?"),
        format!(" {issuer}"),
        format!("{issuer} "),
        issuer.to_uppercase(),
        issuer.replacen("http", "HTTP", 1),
        issuer.replacen("http", "https", 1),
        issuer.replacen("127.0.0.1", "127.0.0.1.", 1),
        issuer.replacen("127.0.0.1", "localhost", 1),
        issuer.replacen("//", "%2F%2F", 1),
        issuer.replacen("//127", "//@127", 1),
        issuer.rsplit_once(':').expect("a port").0.to_owned(),
    ] {
        let mut ada = app.browser();
        let callback = with_parameter(&ada.ride("/login/op").await, "iss", Some(&iss));
        assert_refused(&mut ada, &TestRequest::get(&callback), NOT_TRUSTED).await;
    }
}

#[rocket::async_test]
async fn mx_06_compared_where_it_is_not_promised() {
    let app = silent().await;
    let hub = app.fake.preset_config("hub", "github");
    let issuer = ("oauth.hub.issuer", app.fake.issuer().to_owned());
    let app = app.relaunch(|figment| figment.merge(hub).merge(issuer)).await;
    for entry in ["op", "hub"] {
        for iss in [Some(app.fake.issuer()), None] {
            let mut ada = app.browser();
            let callback = with_parameter(&ada.ride(&format!("/login/{entry}")).await, "iss", iss);
            assert_eq!(ada.get(&callback).await.location(), "/", "{entry}");
        }
        let mut ada = app.browser();
        let callback =
            with_parameter(&ada.ride(&format!("/login/{entry}")).await, "iss", Some("https://evil.example"));
        assert_refused(&mut ada, &TestRequest::get(&callback), NOT_TRUSTED).await;
    }
}

#[rocket::async_test]
async fn mx_07_each_entry_has_its_own_callback() {
    let app = TestApp::launch().await;
    for (begun, arrives) in [("op", "op2"), ("op2", "op")] {
        let mut ada = app.browser();
        let authorization = ada.begin(&format!("/login/{begun}")).await;
        let redirect_uri = query_parameter(&authorization, "redirect_uri").expect("a redirect_uri");
        assert!(redirect_uri.ends_with(&format!("/login/{begun}/authorized")), "{redirect_uri}");
        let callback = app.approve(&authorization).await;
        let elsewhere = callback.replace(&format!("/{begun}/"), &format!("/{arrives}/"));
        assert_ne!(elsewhere, callback);
        assert_refused(&mut ada, &TestRequest::get(&elsewhere), NOT_TRUSTED).await;
        assert_eq!(ada.get(&callback).await.location(), "/", "nothing was used up elsewhere");
    }
}

#[rocket::async_test]
async fn mx_08_a_malicious_provider_sends_the_browser_on_to_an_honest_one() {
    let (app, evil) = beside_evil().await;
    for (path, iss) in [("op", true), ("evil", true), ("evil", false)] {
        let mut ada = app.browser();
        let authorization = ada.begin("/login/evil").await;
        // The attacker's state and challenge, at the honest provider where Ada is signed in.
        let redirect_uri = format!("http://localhost:8000/login/{path}/authorized");
        let on = with_parameter(&authorization, "redirect_uri", Some(&redirect_uri));
        let callback = app.fake.authorize(&on.replace(evil.issuer(), app.fake.issuer())).await;
        let mut callback = path_and_query(&callback);
        if !iss {
            callback = with_parameter(&callback, "iss", None);
        }
        assert_refused(&mut ada, &TestRequest::get(&callback), NOT_TRUSTED).await;
    }
    assert_eq!(
        (evil.request_count(ProviderEndpoint::Token), app.token_calls()),
        (0, 0),
        "the code of the honest provider is not sent"
    );
}

#[rocket::async_test]
async fn mx_09_two_clients_of_one_issuer() {
    let test_app = TestApp::launch().await;
    let (app, keyed) =
        (test_app.fake.public_client_config("app"), test_app.fake.private_key_jwt_config("keyed"));
    let test_app = test_app.relaunch(|figment| figment.merge(app).merge(keyed)).await;
    let entries = ["op", "app", "keyed"];
    for begun in entries {
        for other in entries.into_iter().filter(|other| *other != begun) {
            let mut ada = test_app.browser();
            let mine = ada.ride(&format!("/login/{begun}")).await;
            let elsewhere = mine.replace(&format!("/{begun}/"), &format!("/{other}/"));
            assert_refused(&mut ada, &TestRequest::get(&elsewhere), NOT_TRUSTED).await;
            let theirs = ada.ride(&format!("/login/{other}")).await;
            let mixed = with_parameter(&mine, "code", query_parameter(&theirs, "code").as_deref());
            assert_refused(&mut ada, &TestRequest::get(&mixed), NOT_TRUSTED.after_exchange()).await;
        }
    }
}

#[rocket::async_test]
async fn mx_10_an_endpoint_laid_over_an_issuer() {
    let (honest, evil) = (FakeProvider::start().await, FakeProvider::start().await);
    let launches = async |figment: Figment| {
        Client::untracked(rocket(figment, Dance::fairing()))
            .await
            .map(drop)
            .map_err(|error| format!("{error:?}"))
    };
    for (key, path) in [
        ("token_url", "token"),
        ("authorization_url", "authorize"),
        ("par_url", "par"),
        ("revocation_url", "revoke"),
    ] {
        let laid = |url: &str| figment(&honest).merge((format!("oauth.op.{key}"), format!("{url}/{path}")));
        assert!(launches(laid(evil.issuer())).await.is_err(), "{key}");
        assert!(launches(laid(honest.issuer())).await.is_ok(), "{key}");
    }
    assert_eq!((honest.requests().len(), evil.requests().len()), (0, 0));
}

#[rocket::async_test]
async fn mx_10_metadata_copied_from_another_issuer() {
    let (app, evil) = beside_evil().await;
    let (honest, own) = (app.fake.issuer().to_owned(), evil.issuer().to_owned());
    evil.respond_always(
        ProviderEndpoint::Discovery,
        FakeResponse::edit(move |metadata| {
            metadata["issuer"] = json!(honest);
            metadata["authorization_endpoint"] = json!(format!("{honest}/authorize"));
            metadata["token_endpoint"] = json!(format!("{own}/token"));
        }),
    );
    let mut ada = app.browser();
    let bad = Refusal::new(Status::BadGateway, "bad_provider_answer");
    assert_refused(&mut ada, &TestRequest::get("/login/evil"), bad).await;
    assert_eq!((ada.flows(), evil.request_count(ProviderEndpoint::Token)), (vec![], 0));
}
