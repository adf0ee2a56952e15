//! [`BrowserCookies`]: the cookies of one browser, which it stores and sends as browsers do (RFC 6265bis).

use rocket::http::{Cookie, Method, SameSite};
use url::Url;

use crate::config::is_private;

/// Maximum length of name and value together, in bytes: browsers ignore longer cookies.
const MAX_COOKIE_LENGTH: usize = 4096;

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestOrigin {
    /// A page of the app, or the address bar.
    SameSite,
    /// A link or a redirect of another site.
    CrossSite,
    /// A form that another site's page posts.
    CrossSitePost,
}

impl RequestOrigin {
    /// The origin of a request with `method` that a page of another site sends.
    pub(super) fn of_another_site(method: Method) -> Self {
        match method {
            Method::Get | Method::Head => Self::CrossSite,
            _ => Self::CrossSitePost,
        }
    }
}

/// A cookie as a browser stores it.
#[derive(Debug, Clone)]
struct StoredCookie {
    name: String,
    value: String,
    /// The host that set it, or its attribute `Domain`.
    host: String,
    /// Whether subdomains of `host` get it, too.
    has_domain: bool,
    path: String,
    secure: bool,
    same_site: Option<SameSite>,
    /// Unix time in seconds. `None`: at the end of the browser's session.
    expires: Option<i64>,
}

impl StoredCookie {
    /// Reads a cookie that a response from `url` sets. `None` if a browser ignores it.
    fn new(url: &Url, set: &Cookie<'_>, now: i64) -> Option<Self> {
        let host = url.host_str()?.to_ascii_lowercase();
        let domain = set.domain().map(|domain| domain.trim_start_matches('.').to_ascii_lowercase());
        // A host without a dot has no subdomains: its own name is no Domain.
        let domain = domain.filter(|domain| *domain != host || domain.contains('.'));
        let cookie = Self {
            name: set.name().to_owned(),
            value: set.value().to_owned(),
            has_domain: domain.is_some(),
            host: domain.unwrap_or_else(|| host.clone()),
            path: set.path().filter(|path| path.starts_with('/')).unwrap_or(folder(url.path())).to_owned(),
            secure: set.secure().unwrap_or_default(),
            same_site: set.same_site(),
            expires: match set.max_age() {
                Some(age) => Some(now.saturating_add(age.whole_seconds())),
                None => set.expires_datetime().map(|expires| expires.unix_timestamp()),
            },
        };
        let is_own_domain = !cookie.has_domain || covers(&cookie.host, &host) && cookie.host.contains('.');
        let may_be_secure = !cookie.secure || is_private(url);
        let is_open = cookie.same_site == Some(SameSite::None) && !cookie.secure;
        let fits = cookie.name.len() + cookie.value.len() <= MAX_COOKIE_LENGTH;
        (is_own_domain && may_be_secure && !is_open && fits && cookie.keeps_its_prefix()).then_some(cookie)
    }

    /// Whether it is what its name promises (RFC 6265bis, section "Cookie Name Prefixes").
    fn keeps_its_prefix(&self) -> bool {
        let name = self.name.to_ascii_lowercase();
        let is_host = self.secure && !self.has_domain && self.path == "/";
        (!name.starts_with("__host-") || is_host) && (!name.starts_with("__secure-") || self.secure)
    }

    fn is_expired(&self, now: i64) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Whether the browser sends it with a request to `url`.
    fn is_sent(&self, url: &Url, origin: RequestOrigin, now: i64) -> bool {
        let host = url.host_str().unwrap_or_default();
        let is_host = if self.has_domain { covers(&self.host, host) } else { self.host == host };
        let is_allowed = match (origin, self.same_site) {
            (RequestOrigin::SameSite, _) | (_, Some(SameSite::None)) => true,
            (RequestOrigin::CrossSite, same_site) => same_site != Some(SameSite::Strict),
            (RequestOrigin::CrossSitePost, _) => false,
        };
        let rest = url.path().strip_prefix(&self.path);
        let is_path =
            rest.is_some_and(|rest| self.path.ends_with('/') || rest.is_empty() || rest.starts_with('/'));
        is_host && is_path && is_allowed && (!self.secure || is_private(url)) && !self.is_expired(now)
    }
}

/// The cookies of one browser.
#[derive(Debug, Clone, Default)]
pub(super) struct BrowserCookies(Vec<StoredCookie>);

impl BrowserCookies {
    /// Stores, replaces or removes the cookie of a `Set-Cookie` header of a response from `url`. Ignores what browsers ignore.
    pub(super) fn receive(&mut self, url: &Url, header: &str, now: i64) {
        let set = Cookie::parse(header).ok();
        let Some(cookie) = set.and_then(|set| StoredCookie::new(url, &set, now)) else { return };
        let is_same = |old: &StoredCookie| {
            (&old.host, &old.name, &old.path) == (&cookie.host, &cookie.name, &cookie.path)
        };
        self.0.retain(|old| !is_same(old));
        if !cookie.is_expired(now) {
            self.0.push(cookie);
        }
    }

