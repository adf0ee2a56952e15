//! The routes as a script uses them: JSON in, JSON out, the CSRF token in a header.

use rocket::http::uri::Host;
use rocket::http::{Accept, ContentType, Header, Method, Status};
use serde_json::{Value, json};

use crate::harness::{
    Browser, CSRF as CSRF_COOKIE, Refusal, SESSION, TestApp, TestRequest, TestResponse, assert_refused,
};

const BAD: Refusal = Refusal::new(Status::BadRequest, "bad_request");
const CSRF: Refusal = Refusal::new(Status::Forbidden, "csrf");

/// What `/login/me` answers. The browser gets the CSRF cookie, too.
async fn me(browser: &mut Browser) -> Value {
    let answer = browser.get("/login/me").await;
    assert_eq!((answer.status, answer.header("Content-Type")), (Status::Ok, Some("application/json")));
    answer.json()
}

/// A request of a script: JSON in, JSON out, with the CSRF token in the header.
async fn script(browser: &mut Browser, uri: &str, fields: &Value) -> TestRequest {
    let csrf = me(browser).await["csrf"].as_str().unwrap().to_owned();
    TestRequest::json(uri, fields).header("X-CSRF-Token", &csrf)
}

async fn send(browser: &mut Browser, uri: &str, fields: &Value) -> TestResponse {
    let ask = script(browser, uri, fields).await;
    browser.ask(&ask).await
}

/// Begins by a script, approves at the provider, and lets the browser follow the callback.
async fn ride(browser: &mut Browser, entry: &str, fields: &Value) -> TestResponse {
    let begun = send(browser, &format!("/login/{entry}"), fields).await;
    assert_eq!(begun.status, Status::Ok, "{begun:?}");
    let url = begun.json()["authorization_url"].as_str().unwrap().to_owned();
    assert_eq!(begun.json().as_object().unwrap().len(), 1);
    let callback = browser.app.approve(&url).await;
    browser.get(&callback).await
}

fn assert_no_content(answer: &TestResponse) {
    assert_eq!((answer.status, answer.body.as_str()), (Status::NoContent, ""), "{answer:?}");
    assert_eq!(answer.header("Location"), None);
}

#[rocket::async_test]
async fn a5_a_script_signs_in_connects_disconnects_and_signs_out() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let before = me(&mut ada).await;
    assert_eq!((&before["user"], &before["accounts"]), (&Value::Null, &json!([])));
    assert_eq!(before["entries"].as_array().map(Vec::len), Some(2));
    assert_eq!(before["entries"][0]["begin_url"], "/login/op");

    let landed = ride(&mut ada, "op", &json!({"next": "/guarded?a=b"})).await;
    assert_eq!(landed.location(), "/guarded?a=b");
    assert_eq!(ada.flows(), []);
    let signed_in = me(&mut ada).await;
    assert_eq!(signed_in["user"], json!(ada.user().await.unwrap()), "an integer id is a number");
    assert_eq!(signed_in["accounts"][0]["provider_user_id"], "ada");
    assert_eq!(signed_in["accounts"][0]["entry"], "op");
    assert_ne!(signed_in["csrf"], before["csrf"], "signing in changes the token");

    app.fake.set_user("ada2");
    assert_eq!(ride(&mut ada, "op", &json!({})).await.location(), "/");
    let connected = me(&mut ada).await;
    let accounts = connected["accounts"].as_array().unwrap();
    assert_eq!(accounts.iter().map(|account| &account["primary"]).collect::<Vec<_>>(), [true, false]);
    let second = accounts[1]["id"].clone();
    assert_no_content(&send(&mut ada, "/login/op/primary", &json!({"account": second})).await);
    assert_eq!(me(&mut ada).await["accounts"][0]["id"], second);
    assert_no_content(&send(&mut ada, "/login/op/disconnect", &json!({"account": second})).await);
    assert_eq!(me(&mut ada).await["accounts"].as_array().map(Vec::len), Some(1));

    let last = send(&mut ada, "/login/op/disconnect", &json!({})).await;
    assert_eq!((last.status, &last.json()["error"]["code"]), (Status::Conflict, &json!("last_login")));
    assert_no_content(&send(&mut ada, "/login/logout", &json!({})).await);
    assert_eq!((ada.user().await, &me(&mut ada).await["user"]), (None, &Value::Null));
}

