use std::path::Path;

use proptest::prelude::*;
use rocket::http::uri::Origin;
use url::Url;

use super::*;

fn base() -> Url {
    Url::parse("https://app.example").unwrap()
}

/// `text` as a path of the app, if it is accepted.
fn local(text: &str) -> Option<String> {
    LocalPath::try_from(text).ok().map(String::from)
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
    // Slashes that appear after decoding.
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
    // Above the root: below the path of a proxy that is another app.
    "/..",
    "/../e",
    "/a/../../e",
    "/%2e%2e/e",
    "/%252e%252e/e",
    "/a%2fb/%2e%2e/%2E./e/../../../e",
    "/a%2f..%2f..%2fe",
    "/./../e",
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
    // Not UTF-8: browsers and servers read it in different ways.
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
        assert_eq!(local(trick), None, "{trick:?}");
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
        assert_eq!(local(path).as_deref(), Some(path));
    }
    for (path, wanted) in [
        ("/é?ü=ß", "/%C3%A9?%C3%BC=%C3%9F"),
        ("/a#b", "/a"),
        ("/a?b#//e", "/a?b"),
        ("/a?b[c]=\"<d>\"", "/a?b%5Bc%5D=%22%3Cd%3E%22"),
    ] {
        assert_eq!(local(path).as_deref(), Some(wanted));
    }
}

#[test]
fn rd_02_not_even_our_own_origin_is_an_exception() {
    for base in [
        "https://app.example",
        "https://app.example:8443",
        "http://localhost:8000",
        "http://[::1]:8000",
        "https://app.invalid",
    ] {
        let base = Url::parse(base).unwrap();
        assert_eq!(local(base.as_str()), None);
        for user in ["", "u@", "u:p@", ":@"] {
            assert_eq!(local(&format!("//{user}{}/a", base.authority())), None);
            assert_eq!(local(&format!("/.//{user}{}/a", base.authority())), None);
        }
    }
}

#[test]
fn rd_03_no_accepted_path_splits_a_header() {
    for end in ["\r\nA: b", "%0d%0aA: b", "\0", "%00", "\n", "\u{85}"] {
        assert_eq!(local(&format!("/a{end}")), None);
    }
}

#[test]
fn rd_04_what_was_accepted_is_accepted_again_as_it_is() {
    for path in ["/a?b=c", "/é", "/a b".replace(' ', "%20").as_str(), "/a?[]"] {
        let once = local(path).unwrap();
        assert_eq!(local(&once), Some(once));
    }
}

#[test]
fn rd_06_two_kibibytes_and_no_more() {
    let longest = format!("/{}", "a".repeat(2047));
    assert_eq!(local(&longest), Some(longest.clone()));
    assert_eq!(local(&(longest + "a")), None);
}

#[test]
fn rd_06_the_length_counts_after_encoding_too() {
    // Three bytes, and nine once they are percent-encoded.
    let longest = format!("/a?q={}", "\u{6f22}".repeat(227));
    let encoded = local(&longest).unwrap();
    assert_eq!(encoded.len(), 2048);
    assert_eq!(serde_json::from_value::<LocalPath>(encoded.clone().into()).unwrap().as_str(), encoded);
    assert_eq!(local(&(longest + "\u{6f22}")), None);
}

#[test]
fn rd_06_four_times_encoded_and_no_more() {
    let nested = |rounds: usize| format!("/a%{}20b", "25".repeat(rounds - 1));
    assert!(local(&nested(4)).is_some());
    assert_eq!(local(&nested(5)), None);
    assert_eq!(local(&nested(1000)), None);
}

/// What a browser on a page of ours makes of `next`, or of any of its decoded forms.
fn leaves(next: &str) -> bool {
    let page = base().join("/login/github/authorized").unwrap();
    page.join(next).map_or(true, |url| url.origin() != base().origin())
}

fn check_accepted(next: &str) {
    let Some(path) = local(next) else { return };
    assert!(!leaves(next) && !leaves(&path), "{next:?} → {path:?}");
    assert!(Origin::parse(&path).is_ok(), "Rocket can't redirect to {path:?}");
    assert_eq!(local(&path).as_ref(), Some(&path), "{next:?} is refused when it is read back");
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
    let accepted = lines.iter().filter(|line| local(line).is_some()).count();
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

#[test]
fn rd_01_a_form_field_and_a_serialized_path_are_checked_too() {
    use rocket::form::Form;

    #[derive(rocket::FromForm)]
    struct SignIn {
        next: Option<LocalPath>,
    }
    let next = |form: &str| Form::<SignIn>::parse_encoded(RawStr::new(form)).unwrap().next.map(String::from);
    assert_eq!(next("next=/a%3Fb=c").as_deref(), Some("/a?b=c"));
    assert_eq!(next(""), None);
    for trick in ["next=//e", "next=/%255ce", "next=https://e", "next=/%09/e"] {
        assert_eq!(next(trick), None, "{trick}");
    }
    let path = LocalPath::try_from("/a?b=c").unwrap();
    assert_eq!(serde_json::to_string(&path).unwrap(), "\"/a?b=c\"");
    assert_eq!(serde_json::from_str::<LocalPath>("\"/a?b=c\"").unwrap(), path);
    assert!(serde_json::from_str::<LocalPath>("\"//e\"").is_err());
}
