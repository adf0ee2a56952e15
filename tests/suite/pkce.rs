//! PKCE: each flow has its own verifier, and no code works in another flow.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rocket::http::Status;
use rocket_dance::testing::{FakeResponse, ProviderEndpoint};
use serde_json::json;

use crate::harness::{
    NOT_TRUSTED, Refusal, TestApp, TestRequest, assert_refused, query_parameter, with_parameter,
};

const BAD_ANSWER: Refusal = Refusal::new(Status::BadGateway, "bad_provider_answer").after_exchange();

fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes()))
}

fn sent_verifier(app: &TestApp) -> String {
    app.fake.last_request(ProviderEndpoint::Token).form["code_verifier"].clone()
}

#[rocket::async_test]
async fn pk_01_s256_by_default() {
    assert_eq!(
        s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
    let app = TestApp::launch_with(|figment| figment).await;
    let hub = app.fake.preset_config("hub", "github");
    let public = app.fake.public_client_config("app");
    let app = app.relaunch(|figment| figment.merge(hub).merge(public)).await;
    for entry in ["op", "hub", "app"] {
        let mut browser = app.browser();
        let authorization = browser.begin(&format!("/login/{entry}")).await;
        assert_eq!(
            query_parameter(&authorization, "code_challenge_method").as_deref(),
            Some("S256"),
            "{entry}"
        );
        let callback = app.approve(&authorization).await;
        assert_eq!(browser.get(&callback).await.location(), "/");
        assert_eq!(
            Some(s256(&sent_verifier(&app))),
            query_parameter(&authorization, "code_challenge"),
            "{entry}"
        );
    }
}

#[rocket::async_test]
async fn pk_02_a_fresh_verifier_that_stays_secret() {
    let app = TestApp::launch().await;
    let mut verifiers = Vec::new();
    for _ in 0..3 {
        let mut ada = app.browser();
        let authorization = ada.begin("/login/op").await;
        let callback = app.approve(&authorization).await;
        let cookies = format!("{:?}", ada.jar);
        let end = ada.get(&callback).await;
        let verifier = sent_verifier(&app);
        assert!((43..=128).contains(&verifier.len()), "{}", verifier.len());
        assert!(verifier.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)));
        for seen in [&authorization, &callback, &cookies, &format!("{end:?}")] {
            assert!(!seen.contains(&verifier), "{seen}");
        }
        verifiers.push(verifier);
    }
    verifiers.sort();
    verifiers.dedup();
    assert_eq!(verifiers.len(), 3);
}

#[rocket::async_test]
async fn pk_03_two_tabs_keep_their_own_verifiers() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let first = ada.begin("/login/op").await;
    let second = ada.begin("/login/op").await;
    assert_ne!(query_parameter(&first, "code_challenge"), query_parameter(&second, "code_challenge"));
    let callback = app.approve(&first).await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    assert_eq!(Some(s256(&sent_verifier(&app))), query_parameter(&first, "code_challenge"));
    let callback = app.approve(&second).await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    assert_eq!(Some(s256(&sent_verifier(&app))), query_parameter(&second, "code_challenge"));
}

#[rocket::async_test]
async fn pk_03_codes_swapped_between_tabs() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let (one, two) = (ada.ride("/login/op").await, ada.ride("/login/op").await);
    for (tab, other) in [(&one, &two), (&two, &one)] {
        let swapped = with_parameter(tab, "code", query_parameter(other, "code").as_deref());
        assert_refused(&mut ada, &TestRequest::get(&swapped), NOT_TRUSTED.after_exchange()).await;
    }
    assert_eq!((app.count("users"), ada.flows().len()), (0, 0));
}

#[rocket::async_test]
async fn pk_04_a_code_of_another_user() {
    let app = TestApp::launch().await;
    let stolen = query_parameter(&app.browser().ride("/login/op").await, "code");
    app.fake.set_user("eve");
    let mut eve = app.browser();
    let own = eve.ride("/login/op").await;
    let injected = with_parameter(&own, "code", stolen.as_deref());
    assert_refused(&mut eve, &TestRequest::get(&injected), NOT_TRUSTED.after_exchange()).await;
    // A signed-in user gets no further.
    eve.sign_in("op").await;
    let own = eve.ride_to_connect("/login/op2").await;
    let injected = with_parameter(&own, "code", stolen.as_deref());
    assert_refused(&mut eve, &TestRequest::get(&injected), NOT_TRUSTED.after_exchange()).await;
}

