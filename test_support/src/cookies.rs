//! [`Cookies`]: the cookies of one browser, which it stores and sends as browsers do (RFC 6265bis).

use std::time::{Duration, SystemTime};

use rocket::http::{Cookie as Header, SameSite};
use url::{Host, Url};

use super::navigation::Navigation;

/// Maximum length of name and value together, in bytes: browsers ignore longer cookies.
const MAX_LENGTH: usize = 4096;

/// A cookie as the browser stores it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cookie {
    /// The host that set it, or its attribute `Domain`.
    pub host: String,
    /// Whether only `host` itself gets it, and no subdomain: it has no attribute `Domain`.
    pub host_only: bool,
    /// The name.
    pub name: String,
    /// The value, byte for byte.
    pub value: String,
    /// The attribute `Path`, or else the folder of the page that set it.
    pub path: String,
    /// Whether it has the attribute `Secure`.
    pub secure: bool,
    /// Whether it has the attribute `HttpOnly`.
    pub http_only: bool,
    /// The attribute `SameSite`, in lower case.
    pub same_site: Option<String>,
    /// When it expires. `None`: at the end of the browser's session.
    pub expires: Option<SystemTime>,
}

impl Cookie {
    /// The cookie of a `Set-Cookie` header of a response from `url`. `None` if a browser ignores it.
    fn parse(url: &Url, header: &str) -> Option<Self> {
        let parsed = Header::parse(header.to_owned()).ok()?;
        let host = url.host_str()?.to_ascii_lowercase();
        let domain = parsed.domain().map(|domain| domain.trim_start_matches('.').to_ascii_lowercase());
        let lifetime = match parsed.max_age() {
            Some(age) => Some(SystemTime::now() + Duration::try_from(age).unwrap_or_default()),
            None => parsed.expires_datetime().map(SystemTime::from),
        };
        let cookie = Self {
            host_only: domain.is_none(),
            host: domain.unwrap_or_else(|| host.clone()),
            name: parsed.name().into(),
            value: parsed.value().into(),
            path: parsed.path().filter(|path| path.starts_with('/')).unwrap_or(folder(url.path())).into(),
            secure: parsed.secure().unwrap_or_default(),
            http_only: parsed.http_only().unwrap_or_default(),
            same_site: parsed.same_site().map(|same_site| same_site.to_string().to_ascii_lowercase()),
            expires: lifetime,
        };
        let is_own_domain = cookie.host_only || covers(&cookie.host, &host) && cookie.host.contains('.');
        let may_be_secure = !cookie.secure || is_trustworthy(url);
        let is_crossing = parsed.same_site() == Some(SameSite::None) && !cookie.secure;
        let fits = cookie.name.len() + cookie.value.len() <= MAX_LENGTH;
        (is_own_domain && may_be_secure && !is_crossing && fits && cookie.keeps_its_prefix())
            .then_some(cookie)
    }

    /// Whether it is what its name promises (RFC 6265bis, section "Cookie Name Prefixes").
    fn keeps_its_prefix(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        let is_host = self.secure && self.host_only && self.path == "/";
        (!name.starts_with("__host-") || is_host) && (!name.starts_with("__secure-") || self.secure)
    }

    fn is_same(&self, other: &Self) -> bool {
        (&self.host, &self.name, &self.path) == (&other.host, &other.name, &other.path)
    }

    fn is_expired(&self) -> bool {
        self.expires.is_some_and(|expires| expires <= SystemTime::now())
    }

    /// Whether the browser sends it with a request to `url`.
    fn is_sent(&self, url: &Url, navigation: Navigation) -> bool {
        let host = url.host_str().unwrap_or_default();
        let is_host = if self.host_only { self.host == host } else { covers(&self.host, host) };
        let is_allowed = match (navigation, self.same_site.as_deref()) {
            (Navigation::SameSite, _) | (_, Some("none")) => true,
            (Navigation::CrossSite, same_site) => same_site != Some("strict"),
            (Navigation::CrossSitePost, _) => false,
        };
        let is_path = path_matches(&self.path, url.path());
        is_host && is_path && is_allowed && (!self.secure || is_trustworthy(url)) && !self.is_expired()
    }
}

/// The cookies of one browser.
#[derive(Debug, Clone, Default)]
pub struct Cookies(pub Vec<Cookie>);

impl Cookies {
    /// Stores, replaces or removes the cookie of one `Set-Cookie` header of a response from `url`. Ignores what browsers
    /// ignore, and returns whether it did not.
    pub fn receive(&mut self, url: &Url, header: &str) -> bool {
        let Some(cookie) = Cookie::parse(url, header) else { return false };
        // A page over http neither replaces nor shadows a Secure cookie.
        let is_protected = |old: &Cookie| old.secure && old.name == cookie.name && old.host == cookie.host;
        if !is_trustworthy(url) && self.0.iter().any(is_protected) {
            return false;
        }
        self.0.retain(|old| !old.is_same(&cookie));
        if !cookie.is_expired() {
            self.0.push(cookie);
        }
        true
    }

    /// The cookies that the browser sends with a request to `url`, those with the longest path first.
    pub fn sent(&self, url: &Url, navigation: Navigation) -> Vec<&Cookie> {
        let mut sent: Vec<_> = self.0.iter().filter(|cookie| cookie.is_sent(url, navigation)).collect();
        sent.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        sent
    }