/// Every route that changes something, by form and by JSON, with the token in the field and in the header.
#[rocket::async_test]
async fn a5_the_token_is_in_the_field_or_in_the_header() {
    let app = TestApp::launch().await;
    for uri in ["/login/op", "/login/logout", "/login/logout/everywhere"] {
        for content_type in [
            "application/json",
            "application/json; charset=utf-8",
            "application/x-www-form-urlencoded; charset=UTF-8",
        ] {
            for in_header in [false, true] {
                let mut ada = app.browser();
                ada.sign_in("op").await;
                let csrf = me(&mut ada).await["csrf"].as_str().unwrap().to_owned();
                let field = (!in_header).then_some(csrf.as_str());
                let ask = match content_type.contains("json") {
                    true => TestRequest::json(uri, &json!({ "csrf": field, "next": null })),
                    false => TestRequest::post(
                        uri,
                        &field.map(|csrf| ("csrf", csrf)).into_iter().collect::<Vec<_>>(),
                    )
                    .header("Accept", "application/json"),
                };
                let mut ask = ask.header("Content-Type", content_type).header("Origin", "null");
                if in_header {
                    ask = ask.header("X-CSRF-Token", &csrf);
                }
                let answer = ada.ask(&ask).await;
                let expected = if uri == "/login/op" { Status::Ok } else { Status::NoContent };
                assert_eq!(answer.status, expected, "{ask:?} {answer:?}");
                assert_eq!(ada.user().await.is_some(), uri == "/login/op");
            }
        }
    }
    // Without a body there is no content type.
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let csrf = me(&mut ada).await["csrf"].as_str().unwrap().to_owned();
    let bare = TestRequest::new(Method::Post, "/login/logout").header("X-CSRF-Token", &csrf);
    assert_no_content(&ada.ask(&bare.header("Accept", "application/json")).await);
}

#[rocket::async_test]
async fn a5_what_a_script_of_another_site_could_send_is_refused() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let csrf = me(&mut ada).await["csrf"].as_str().unwrap().to_owned();
    let mut eve = app.browser();
    eve.enter(2).await;
    let foreign = me(&mut eve).await["csrf"].as_str().unwrap().to_owned();
    for uri in [
        "/login/op",
        "/login/op/disconnect",
        "/login/op/primary",
        "/login/logout",
        "/login/logout/everywhere",
        "/login/logout/session",
    ] {
        for fields in [
            json!({}),
            json!({"csrf": null}),
            json!({"csrf": ""}),
            json!({"csrf": [csrf]}),
            json!({"csrf": foreign}),
        ] {
            assert_refused(&mut ada, &TestRequest::json(uri, &fields), CSRF).await;
        }
        let own = || TestRequest::json(uri, &json!({ "csrf": csrf }));
        for (name, value) in [
            ("Sec-Fetch-Site", "cross-site"),
            ("Origin", "https://evil.example"),
            // Sent by a form or a script of another site, without a preflight request.
            ("Content-Type", "text/plain"),
            ("Content-Type", "text/plain; charset=application/json"),
            ("Content-Type", "multipart/form-data; boundary=x"),
        ] {
            assert_refused(&mut ada, &own().header(name, value), CSRF).await;
        }
        let header = |token| TestRequest::json(uri, &json!({})).header("X-CSRF-Token", token);
        assert_refused(&mut ada, &header(&foreign), CSRF).await;
        // The field counts, if there is one.
        let both = TestRequest::json(uri, &json!({"csrf": foreign})).header("X-CSRF-Token", &csrf);
        assert_refused(&mut ada, &both, CSRF).await;
    }
}

#[rocket::async_test]
async fn a5_a_body_that_can_not_be_read_is_an_error_in_json() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let csrf = me(&mut ada).await["csrf"].as_str().unwrap().to_owned();
    let long = format!("{{\"csrf\":\"{csrf}\",\"x\":\"{}\"}}", "x".repeat(200_000));
    let deep = format!("{{\"csrf\":\"{csrf}\",\"x\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    for body in ["{", "[]", "null", "\"csrf\"", "7", "csrf=x", "{} {}", "\u{feff}", &long, &deep] {
        for uri in ["/login/op", "/login/op/disconnect", "/login/logout"] {
            let ask = TestRequest::raw(uri, body).header("Content-Type", "application/json");
            let ask = ask.header("Accept", "application/json").header("X-CSRF-Token", &csrf);
            let answer = assert_refused(&mut ada, &ask, BAD).await;
            assert_eq!(answer.header("Content-Type"), Some("application/json"));
            let error = &answer.json()["error"];
            assert!(error["message"].as_str().is_some_and(|message| !message.contains("line 1")), "{error}");
        }
    }
}

