//! What [`Scrubber`] takes out of what a cassette records, and what it leaves.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use url::Url;

use super::scrubber::Scrubber;

#[test]
fn a11_what_is_secret_is_scrubbed_and_all_else_stays() {
    let mut scrubber = Scrubber::default();
    scrubber.add("s3cret:+/%", "<client secret>");
    scrubber.replace_emails();
    let mut body = json!({
        "login": "ada", "id": 7, "token_type": "bearer", "nextPageToken": "CAUQAA", "count_of_tokens": 3,
        "access_token": "abc", "refreshToken": "def", "client-secret": "x", "token": null,
        "nested": [{ "password": "p", "email": "ada@real.example", "note": "write to Ada@real.example, or bob@real.example." }],
        "url": "https://files.example/a?token=ABC&size=3#top", "jwt": "see eyJhbGciOiJub25lIn0.eyJhIjoxfQ.abc here",
        "pat": "(ghp_0123456789abcdefghijABCDEFGHIJ012345)", "basic": STANDARD.encode("s3cret:+/%"),
        "in_text": "a s3cret:+/% b", "encoded": "https://x.example/?q=s3cret%3A%2B%2F%25",
    });
    scrubber.scrub_json(&mut body);
    assert_eq!(
        body,
        json!({
            "login": "ada", "id": 7, "token_type": "bearer", "nextPageToken": "CAUQAA", "count_of_tokens": 3,
            "access_token": "<scrubbed>", "refreshToken": "<scrubbed>", "client-secret": "<scrubbed>", "token": null,
            "nested": [{
                "password": "<scrubbed>", "email": "person@example.test",
                "note": "write to person@example.test, or person@example.test",
            }],
            "url": "https://files.example/a?token=<scrubbed>&size=3#top", "jwt": "see <scrubbed> here",
            "pat": "(<scrubbed>)", "basic": "<client secret>", "in_text": "a <client secret> b",
            "encoded": "https://x.example/?q=<client secret>",
        })
    );
    assert_eq!(
        scrubber.scrub_body("a=1&client_secret=x&code=y"),
        "a=1&client_secret=<scrubbed>&code=<scrubbed>"
    );
    assert_eq!(scrubber.scrub_body("<a href=\"?code=1\">"), "<a href=\"?code=scrubbed\">");
    // Again, it changes nothing: a replayed request is compared after it was scrubbed.
    let before = body.clone();
    scrubber.scrub_json(&mut body);
    assert_eq!(body, before);
}

#[test]
fn a11_addresses_stay_unless_a_test_wants_them_replaced() {
    assert_eq!(Scrubber::default().scrub_text("ada@real.example"), "ada@real.example");
}

#[track_caller]
fn check(scrub: impl Fn(&Scrubber, &str) -> String, cases: &[(&str, &str)]) {
    let mut scrubber = Scrubber::default();
    scrubber.replace_emails();
    for (text, expected) in cases {
        let scrubbed = scrub(&scrubber, text);
        assert_eq!(scrubbed, *expected, "{text}");
        assert_eq!(scrub(&scrubber, &scrubbed), *expected, "{text}, again");
    }
}

#[test]
fn a11_a_secret_of_any_kind_is_scrubbed_under_its_name() {
    let mut body = json!({
        "token": { "value": "abc", "of": ["def", null, 7] }, "tokens": ["abc", ""], "password": 123_456, "pin_secret": -1e9,
        "code": 404, "total_tokens": 99, "is_secret": true, "token_expires_at": 1_700_000_000, "id": 1_234_567,
        "by_token": [{ "x": "y" }], "ghp_0123456789abcdefghij": 1, "expires": { "access_token_expires_in": "3600" },
    });
    Scrubber::default().scrub_json(&mut body);
    assert_eq!(
        body,
        json!({
            "token": { "value": "<scrubbed>", "of": ["<scrubbed>", null, 7] }, "tokens": ["<scrubbed>", ""], "password": 0,
            "pin_secret": 0, "code": 404, "total_tokens": 99, "is_secret": true, "token_expires_at": 1_700_000_000,
            "id": 1_234_567, "by_token": [{ "x": "<scrubbed>" }], "<scrubbed>": 1,
            "expires": { "access_token_expires_in": "3600" },
        })
    );
}

#[test]
fn a11_parameters_are_scrubbed_wherever_a_url_is() {
    check(
        Scrubber::scrub_text,
        &[
            (
                "<https://x.example/a?page=2&access_token=abc>; rel=\"next\", </a?token=def&page=9>; rel=\"last\"",
                "<https://x.example/a?page=2&access_token=<scrubbed>>; rel=\"next\", </a?token=<scrubbed>&page=9>; rel=\"last\"",
            ),
            ("/files/a?token=abc,d;e&v=1", "/files/a?token=<scrubbed>&v=1"),
            ("?sig=a%26b", "?sig=<scrubbed>"),
            (
                "https://app.example/#access_token=abc&state=1",
                "https://app.example/#access_token=<scrubbed>&state=1",
            ),
            (
                "see https://x.example/?client%5Fsecret=abc.",
                "see https://x.example/?client%5Fsecret=<scrubbed>",
            ),
            ("/login?next=%2Fa%3Ftoken%3Dabc%26page%3D1", "/login?next=%2Fa%3Ftoken%3D<scrubbed>%26page%3D1"),
            ("OAuth oauth_token=\"a b&c\", realm=\"x\"", "OAuth oauth_token=\"<scrubbed>\", realm=\"x\""),
            ("a token=\\\"abc\\\" b", "a token=\\\"<scrubbed>\" b"),
            ("/a?page=2&token=&keyword=b", "/a?page=2&token=&keyword=b"),
        ],
    );
}

