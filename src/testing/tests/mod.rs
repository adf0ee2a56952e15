//! Tests of the provider, as a client of it and with the library.

mod demo_provider;
mod engine;
mod provider;
mod sign_in;

use reqwest::StatusCode;
use serde_json::Value;
use url::Url;

use super::FakeProvider;
use super::authorization_response::http_client;
use crate::secret::{decode_base64url, encode_base64url, sha256};

const CALLBACK: &str = "http://localhost:8000/login/op/authorized";

const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

fn authorization(issuer: &str, client_id: &str, changes: &[(&str, &str)]) -> String {
    let challenge = encode_base64url(&sha256(VERIFIER));
    let mut parameters = vec![
        ("response_type", "code"),
        ("client_id", client_id),
        ("redirect_uri", CALLBACK),
        ("scope", "openid email"),
        ("state", "s&1"),
        ("nonce", "n-1"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    parameters.retain(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    parameters.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    Url::parse_with_params(&format!("{issuer}/authorize"), parameters).unwrap().into()
}

fn parameter(url: &str, name: &str) -> Option<String> {
    Url::parse(url).unwrap().query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into())
}

/// A code, from an authorization with these changes.
async fn code(fake: &FakeProvider, changes: &[(&str, &str)]) -> String {
    let callback = fake.authorize(&authorization(fake.issuer(), fake.client_id(), changes)).await;
    parameter(&callback, "code").unwrap_or_else(|| panic!("no code in {callback}"))
}

async fn token(fake: &FakeProvider, fields: &[(&str, &str)]) -> (StatusCode, Value) {
    let client = [("client_id", fake.client_id()), ("client_secret", fake.client_secret())];
    let form: Vec<_> = client
        .iter()
        .filter(|_| !fields.iter().any(|(name, _)| *name == "client_id"))
        .chain(fields)
        .collect();
    let response = http_client().post(format!("{}/token", fake.issuer())).form(&form).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn exchange(fake: &FakeProvider, code: &str) -> (StatusCode, Value) {
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    token(fake, &fields).await
}

async fn refresh(fake: &FakeProvider, answer: &Value) -> (StatusCode, Value) {
    token(
        fake,
        &[("grant_type", "refresh_token"), ("refresh_token", answer["refresh_token"].as_str().unwrap())],
    )
    .await
}

async fn get(fake: &FakeProvider, path: &str, answer: &Value) -> (StatusCode, Value) {
    let request = http_client().get(format!("{}{path}", fake.issuer()));
    let response = request.bearer_auth(answer["access_token"].as_str().unwrap()).send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

fn claims(answer: &Value) -> Value {
    let payload = answer["id_token"].as_str().unwrap().split('.').nth(1).unwrap();
    serde_json::from_slice(&decode_base64url(payload).unwrap()).unwrap()
}
