//! Failed requests, as the log describes them: the host, and all causes.

use std::error::Error as StdError;

use url::Url;

use crate::error::Error;

/// The environment variables that name a proxy for https.
pub(crate) const PROXY_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// The host of `url`, with its port if that is not the scheme's. The path and the query may hold secrets.
pub(crate) fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or("-");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether a request has failed because the server's certificate is not trusted, by its [description](describe): rustls' words.
pub(crate) fn is_untrusted_certificate(description: &str) -> bool {
    description.contains("invalid peer certificate")
}

/// Describes a request that got no answer, or not all of it: the host, all causes, and what may be the reason.
pub(crate) fn describe(error: reqwest::Error) -> String {
    let place = error.url().map(|url| format!("{}: ", host(url))).unwrap_or_default();
    let is_https = error.url().is_some_and(|url| url.scheme() == "https");
    let (is_timeout, is_connect) = (error.is_timeout(), error.is_connect());
    let mut text = format!("{place}{}", causes(&error.without_url()));
    if is_timeout {
        text.push_str(if is_connect {
            " (no connection was made)"
        } else {
            " (connected, but no whole answer)"
        });
    }
    // rustls' words for bytes that are not TLS.
    if text.contains("InvalidContentType") {
        text.push_str(" (the server does not speak TLS at this port)");
    }
    let proxy = PROXY_VARIABLES.iter().find(|name| std::env::var_os(name).is_some_and(|url| !url.is_empty()));
    if let (true, true, Some(variable)) = (is_connect, is_https, proxy) {
        text.push_str(&format!(" (through the proxy of {variable}, unless NO_PROXY excepts the host)"));
    }
    text
}

/// The texts of `error` and its causes. A text that the one before it contains is left out.
fn causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.contains(&words) {
            text.push_str(&format!(": {words}"));
        }
        cause = error.source();
    }
    text
}

/// Adds the host of `url` to an error, if its causes do not name it.
pub(super) fn name_host(url: &Url, error: Error) -> Error {
    let host = host(url);
    let cause = error.source().map(causes).unwrap_or_default();
    match cause.contains(&host) || cause.is_empty() {
        true => error,
        false => error.with_source(format!("{host}: {cause}")),
    }
}
