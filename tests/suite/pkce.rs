//! PKCE: every dance has its own proof, and no code fits into another one's.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rocket::http::Status;
use rocket_dance::testing::{FakeResponse, ProviderEndpoint};
use serde_json::json;

use crate::oracle::{Ask, House, NOT_TRUSTED, Refused, param, refused, with};

const BAD_ANSWER: Refused = Refused::new(Status::BadGateway, "bad_provider_answer").after_exchange();

fn s256(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(ring::digest::digest(&ring::digest::SHA256, verifier.as_bytes()))
}

fn sent_verifier(house: &House) -> String {
    house.fake.last_request(ProviderEndpoint::Token).form["code_verifier"].clone()
}

#[rocket::async_test]
async fn pk_01_s256_by_default() {
    assert_eq!(
        s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
    let house = House::with(|figment| figment).await;
    let hub = house.fake.preset_config("hub", "github");
    let public = house.fake.public_client_config("app");
    let house = house.again(|figment| figment.merge(hub).merge(public)).await;
    for entry in ["op", "hub", "app"] {
        let mut browser = house.browser();
        let authorization = browser.begin(&format!("/login/{entry}")).await;
        assert_eq!(param(&authorization, "code_challenge_method").as_deref(), Some("S256"), "{entry}");
        let callback = house.approve(&authorization).await;
        assert_eq!(browser.get(&callback).await.location(), "/");
        assert_eq!(Some(s256(&sent_verifier(&house))), param(&authorization, "code_challenge"), "{entry}");
    }
}

#[rocket::async_test]
async fn pk_02_a_fresh_verifier_that_nobody_sees() {
    let house = House::open().await;
    let mut verifiers = Vec::new();
    for _ in 0..3 {
        let mut ada = house.browser();
        let authorization = ada.begin("/login/op").await;
        let callback = house.approve(&authorization).await;
        let cookies = format!("{:?}", ada.jar);
        let end = ada.get(&callback).await;
        let verifier = sent_verifier(&house);
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
    let house = House::open().await;
    let mut ada = house.browser();
    let first = ada.begin("/login/op").await;
    let second = ada.begin("/login/op").await;
    assert_ne!(param(&first, "code_challenge"), param(&second, "code_challenge"));
    let callback = house.approve(&first).await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    assert_eq!(Some(s256(&sent_verifier(&house))), param(&first, "code_challenge"));
    let callback = house.approve(&second).await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    assert_eq!(Some(s256(&sent_verifier(&house))), param(&second, "code_challenge"));
}

#[rocket::async_test]
async fn pk_03_codes_swapped_between_tabs() {
    let house = House::open().await;
    let mut ada = house.browser();
    let (one, two) = (ada.ride("/login/op").await, ada.ride("/login/op").await);
    for (tab, other) in [(&one, &two), (&two, &one)] {
        let swapped = with(tab, "code", param(other, "code").as_deref());
        refused(&mut ada, &Ask::get(&swapped), NOT_TRUSTED.after_exchange()).await;
    }
    assert_eq!((house.count("users"), ada.flows().len()), (0, 0));
}

#[rocket::async_test]
async fn pk_04_a_code_of_somebody_else() {
    let house = House::open().await;
    let stolen = param(&house.browser().ride("/login/op").await, "code");
    house.fake.set_user("eve");
    let mut eve = house.browser();
    let own = eve.ride("/login/op").await;
    let injected = with(&own, "code", stolen.as_deref());
    refused(&mut eve, &Ask::get(&injected), NOT_TRUSTED.after_exchange()).await;
    // Signed in she gets no further.
    eve.sign_in("op").await;
    let own = eve.ride_to_connect("/login/op2").await;
    let injected = with(&own, "code", stolen.as_deref());
    refused(&mut eve, &Ask::get(&injected), NOT_TRUSTED.after_exchange()).await;
}

#[rocket::async_test]
async fn pk_05_stripped_on_the_way_to_the_provider() {
    let house = House::open().await;
    for (stripped, expected) in [
        (vec!["state"], NOT_TRUSTED),
        (vec!["nonce"], BAD_ANSWER),
        (vec!["code_challenge", "code_challenge_method"], NOT_TRUSTED.after_exchange()),
        (vec!["state", "nonce", "code_challenge", "code_challenge_method"], NOT_TRUSTED),
    ] {
        let mut ada = house.browser();
        let authorization = ada.begin("/login/op").await;
        let less = stripped.iter().fold(authorization, |url, name| with(&url, name, None));
        let callback = house.approve(&less).await;
        refused(&mut ada, &Ask::get(&callback), expected).await;
    }
    // Or replaced by what the attacker knows.
    for (name, value, expected) in [
        ("state", "known", NOT_TRUSTED),
        ("nonce", "known", BAD_ANSWER),
        ("code_challenge", &s256("known"), NOT_TRUSTED.after_exchange()),
    ] {
        let mut ada = house.browser();
        let authorization = with(&ada.begin("/login/op").await, name, Some(value));
        let callback = house.approve(&authorization).await;
        refused(&mut ada, &Ask::get(&callback), expected).await;
    }
}

#[rocket::async_test]
async fn pk_06_silent_metadata_is_no_no() {
    let house = House::open().await;
    for methods in [json!(null), json!([]), json!(["plain", "S256"])] {
        house.fake.respond_once(
            ProviderEndpoint::Discovery,
            FakeResponse::edit(move |metadata| {
                metadata["code_challenge_methods_supported"] = methods.clone()
            }),
        );
        let house = house.again(|figment| figment).await;
        let authorization = house.browser().begin("/login/op").await;
        assert_eq!(param(&authorization, "code_challenge_method").as_deref(), Some("S256"));
    }
}

#[rocket::async_test]
async fn pk_06_never_plain() {
    let house = House::open().await;
    house.fake.respond_always(
        ProviderEndpoint::Discovery,
        FakeResponse::edit(|metadata| metadata["code_challenge_methods_supported"] = json!(["plain"])),
    );
    let misconfigured = Refused::new(Status::InternalServerError, "misconfigured");
    let mut ada = house.browser();
    refused(&mut ada, &Ask::get("/login/op"), misconfigured).await;
    assert_eq!(ada.flows(), []);
}

#[rocket::async_test]
async fn pk_06_an_error_is_not_tried_again_without() {
    let house = House::open().await;
    let mut ada = house.browser();
    let callback = ada.ride("/login/op").await;
    let no = json!({"error": "invalid_request", "error_description": "code_verifier is not supported"});
    house.fake.respond_once(ProviderEndpoint::Token, FakeResponse::json(no).with_status(400));
    refused(&mut ada, &Ask::get(&callback), BAD_ANSWER).await;
}

#[rocket::async_test]
async fn pk_07_without_pkce_state_and_nonce_hold() {
    let house = House::with(|figment| figment.merge(("oauth.op.pkce", false))).await;
    let mut ada = house.browser();
    let (one, two) = (ada.ride("/login/op").await, ada.ride("/login/op").await);
    refused(&mut house.browser(), &Ask::get(&one), NOT_TRUSTED).await;
    refused(&mut ada, &Ask::get(&with(&one, "state", Some("x"))), NOT_TRUSTED).await;
    refused(&mut ada, &Ask::get(&with(&one, "state", None)), NOT_TRUSTED).await;
    // The provider would take the other tab's code: the nonce tells.
    let swapped = with(&one, "code", param(&two, "code").as_deref());
    refused(&mut ada, &Ask::get(&swapped), BAD_ANSWER).await;
    assert!(!house.fake.last_request(ProviderEndpoint::Token).form.contains_key("code_verifier"));

    let own = ada.ride("/login/op").await;
    assert_eq!(ada.get(&own).await.location(), "/");
}
