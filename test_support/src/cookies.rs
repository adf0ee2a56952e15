//! [`Cookies`]: the cookies of one browser, by host. The port does not matter (RFC 6265 §8.5).

use url::Url;

/// A cookie as the server set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    /// The host that set it.
    pub host: String,
    /// The name.
    pub name: String,
    /// The value, byte for byte.
    pub value: String,
    /// The attribute `Path`, or else `/`.
    pub path: String,
    /// Whether it has the attribute `Secure`.
    pub secure: bool,
    /// Whether it has the attribute `HttpOnly`.
    pub http_only: bool,
    /// The attribute `SameSite`, in lower case.
    pub same_site: Option<String>,
}

/// The cookies of one browser.
#[derive(Debug, Clone, Default)]
pub struct Cookies(pub Vec<Cookie>);

impl Cookies {
    /// Stores, replaces or removes the cookie of one `Set-Cookie` header of a response from `url`.
    pub fn receive(&mut self, url: &Url, header: &str) {
        let mut parts = header.split(';').map(str::trim);
        let first = parts.next().unwrap_or_default();
        let (name, value) = first.split_once('=').expect("a Set-Cookie header begins with name=value");
        let mut cookie = Cookie {
            host: url.host_str().unwrap().into(),
            name: name.into(),
            value: value.into(),
            path: "/".into(),
            secure: false,
            http_only: false,
            same_site: None,
        };
        let mut expired = false;
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            match key.to_ascii_lowercase().as_str() {
                "path" => cookie.path = value.into(),
                "secure" => cookie.secure = true,
                "httponly" => cookie.http_only = true,
                "samesite" => cookie.same_site = Some(value.to_ascii_lowercase()),
                "max-age" => expired |= value.parse::<i64>().is_ok_and(|seconds| seconds <= 0),
                "expires" => expired |= value.contains("1970"),
                _ => {}
            }
        }
        self.0.retain(|old| (&old.host, &old.name, &old.path) != (&cookie.host, &cookie.name, &cookie.path));
        if !expired {
            self.0.push(cookie);
        }
    }

    /// Returns the `Cookie` header for a request to `url`. If a page of another site posts to it, only cookies with
    /// `SameSite=None` are sent.
    pub fn header(&self, url: &Url, posted_from: Option<&Url>) -> Option<String> {
        // A site is a host here; the port does not matter (RFC 6265bis §5.2).
        let cross_site = posted_from.is_some_and(|from| from.host_str() != url.host_str());
        let sent: Vec<_> = self
            .0
            .iter()
            .filter(|cookie| Some(cookie.host.as_str()) == url.host_str())
            .filter(|cookie| !cross_site || cookie.same_site.as_deref() == Some("none"))
            .filter(|cookie| path_matches(&cookie.path, url.path()))
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        (!sent.is_empty()).then(|| sent.join("; "))
    }

    /// The names of the cookies of the host of `url`.
    pub fn names(&self, url: &Url) -> Vec<&str> {
        self.0.iter().filter(|c| Some(c.host.as_str()) == url.host_str()).map(|c| c.name.as_str()).collect()
    }

    /// Whether there is a cookie called `name`, of any host.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|cookie| cookie.name == name)
    }
}

/// Whether the path of a request matches the `Path` of a cookie (RFC 6265 §5.1.4).
fn path_matches(cookie: &str, request: &str) -> bool {
    request
        .strip_prefix(cookie)
        .is_some_and(|rest| cookie.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
}
