//! `Redaction`: what of a request's URI must not be in the log.
//!
//! Rocket logs the URI that the router and the handlers see. A secret can be kept out of the log only by taking it out of the
//! URI. For this reason requests for the app's own routes are not changed, unless they bring the state of a flow of ours: their
//! `code` and `state` are the app's.

use rocket::Request;
use rocket::http::uri::Origin;
use rocket::http::{Method, RawStr};

use super::flow_cookies;
use crate::dance::handle::Dance;
use crate::paths::{Path, fits, is_own_route, plain_segments};

/// Parameters that are a secret of a flow, or lead to one.
const SECRET_PARAMETERS: [&str; 17] = [
    "access_token",
    "assertion",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "denied",
    "id_token",
    "id_token_hint",
    "logout_token",
    "oauth_token",
    "oauth_verifier",
    "refresh_token",
    "response",
    "session_state",
    "state",
    "token",
];

/// Parameters that our own pages read or write: no secrets.
const HARMLESS_PARAMETERS: [&str; 4] = ["entry", "error", "next", "scope"];

/// What separates parameters. A second `?` does, if a callback URL with a query got another one.
const SEPARATORS: [char; 3] = ['&', ';', '?'];

/// Maximum number of parameters that are compared with the browser's flows.
const MAX_PARAMETERS: usize = 64;
/// Maximum number of times that a text is percent-decoded.
const MAX_DECODINGS: usize = 8;

/// What must not be in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Redaction {
    /// Nothing.
    None,
    /// The query of a callback, which its handler needs.
    Callback,
    /// Parameters in the path, and those of the query that are not known to be harmless: the request may have missed a callback,
    /// and providers give the code many names.
    NearMiss,
    /// The parameters of the query that are secrets.
    Secrets,
}

/// A route of the app that a request reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AppRoute {
    None,
    /// A route for whatever has no other, for example `/<path..>`.
    CatchAll,
    /// A route with a path of its own.
    Own,
}

impl Redaction {
    /// Decides what of `request` must not be in the log.
    pub(super) fn of(dance: &Dance, request: &Request<'_>) -> Self {
        let uri = request.uri();
        if is_callback(dance, uri) {
            return Self::Callback;
        }
        let (path, query) = (uri.path().as_str(), uri.query().map_or("", |query| query.as_str()));
        if query.is_empty() && !path.contains(is_delimiter) {
            return Self::None;
        }
        let path_words = words(path);
        let is_below_prefix = path_words.starts_with(&words(dance.paths().prefix()));
        let callback = words(Path::Callback.pattern()).pop().unwrap_or_default();
        let names_callback = path_words.iter().any(|word| word.starts_with(&callback));
        if is_below_prefix && (names_callback || app_route(request) != AppRoute::Own) {
            return Self::NearMiss;
        }
        if !has_secret(query) && !decoded(path).split(['/', '?']).any(has_secret) {
            return Self::None;
        }
        let is_near = || {
            let own = own_callbacks(dance).map(words);
            own.filter(|own| !own.is_empty()).any(|own| path_words.starts_with(&own))
        };
        match app_route(request) {
            // The app is a provider, too: the demo provider needs the query.
            AppRoute::Own if has_parameter(query, "response_type") => Self::None,
            // A callback at a path of the app.
            _ if is_of_a_flow(dance, request, query) => Self::NearMiss,
            AppRoute::Own => Self::None,
            _ if is_near() => Self::NearMiss,
            AppRoute::None if names_callback => Self::NearMiss,
            AppRoute::None => Self::Secrets,
            AppRoute::CatchAll => Self::None,
        }
    }

    /// Takes what must not be in the log out of the URI of `request`.
    pub(super) fn apply(self, request: &mut Request<'_>) {
        let uri = request.uri();
        let path = uri.path().as_str();
        let (path, query) = match self {
            Self::None => return,
            Self::Callback => (path, None),
            Self::NearMiss => {
                (before_parameters(path), uri.query().map(|query| only_harmless(query.as_str())))
            }
            Self::Secrets => (path, uri.query().map(|query| without_secrets(query.as_str()))),
        };
        let uri = match query.filter(|query| !query.is_empty()) {
            Some(query) => Origin::parse_owned(format!("{path}?{query}")),
            None => Origin::parse_owned(path.to_owned()),
        };
        // Hyper accepts characters in a URI that Rocket does not.
        if let Ok(uri) = uri.or_else(|_| Origin::parse_owned(encoded(path))) {
            request.set_uri(uri);
        }
    }
}