#[rocket::async_test]
async fn pk_05_stripped_on_the_way_to_the_provider() {
    let app = TestApp::launch().await;
    for (stripped, expected) in [
        (vec!["state"], NOT_TRUSTED),
        (vec!["nonce"], BAD_ANSWER),
        (vec!["code_challenge", "code_challenge_method"], NOT_TRUSTED.after_exchange()),
        (vec!["state", "nonce", "code_challenge", "code_challenge_method"], NOT_TRUSTED),
    ] {
        let mut ada = app.browser();
        let authorization = ada.begin("/login/op").await;
        let less = stripped.iter().fold(authorization, |url, name| with_parameter(&url, name, None));
        let callback = app.approve(&less).await;
        assert_refused(&mut ada, &TestRequest::get(&callback), expected).await;
    }
    // Or replaced by a value that the attacker knows.
    for (name, value, expected) in [
        ("state", "known", NOT_TRUSTED),
        ("nonce", "known", BAD_ANSWER),
        ("code_challenge", &s256("known"), NOT_TRUSTED.after_exchange()),
    ] {
        let mut ada = app.browser();
        let authorization = with_parameter(&ada.begin("/login/op").await, name, Some(value));
        let callback = app.approve(&authorization).await;
        assert_refused(&mut ada, &TestRequest::get(&callback), expected).await;
    }
}

#[rocket::async_test]
async fn pk_06_silent_metadata_is_no_no() {
    let app = TestApp::launch().await;
    for methods in [json!(null), json!([]), json!(["plain", "S256"])] {
        app.fake.respond_once(
            ProviderEndpoint::Discovery,
            FakeResponse::edit(move |metadata| {
                metadata["code_challenge_methods_supported"] = methods.clone()
            }),
        );
        let app = app.relaunch(|figment| figment).await;
        let authorization = app.browser().begin("/login/op").await;
        assert_eq!(query_parameter(&authorization, "code_challenge_method").as_deref(), Some("S256"));
    }
}

#[rocket::async_test]
async fn pk_06_never_plain() {
    let app = TestApp::launch().await;
    app.fake.respond_always(
        ProviderEndpoint::Discovery,
        FakeResponse::edit(|metadata| metadata["code_challenge_methods_supported"] = json!(["plain"])),
    );
    let misconfigured = Refusal::new(Status::InternalServerError, "misconfigured");
    let mut ada = app.browser();
    assert_refused(&mut ada, &TestRequest::get("/login/op"), misconfigured).await;
    assert_eq!(ada.flows(), []);
}

#[rocket::async_test]
async fn pk_06_an_error_is_not_tried_again_without() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    let no = json!({"error": "invalid_request", "error_description": "code_verifier is not supported"});
    app.fake.respond_once(ProviderEndpoint::Token, FakeResponse::json(no).with_status(400));
    assert_refused(&mut ada, &TestRequest::get(&callback), BAD_ANSWER).await;
}

#[rocket::async_test]
async fn pk_07_without_pkce_state_and_nonce_hold() {
    let app = TestApp::launch_with(|figment| figment.merge(("oauth.op.pkce", false))).await;
    let mut ada = app.browser();
    let (one, two) = (ada.ride("/login/op").await, ada.ride("/login/op").await);
    assert_refused(&mut app.browser(), &TestRequest::get(&one), NOT_TRUSTED).await;
    assert_refused(&mut ada, &TestRequest::get(&with_parameter(&one, "state", Some("x"))), NOT_TRUSTED).await;
    assert_refused(&mut ada, &TestRequest::get(&with_parameter(&one, "state", None)), NOT_TRUSTED).await;
    // The provider would accept the code of the other tab: the nonce differs.
    let swapped = with_parameter(&one, "code", query_parameter(&two, "code").as_deref());
    assert_refused(&mut ada, &TestRequest::get(&swapped), BAD_ANSWER).await;
    assert!(!app.fake.last_request(ProviderEndpoint::Token).form.contains_key("code_verifier"));

    let own = ada.ride("/login/op").await;
    assert_eq!(ada.get(&own).await.location(), "/");
}