    /// Names and values of the cookies that the browser sends with a request to `url`, those with the longest path first.
    pub(super) fn sent(&self, url: &Url, origin: RequestOrigin, now: i64) -> Vec<(String, String)> {
        let mut sent: Vec<_> = self.0.iter().filter(|cookie| cookie.is_sent(url, origin, now)).collect();
        sent.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        sent.into_iter().map(|cookie| (cookie.name.clone(), cookie.value.clone())).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether a browser sends `cookie`, which a response of the same host has set, with a request to `url` at `now`.
pub(super) fn is_sent(cookie: &Cookie<'_>, url: &Url, origin: RequestOrigin, now: i64) -> bool {
    let root = url.join("/").unwrap_or_else(|_| url.clone());
    StoredCookie::new(&root, cookie, now).is_some_and(|stored| stored.is_sent(url, origin, now))
}

/// Whether a cookie of `domain` is for `host`, too (RFC 6265 §5.1.3).
fn covers(domain: &str, host: &str) -> bool {
    host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// The default path of a cookie that the page at `path` sets (RFC 6265 §5.1.4).
fn folder(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(end) => &path[..end],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const APP: &str = "https://app.example.com/login/op";

    /// The names of the cookies that a browser sends to `to`, ten seconds after `APP` has set `cookies`.
    fn sent(cookies: &[&str], to: &str, origin: RequestOrigin) -> String {
        let (from, to) = (Url::parse(APP).unwrap(), Url::parse(to).unwrap());
        let mut jar = BrowserCookies::default();
        cookies.iter().for_each(|cookie| jar.receive(&from, cookie, 1000));
        jar.sent(&to, origin, 1010).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn another_sites_page_sends_less() {
        let all = [
            "a=1; Path=/; SameSite=Strict",
            "b=2; Path=/; SameSite=Lax",
            "c=3; Path=/",
            "d=4; Path=/; SameSite=None; Secure",
            "e=5; Path=/; SameSite=None",
        ];
        assert_eq!(sent(&all, APP, RequestOrigin::SameSite), "abcd");
        assert_eq!(sent(&all, APP, RequestOrigin::CrossSite), "bcd");
        assert_eq!(sent(&all, APP, RequestOrigin::CrossSitePost), "d");
    }

    #[test]
    fn path_domain_secure_and_age_decide_where_a_cookie_goes() {
        for (cookie, to, is_sent) in [
            ("a=1", "https://app.example.com/login/x", true),
            ("a=1", "https://app.example.com/", false),
            ("a=1; Path=/login", "https://app.example.com/loginx", false),
            ("a=1; Path=/", "https://x.app.example.com/", false),
            ("a=1; Path=/; Domain=example.com", "https://other.example.com/", true),
            ("a=1; Path=/; Domain=example.com", "https://badexample.com/", false),
            ("a=1; Path=/; Domain=other.com", "https://other.com/", false),
            ("a=1; Path=/; Secure", "http://app.example.com/", false),
            ("a=1; Path=/; Max-Age=10", APP, false),
            ("a=1; Path=/; Max-Age=11", APP, true),
            ("a=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT", APP, false),
            ("__Host-a=1; Path=/", APP, false),
            ("__Secure-a=1; Path=/", APP, false),
        ] {
            assert_eq!(!sent(&[cookie], to, RequestOrigin::SameSite).is_empty(), is_sent, "{cookie} to {to}");
        }
        assert_eq!(sent(&["a=1; Path=/", "a=; Path=/; Max-Age=0"], APP, RequestOrigin::SameSite), "");
    }

    #[test]
    fn a_host_without_a_dot_sets_cookies_for_itself() {
        let url = Url::parse("http://localhost/login").unwrap();
        for (domain, is_stored) in [("localhost", true), (".LOCALHOST", true), ("other", false)] {
            let mut jar = BrowserCookies::default();
            jar.receive(&url, &format!("a=1; Path=/; Domain={domain}"), 1000);
            assert_eq!(!jar.is_empty(), is_stored, "{domain}");
        }
    }

    /// A local client knows each cookie as it was set, and not when.
    #[test]
    fn the_same_rule_for_the_cookies_of_a_local_client() {
        let callback = Url::parse("https://app.example.com/login/op/authorized").unwrap();
        for (cookie, origin, goes) in [
            ("a=1", RequestOrigin::CrossSite, true),
            ("a=1; Path=/login; Max-Age=1", RequestOrigin::CrossSite, true),
            ("a=1; Path=/log", RequestOrigin::CrossSite, false),
            ("a=1; Domain=example.com", RequestOrigin::CrossSite, true),
            ("a=1; Domain=other.com", RequestOrigin::CrossSite, false),
            ("a=1; SameSite=Strict", RequestOrigin::CrossSite, false),
            ("a=1; SameSite=Lax", RequestOrigin::CrossSitePost, false),
            ("a=1; SameSite=None; Secure", RequestOrigin::CrossSitePost, true),
        ] {
            assert_eq!(is_sent(&Cookie::parse(cookie).unwrap(), &callback, origin, 1000), goes, "{cookie}");
        }
    }
}
