//! Headers of proxies decide nothing: there is one base URL, whatever a header claims.

use rocket_dance::testing::{FakeProvider, ProviderEndpoint};
use serde_json::json;

use crate::harness::{NOT_TRUSTED, TestApp, TestRequest, assert_refused, query_parameter};
use crate::server::{Server, Tab};

/// Headers that a proxy or an attacker may send.
const SAID: &[(&str, &str)] = &[
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Proto", "http"),
    ("X-Forwarded-Scheme", "http"),
    ("X-Forwarded-Ssl", "off"),
    ("X-Forwarded-Port", "444"),
    ("X-Forwarded-Prefix", "/evil"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Forwarded-Uri", "/healthz"),
    ("X-Real-IP", "127.0.0.1"),
    ("X-Original-URL", "/login/accounts"),
    ("X-Rewrite-URL", "/login/accounts"),
    ("X-Host", "evil.example"),
    ("X-HTTP-Method-Override", "POST"),
    ("Forwarded", "host=evil.example;proto=http;for=127.0.0.1"),
    ("Host", "evil.example"),
];

#[rocket::async_test]
async fn px_01_px_02_px_03_no_header_moves_the_callback_or_a_cookie() {
    let fake = FakeProvider::start().await;
    for base in ["https://app.example.com", "http://localhost:8000"] {
        let mut server = Server::start(&fake, base, "off", json!({}));
        let usual = server.request("GET", "/login/op?next=/guarded", &[], "");
        let of = |cookie: &str| cookie.split_once(';').expect("attributes").1.to_owned();
        let (prefix, wanted) = match base.starts_with("https") {
            true => ("__Host-rocket_dance_flow_", true),
            false => ("rocket_dance_flow_", false),
        };
        let flags = of(usual.set_cookie(prefix));
        assert_eq!(flags.contains("Secure"), wanted, "{flags}");
        let callback = format!("{base}/login/op/authorized");
        assert_eq!(query_parameter(usual.location(), "redirect_uri").as_ref(), Some(&callback));
        for (name, value) in SAID {
            let said = server.request("GET", "/login/op?next=/guarded", &[(name, value)], "");
            if *name == "Host" {
                // The same header twice: refused, or the first one counts.
                assert!([303, 400].contains(&said.status), "{}", said.status);
                if said.status == 400 {
                    continue;
                }
            }
            assert_eq!(
                query_parameter(said.location(), "redirect_uri").as_ref(),
                Some(&callback),
                "{name}: {value}"
            );
            assert_eq!(of(said.set_cookie(prefix)), flags, "{name}: {value}");
            for page in ["/login", "/login/nobody", "/guarded", "/login/op/authorized?code=x&state=y"] {
                let said = server.request("GET", page, &[(name, value)], "");
                assert!(!said.text().contains("evil"), "{name} {page}: {}", said.text());
            }
        }
        // The absolute form (RFC 9112 §3.2.2).
        let absolute = server.request("GET", "http://evil.example/login/op", &[], "");
        if absolute.status == 303 && absolute.location().starts_with(fake.issuer()) {
            assert_eq!(query_parameter(absolute.location(), "redirect_uri").as_ref(), Some(&callback));
        }
        assert!(!absolute.text().contains("evil.example"), "{}", absolute.text());
        // A whole sign-in with all of them.
        let mut tab = Tab::new(&server);
        let answer = tab.callback(&fake, "/login/op?next=/guarded").await;
        let cookies = tab.cookie_header();
        let mut headers: Vec<_> = SAID.iter().filter(|(name, _)| *name != "Host").copied().collect();
        headers.push(("Cookie", &cookies));
        let landed = server.request("GET", &answer, &headers, "");
        assert_eq!((landed.status, landed.location()), (303, "/guarded"));
        let sent = fake.last_request(ProviderEndpoint::Token).form["redirect_uri"].clone();
        assert_eq!(sent, format!("{base}/login/op/authorized"), "RD-09");
        // With another Host and no other header.
        for host in ["evil.example", "evil.example:443", "app.example.com.evil.example", "evil.example#", ""]
        {
            server.host = host.to_owned();
            let begun = server.request("GET", "/login/op?next=/guarded", &[], "");
            if begun.status != 400 {
                assert_eq!(
                    query_parameter(begun.location(), "redirect_uri").as_ref(),
                    Some(&callback),
                    "{host}"
                );
                assert_eq!(of(begun.set_cookie(prefix)), flags, "{host}");
            }
            for page in ["/login", "/login/nobody", "/guarded", "/login/op/authorized?code=x&state=y"] {
                let said = server.request("GET", page, &[], "");
                assert!(!said.text().contains("evil"), "{host} {page}: {}", said.text());
            }
        }
    }
}

#[rocket::async_test]
async fn px_04_a_user_agent_admits_no_request() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    let mut eve = app.browser();
    for agent in [
        "kube-probe/1.30",
        "GoogleHC/1.0",
        "ELB-HealthChecker/2.0",
        "Googlebot/2.1",
        "",
        "rocket_dance",
        "curl/8",
    ] {
        let named = |ask: TestRequest| ask.header("User-Agent", agent);
        assert_refused(&mut eve, &named(TestRequest::get(&callback)), NOT_TRUSTED).await;
        let guarded = eve.peek(&named(TestRequest::get("/guarded"))).await;
        assert_eq!(guarded.location(), "/login/op?next=%2Fguarded", "{agent}");
    }
    // A path in the query is not the path of the request.
    for path in
        ["/guarded?/healthz", "/guarded?path=/login", "/guarded?/login/op/authorized", "/guarded?x=/me"]
    {
        let guarded = eve.peek(&TestRequest::get(path)).await;
        assert!(guarded.location().starts_with("/login/op?next=%2Fguarded"), "{path}: {guarded:?}");
    }
    let callback = callback.replacen('?', "?/healthz&", 1);
    assert_refused(&mut eve, &TestRequest::get(&callback), NOT_TRUSTED).await;
    let landed = ada.ask(&TestRequest::get(&callback).header("User-Agent", "another browser")).await;
    assert_eq!(landed.location(), "/", "the sign-in still succeeds");
}

/// The flow's cookie would not come back with the callback, which is on the base URL.
#[rocket::async_test]
async fn a_visitor_at_another_loopback_name_begins_on_the_base_url() {
    let fake = FakeProvider::start().await;
    for (base, host, is_redirected) in [
        ("http://localhost:8000", "127.0.0.1:8000", true),
        ("http://127.0.0.1:8000", "localhost:8000", true),
        ("http://localhost:8000", "LOCALHOST:8000", false),
        ("http://localhost:8000", "evil.example:8000", false),
        ("https://app.example.com", "localhost:8000", false),
    ] {
        let mut server = Server::start(&fake, base, "off", json!({}));
        server.host = host.to_owned();
        let begun = server.request("GET", "/login/op?next=/guarded", &[], "");
        assert_eq!(begun.status, 303, "{base} at {host}");
        if is_redirected {
            assert_eq!(begun.location(), format!("{base}/login/op?next=/guarded"));
            assert!(begun.set_cookies().is_empty(), "no flow begins here: {:?}", begun.set_cookies());
        } else {
            assert!(begun.location().starts_with(fake.issuer()), "{base} at {host}: {}", begun.location());
        }
    }
}
