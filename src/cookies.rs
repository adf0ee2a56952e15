//! Our cookies: reading them from the raw `Cookie` headers of a request, and building them.
//!
//! Rocket percent-decodes the names of cookies and trims Unicode white space around them. A cookie called
//! `%5F_Host-session`, which a sibling domain may set, therefore looks like `__Host-session` in
//! [`Request::cookies`](rocket::Request::cookies), although browsers gave it none of the protection of that prefix
//! (RFC 6265bis, cookie name prefixes). Our own cookies are read here, byte for byte.

use std::collections::BTreeMap;

use rocket::Request;
use rocket::http::{Cookie, SameSite};
use rocket::time::Duration;

/// Maximum size of the cookies and the `Location` of one response of ours, in bytes. A default nginx answers 502 in place of a
/// response whose head has more than 4,096 bytes (`proxy_buffer_size`, a page of memory). The rest is for the status line, for
/// Rocket's headers, and for those of the app.
pub(crate) const MAX_RESPONSE: usize = 3600;

/// Maximum size of what a response adds to the name and value of a cookie, in bytes:
/// `; HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age=…; Expires=…`.
const MAX_ATTRIBUTES: usize = 128;

/// The value of the cookie called `name`, byte for byte as the browser sent it.
///
/// None if the browser sent no such cookie, or several with different values: then one of them was set by another host or
/// for another path, and nothing says which.
pub(crate) fn get<'r>(request: &'r Request<'_>, name: &str) -> Option<&'r str> {
    let mut values = pairs(request, name).filter(|(found, _)| *found == name).map(|(_, value)| value);
    let value = values.next()?;
    values.all(|other| other == value).then_some(value)
}

/// Whether the browser sent a cookie called `name`, also if [`get`] returns no value because it sent several.
pub(crate) fn is_sent(request: &Request<'_>, name: &str) -> bool {
    pairs(request, name).any(|(found, _)| found == name)
}

/// The cookies whose names begin with `prefix`, by name; of those that [`get`] would not return, none.
///
/// The headers are read once: a header of 400 KB holds tens of thousands of names.
pub(crate) fn with_prefix<'r>(request: &'r Request<'_>, prefix: &str) -> BTreeMap<&'r str, &'r str> {
    let mut found: BTreeMap<&str, Option<&str>> = BTreeMap::new();
    for (name, value) in pairs(request, prefix) {
        let known = found.entry(name).or_insert(Some(value));
        *known = known.filter(|known| *known == value);
    }
    found.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// All cookies whose names contain `part`, in the order in which they were sent. A name may be there several times.
pub(crate) fn containing<'r>(
    request: &'r Request<'_>,
    part: &'static str,
) -> impl Iterator<Item = (&'r str, &'r str)> {
    pairs(request, "").filter(move |(name, _)| name.contains(part))
}

/// Returns the private cookie `name` of `request`, only if the browser sent it under exactly that name.
///
/// Use it in place of [`CookieJar::get_private`](rocket::http::CookieJar::get_private) for an app's own session. Rocket
/// percent-decodes and trims the names of cookies. A cookie called `%5F_Host-uid` therefore appears as `__Host-uid`, although
/// browsers let a sibling domain set it. An attacker could sign a visitor in as the attacker in this way.
///
/// Give the cookie a name with the prefix `__Host-`, and set its Path to `/` and Secure: browsers do not accept such a cookie
/// from a sibling domain (RFC 6265bis, cookie name prefixes).
///
/// ```
/// use rocket::Request;
///
/// fn user_id(request: &Request<'_>) -> Option<i32> {
///     rocket_dance::private_cookie(request, "__Host-uid")?.value().parse().ok()
/// }
/// ```
pub fn private_cookie(request: &Request<'_>, name: &str) -> Option<Cookie<'static>> {
    let sent = request.headers().get("Cookie").flat_map(|header| header.split(';'));
    let is_exact = |cookie: &str| pair(cookie).is_some_and(|(found, _)| found == name);
    // As Rocket reads it.
    let is_alike = |cookie: &&str| Cookie::parse_encoded(cookie.trim()).is_ok_and(|read| read.name() == name);
    let has_look_alike = sent.filter(is_alike).any(|cookie| !is_exact(cookie));
    if has_look_alike || get(request, name).is_none() {
        return None;
    }
    request.cookies().get_private(name)
}

/// The size of a cookie in the header of a request, in bytes: `name=value; `.
pub(crate) fn size(name: &str, value: &str) -> usize {
    name.len() + value.len() + "=; ".len()
}

/// The size of a cookie in the header of a response, in bytes: at most this. An empty value removes the cookie.
pub(crate) fn response_size(name: &str, value: &str) -> usize {
    name.len() + value.len() + "=".len() + MAX_ATTRIBUTES
}

/// The attributes that all our cookies share.
#[derive(Debug, Clone)]
pub(crate) struct CookieScope {
    pub(crate) secure: bool,
    /// The attribute `Path`.
    pub(crate) path: String,
}

/// Builds a cookie. `max_age` is in seconds.
pub(crate) fn build(name: String, value: String, scope: &CookieScope, max_age: i64) -> Cookie<'static> {
    // Lax: a sign-in ends with a redirect from the provider's site, with which browsers send no Strict cookies.
    Cookie::build((name, value))
        .path(scope.path.clone())
        .http_only(true)
        .secure(scope.secure)
        .same_site(SameSite::Lax)
        .max_age(Duration::seconds(max_age))
        .build()
}