/// Whether the router routes `uri` to a callback, or to the page after signing out at the provider. It compares decoded
/// segments, as the router does.
fn is_callback(dance: &Dance, uri: &Origin<'_>) -> bool {
    let segments = || uri.path().segments();
    let paths = dance.paths();
    [Path::Callback, Path::LoggedOut].into_iter().any(|path| paths.matches(path, segments()))
        || own_callbacks(dance).any(|path| plain_segments(path).eq(segments()))
}

/// The paths of the callbacks outside the prefix.
fn own_callbacks(dance: &Dance) -> impl Iterator<Item = &str> {
    let own = dance.paths().own().iter().filter(|own| own.path == Path::Callback);
    own.map(|own| own.at.as_str())
}

fn has_parameter(query: &str, name: &str) -> bool {
    query.split(SEPARATORS).any(|pair| pair.split('=').next() == Some(name))
}

/// Whether a parameter in `query`, whatever its name, is the state of a flow that this browser has begun.
fn is_of_a_flow(dance: &Dance, request: &Request<'_>, query: &str) -> bool {
    let values = query.split(SEPARATORS).take(MAX_PARAMETERS).filter_map(|pair| pair.split_once('='));
    let mut values = values.map(|(_, value)| decoded(value));
    values.any(|value| flow_cookies::exists(dance, request, &value))
}

fn app_route(request: &Request<'_>) -> AppRoute {
    // Rocket routes HEAD as GET.
    let method = if request.method() == Method::Head { Method::Get } else { request.method() };
    let segments: Vec<&str> = request.uri().path().segments().collect();
    let routes = request.rocket().routes().filter(|route| route.method == method && !is_own_route(route));
    let patterns = routes.map(|route| route.uri.path());
    let patterns = patterns.filter(|path| fits(plain_segments(path), segments.iter().copied()));
    let is_own = |pattern: &str| {
        let mut parts = plain_segments(pattern).peekable();
        parts.peek().is_none() || parts.any(|part| !part.starts_with('<'))
    };
    patterns.fold(AppRoute::None, |found, pattern| match found {
        AppRoute::Own => found,
        _ if is_own(pattern) => AppRoute::Own,
        _ => AppRoute::CatchAll,
    })
}

/// `text`, percent-decoded until nothing changes, at most [`MAX_DECODINGS`] times.
fn decoded(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..MAX_DECODINGS {
        let decoded = RawStr::new(&text).percent_decode_lossy().into_owned();
        if decoded == text {
            break;
        }
        text = decoded;
    }
    text
}

