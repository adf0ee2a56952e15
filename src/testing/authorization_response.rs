//! [`AuthorizationResponse`]: how a provider answers an authorization request.

use std::sync::Arc;

use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

use super::html_page::HtmlPage;
use crate::flow::StandIn;

/// Returns an HTTP client that follows no redirects. It trusts no certificate, because test providers use plain HTTP on a
/// loopback address.
pub(super) fn http_client() -> reqwest::Client {
    let tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .expect("the client's configuration is valid")
}

/// How a provider answers an authorization request.
#[allow(missing_debug_implementations, unreachable_pub, reason = "no other crate can name it")]
pub enum AuthorizationResponse {
    /// A redirect to this callback URL.
    Redirect(String),
    /// A form for the callback URL `action`, with this body (`response_mode=form_post`).
    Form { action: String, body: String },
}

/// Requests the authorization URL `url`, from `stand_in` or over the network, and returns the provider's answer.
///
/// # Panics
/// If the provider cannot be reached, or answers with neither a redirect nor a form.
pub(super) async fn request_authorization(
    stand_in: Option<&dyn StandIn>,
    url: &str,
) -> AuthorizationResponse {
    let client = http_client();
    let request = client.get(url).build().unwrap_or_else(|error| panic!("this is no URL: {error}"));
    let response = match stand_in {
        Some(stand_in) => stand_in.answer(request, &client).await.map_err(|error| format!("{error:?}")),
        None => client.execute(request).await.map_err(|error| error.to_string()),
    };
    let response = response.unwrap_or_else(|error| {
        panic!(
            "the provider at {} cannot be reached: {error}. In a test, let a fake provider answer: `fake.stand_in(rocket, \"<entry>\")`, \
             or `fake.attach(rocket)` if the app has `fake.config(…)`",
            url.split('?').next().unwrap_or_default()
        )
    });
    let status = response.status();
    match response.headers().get("location").and_then(|location| location.to_str().ok()) {
        Some(location) if status.is_redirection() => AuthorizationResponse::Redirect(location.to_owned()),
        _ => {
            let body = response.text().await.unwrap_or_default();
            let page = HtmlPage(&body);
            let form = status.is_success().then(|| page.forms().next()).flatten();
            match form.filter(|form| !form.asks_the_user()) {
                Some(form) => AuthorizationResponse::Form {
                    action: form.action().unwrap_or_default(),
                    body: form.body(),
                },
                None => panic!(
                    "the provider answered the authorization request with {status} instead of a redirect: {}",
                    page.text()
                ),
            }
        }
    }
}
