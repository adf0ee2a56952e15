use std::path::Path;

use proptest::prelude::*;
use rocket::http::uri::Origin;
use url::Url;

use super::*;

fn base() -> Url {
    Url::parse("https://app.example").unwrap()
}

/// None of these may be followed.
const TRICKS: &[&str] = &[
    // Another host, said openly.
    "//e",
    "///e",
    "////e",
    "//e/",
    "//e@host",
    "//host@e",
    "//e:443",
    "//e?/",
    "//e#/",
    "//[::1]",
    "//127.1",
    "//0x7f000001",
    "//app.example",
    "//app.example@e",
    "//app.example.e",
    "//xn--e1a",
    "//\u{435}",
    "//E",
    "//%65",
    "//e%2f..",
    "//..",
    "//./",
    "//\u{3002}e",
    // A backslash is a slash to a browser.
    "/\\e",
    "\\/e",
    "\\\\e",
    "/\\/e",
    "/\\\\e",
    "/./\\e",
    "/a\\..\\..\\e",
    "/a/..\\/e",
    "/%5ce",
    "/%5Ce",
    "/%5c%5ce",
    "/%255ce",
    "/a?b\\c",
    // Tabs, line breaks and other characters that vanish or split a header.
    "/\te",
    "/\t/e",
    "/\n//e",
    "/\r\n//e",
    "/\r/e",
    "/\n/e",
    "/\u{b}/e",
    "/\u{c}/e",
    "/\0/e",
    "/\u{1}",
    "/\u{7f}",
    "/\u{85}/e",
    "/\u{9f}",
    "/a\r\nSet-Cookie:a=b",
    "/a?b\0c",
    "/a?\u{1}",
    "/a?b\r\nLocation:e",
    "/ /e",
    "/ e",
    " /e",
    "/e ",
    "\t/e",
    "\u{feff}/e",
    "/\u{a0}/e",
    "/\u{2028}/e",
    "/\u{3000}/e",
    "/%09/e",
    "/%0a/e",
    "/%0d%0a/e",
    "/%00",
    "/%2509/e",
    "/%250d%250a",
    "/a%0d%0aSet-Cookie:a",
    "/%7f",
    "/%c2%85/e",
    // Slashes that appear when somebody decodes.
    "/%2fe",
    "/%2Fe",
    "/%2f%2fe",
    "/%252fe",
    "/%25252f%25252fe",
    "/%2f%5ce",
    "/%2F/e",
    "/.%2f/e",
    "/%2e//e",
    "/%2e%2f/e",
    // Slashes that appear when the dots are gone.
    "/.//e",
    "/..//e",
    "/././/e",
    "/a/..//e",
    "/a/../..//e",
    "/%2e%2e//e",
    "/a/%2e%2e//e",
    "/a/.%2e//e",
    "/.//.//e",
    "/%252e//e",
    "/./%2fe",
    // Not a path.
    "",
    "e",
    ".",
    "..",
    "./e",
    "../e",
    "?a",
    "#a",
    "e/",
    "https:e",
    "https:/e",
    "http:/e",
    "https://e",
    "https:///e",
    "HTTPS://e",
    "https://host@e",
    "https://host.e",
    "https://e?host",
    "https://app.example/",
    "https://app.example@e/",
    "https:\\\\e",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,a",
    "vbscript:a",
    "blob:https://e/1",
    "file:///e",
    "ws://e",
    "mailto:a@e",
    ":e",
    "@e",
    "%2f%2fe",
    "%5c%5ce",
    "\u{2044}\u{2044}e",
    "\u{ff0f}\u{ff0f}e",
    // Not UTF-8: what the next one makes of it nobody knows.
    "/%ff",
    "/%c0%afe",
    "/%ed%a0%80",
    "/%ed%b0%80e",
    "/%e0%80%af",
    "/%80",
    "/%25ff",
];

#[test]
fn rd_01_no_trick_is_followed() {
    assert!(TRICKS.len() >= 80, "{}", TRICKS.len());
    for trick in TRICKS {
        assert_eq!(local_path(trick, &base()), None, "{trick:?}");
    }
}

#[test]
fn rd_01_the_paths_of_an_app_are_followed_unchanged() {
    for path in [
        "/",
        "/a",
        "/a/",
        "/a/b?c=d&e=f",
        "/?next=https://e/",
        "/a?b=//e",
        "/a//b",
        "/a:b@c",
        "/a%20b",
        "/a%2fb",
        "/100%25",
        "/%C3%A9?%C3%A9=%ff",
        "/.well-known/a",
        "/a.b..c",
        "/a/./b",
        "/a/../b",
        "/a?b=%0d%0a",
        "/javascript:alert(1)",
        "/https://e",
        "/a;b=c,d!e$f'(g)*~_-",
    ] {
        assert_eq!(local_path(path, &base()).as_deref(), Some(path));
    }
    for (path, wanted) in [
        ("/é?ü=ß", "/%C3%A9?%C3%BC=%C3%9F"),
        ("/a#b", "/a"),
        ("/a?b#//e", "/a?b"),
        ("/a?b[c]=\"<d>\"", "/a?b%5Bc%5D=%22%3Cd%3E%22"),
    ] {
        assert_eq!(local_path(path, &base()).as_deref(), Some(wanted));
    }
}