/// The words of a path, in lower case: a path that differs in slashes, case, encoding or punctuation has the same.
fn words(path: &str) -> Vec<String> {
    let path = decoded(path).to_lowercase();
    path.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Whether a parameter in `text` is a secret, however its name is written.
fn has_secret(text: &str) -> bool {
    text.split(SEPARATORS).any(|pair| {
        let name = decoded(pair.split(['=', '[']).next().unwrap_or_default()).to_lowercase();
        // `&amp;code=`: a link that was escaped twice.
        let name = name.strip_prefix("amp;").unwrap_or(&name).trim_matches(|c: char| !c.is_alphanumeric());
        pair.contains('=') && SECRET_PARAMETERS.contains(&name)
    })
}

/// `query` without the parameters that are secrets.
fn without_secrets(query: &str) -> String {
    let pairs: Vec<&str> = query.split('&').filter(|pair| !has_secret(pair)).collect();
    pairs.join("&")
}

/// The parameters of `query` that are known to be harmless.
fn only_harmless(query: &str) -> String {
    let is_harmless = |pair: &&str| {
        // Only `next` may have a query of its own.
        matches!(pair.split_once('='), Some((name, value))
            if HARMLESS_PARAMETERS.contains(&name) && (name == "next" || !value.contains(SEPARATORS)))
    };
    query.split('&').filter(is_harmless).collect::<Vec<_>>().join("&")
}

/// Whether parameters may begin at `c` in a path. A percent sign may encode such a character.
fn is_delimiter(c: char) -> bool {
    matches!(c, ';' | '&' | '=' | ',' | '?' | '#' | '%')
}

/// `path` up to the first character where parameters may begin, which stays, so that the path does not become that of a
/// callback.
fn before_parameters(path: &str) -> &str {
    let ends = path.match_indices(is_delimiter).find_map(|(at, sign)| match sign {
        "%" => {
            let byte = u8::from_str_radix(path.get(at + 1..at + 3)?, 16).ok()?;
            (byte == b'%' || is_delimiter(byte.into())).then_some(at + 3)
        }
        _ => Some(at + 1),
    });
    ends.map_or(path, |end| &path[..end])
}

/// `path` with every character encoded that Rocket does not accept in a path.
fn encoded(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@%".contains(&byte);
    path.bytes().fold(String::new(), |mut encoded, byte| {
        match is_plain(byte) {
            true => encoded.push(byte.into()),
            false => encoded.push_str(&format!("%{byte:02X}")),
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d12_secrets_by_any_spelling_of_their_name() {
        for query in [
            "code=x",
            "a=1&state=x",
            "CODE=x",
            "c%6Fde=x",
            "c%256Fde=x",
            "a=1;code=x",
            "&amp;code=x",
            "amp%3bstate=x",
            "oauth_token=x",
            "oauth_verifier=x",
            "+code=x",
            "%20state%20=x",
            "code[]=x",
            "code[0]=x",
            "a=1?code=x",
        ] {
            assert!(has_secret(query), "{query}");
            assert!(!without_secrets(query).contains('x'), "{query}");
        }
        for query in
            ["", "code", "postcode=x", "next=/x", "encoding=x", "a=state", "q=code%3Dx", "country_state=x"]
        {
            assert!(!has_secret(query), "{query}");
        }
        assert_eq!(without_secrets("next=/a&code=1&page=2&state=3"), "next=/a&page=2");
    }

    #[test]
    fn d12_a_near_miss_keeps_what_is_known_to_be_harmless() {
        for (query, kept) in [
            ("", ""),
            ("next=/a?b=1&auth_code=x&scope=a%20b", "next=/a?b=1&scope=a%20b"),
            ("error=denied;code=x&entry=op?code=x&scope=a?code=x", ""),
            ("payload=%7B%22code%22%3A%22x%22%7D&next&NEXT=x&ne%78t=x&next[]=x", ""),
        ] {
            assert_eq!(only_harmless(query), kept);
        }
    }

    #[test]
    fn d12_parameters_in_a_path_are_cut_off() {
        for (path, wanted) in [
            ("/login/x/authorized", "/login/x/authorized"),
            ("/login/%78/authorized", "/login/%78/authorized"),
            ("/login/x/authorized;code=1", "/login/x/authorized;"),
            ("/login/x/authorized%3fcode=1", "/login/x/authorized%3f"),
            ("/login/x/authorized%253Fcode%253D1", "/login/x/authorized%25"),
            ("/login/x/authorized&code=1&state=2", "/login/x/authorized&"),
            ("/login/x/authorized%2f", "/login/x/authorized%2f"),
            ("/login/x/authorized%", "/login/x/authorized%"),
            ("/login/ä/authorized%zä", "/login/ä/authorized%zä"),
        ] {
            assert_eq!(before_parameters(path), wanted);
        }
        assert_eq!(words("//LOGIN/%78/./authorized%2f;y"), ["login", "x", "authorized", "y"]);
    }

    #[test]
    fn d12_what_rocket_does_not_accept_is_encoded() {
        for path in ["/login/x/authorized\"", "/a{b}|\\^`<>", "/ä"] {
            assert!(Origin::parse_owned(encoded(path)).is_ok(), "{path}");
        }
    }
}
