//! The table of our routes: their paths, their methods, what each does in words, and the words that no entry can have
//! as its name.

use rocket::http::{Method, RawStr};
use rocket::route::Route;
use url::form_urlencoded;

/// Begins the name of each of our routes in Rocket's launch list.
pub(crate) const ROUTE_NAME_PREFIX: &str = "oauth: ";

/// Stands for the entry's name in a pattern.
const NAME: &str = "<name>";

/// Maximum number of times that a path is percent-decoded to compare it: each time costs as much as the path is long, and a
/// request can nest as many encodings. A redirect target has fewer.
const MAX_DECODINGS: usize = 8;

/// Words that no route has, or not yet: entries can't have these names either.
const RESERVED: [&str; 3] = ["error", "login", "sessions"];

/// Declares [`Path`] from the table below.
macro_rules! table {
    ($($(#[$doc:meta])* $path:ident $pattern:literal { $($method:ident $does:literal),+ })+) => {
        /// A path of this crate, below the prefix. The table has its pattern, and each method that it serves.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Path {
            $($(#[$doc])* $path,)+
        }

        impl Path {
            /// All paths, in the table's order.
            pub(crate) const ALL: &[Path] = &[$(Path::$path),+];

            /// The pattern below the prefix, as Rocket mounts it.
            pub(crate) const fn pattern(self) -> &'static str {
                match self { $(Path::$path => $pattern,)+ }
            }

            /// The methods that the path serves, each with what it does, for the launch list.
            pub(crate) const fn methods(self) -> &'static [(Method, &'static str)] {
                match self { $(Path::$path => &[$((Method::$method, $does)),+],)+ }
            }
        }
    };
}

table! {
    /// The sign-in page.
    SignIn "" { Get "shows the sign-in page" }
    /// The start of a flow.
    Begin "/<name>" {
        Get "begins a sign-in",
        Post "begins a sign-in, or connects an account"
    }
    /// The callback: GET, or POST with `response_mode = "form_post"`.
    Callback "/<name>/authorized" {
        Get "finishes a sign-in: the callback",
        Post "finishes a sign-in: the callback of form_post"
    }
    /// The page of the connected accounts.
    Accounts "/accounts" { Get "shows the connected accounts" }
    /// What a script needs to know: the user, the CSRF token, the accounts.
    Me "/me" { Get "says who is signed in, for scripts" }
    /// The account that waits for its user after `SignInFirst`.
    Confirm "/confirm" {
        Get "shows an account that waits for its user",
        Post "connects an account that waits for its user"
    }
    /// The account that waits for its visitor to sign up, after `Ask`.
    CompleteSignUp "/complete" {
        Get "shows the form that completes a sign-up",
        Post "completes a sign-up"
    }
    /// The account whose owner becomes one with the signed-in user, after `MergeUsers`.
    MergeUsers "/merge" {
        Get "shows two users that can become one",
        Post "makes two users one"
    }
    /// Removes an account.
    Disconnect "/<name>/disconnect" { Post "disconnects an account" }
    /// Makes an account the primary one of its entry.
    MakePrimary "/<name>/primary" { Post "makes an account the primary one" }
    /// The start of a sign-in by a device's own SDK.
    Native "/<name>/native" { Post "begins a sign-in on a device" }
    /// The end of a sign-in by a device's own SDK, with its ID token.
    NativeFinish "/<name>/native/finish" { Post "finishes a sign-in on a device" }
    /// The provider's notice that a session has ended there.
    BackchannelLogout "/<name>/backchannel-logout" { Post "ends sessions for the provider" }
    /// The provider's post-logout redirect URI.
    LoggedOut "/logged-out" { Get "returns from the provider's sign-out" }
    /// The page that says that the user is signed out.
    SignedOut "/signed-out" { Get "shows that the user is signed out" }
    /// Signs out.
    Logout "/logout" { Post "signs out" }
    /// Signs out in all browsers.
    LogoutEverywhere "/logout/everywhere" { Post "signs out in all browsers" }
    /// Ends one session of the user, in this browser or another.
    LogoutSession "/logout/session" { Post "ends one of the user's sessions" }
}