    /// Returns the `Cookie` header of a request to `url`.
    pub fn header(&self, url: &Url, navigation: Navigation) -> Option<String> {
        let sent = self.sent(url, navigation).into_iter();
        let pairs: Vec<_> = sent.map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }

    /// The names of the cookies of the host of `url`.
    pub fn names(&self, url: &Url) -> Vec<&str> {
        self.0.iter().filter(|c| Some(c.host.as_str()) == url.host_str()).map(|c| c.name.as_str()).collect()
    }
}

/// Whether a cookie of `domain` is for `host`, too (RFC 6265 §5.1.3).
fn covers(domain: &str, host: &str) -> bool {
    host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// Whether Secure cookies are for `url`. Chromium and Firefox accept them from loopback hosts over http, too.
fn is_trustworthy(url: &Url) -> bool {
    url.scheme() == "https"
        || match url.host() {
            Some(Host::Domain(domain)) => domain == "localhost" || domain.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
}

/// The default path of a cookie that the page at `path` sets (RFC 6265 §5.1.4).
fn folder(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(end) => &path[..end],
    }
}

/// Whether the path of a request matches the `Path` of a cookie (RFC 6265 §5.1.4).
fn path_matches(cookie: &str, request: &str) -> bool {
    request
        .strip_prefix(cookie)
        .is_some_and(|rest| cookie.ends_with('/') || rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: &str = "https://app.example.com/login/op";

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    /// The header that a browser sends to `to` after `from` has set `cookies`.
    fn sent(from: &str, cookies: &[&str], to: &str, navigation: Navigation) -> String {
        let mut jar = Cookies::default();
        for cookie in cookies {
            let _ = jar.receive(&url(from), cookie);
        }
        jar.header(&url(to), navigation).unwrap_or_default()
    }

    #[test]
    fn same_site_decides_what_another_sites_page_sends() {
        let all = [
            "a=1; Path=/; SameSite=Strict",
            "b=2; Path=/; SameSite=Lax",
            "c=3; Path=/",
            "d=4; Path=/; SameSite=None; Secure",
            "e=5; Path=/; SameSite=None",
        ];
        let to = |navigation| sent(APP, &all, APP, navigation);
        assert_eq!(to(Navigation::SameSite), "a=1; b=2; c=3; d=4");
        assert_eq!(to(Navigation::CrossSite), "b=2; c=3; d=4");
        assert_eq!(to(Navigation::CrossSitePost), "d=4");
    }

    #[test]
    fn path_domain_and_secure_decide_where_it_goes() {
        let to = |cookie, to| sent(APP, &[cookie], to, Navigation::SameSite);
        for (cookie, other, is_sent) in [
            ("a=1", "https://app.example.com/login/x", true),
            ("a=1", "https://app.example.com/", false),
            ("a=1; Path=/login", "https://app.example.com/loginx", false),
            ("a=1; Path=/", "https://app.example.com:8443/", true),
            ("a=1; Path=/", "https://x.app.example.com/", false),
            ("a=1; Path=/; Domain=example.com", "https://other.example.com/", true),
            ("a=1; Path=/; Domain=example.com", "https://badexample.com/", false),
            ("a=1; Path=/; Domain=other.com", "https://other.com/", false),
            ("a=1; Path=/; Domain=com", "https://app.example.com/", false),
            ("a=1; Path=/; Secure", "http://app.example.com/", false),
            ("a=1; Path=/", "http://app.example.com/", true),
            ("a=1; Path=/; Max-Age=0", APP, false),
            ("a=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", APP, false),
            ("a=1; Path=/; Max-Age=9; Expires=Thu, 01 Jan 1970 00:00:00 GMT", APP, true),
        ] {
            assert_eq!(to(cookie, other), if is_sent { "a=1" } else { "" }, "{cookie} to {other}");
        }
        let local = "http://localhost:8000/";
        assert_eq!(sent(local, &["a=1; Path=/; Secure"], local, Navigation::SameSite), "a=1");
    }

    #[test]
    fn a_prefix_is_kept_or_the_cookie_is_ignored() {
        let mut jar = Cookies::default();
        for (cookie, is_stored) in [
            ("__Host-a=1; Path=/; Secure", true),
            ("__Host-b=1; Path=/", false),
            ("__Host-c=1; Path=/login; Secure", false),
            ("__host-d=1; Path=/; Secure; Domain=app.example.com", false),
            ("__Secure-e=1; Path=/login; Secure", true),
            ("__Secure-f=1; Path=/", false),
            ("%5F_Host-g=1; Path=/; Domain=example.com", true),
        ] {
            assert_eq!(jar.receive(&url(APP), cookie), is_stored, "{cookie}");
        }
        assert!(!jar.receive(&url("http://app.example.com/"), "__Host-a=2; Path=/; Secure"));
    }

    #[test]
    fn name_domain_and_path_are_one_cookie() {
        let set = ["a=1; Path=/", "a=2; Path=/login", "a=3; Path=/; Domain=app.example.com", "a=4; Path=/"];
        assert_eq!(sent(APP, &set, APP, Navigation::SameSite), "a=2; a=4");
        let mut jar = Cookies::default();
        assert!(jar.receive(&url(APP), "a=1; Path=/; Secure"));
        assert!(
            !jar.receive(&url("http://app.example.com/"), "a=2; Path=/"),
            "Secure cookies are left alone"
        );
        assert!(jar.receive(&url(APP), "a=; Path=/; Max-Age=0") && jar.0.is_empty());
    }
}
