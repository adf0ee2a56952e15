//! A browser's cookies, by host; the port plays no part (RFC 6265 §8.5).

use url::Url;

/// One cookie as the server set it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cookie {
    pub(crate) host: String,
    pub(crate) name: String,
    pub(crate) value: String,
    pub(crate) path: String,
    pub(crate) secure: bool,
    pub(crate) http_only: bool,
    pub(crate) same_site: Option<String>,
}

/// All cookies of one browser.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cookies(pub(crate) Vec<Cookie>);

impl Cookies {
    /// Takes in one `Set-Cookie` header of an answer from `url`.
    pub(crate) fn receive(&mut self, url: &Url, header: &str) {
        let mut parts = header.split(';').map(str::trim);
        let (name, value) = parts.next().unwrap_or_default().split_once('=').expect("name=value");
        let mut cookie = Cookie {
            host: url.host_str().unwrap().into(),
            name: name.into(),
            value: value.into(),
            path: "/".into(),
            secure: false,
            http_only: false,
            same_site: None,
        };
        let mut gone = false;
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            match key.to_ascii_lowercase().as_str() {
                "path" => cookie.path = value.into(),
                "secure" => cookie.secure = true,
                "httponly" => cookie.http_only = true,
                "samesite" => cookie.same_site = Some(value.to_ascii_lowercase()),
                "max-age" => gone |= value.parse::<i64>().is_ok_and(|seconds| seconds <= 0),
                "expires" => gone |= value.contains("1970"),
                _ => {}
            }
        }
        self.0.retain(|old| (&old.host, &old.name, &old.path) != (&cookie.host, &cookie.name, &cookie.path));
        if !gone {
            self.0.push(cookie);
        }
    }

    /// The `Cookie` header for a request to `url`; without most of them where another site's page posts to it.
    pub(crate) fn header(&self, url: &Url, posted_from: Option<&Url>) -> Option<String> {
        // Sites are hosts here, whatever the port (RFC 6265bis §5.2).
        let from_elsewhere = posted_from.is_some_and(|from| from.host_str() != url.host_str());
        let sent: Vec<_> = self
            .0
            .iter()
            .filter(|cookie| Some(cookie.host.as_str()) == url.host_str())
            .filter(|cookie| !from_elsewhere || cookie.same_site.as_deref() == Some("none"))
            .filter(|cookie| covers(&cookie.path, url.path()))
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        (!sent.is_empty()).then(|| sent.join("; "))
    }

    /// The names of the cookies that `url` gets.
    pub(crate) fn names(&self, url: &Url) -> Vec<&str> {
        self.0.iter().filter(|c| Some(c.host.as_str()) == url.host_str()).map(|c| c.name.as_str()).collect()
    }
}

fn covers(cookie: &str, request: &str) -> bool {
    request
        .strip_prefix(cookie)
        .is_some_and(|rest| cookie.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
}
