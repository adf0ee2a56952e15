//! URLs and hosts: which ones requests may go to.

use std::net::{Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

/// Whether `url` has the origin of the app at `base`. On a loopback host its other names count, too.
pub(crate) fn is_own_origin(url: &Url, base: &Url) -> bool {
    let is_loopback = |url: &Url| url.host_str().is_some_and(is_loopback_host);
    url.origin() == base.origin()
        || (is_loopback(url)
            && is_loopback(base)
            && url.scheme() == base.scheme()
            && url.port_or_known_default() == base.port_or_known_default())
}

/// Whether `host` (without a port) is this machine: `localhost`, a name under it, or a loopback address.
pub(crate) fn is_loopback_host(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    let name = host.strip_suffix('.').unwrap_or(&host);
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
    name == "localhost"
        || name.ends_with(".localhost")
        || address.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())
        || address.parse().is_ok_and(|address: Ipv6Addr| address.is_loopback())
}

/// Whether requests to `url` cannot be read on the way: https, or http to a loopback host.
pub(crate) fn is_private(url: &Url) -> bool {
    url.scheme() == "https" || url.scheme() == "http" && url.host_str().is_some_and(is_loopback_host)
}

/// `text` as a URL that requests may go to: https, or http on a loopback host. The error never contains the text.
pub(super) fn web_url(text: &str) -> Result<Url, &'static str> {
    // The parser drops these silently.
    if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err("must not contain spaces or line breaks");
    }
    let url = Url::parse(text).map_err(|_| match loopback_origin(text) {
        Some(_) => "is not a URL: a URL of a loopback host begins with http://",
        None => "is not a URL: a URL begins with https:// and a host",
    })?;
    if !is_private(&url) {
        return Err("must be an https URL: http is for loopback hosts (localhost, 127.0.0.1, [::1]) only");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain a user name or a password");
    }
    if url.fragment().is_some() {
        return Err("must not contain a `#`");
    }
    if matches!(url.host(), Some(Host::Domain(name)) if name.contains(['{', '}']))
        || url.path().contains("%7B")
    {
        return Err("contains a `{…}` that no key fills");
    }
    // The parser lets a wildcard or a variable of a shell stand in a host's name.
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    if matches!(url.host(), Some(Host::Domain(name)) if !name.chars().all(is_plain)) {
        return Err("has a character in its host that no host's name has, for example `*` or `$`");
    }
    Ok(url)
}

/// Whether `path` is `/` and segments of plain characters. A segment of dots is none: browsers resolve it before they send a request.
pub(super) fn is_plain_path(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
    let segment = |segment: &str| {
        !segment.is_empty() && segment.chars().all(plain) && !segment.trim_matches('.').is_empty()
    };
    path.strip_prefix('/').is_some_and(|rest| rest.split('/').all(segment))
}

/// The origin of `text` if it is a URL without its scheme on a loopback host, for example `localhost:8000`.
pub(super) fn loopback_origin(text: &str) -> Option<String> {
    let url = Url::parse(&format!("http://{text}")).ok()?;
    let host = text.split(['/', '?', '#']).next()?;
    let is_plain = is_host(host) && url.host_str().is_some_and(is_loopback_host);
    is_plain.then(|| url.origin().ascii_serialization())
}

/// A URL for an entry whose own is missing or wrong: the launch fails, but every other fault is found as well.
#[expect(clippy::unwrap_used, reason = "a constant URL")]
pub(super) fn placeholder() -> Url {
    Url::parse("https://provider.example").unwrap()
}

/// Whether `text` is a host, or host and port, and nothing else when it is put into a URL.
pub(super) fn is_host(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port),
        _ => (text, "1"),
    };
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    port.parse::<u16>().is_ok_and(|number| number > 0 && !port.starts_with('+'))
        && address.map_or_else(
            || !host.is_empty() && host.chars().all(plain) && host.trim_matches('.') == host,
            |address| address.parse::<Ipv6Addr>().is_ok(),
        )
}
