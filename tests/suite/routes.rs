//! Every route of the library with every method: other methods change nothing, and every response has the same headers.

use std::collections::BTreeSet;

use rocket::http::{Method, Status};

use crate::harness::{
    Browser, Refusal, SESSION, TestApp, TestRequest, TestResponse, assert_guarded, assert_refused,
};
use test_support::Html;

const NOT_ALLOWED: Refusal = Refusal::new(Status::MethodNotAllowed, "method_not_allowed");
const CSRF: Refusal = Refusal::new(Status::Forbidden, "csrf");

/// The route for the provider: it posts a signed token, not a form of a browser (LO-03).
const BACKCHANNEL: &str = "/login/op/backchannel-logout";

/// The routes: as mounted, as requested, and with their methods. A new route must be added here.
const ROUTES: &[(&str, &str, &[Method])] = &[
    ("/login", "/login", &[Method::Get]),
    ("/login/<name>", "/login/op", &[Method::Get, Method::Post]),
    ("/login/<name>/authorized", "/login/op/authorized", &[Method::Get]),
    ("/login/accounts", "/login/accounts", &[Method::Get]),
    ("/login/me", "/login/me", &[Method::Get]),
    ("/login/confirm", "/login/confirm", &[Method::Get, Method::Post]),
    ("/login/complete", "/login/complete", &[Method::Get, Method::Post]),
    ("/login/merge", "/login/merge", &[Method::Get, Method::Post]),
    ("/login/<name>/disconnect", "/login/op/disconnect", &[Method::Post]),
    ("/login/<name>/primary", "/login/op/primary", &[Method::Post]),
    ("/login/<name>/native", "/login/op/native", &[Method::Post]),
    ("/login/<name>/native/finish", "/login/op/native/finish", &[Method::Post]),
    ("/login/<name>/backchannel-logout", BACKCHANNEL, &[Method::Post]),
    ("/login/logged-out", "/login/logged-out", &[Method::Get]),
    ("/login/signed-out", "/login/signed-out", &[Method::Get]),
    ("/login/logout", "/login/logout", &[Method::Post]),
    ("/login/logout/everywhere", "/login/logout/everywhere", &[Method::Post]),
    ("/login/logout/session", "/login/logout/session", &[Method::Post]),
];

const METHODS: [Method; 7] =
    [Method::Get, Method::Head, Method::Post, Method::Put, Method::Patch, Method::Delete, Method::Options];

/// A browser without a session, and one with Ada's.
async fn browsers(app: &TestApp) -> [Browser; 2] {
    let mut ada = app.browser();
    ada.sign_in("op").await;
    [app.browser(), ada]
}

#[rocket::async_test]
async fn a14_the_launch_list_has_one_line_for_each_path_and_method() {
    let app = TestApp::launch().await;
    let mut mounted: Vec<String> =
        app.routes().iter().map(|(path, method)| format!("{method} {path}")).collect();
    let mut known: Vec<String> = ROUTES
        .iter()
        .flat_map(|(path, _, methods)| methods.iter().map(move |method| format!("{method} {path}")))
        .collect();
    mounted.sort();
    known.sort();
    assert_eq!(mounted, known, "one route for each path and method, and no others");
    for name in app.route_names() {
        let words = name.strip_prefix("oauth: ").unwrap_or_default();
        assert!(words.contains(' ') && !words.contains(['{', '(', '<']), "in words: {name:?}");
    }
}

/// CS-03: an image, a script or a prefetch is a GET or a HEAD.
#[rocket::async_test]
async fn cs_02_cs_03_another_method_is_refused_everywhere() {
    let app = TestApp::launch().await;
    for mut browser in browsers(&app).await {
        let csrf = browser.csrf().await;
        for (_, path, allowed) in ROUTES {
            let answers_head = allowed.contains(&Method::Get) && !path.starts_with("/login/op");
            let is_refused =
                |method: &Method| !(allowed.contains(method) || *method == Method::Head && answers_head);
            for method in METHODS.into_iter().filter(is_refused) {
                let mut asks = vec![TestRequest::new(method, path)];
                if matches!(method, Method::Get | Method::Head) {
                    let image = TestRequest::new(method, path).header("Sec-Fetch-Dest", "image");
                    asks.push(image.header("Sec-Fetch-Site", "cross-site"));
                    asks.push(TestRequest::new(method, &format!("{path}?csrf={csrf}&account=1")));
                }
                for ask in asks {
                    let answer = assert_refused(&mut browser, &ask, NOT_ALLOWED).await;
                    let allow = allowed.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(", ");
                    let is_ours = answer.status == Status::MethodNotAllowed;
                    assert_eq!(answer.header("Allow"), is_ours.then_some(allow.as_str()), "{method} {path}");
                    if method == Method::Head {
                        assert_eq!(answer.body, "", "{path}");
                    }
                }
            }
        }
    }
}

/// A HEAD request of a page has the response of a GET request, without its body, and changes nothing.
#[rocket::async_test]
async fn cs_03_a_head_of_a_page_answers_like_a_get() {
    let app = TestApp::launch().await;
    for browser in browsers(&app).await {
        for path in [
            "/login",
            "/login/accounts",
            "/login/me",
            "/login/confirm",
            "/login/complete",
            "/login/merge",
            "/login/logged-out",
            "/login/signed-out",
            "/login?next=/guarded",
        ] {
            let rows = app.rows();
            let get = browser.peek(&TestRequest::get(path)).await;
            let head = browser.peek(&TestRequest::new(Method::Head, path)).await;
            assert_eq!(head.status, get.status, "{path}");
            for header in ["Location", "Content-Type", "Cache-Control", "Content-Security-Policy"] {
                assert_eq!(head.header(header), get.header(header), "{path}: {header}");
            }
            assert_guarded(&head);
            assert_eq!((head.body.as_str(), app.rows()), ("", rows), "{path}");
        }
    }
}

