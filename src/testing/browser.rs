//! The part of a browser that tests need: one request, no redirects.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;

/// A client that follows no redirects. It trusts no certificate: test providers are on the loopback, over http.
pub(super) fn client() -> reqwest::Client {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring has the default protocol versions")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("the client is well-formed")
}

/// Where the authorization URL `url` redirects to.
pub(super) async fn follow(url: &str) -> String {
    let response = client().get(url).send().await.unwrap_or_else(|error| {
        panic!("the provider can't be reached: {error}");
    });
    let status = response.status();
    match response.headers().get("location").and_then(|location| location.to_str().ok()) {
        Some(location) if status.is_redirection() => location.to_owned(),
        _ => {
            let body = response.text().await.unwrap_or_default();
            panic!(
                "the provider answered the authorization request with {status} instead of a redirect: {}",
                text(&body)
            )
        }
    }
}

/// What a page or a JSON answer says, without its markup.
pub(super) fn text(body: &str) -> String {
    if let Ok(value) = serde_json::from_str::<Value>(body) {
        return value.to_string();
    }
    let visible = body.split_once("<body").map_or(body, |(_, visible)| visible);
    let text: String = visible.split('<').map(|part| part.rsplit('>').next().unwrap_or_default()).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(400).collect()
}
