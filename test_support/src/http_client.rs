//! [`http_client`]: a client for servers on loopback addresses.

use std::time::Duration;

/// Timeout of a request, from connecting to the end of the body.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Returns an HTTP client for servers on loopback addresses. It follows no redirects, uses no proxy, stores no cookies,
/// and gives up a request after 60 seconds.
pub fn http_client() -> reqwest::Client {
    // The client requires a TLS configuration, although the servers use plain HTTP.
    let provider = rustls::crypto::ring::default_provider();
    let tls = rustls::ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .expect("ring supports the default protocol versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(REQUEST_TIMEOUT)
        .build()
        .expect("the client's configuration is valid")
}