/// Builds a cookie that removes the one called `name`.
pub(crate) fn removal(name: String, scope: &CookieScope) -> Cookie<'static> {
    // With the same attributes: Chromium keeps a `__Host-` cookie if the removal is not Secure.
    let mut cookie = build(name, String::new(), scope, 0);
    // Also with `Expires` in the past: Rocket's local client ignores Max-Age.
    cookie.make_removal();
    cookie
}

/// The cookies whose names begin with `prefix`: names and values as they were sent.
fn pairs<'r>(request: &'r Request<'_>, prefix: &str) -> impl Iterator<Item = (&'r str, &'r str)> {
    let is_wanted = move |cookie: &&str| cookie.trim_start_matches([' ', '\t']).starts_with(prefix);
    let mut headers = request.headers().get("Cookie").peekable();
    // Rocket's local client fills the jar and sends no header; a request from the network that has cookies has a header.
    let is_local = headers.peek().is_none();
    let sent = headers.flat_map(|header| header.split(';')).filter(is_wanted).filter_map(pair);
    let jar = is_local.then(|| request.cookies().iter()).into_iter().flatten();
    let jar =
        jar.map(|cookie| (cookie.name(), cookie.value())).filter(move |(name, _)| name.starts_with(prefix));
    sent.chain(jar)
}

/// The name and value of one cookie. Only spaces and tabs are trimmed (RFC 6265 §5.2).
fn pair(cookie: &str) -> Option<(&str, &str)> {
    let (name, value) = cookie.split_once('=')?;
    Some((name.trim_matches([' ', '\t']), value.trim_matches([' ', '\t'])))
}

#[cfg(test)]
mod tests {
    use rocket::http::Header;
    use rocket::local::blocking::Client;

    use super::*;

    const NAME: &str = "__Host-session";

    /// What [`get`] reads from a request with these `Cookie` headers.
    fn read(headers: &[&str]) -> Option<String> {
        let client = Client::untracked(rocket::build()).unwrap();
        let mut request = client.get("/");
        for header in headers {
            request.add_header(Header::new("Cookie", (*header).to_owned()));
        }
        get(request.inner(), NAME).map(str::to_owned)
    }

    #[test]
    fn d1_a_look_alike_is_as_if_absent() {
        let look_alikes = [
            "%5F_Host-session=evil",
            "%5f%5FHost%2Dsession=evil",
            "__Host-sessio%6E=evil",
            "\u{a0}__Host-session=evil",
            "__Host-session\u{a0}=evil",
            "\u{3000}__Host-session\u{2003}=evil",
            "\u{b}__Host-session=evil",
            "__host-session=evil",
            "__HOST-SESSION=evil",
            "__Host-session%00=evil",
            "\"__Host-session\"=evil",
            "=__Host-session=evil",
            "__Host-session",
            "x=__Host-session=evil",
        ];
        for evil in look_alikes {
            assert_eq!(read(&[evil]), None, "{evil:?} alone");
            for headers in [
                format!("{NAME}=good; {evil}"),
                format!("{evil}; {NAME}=good"),
                format!("{evil};{NAME}=good;a=b"),
            ] {
                assert_eq!(read(&[&headers]).as_deref(), Some("good"), "{headers:?}");
            }
            assert_eq!(
                read(&[evil, "__Host-session=good"]).as_deref(),
                Some("good"),
                "{evil:?} in a header before"
            );
            assert_eq!(
                read(&["__Host-session=good", evil]).as_deref(),
                Some("good"),
                "{evil:?} in a header behind"
            );
        }
    }