/// Before routing, Rocket changes the method of a form to the value of its first field `_method`.
#[rocket::async_test]
async fn cs_04_a_form_in_disguise_is_refused_everywhere() {
    let app = TestApp::launch().await;
    for mut browser in browsers(&app).await {
        let csrf = browser.csrf().await;
        for (_, path, _) in ROUTES {
            for method in ["get", "GET", "head", "put", "patch", "delete"] {
                let disguised =
                    TestRequest::post(path, &[("_method", method), ("csrf", &csrf), ("account", "1")]);
                assert_refused(&mut browser, &disguised, NOT_ALLOWED).await;
            }
        }
        assert_eq!(browser.flows(), []);
    }
}

#[rocket::async_test]
async fn cs_02_every_form_needs_the_pages_token() {
    let app = TestApp::launch().await;
    for mut browser in browsers(&app).await {
        let mut eve = app.browser();
        eve.enter(2).await;
        let (own, foreign) = (browser.csrf().await, eve.csrf().await);
        let forms = ROUTES
            .iter()
            .filter(|(_, path, allowed)| allowed.contains(&Method::Post) && *path != BACKCHANNEL)
            // NA-06: a device without a session needs no token.
            .filter(|(_, path, _)| !path.contains("/native"));
        for (_, path, _) in forms {
            for fields in
                [&[][..], &[("csrf", "")], &[("csrf", foreign.as_str())], &[("csrf", "x"), ("csrf", &own)]]
            {
                assert_refused(&mut browser, &TestRequest::post(path, fields), CSRF).await;
            }
            let good = || TestRequest::post(path, &[("csrf", &own)]);
            for (name, value) in [
                ("Sec-Fetch-Site", "cross-site"),
                ("Sec-Fetch-Site", "same-site"),
                ("Origin", "https://evil.example"),
                ("Origin", "http://localhost:8001"),
                ("Content-Type", "text/plain"),
                ("Content-Type", "multipart/form-data; boundary=x"),
            ] {
                assert_refused(&mut browser, &good().header(name, value), CSRF).await;
            }
        }
    }
}

/// The URLs that a page loads or redirects to without a click.
fn assert_alone(answer: &TestResponse) {
    let page = Html::parse(&answer.body);
    for form in &page.forms {
        assert!(form.action.starts_with('/') && !form.action.starts_with("//"), "{}", form.action);
    }
    for link in &page.links {
        assert!(link.href.starts_with('/') && !link.href.starts_with("//"), "{}", link.href);
    }
    for loads in
        ["src=", "<link", "<script", "<iframe", "<img", "<object", "<base", "@import", "url(", "http-equiv"]
    {
        assert!(!answer.body.contains(loads), "{loads}: {}", answer.body);
    }
    assert!(!answer.body.contains(" style=") && !answer.body.contains("onclick"), "{}", answer.body);
}

/// LK-05: a page loads nothing of another site, and sends no Referer to one.
#[rocket::async_test]
async fn hd_01_hd_02_lk_05_every_answer_is_alone_unframed_and_uncached() {
    let app = TestApp::launch().await;
    let mut kinds = BTreeSet::new();
    for mut browser in browsers(&app).await {
        for (_, path, allowed) in ROUTES {
            for method in allowed.iter() {
                for accept in ["text/html", "application/json", "*/*"] {
                    let csrf = browser.csrf().await;
                    let asks = match method {
                        Method::Post => {
                            vec![TestRequest::post(path, &[]), TestRequest::post(path, &[("csrf", &csrf)])]
                        }
                        _ => vec![
                            TestRequest::get(path),
                            TestRequest::get(&format!("{path}?next=/guarded&error=access_denied&state=x")),
                            TestRequest::get(path).header("Sec-Fetch-Site", "cross-site"),
                            TestRequest::get(path).header("Sec-Purpose", "prefetch"),
                        ],
                    };
                    for ask in asks {
                        // A valid form may sign out or disconnect, so each has its own browser.
                        let answer = browser.peek(&ask.header("Accept", accept)).await;
                        assert_guarded(&answer);
                        kinds.insert((answer.status.code, answer.header("Content-Type").map(str::to_owned)));
                        if answer.header("Content-Type").is_some_and(|kind| kind.starts_with("text/html")) {
                            assert_alone(&answer);
                        }
                        if let Some(to) = answer.header("Location") {
                            assert!(to.starts_with('/') || to.starts_with(app.fake.issuer()), "{to}");
                        }
                    }
                }
            }
        }
        assert_guarded(&browser.peek(&TestRequest::get("/login/nobody")).await);
        assert_guarded(&browser.peek(&TestRequest::get("/login/nobody/authorized?code=x&state=y")).await);
    }
    // A guard's 401, through the library's catcher.
    let nobody = app.browser();
    for accept in ["text/html", "application/json"] {
        assert_guarded(&nobody.peek(&TestRequest::get("/guarded").header("Accept", accept)).await);
    }
    // The callback ends with 303, so that no page has a code in its URL.
    let mut ada = app.browser();
    let callback = ada.ride("/login/op?next=/guarded").await;
    let landed = ada.get(&callback).await;
    assert_guarded(&landed);
    assert_eq!((landed.location(), landed.sets(SESSION)), ("/guarded", true));
    let statuses: BTreeSet<u16> = kinds.iter().map(|(status, _)| *status).collect();
    assert!([200, 303, 400, 401, 403].iter().all(|status| statuses.contains(status)), "{kinds:?}");
}