impl Path {
    /// The pattern's segments, `<name>` included.
    fn segments(self) -> impl Iterator<Item = &'static str> {
        plain_segments(self.pattern())
    }

    /// Whether it is a page to which a visitor can be redirected. The others begin, finish or end something.
    fn is_target(self) -> bool {
        matches!(self, Path::Accounts | Path::Confirm | Path::SignedOut)
    }

    /// Whether it is a page that only shows something.
    pub(crate) fn is_page(self) -> bool {
        matches!(self, Path::SignIn | Path::Accounts | Path::SignedOut)
    }

    /// Whether the path has the name of an entry.
    pub(crate) fn has_entry(self) -> bool {
        self.segments().any(|segment| segment == NAME)
    }

    /// Whether it answers with JSON only: scripts and devices use it.
    pub(crate) fn is_json(self) -> bool {
        matches!(self, Path::Me | Path::Native | Path::NativeFinish)
    }

    /// What follows the entry's name in the path, for example `disconnect`; `None` for a path without an entry.
    fn action(self) -> Option<&'static str> {
        self.pattern().strip_prefix("/<name>/")
    }

    /// The `Allow` header for the methods of the path.
    pub(crate) fn allow(self) -> String {
        let methods: Vec<&str> = self.methods().iter().map(|(method, _)| method.as_str()).collect();
        methods.join(", ")
    }
}

/// The segments of a path that has no encoded characters.
pub(crate) fn plain_segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

/// Whether `route` is one of ours.
pub(crate) fn is_own_route(route: &Route) -> bool {
    route.name.as_deref().is_some_and(|name| name.starts_with(ROUTE_NAME_PREFIX))
}

