//! Where redirects lead after each outcome, and routes of entries at paths of their own.

use rocket::http::{Method, Status};
use url::form_urlencoded::byte_serialize;

use crate::app::path_and_query;
use crate::harness::{
    LOGOUT, Refusal, TestApp, TestRequest, assert_guarded, assert_refused, query_parameter,
};

const ELSEWHERE: Refusal = Refusal::new(Status::SeeOther, "");

async fn with(keys: &[(&str, &str)]) -> TestApp {
    TestApp::launch_with(|figment| {
        keys.iter().fold(figment, |figment, (key, value)| figment.merge((*key, *value)))
    })
    .await
}

#[rocket::async_test]
async fn a10_each_form_goes_to_its_next_or_to_its_default() {
    let app = with(&[("dance.after_disconnect", "/gone"), ("dance.after_logout", "/bye")]).await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let accounts = TestRequest::get("/login/accounts").header("Accept", "application/json");
    let account = ada.ask(&accounts).await.json()["entries"][0]["accounts"][0]["id"].to_string();
    for (next, primary, disconnected, ended, out) in [
        (None, "/login/accounts", "/gone", "/login/accounts", "/bye"),
        (Some("/x?a=b#c"), "/x?a=b", "/x?a=b", "/x?a=b", "/x?a=b"),
        (Some("//evil.example"), "/login/accounts", "/gone", "/login/accounts", "/bye"),
        (Some("https://evil.example/"), "/login/accounts", "/gone", "/login/accounts", "/bye"),
        (Some("/login/logout"), "/login/accounts", "/gone", "/login/accounts", "/bye"),
    ] {
        let mut ada = app.browser();
        ada.sign_in("op").await;
        let callback = ada.ride_to_connect("/login/op2").await;
        ada.get(&callback).await;
        let fields = |more: &[(&'static str, String)]| {
            let next = next.map(|next| ("next", next.to_owned()));
            more.iter().cloned().chain(next).collect::<Vec<_>>()
        };
        for (path, more, wanted) in [
            ("/login/op/primary", vec![("account", account.clone())], primary),
            ("/login/op2/disconnect", vec![], disconnected),
            ("/login/logout/session", vec![("session", "0".to_owned())], ended),
            ("/login/logout", vec![], out),
        ] {
            let fields = fields(&more);
            let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            assert_eq!(ada.post(path, &fields).await.location(), wanted, "{path} {next:?}");
        }
        assert_eq!(ada.user().await, None);
        let callback = ada.ride("/login/op").await;
        ada.get(&callback).await;
        let fields: Vec<_> = next.iter().map(|next| ("next", *next)).collect();
        assert_eq!(ada.post("/login/logout/everywhere", &fields).await.location(), out, "{next:?}");
    }
}

#[rocket::async_test]
async fn a10_next_survives_a_sign_out_at_the_provider() {
    let app = TestApp::launch_with(|figment| {
        figment.merge(("oauth.op.logout", true)).merge(("dance.after_logout", "/bye"))
    })
    .await;
    let long = format!("/{}", "x".repeat(300));
    for (next, wanted) in [
        ("/x?a=b%20c", "/x?a=b%20c"),
        ("//evil.example", "/bye"),
        ("/login/op", "/bye"),
        (long.as_str(), "/bye"),
    ] {
        let mut ada = app.browser();
        ada.sign_in("op").await;
        let there = ada.post("/login/logout", &[("next", next)]).await.location().to_owned();
        assert!(there.starts_with(app.fake.issuer()) && !there.contains("evil"), "{there}");
        let back = path_and_query(&app.fake.authorize(&there).await);
        // Another browser, and a wrong state.
        assert_eq!(app.browser().get(&back).await.location(), "/bye");
        assert_eq!(ada.get(&format!("{}x", back)).await.location(), "/bye");
        let cookie = ada.jar[LOGOUT].clone();
        assert!(cookie.len() < 500, "{}", cookie.len());
        assert_eq!(ada.get(&back).await.location(), wanted);
        assert!(!ada.jar.contains_key(LOGOUT));
    }
}

#[rocket::async_test]
async fn a10_each_outcome_has_its_target_for_all_entries_and_for_one() {
    let all = [
        ("dance.after_login", "/welcome"),
        ("dance.after_connect", "/connected"),
        ("dance.after_denied", "/denied?a"),
        ("dance.after_error", "/oops"),
    ];
    let own = [
        ("oauth.op2.after_login", "/welcome2"),
        ("oauth.op2.after_connect", "/connected2"),
        ("oauth.op2.after_denied", "/denied2"),
        ("oauth.op2.after_error", "/oops2"),
    ];
    for (keys, targets) in [
        (
            [&all[..], &own[..]].concat(),
            [
                [
                    "/welcome",
                    "/connected",
                    "/denied?a&error=access_denied&entry=op",
                    "/oops?error=csrf&entry=op",
                ],
                [
                    "/welcome2",
                    "/connected2",
                    "/denied2?error=access_denied&entry=op2",
                    "/oops2?error=csrf&entry=op2",
                ],
            ],
        ),
        // What is not set is as the other target, of the entry or of all.
        (
            vec![all[0], all[3], own[0], own[3]],
            [
                ["/welcome", "/welcome", "/oops?error=access_denied&entry=op", "/oops?error=csrf&entry=op"],
                [
                    "/welcome2",
                    "/welcome2",
                    "/oops2?error=access_denied&entry=op2",
                    "/oops2?error=csrf&entry=op2",
                ],
            ],
        ),
    ] {
        let app = with(&keys).await;
        for (entry, [login, connect, denied, error]) in ["op", "op2"].into_iter().zip(targets) {
            let path = format!("/login/{entry}");
            let mut ada = app.browser();
            let callback = ada.ride(&path).await;
            for _ in 0..2 {
                assert_eq!(
                    ada.get(&callback).await.location(),
                    login,
                    "{entry}: also of a repeated callback"
                );
            }
            let callback = ada.ride_to_connect(&path).await;
            for _ in 0..2 {
                assert_eq!(ada.get(&callback).await.location(), connect, "{entry}");
            }
            // Denied: signed out, and while connecting.
            for mut browser in [app.browser(), ada.clone()] {
                app.fake.deny_next_authorization();
                let user = browser.user().await;
                let callback = match user {
                    Some(_) => browser.ride_to_connect(&path).await,
                    None => browser.ride(&format!("{path}?next=/guarded")).await,
                };
                for _ in 0..2 {
                    let answer = assert_refused(&mut browser, &TestRequest::get(&callback), ELSEWHERE).await;
                    assert_eq!(answer.location(), denied, "{entry} {user:?}");
                }
            }
            let forged = TestRequest::post(&path, &[("csrf", "x")]);
            assert_eq!(assert_refused(&mut ada, &forged, ELSEWHERE).await.location(), error);
            let json = forged.header("Accept", "application/json");
            let refused = Refusal::new(Status::Forbidden, "csrf");
            assert_eq!(assert_refused(&mut ada, &json, refused).await.json()["error"]["code"], "csrf");
        }
        let unknown = TestRequest::get("/login/%0d%0aevil?next=//evil.example");
        let answer = assert_refused(&mut app.browser(), &unknown, ELSEWHERE).await;
        assert_eq!(answer.location(), "/oops?error=unknown_provider");
        // The app's own pages are no failures of a sign-in.
        let mut ada = app.browser();
        ada.sign_in_to("op", "/welcome").await;
        assert_eq!(ada.post("/login/op/disconnect", &[]).await.status, Status::Conflict);
    }
}

#[rocket::async_test]
async fn a10_a_flow_begins_at_its_own_path() {
    let app =
        with(&[("oauth.op.login_path", "/signin/github"), ("oauth.op2.login_path", "/login/op2/start")])
            .await;
    let routes = app.routes();
    for method in [Method::Get, Method::Post] {
        for path in ["/signin/github", "/login/op2/start"] {
            assert!(routes.contains(&(path.to_owned(), method)), "{routes:?}");
        }
    }
    let mut ada = app.browser();
    // Guards, pages and JSON lead there.
    assert_eq!(ada.get("/guarded").await.location(), "/signin/github?next=%2Fguarded");
    let page = ada.get("/login?next=/guarded").await.body;
    assert!(
        page.contains("action=\"/signin/github\"") && page.contains("action=\"/login/op2/start\""),
        "{page}"
    );
    let json = ada.ask(&TestRequest::get("/login").header("Accept", "application/json")).await.json();
    assert_eq!(json["entries"][0]["action"], "/signin/github");
    assert_eq!(json["entries"][0]["login_url"], "/signin/github");
    let begin = ada.begin("/signin/github?next=/guarded").await;
    let redirect_uri = query_parameter(&begin, "redirect_uri").unwrap();
    assert_eq!(redirect_uri, "http://localhost:8000/login/op/authorized");
    let callback = app.approve(&begin).await;
    assert_eq!(ada.get(&callback).await.location(), "/guarded");
    // Signed in: a page that asks, and its form.
    let page = ada.get("/login/op2/start").await;
    assert_guarded(&page);
    assert!(page.body.contains("action=\"/login/op2/start\""), "{}", page.body);
    let callback = ada.ride_to_connect("/login/op2/start").await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    assert_eq!(app.count("oauth_accounts"), 2);
    // It is one of our own routes: no target, no HEAD, no form in disguise, no form without a token.
    let mut nobody = app.browser();
    for next in ["/signin/github", "/signin/%67ithub?next=/", "/login/op2/start", "/x/../signin/github"] {
        let callback = nobody.clone().ride(&format!("/signin/github?next={next}")).await;
        assert!(callback.starts_with("/login/op/authorized"));
        assert!(!nobody.get(&format!("/login?next={next}")).await.body.contains("name=\"next\""), "{next}");
    }
    let not_allowed = Refusal::new(Status::MethodNotAllowed, "method_not_allowed");
    for path in ["/signin/github", "/login/op2/start"] {
        let head = assert_refused(&mut nobody, &TestRequest::new(Method::Head, path), not_allowed).await;
        assert_eq!(head.header("Allow"), Some("GET, POST"));
        let csrf = nobody.csrf().await;
        let disguised = TestRequest::post(path, &[("_method", "get"), ("csrf", &csrf)]);
        assert_refused(&mut nobody, &disguised, not_allowed).await;
        let forged = TestRequest::post(path, &[("csrf", "x")]);
        assert_refused(&mut nobody, &forged, Refusal::new(Status::Forbidden, "csrf")).await;
        let cross_site = TestRequest::get(path).header("Sec-Fetch-Site", "cross-site");
        assert_eq!(nobody.peek(&cross_site).await.status, Status::Ok, "the sign-in page first");
    }
    assert_eq!(nobody.flows(), []);
}

/// A callback at a path of its own is one of our routes as well.
#[rocket::async_test]
async fn rd_05_neither_is_a_callback_of_its_own() {
    let app = with(&[("oauth.op.redirect_uri", "http://localhost:8000/back/op")]).await;
    for next in ["/back/op", "/back/op?code=x%26state=y", "/back/%6fp", "/x/../back//op"] {
        let mut ada = app.browser();
        let callback = ada.ride(&format!("/login/op?next={next}")).await;
        assert_eq!(ada.get(&callback).await.location(), "/", "{next}");
    }
}

async fn with_origins() -> TestApp {
    TestApp::launch_with(|figment| {
        figment
            .merge(("dance.trusted_origins", ["https://spa.example", "http://localhost:5173"]))
            .merge(("dance.after_login", "/home"))
            .merge(("dance.after_error", "https://spa.example/oops"))
    })
    .await
}

#[rocket::async_test]
async fn rd_02_a_page_of_a_trusted_origin_and_of_no_other() {
    let app = with_origins().await;
    for (next, wanted) in [
        ("https://spa.example", "https://spa.example/"),
        ("https://spa.example/a/b?c=d%26#e", "https://spa.example/a/b?c=d%26"),
        ("http://localhost:5173/login/op", "http://localhost:5173/login/op"),
        ("https://spa.example:443/", "/home"),
        ("https://spa.example:8443/", "/home"),
        ("http://spa.example/", "/home"),
        ("http://localhost/", "/home"),
        ("http://localhost:8000/x", "/home"),
        ("http://localhost.:5173/", "/home"),
        ("http://127.0.0.1:5173/", "/home"),
        ("https://spa.example.evil.example/", "/home"),
        ("https://spa.example@evil.example/", "/home"),
        ("https://user@spa.example/", "/home"),
        ("https://spa.example\\@evil.example/", "/home"),
        ("https://evil.example\\spa.example/", "/home"),
        ("https://evil.example/https://spa.example/", "/home"),
        ("https://SPA.example/", "/home"),
        ("HTTPS://spa.example/", "/home"),
        ("https://spa.example./", "/home"),
        ("https://sp\u{430}.example/", "/home"),
        ("https://spa\u{3002}example/", "/home"),
        ("https:spa.example/", "/home"),
        ("https:/spa.example/", "/home"),
        ("https:///spa.example/", "/home"),
        ("//spa.example/", "/home"),
        ("https://spa.example//evil.example", "/home"),
        ("https://spa.example/%2f%2fevil.example", "/home"),
        ("https://spa.example/\r\nSet-Cookie: evil=1", "/home"),
        ("javascript://spa.example/%0aalert(1)", "/home"),
    ] {
        let mut ada = app.browser();
        let query: String = byte_serialize(next.as_bytes()).collect();
        let callback = ada.ride(&format!("/login/op?next={query}")).await;
        for _ in 0..2 {
            let answer = ada.get(&callback).await;
            assert_eq!(answer.location(), wanted, "{next:?}");
            assert!(!answer.sets("evil"));
        }
        let out = ada.post("/login/logout", &[("next", next)]).await;
        assert_eq!(out.location(), wanted.replace("/home", "/"), "{next:?}");
    }
    let mut nobody = app.browser();
    let answer = assert_refused(&mut nobody, &TestRequest::get("/login/op/authorized"), ELSEWHERE).await;
    assert_eq!(answer.location(), "https://spa.example/oops?error=callback_not_trusted&entry=op");
}

/// RD-04: the list may change while a flow is in progress.
#[rocket::async_test]
async fn rd_04_an_origin_that_is_trusted_no_more() {
    let app = with_origins().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op?next=https://spa.example/a").await;
    ada.app = app.relaunch(|figment| figment.merge(("dance.after_login", "/home"))).await;
    assert_eq!(ada.get(&callback).await.location(), "/home");
    let mut grace = app.browser();
    let callback = grace.ride("/login/op2?next=https://spa.example/a").await;
    assert_eq!(grace.get(&callback).await.location(), "https://spa.example/a");
    // A repeated callback would lead there once more.
    grace.app = ada.app.clone();
    let replay = grace.get(&callback).await;
    assert_eq!(replay.location(), "/home");
}

#[rocket::async_test]
async fn cs_01_a_form_of_a_trusted_origin_needs_the_token_too() {
    let app = with_origins().await;
    let mut ada = app.browser();
    ada.sign_in_to("op", "/home").await;
    let csrf = ada.csrf().await;
    let refused = Refusal::new(Status::Forbidden, "csrf");
    let form = |csrf: &str| {
        let form = TestRequest::post("/login/op/disconnect", &[("csrf", csrf), ("account", "0")]);
        form.header("Accept", "application/json").header("Sec-Fetch-Site", "same-site")
    };
    for origin in ["https://spa.example", "http://localhost:5173"] {
        for wrong in ["", "x"] {
            assert_refused(&mut ada, &form(wrong).header("Origin", origin), refused).await;
        }
        assert_eq!(ada.peek(&form(&csrf).header("Origin", origin)).await.status, Status::NoContent);
    }
    for origin in [
        "https://SPA.example",
        "https://spa.example:443",
        "https://spa.example.",
        "https://spa.example/",
        "http://spa.example",
        "https://evil.example",
        "null",
        "",
    ] {
        assert_refused(&mut ada, &form(&csrf).header("Origin", origin), refused).await;
    }
    assert_refused(&mut ada, &form(&csrf), refused).await;
    // The app's own forms have no token.
    let enter = TestRequest::post("/enter/9", &[]).header("Origin", "https://spa.example");
    assert_eq!(ada.ask(&enter).await.status, Status::Forbidden);
    assert_refused(&mut ada, &TestRequest::get("/login/op/authorized?code=x&state=y"), ELSEWHERE).await;
}