#[test]
fn a11_users_and_passwords_of_urls_are_scrubbed() {
    check(
        Scrubber::scrub_text,
        &[
            ("https://ada:s3cret@x.example/a", "https://<scrubbed>@x.example/a"),
            (
                "at postgres://a:b@c@db/x and http://t0ken@x.example",
                "at postgres://<scrubbed>@db/x and http://<scrubbed>@x.example",
            ),
            ("/go?to=https%3A%2F%2Fa%3Ab%40x.example%2Fy", "/go?to=https%3A%2F%2F<scrubbed>%40x.example%2Fy"),
            ("https://x.example/@ada?q=1", "https://x.example/@ada?q=1"),
        ],
    );
}

#[test]
fn a11_json_and_xml_in_a_text_are_scrubbed() {
    check(
        Scrubber::scrub_body,
        &[
            (
                "{\"id\": 1}\n{\"id\":2,\"token\":{\"of\":\"abc\"}}\n",
                "{\"id\": 1}\n{\"id\":2,\"token\":{\"of\":\"<scrubbed>\"}}\n",
            ),
            ("data: {\"password\":\"a {b\"}\n\n", "data: {\"password\":\"<scrubbed>\"}\n\n"),
            ("{ no json {\"secret\":[\"a\"]}", "{ no json {\"secret\":[\"<scrubbed>\"]}"),
            (
                "<a><n:token t=\"1\">abc</n:token><Secret><![CDATA[d<e]]></Secret><token/><code>x = 1</code></a>",
                "<a><n:token t=\"1\">scrubbed</n:token><Secret>scrubbed</Secret><token/><code>x = 1</code></a>",
            ),
            ("<user api_key='abc' id='7'/>", "<user api_key='scrubbed' id='7'/>"),
        ],
    );
    let mut body = json!({ "raw": "{\"access_token\":\"abc\"}" });
    Scrubber::default().scrub_json(&mut body);
    assert_eq!(body, json!({ "raw": "{\"access_token\":\"<scrubbed>\"}" }));
}

#[test]
fn a11_tokens_and_addresses_are_seen_behind_percent_encoding() {
    check(
        Scrubber::scrub_text,
        &[
            ("?q=Bearer%20ghp_0123456789abcdefghij&p=1", "?q=Bearer%20<scrubbed>&p=1"),
            ("?q=Bearer+gho%5F0123456789abcdefghij", "?q=Bearer+<scrubbed>"),
            ("/hooks/%C3%A9ghp_0123456789abcdefghij/x", "/hooks/%C3%A9<scrubbed>/x"),
            ("?to=ada%40real.example%2Cbob@real.example", "?to=person@example.test%2Cperson@example.test"),
            ("100% of ghp_short, é%zz", "100% of ghp_short, é%zz"),
        ],
    );
}

#[test]
fn a11_what_an_app_needs_for_the_next_page_stays() {
    check(
        Scrubber::scrub_text,
        &[
            ("/a?pagination_token=b1&next_token=c2", "/a?pagination_token=b1&next_token=c2"),
            ("/a?$skiptoken=b1&%24deltatoken=c2", "/a?$skiptoken=b1&%24deltatoken=c2"),
            (
                "/a?continuation-token=b1&cursor=eyJpZCI6MTIzNDU2Nzg5MH0%3D",
                "/a?continuation-token=b1&cursor=eyJpZCI6MTIzNDU2Nzg5MH0%3D",
            ),
        ],
    );
    let body = json!({
        "next_token": "a", "nextToken": "eyJpZCI6MTIzNDU2Nzg5MH0", "previous_token": "b", "NextContinuationToken": "c",
        "@odata.nextLink": "https://x.example/me?%24skiptoken=d",
    });
    let mut scrubbed = body.clone();
    Scrubber::default().scrub_json(&mut scrubbed);
    assert_eq!(scrubbed, body);
}

#[test]
fn a11_a_scrubbed_url_of_an_answer_leads_to_the_real_one() {
    let scrubber = Scrubber::default();
    for (real, scrubbed) in [
        ("https://x.example/a?token=abc&v=1", "https://x.example/a?token=<scrubbed>&v=1"),
        ("https://x.example/ghp_0123456789abcdefghij/b", "https://x.example/<scrubbed>/b"),
        ("data:{\"a\":\"http://u:p@x.example\"}", "data:{\"a\":\"http://<scrubbed>@x.example\"}"),
    ] {
        let mut body = json!({ "download_url": real });
        scrubber.scrub_json(&mut body);
        assert_eq!(body["download_url"], scrubbed);
        let called = Url::parse(scrubbed).unwrap();
        assert_eq!(scrubber.scrub_url(&called), scrubbed, "as on the cassette");
        assert_eq!(scrubber.real_url(&called).unwrap().as_str(), real);
    }
    // An app that has a token of its own sends that one.
    for own in ["https://x.example/a?token=own&v=1", "https://x.example/other"] {
        assert_eq!(scrubber.real_url(&Url::parse(own).unwrap()), None);
    }
}