#[test]
fn rd_02_not_even_our_own_origin_is_an_exception() {
    for base in
        ["https://app.example", "https://app.example:8443", "http://localhost:8000", "http://[::1]:8000"]
    {
        let base = Url::parse(base).unwrap();
        assert_eq!(local_path(base.as_str(), &base), None);
        for who in ["", "u@", "u:p@", ":@"] {
            assert_eq!(local_path(&format!("//{who}{}/a", base.authority()), &base), None);
        }
        assert_eq!(local_path("/a?b", &base).as_deref(), Some("/a?b"));
    }
}

#[test]
fn rd_03_no_accepted_path_splits_a_header() {
    for end in ["\r\nA: b", "%0d%0aA: b", "\0", "%00", "\n", "\u{85}"] {
        assert_eq!(local_path(&format!("/a{end}"), &base()), None);
    }
}

#[test]
fn rd_04_what_was_accepted_is_accepted_again_as_it_is() {
    for path in ["/a?b=c", "/é", "/a b".replace(' ', "%20").as_str(), "/a?[]"] {
        let once = local_path(path, &base()).unwrap();
        assert_eq!(local_path(&once, &base()), Some(once));
    }
}

#[test]
fn rd_05_our_own_routes_are_no_place_to_go() {
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
        assert!(is_ours(ours, "/login"), "{ours}");
    }
    for other in [
        "/",
        "/login/accounts",
        "/login/accounts/",
        "/login/accounts?a",
        "/loginx",
        "/a/login",
        "/a?/login",
        "/login/../a",
        "/Login",
    ] {
        assert!(!is_ours(other, "/login"), "{other}");
    }
    assert!(is_ours("/my/auth/github", "/my/auth") && !is_ours("/my", "/my/auth"));
}

#[test]
fn rd_06_two_kibibytes_and_no_more() {
    let longest = format!("/{}", "a".repeat(2047));
    assert_eq!(local_path(&longest, &base()), Some(longest.clone()));
    assert_eq!(local_path(&(longest + "a"), &base()), None);
}

#[test]
fn rd_06_four_times_encoded_and_no_more() {
    let nested = |rounds: usize| format!("/a%{}20b", "25".repeat(rounds - 1));
    assert!(local_path(&nested(4), &base()).is_some());
    assert_eq!(local_path(&nested(5), &base()), None);
    assert_eq!(local_path(&nested(1000), &base()), None);
}

/// What a browser on a page of ours makes of `next`, or of any of its decoded forms.
fn leaves(next: &str) -> bool {
    let page = base().join("/login/github/authorized").unwrap();
    page.join(next).map_or(true, |url| url.origin() != base().origin())
}

fn check_accepted(next: &str) {
    let Some(path) = local_path(next, &base()) else { return };
    assert!(!leaves(next) && !leaves(&path), "{next:?} → {path:?}");
    assert!(Origin::parse(&path).is_ok(), "Rocket can't redirect to {path:?}");
    let mut decoded = path;
    for _ in 0..4 {
        decoded = RawStr::new(&decoded).percent_decode_lossy().into_owned();
        assert!(!decoded.starts_with("//") && !decoded.starts_with("/\\"), "{next:?} → {decoded:?}");
    }
}

#[test]
fn rd_01_the_corpus_of_open_redirects() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/openredirects.txt");
    let corpus = std::fs::read_to_string(corpus).unwrap();
    let lines: Vec<&str> = corpus.lines().collect();
    assert!(lines.len() > 500, "{}", lines.len());
    let accepted = lines.iter().filter(|line| local_path(line, &base()).is_some()).count();
    eprintln!("openredirects.txt: {} lines, {accepted} harmless, the others refused", lines.len());
    lines.into_iter().for_each(check_accepted);
}

proptest! {
    #[test]
    fn rd_01_whatever_is_accepted_stays_here(next in "/[/\\\\.%a-f0-9:@?#\t\n é]{0,24}") {
        check_accepted(&next);
    }

    #[test]
    fn rd_01_whatever_else_is_accepted_stays_here(next in "/.{0,40}") {
        check_accepted(&next);
    }

    #[test]
    fn rd_01_pieces_of_tricks_stay_here(pieces in proptest::collection::vec(prop::sample::select(TRICKS), 1..4), slash in any::<bool>()) {
        check_accepted(&format!("{}{}", if slash { "/a" } else { "" }, pieces.concat()));
    }
}