    #[test]
    fn d1_a_name_with_two_values_is_as_if_absent() {
        assert_eq!(read(&["__Host-session=good; __Host-session=evil"]), None);
        assert_eq!(read(&["__Host-session=evil", "__Host-session=good"]), None);
        assert_eq!(read(&["__Host-session=good; __Host-session=good"]).as_deref(), Some("good"));
        let client = Client::untracked(rocket::build()).unwrap();
        let request =
            client.get("/").header(Header::new("Cookie", "__Host-session=good; __Host-session=evil"));
        assert!(is_sent(request.inner(), NAME), "signing out removes it");
        assert!(!is_sent(request.inner(), "session"));
    }

    #[test]
    fn d1_a_private_cookie_of_the_app_is_read_under_its_exact_name() {
        let key = ("secret_key", "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk=");
        let client = Client::untracked(rocket::custom(rocket::Config::figment().merge(key))).unwrap();
        let seal = |value: &'static str| {
            let request = client.get("/").private_cookie((NAME, value));
            request.inner().cookies().get(NAME).unwrap().encoded().to_string()
        };
        let value = |pair: &str| pair.split_once('=').unwrap().1.to_owned();
        let (good, evil) = (value(&seal("7")), value(&seal("666")));
        // A local client parses no headers, so the jar is filled as a server fills it.
        let read = |header: &str| {
            let mut request = client.get("/").header(Header::new("Cookie", header.to_owned()));
            for cookie in header.split(';').filter_map(|pair| Cookie::parse_encoded(pair.trim()).ok()) {
                request = request.cookie(cookie.into_owned());
            }
            let jar = request.inner().cookies().get_private(NAME).map(|cookie| cookie.value().to_owned());
            (jar, private_cookie(request.inner(), NAME).map(|cookie| cookie.value().to_owned()))
        };
        let some = |value: &str| Some(value.to_owned());
        assert_eq!(read(&format!("a=b; {NAME}={good}")), (some("7"), some("7")));
        for spelling in ["%5F_Host-session", "\u{a0}__Host-session", "__Host-sessio%6e"] {
            assert_eq!(
                read(&format!("{spelling}={evil}")),
                (some("666"), None),
                "{spelling}: Rocket reads it"
            );
            assert_eq!(read(&format!("{NAME}={good}; {spelling}={evil}")).1, None, "{spelling}");
            assert_eq!(read(&format!("{spelling}={evil}; {NAME}={good}")).1, None, "{spelling}");
        }
        let request = client.get("/").private_cookie((NAME, "7"));
        assert_eq!(private_cookie(request.inner(), NAME).unwrap().value(), "7", "without headers");
    }

    #[test]
    fn d1_of_the_cookies_with_a_prefix_one_with_two_values_is_as_if_absent() {
        let client = Client::untracked(rocket::build()).unwrap();
        let mut request = client.get("/");
        for header in ["s-1=a; s-2=b; s-1=c; s-1=a", "s-2=b; t=d; s-3=; s-4=e", "s-4=f", "s-5=g"] {
            request.add_header(Header::new("Cookie", header));
        }
        let found: Vec<_> = with_prefix(request.inner(), "s-").into_iter().collect();
        assert_eq!(found, [("s-2", "b"), ("s-3", ""), ("s-5", "g")]);
    }

    #[test]
    fn a_long_header_is_read_once_and_not_once_per_name() {
        let client = Client::untracked(rocket::build()).unwrap();
        let mut request = client.get("/");
        let header = (0..16_000).map(|n| format!("s-{n}=x")).collect::<Vec<_>>().join("; ");
        request.add_header(Header::new("Cookie", header));
        let began = std::time::Instant::now();
        assert_eq!(with_prefix(request.inner(), "s-").len(), 16_000);
        // Read once, it takes milliseconds; once per name, half a minute.
        assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    }

    #[test]
    fn values_are_as_they_were_sent() {
        assert_eq!(read(&["a=1;\t__Host-session = v1.a=b%20 ; c"]).as_deref(), Some("v1.a=b%20"));
        assert_eq!(read(&["__Host-session="]).as_deref(), Some(""));
        assert_eq!(read(&[]), None);
    }

    #[test]
    fn a_local_client_has_a_jar_and_no_header() {
        let client = Client::untracked(rocket::build()).unwrap();
        let request =
            client.get("/").cookie((NAME, "good")).cookie(("__Host-session-2", "other")).cookie(("b", "c"));
        assert_eq!(get(request.inner(), NAME), Some("good"));
        let found = with_prefix(request.inner(), NAME);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [(NAME, "good"), ("__Host-session-2", "other")]);
    }
}