/// Whether the router would route a request with these decoded segments to a route whose pattern has the segments `pattern`.
pub(crate) fn fits<'p, 's>(
    pattern: impl IntoIterator<Item = &'p str>,
    segments: impl IntoIterator<Item = &'s str>,
) -> bool {
    let mut segments = segments.into_iter();
    for part in pattern {
        if part.starts_with('<') && part.ends_with("..>") {
            return true;
        }
        match segments.next() {
            Some(segment) if part.starts_with('<') || part == segment => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

/// Whether `word` belongs to our paths, so that an entry can't have it as its name.
pub(crate) fn is_reserved(word: &str) -> bool {
    let mut words = Path::ALL.iter().flat_map(|path| path.segments()).filter(|word| *word != NAME);
    RESERVED.contains(&word) || words.any(|own| own == word)
}

/// The path without an entry's name that has `word` as its only segment, for example `/logout`.
///
/// The router takes such a path for that of an entry called `word`, where the path doesn't serve the method.
pub(crate) fn fixed(word: &str) -> Option<Path> {
    Path::ALL.iter().copied().find(|path| path.pattern().strip_prefix('/') == Some(word))
}

/// A route of an entry at a path of its own: `login_path` or `redirect_uri` puts it there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnRoute {
    /// [`Path::Begin`] or [`Path::Callback`].
    pub(crate) path: Path,
    /// The entry's name.
    pub(crate) entry: String,
    /// For example `/signin/github`: plain segments.
    pub(crate) at: String,
}

/// Our paths under one prefix, and those of entries outside of it.
#[derive(Debug, Clone)]
pub(crate) struct Paths {
    /// For example `/login`: plain segments without a `/` at the end.
    prefix: String,
    own: Vec<OwnRoute>,
}

impl Paths {
    pub(crate) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned(), own: Vec::new() }
    }

    /// These paths, with those of entries.
    pub(crate) fn with_own(self, own: Vec<OwnRoute>) -> Self {
        Self { own, ..self }
    }

    /// The routes of entries at paths of their own.
    pub(crate) fn own(&self) -> &[OwnRoute] {
        &self.own
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// A path without an entry, for example `/login/accounts`.
    pub(crate) fn to(&self, path: Path) -> String {
        format!("{}{}", self.prefix, path.pattern())
    }

    /// A path of `entry`, for example `/login/github/disconnect`.
    pub(crate) fn of_entry(&self, path: Path, entry: &str) -> String {
        let own = self.own.iter().find(|own| own.path == path && own.entry == entry);
        own.map_or_else(|| self.to(path).replace(NAME, entry), |own| own.at.clone())
    }

    /// Whether the router would route a request with these decoded segments to `path`.
    pub(crate) fn matches<'s>(&self, path: Path, segments: impl IntoIterator<Item = &'s str>) -> bool {
        fits(plain_segments(&self.prefix).chain(plain_segments(path.pattern())), segments)
    }

    /// Whether `path` is the prefix, or is below it, however it is written.
    pub(crate) fn is_below_prefix(&self, path: &str) -> bool {
        let path = path.split(['?', '#']).next().unwrap_or_default();
        resolved(path).starts_with(&resolved(&self.prefix))
    }

    /// Whether `path` is one of our routes, or looks like one, so that no visitor is redirected to it: that could begin,
    /// repeat or end a sign-in. Pages that only show something are allowed targets.
    pub(crate) fn is_own_action(&self, path: &str) -> bool {
        if self.own.iter().any(|own| is_same_page(&own.at, path)) {
            return true;
        }
        let path = path.split(['?', '#']).next().unwrap_or_default();
        let (path, prefix) = (resolved(path), resolved(&self.prefix));
        let is_target = |rest: &[String]| {
            Path::ALL
                .iter()
                .any(|page| page.is_target() && page.segments().eq(rest.iter().map(String::as_str)))
        };
        path.starts_with(&prefix) && !is_target(&path[prefix.len()..])
    }

    /// Whether an entry's callback or begin, `own`, can't have this path, since it is another one of our routes or looks like one.
    pub(crate) fn is_taken(&self, path: &str, own: Path) -> bool {
        let Some(rest) = path.strip_prefix(&self.prefix) else { return false };
        let Some(rest) = rest.strip_prefix('/') else { return rest.is_empty() };
        match rest.trim_end_matches('/').split_once('/') {
            None => true,
            Some((name, action)) => {
                let mut others = Path::ALL.iter().filter(|path| **path != own);
                is_reserved(name) || others.any(|path| path.action() == Some(action))
            }
        }
    }
}

/// `path`, which has no fragment, with a query parameter.
pub(crate) fn with_parameter(path: &str, name: &str, value: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    let query = form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish();
    format!("{path}{separator}{query}")
}

/// Whether two paths are the same page, whatever their queries are.
pub(crate) fn is_same_page(one: &str, other: &str) -> bool {
    let page = |path: &str| resolved(path.split(['?', '#']).next().unwrap_or_default());
    page(one) == page(other)
}