/// `account` decides which accounts go: without it all of them. A value of another type is a mistake of the page.
#[rocket::async_test]
async fn a5_an_account_of_another_type_is_not_all_of_them() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    for account in [
        json!(null),
        json!(""),
        json!(false),
        json!([]),
        json!({"id": 1}),
        json!("1 "),
        json!(1.5),
        json!(u64::MAX),
    ] {
        for uri in ["/login/op/disconnect", "/login/op/primary"] {
            let ask = script(&mut ada, uri, &json!({"account": account})).await;
            assert_refused(&mut ada, &ask, BAD).await;
        }
    }
    assert_eq!(app.count("oauth_accounts"), 1);
}

#[rocket::async_test]
async fn a5_me_answers_without_the_accept_header_and_changes_nothing() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let rows = app.rows();
    for accept in ["*/*", "text/html", "application/json"] {
        let answer = ada.ask(&TestRequest::get("/login/me").header("Accept", accept)).await;
        assert_eq!((answer.status, &answer.json()["user"]), (Status::Ok, &json!(1)), "{accept}");
        assert!(!answer.sets(SESSION));
        app.assert_no_secret("/login/me", &answer.body, &[]);
    }
    assert_eq!(app.rows(), rows);
}

/// A begin at another name of the loopback host continues on base_url, and keeps `next`.
#[rocket::async_test]
async fn a5_a_begin_at_another_loopback_name_continues_on_the_base_url() {
    let app = TestApp::launch().await;
    let mut browser = app.browser();
    let csrf = me(&mut browser).await["csrf"].as_str().unwrap().to_owned();
    let mut request = app.client.post("/login/op").header(ContentType::JSON).header(Accept::JSON);
    request.inner_mut().set_host(Host::parse("127.0.0.1:8000").unwrap());
    let request = request
        .header(Header::new("X-CSRF-Token", csrf))
        .cookie((CSRF_COOKIE, browser.jar[CSRF_COOKIE].clone()));
    let begun: Value = request.body(r#"{"next": "/guarded"}"#).dispatch().await.into_json().await.unwrap();
    assert_eq!(begun["authorization_url"], "http://localhost:8000/login/op?next=%2Fguarded");
}

#[rocket::async_test]
async fn a5_what_accept_says_is_read_as_browsers_and_programs_write_it() {
    let app = TestApp::launch().await;
    let browser = app.browser();
    for (accept, is_json) in [
        ("application/json", true),
        ("application/json,", true),
        ("text/plain;q=0.5, Application/JSON ; charset=utf-8", true),
        ("application/json;q=0.1", true),
        ("application/json;q=0", false),
        ("text/html, application/json ; q = 0.0", false),
        ("text/html,application/xhtml+xml,*/*;q=0.8", false),
        ("application/jsonp", false),
        ("", false),
    ] {
        let answer = browser.peek(&TestRequest::get("/login").header("Accept", accept)).await;
        let kind = answer.header("Content-Type").unwrap_or_default();
        assert_eq!(kind.starts_with("application/json"), is_json, "{accept}: {kind}");
    }
    let two = TestRequest::get("/login").header("Accept", "text/html").header("Accept", "application/json");
    assert_eq!(browser.peek(&two).await.header("Content-Type"), Some("application/json"));
    // A method that `/login/me` does not serve gets its error as JSON, too.
    let refused = browser.peek(&TestRequest::new(Method::Post, "/login/me")).await;
    assert_eq!(refused.status, Status::MethodNotAllowed);
    assert_eq!(refused.json()["error"]["code"], "method_not_allowed");
}

#[rocket::async_test]
async fn a5_an_empty_field_leaves_the_token_to_the_header() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let csrf = me(&mut ada).await["csrf"].as_str().unwrap().to_owned();
    let ask =
        |token: &str| TestRequest::json("/login/logout", &json!({"csrf": ""})).header("X-CSRF-Token", token);
    assert_refused(&mut ada, &ask(""), CSRF).await;
    assert_no_content(&ada.ask(&ask(&csrf)).await);
}