/// The segments of `path`, percent-decoded until nothing changes, at most [`MAX_DECODINGS`] times, with dots resolved.
fn resolved(path: &str) -> Vec<String> {
    let mut path = path.to_owned();
    for _ in 0..MAX_DECODINGS {
        match RawStr::new(&path).percent_decode() {
            Ok(decoded) if decoded != path => path = decoded.into_owned(),
            _ => break,
        }
    }
    let mut segments: Vec<String> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            _ => segments.push(segment.to_owned()),
        }
    }
    segments
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rd_05_our_own_routes_are_no_place_to_go() {
        let paths = Paths::new("/login");
        for ours in [
            "/login",
            "/login/",
            "/login?next=/",
            "/login/github",
            "/login/github/authorized?code=a",
            "/login/logout",
            "/login/accounts/x",
            "//login",
            "/login//github",
            "/log%69n/github",
            "/login%2fgithub",
            "/%6cogin",
            "/%256cogin/github",
            "/a/../login/github",
            "/./login",
            "/login/accounts/../github",
            "/login/github/disconnect",
            "/login/new",
        ] {
            assert!(paths.is_own_action(ours), "{ours}");
        }
        for other in [
            "/",
            "/login/accounts",
            "/login/accounts/",
            "/login/accounts?a",
            "/login/confirm",
            "/loginx",
            "/a/login",
            "/a?/login",
            "/login/../a",
            "/Login",
        ] {
            assert!(!paths.is_own_action(other), "{other}");
        }
        let paths = Paths::new("/my/auth");
        assert!(paths.is_own_action("/my/auth/github") && !paths.is_own_action("/my"));
    }

    #[test]
    fn a_path_is_decoded_a_limited_number_of_times() {
        let nested = |times: usize| format!("/%{}6cogin/github", "25".repeat(times - 1));
        let paths = Paths::new("/login");
        assert!(paths.is_below_prefix(&nested(MAX_DECODINGS)));
        assert!(!paths.is_below_prefix(&nested(MAX_DECODINGS + 1)));
    }

    #[test]
    fn every_word_of_a_path_is_reserved() {
        for word in [
            "accounts",
            "me",
            "authorized",
            "native",
            "finish",
            "confirm",
            "complete",
            "merge",
            "disconnect",
            "primary",
            "logout",
            "logged-out",
            "signed-out",
            "everywhere",
            "session",
        ] {
            assert!(is_reserved(word), "{word}");
        }
        for word in RESERVED {
            assert!(is_reserved(word), "{word}");
        }
        assert!(!is_reserved("github") && !is_reserved("") && !is_reserved(NAME));
    }

    #[test]
    fn paths_are_built_and_matched_by_the_table() {
        let paths = Paths::new("/my/auth");
        assert_eq!(paths.to(Path::SignIn), "/my/auth");
        assert_eq!(paths.to(Path::LogoutEverywhere), "/my/auth/logout/everywhere");
        assert_eq!(paths.of_entry(Path::Callback, "github"), "/my/auth/github/authorized");
        for path in Path::ALL {
            let own = paths.of_entry(*path, "github");
            let segments: Vec<&str> = own.split('/').skip(1).collect();
            assert!(paths.matches(*path, segments.iter().copied()), "{own}");
        }
        assert!(!paths.matches(Path::Callback, ["auth", "github", "authorized"]));
        assert!(!paths.matches(Path::Callback, ["my", "auth", "authorized"]));
        assert_eq!(fixed("logout"), Some(Path::Logout));
        assert_eq!((fixed("github"), fixed(""), fixed("everywhere")), (None, None, None));
    }

    #[test]
    fn d12_routes_are_matched_as_rocket_matches_them() {
        for (pattern, path, wanted) in [
            ("/", &[][..], true),
            ("/<_..>", &[], true),
            ("/<_..>", &["a", "b"], true),
            ("/a/<b>", &["a", "x"], true),
            ("/a/<b>", &["a"], false),
            ("/a/<b>", &["a", "x", "y"], false),
            ("/a/<b..>", &["a"], true),
            ("/a/<b..>", &["b"], false),
        ] {
            assert_eq!(fits(plain_segments(pattern), path.iter().copied()), wanted, "{pattern} {path:?}");
        }
    }

    #[test]
    fn a_redirect_uri_is_no_route_of_ours() {
        let paths = Paths::new("/login");
        for taken in
            ["/login", "/login/", "/login/x", "/login/accounts/x", "/login/x/disconnect", "/login/x/primary/"]
        {
            assert!(paths.is_taken(taken, Path::Callback) && paths.is_taken(taken, Path::Begin), "{taken}");
        }
        for free in ["/", "/loginx", "/login/x/authorized", "/login/x/y", "/callback"] {
            assert!(!paths.is_taken(free, Path::Callback), "{free}");
        }
    }

    #[test]
    fn allowed_methods_are_those_of_the_table() {
        assert_eq!(Path::Begin.allow(), "GET, POST");
        assert_eq!(Path::Logout.allow(), "POST");
    }
}
