//! The callback: which requests count as an answer, and which must not use the flow up.

use rocket::http::{Method, Status};

use crate::harness::{
    NOT_TRUSTED, Refusal, TestApp, TestRequest, assert_refused, captured_log, query_parameter, with_parameter,
};

const DENIED: Refusal = Refusal::new(Status::Forbidden, "access_denied");
const NOT_ALLOWED: Refusal = Refusal::new(Status::MethodNotAllowed, "method_not_allowed");

#[rocket::async_test]
async fn cb_01_the_person_says_no() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    app.fake.deny_next_authorization();
    let callback = ada.ride("/login/op").await;
    let words = format!("<script>alert(1)</script>\" onload=x {}", "y".repeat(4000));
    let callback = with_parameter(&callback, "error_description", Some(&words));
    let page = assert_refused(&mut ada, &TestRequest::get(&callback), DENIED).await;
    assert!(!page.body.contains("<script>") && !page.body.contains("onload="), "{}", page.body);
    assert!(!page.body.contains(&"y".repeat(300)), "{}", page.body);
    assert_eq!(ada.flows(), [], "the flow is used up");
}

#[rocket::async_test]
async fn cb_01_other_errors_of_the_provider() {
    let app = TestApp::launch().await;
    let (unavailable, bad) = (
        Refusal::new(Status::ServiceUnavailable, "provider_unreachable"),
        Refusal::new(Status::BadGateway, "bad_provider_answer"),
    );
    for (error, expected) in [
        ("temporarily_unavailable", unavailable),
        ("server_error", unavailable),
        ("invalid_scope", bad),
        ("<img src=x onerror=alert(1)>", bad),
        (&"z".repeat(2000), bad),
    ] {
        app.fake.fail_next_authorization(error);
        let mut ada = app.browser();
        let callback = ada.ride("/login/op").await;
        let page = assert_refused(&mut ada, &TestRequest::get(&callback), expected).await;
        assert!(!page.body.contains("<img") && !page.body.contains("zzz"), "{}", page.body);
        assert_eq!(ada.flows(), []);
    }
}

#[rocket::async_test]
async fn cb_02_a_denial_without_its_flow() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    let no = with_parameter(&with_parameter(&callback, "code", None), "error", Some("access_denied"));
    assert_refused(&mut ada, &TestRequest::get(&with_parameter(&no, "state", Some("x"))), NOT_TRUSTED).await;
    assert_refused(&mut ada, &TestRequest::get(&with_parameter(&no, "state", None)), NOT_TRUSTED).await;
    assert_refused(&mut app.browser(), &TestRequest::get(&no), NOT_TRUSTED).await;
    assert_eq!(ada.get(&callback).await.location(), "/", "another browser cannot use the flow up");
}

#[rocket::async_test]
async fn cb_03_cb_04_cb_05_a_code_or_an_error() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    let without = with_parameter(&callback, "code", None);
    for wrong in [
        format!("{callback}&error=access_denied"),
        without.clone(),
        with_parameter(&callback, "code", Some("")),
        with_parameter(&without, "error", Some("")),
        with_parameter(&callback, "code", Some(&"a".repeat(64 << 10))),
        with_parameter(&callback, "code", Some(&"a".repeat((16 << 10) + 1))),
        format!("{without}&code=%ff"),
        format!("{without}&code=%4"),
        format!("{callback}{}", "&x=y".repeat(1000)),
    ] {
        assert_refused(&mut ada, &TestRequest::get(&wrong), NOT_TRUSTED).await;
    }
    // An empty parameter is none.
    assert_eq!(ada.get(&format!("{callback}&error=")).await.location(), "/");
}

#[rocket::async_test]
async fn cb_06_a_used_code_under_a_fresh_state() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let used = query_parameter(&ada.sign_in("op").await, "code");
    let fresh = with_parameter(&ada.ride_to_connect("/login/op").await, "code", used.as_deref());
    // `assert_refused` checks that session and account stay.
    assert_refused(&mut ada, &TestRequest::get(&fresh), NOT_TRUSTED.after_exchange()).await;
    let mut eve = app.browser();
    let fresh = with_parameter(&eve.ride("/login/op").await, "code", used.as_deref());
    assert_refused(&mut eve, &TestRequest::get(&fresh), NOT_TRUSTED.after_exchange()).await;
}

#[rocket::async_test]
async fn cb_07_tokens_in_the_callback() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    let header = serde_json::json!({"alg": "EdDSA"});
    let claims = serde_json::json!({"iss": app.fake.issuer(), "sub": "eve", "aud": app.fake.client_id(),
        "iat": 0, "exp": 9_999_999_999_i64});
    let token = app.fake.sign_jwt(Some(&header), &claims.to_string());
    let injected = format!("access_token=injected-token&token_type=Bearer&id_token={token}");
    let only = format!("{}&{injected}", with_parameter(&callback, "code", None));
    assert_refused(&mut ada, &TestRequest::get(&only), NOT_TRUSTED).await;

    assert_eq!(ada.get(&format!("{callback}&{injected}")).await.location(), "/");
    assert_eq!(app.count("oauth_accounts"), 1);
    assert!(app.rows().contains("provider_user_id='ada'"), "{}", app.rows());
    assert!(app.fake.requests().iter().all(|request| !format!("{request:?}").contains("injected-token")));
}

#[rocket::async_test]
async fn cb_08_only_by_get() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    let (path, query) = callback.split_once('?').unwrap();
    let fields: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).collect();
    let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_ref(), value.as_ref())).collect();
    for ask in [
        TestRequest::post(path, &fields),
        TestRequest::post(&callback, &[]),
        TestRequest::new(Method::Put, &callback),
        TestRequest::new(Method::Patch, &callback),
        TestRequest::new(Method::Delete, &callback),
    ] {
        let answer = assert_refused(&mut ada, &ask, NOT_ALLOWED).await;
        assert_eq!(answer.header("Allow"), (answer.status.code == 405).then_some("GET"));
    }
    assert_eq!(ada.get(&callback).await.location(), "/");
}

#[rocket::async_test]
async fn cb_09_head_options_and_prefetch_use_nothing_up() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    assert_refused(&mut ada, &TestRequest::new(Method::Head, &callback), NOT_ALLOWED).await;
    assert_refused(&mut ada, &TestRequest::new(Method::Options, &callback), NOT_ALLOWED).await;
    let in_advance = Refusal::new(Status::BadRequest, "bad_request");
    for (header, value) in [
        ("Sec-Purpose", "prefetch"),
        ("Sec-Purpose", "prefetch;prerender"),
        ("Purpose", "prefetch"),
        ("X-Moz", "prefetch"),
    ] {
        assert_refused(&mut ada, &TestRequest::get(&callback).header(header, value), in_advance).await;
    }
    // A HEAD of the begin route begins nothing.
    let flows = ada.flows();
    assert_refused(&mut ada, &TestRequest::new(Method::Head, "/login/op"), NOT_ALLOWED).await;
    assert_eq!(ada.flows(), flows);
    assert_eq!(ada.get(&callback).await.location(), "/");
}

#[rocket::async_test]
async fn cb_10_an_unknown_provider() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op").await;
    let unknown = Refusal::new(Status::NotFound, "unknown_provider");
    let query = callback.split_once('?').unwrap().1;
    for name in ["nobody", "OP", "op%20", "..", "<script>"] {
        let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        assert_refused(&mut ada, &TestRequest::get(&format!("/login/{name}/authorized?{query}")), unknown)
            .await;
        assert_refused(&mut ada, &TestRequest::get(&format!("/login/{name}")), unknown).await;
    }
    assert_eq!(ada.get(&callback).await.location(), "/");
}

#[rocket::async_test]
async fn cb_10_an_entry_that_is_gone() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op2").await;
    ada.app = app.relaunch(without_op2).await;
    assert_refused(
        &mut ada,
        &TestRequest::get(&callback),
        Refusal::new(Status::NotFound, "unknown_provider"),
    )
    .await;
    // A flow of the removed entry is not a flow of another entry.
    let elsewhere = callback.replace("/op2/", "/op/");
    assert_refused(&mut ada, &TestRequest::get(&elsewhere), NOT_TRUSTED).await;
}

/// The same configuration with only the entry `op`.
#[rocket::async_test]
async fn lk_what_stands_in_a_path_is_not_logged() {
    let app = TestApp::launch().await;
    for uri in ["/login/forged%0Aname", "/login/forged%0Aname/authorized?code=c&state=s"] {
        assert_eq!(app.browser().get(uri).await.status, Status::NotFound, "{uri}");
    }
    let log = captured_log().unwrap_or_default();
    assert!(!log.contains("oauth: `forged"), "{log}");
}

#[rocket::async_test]
async fn al_23_an_entry_that_changed_during_the_dance() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let callback = ada.ride("/login/op2").await;
    for (key, value) in
        [("oauth.op2.login", serde_json::Value::from(false)), ("oauth.op2.account", "ada".into())]
    {
        let changed = app.relaunch(|figment| figment.merge((key, value))).await;
        ada.app = changed;
        assert_refused(&mut ada, &TestRequest::get(&callback), NOT_TRUSTED).await;
    }
    let elsewhere = app.relaunch(|figment| figment.merge(("oauth.op2.issuer", "http://localhost:1"))).await;
    ada.app = elsewhere;
    assert_refused(&mut ada, &TestRequest::get(&callback), NOT_TRUSTED).await;
    ada.app = app;
    assert_eq!(ada.get(&callback).await.location(), "/");
}

fn without_op2(figment: rocket::figment::Figment) -> rocket::figment::Figment {
    use rocket::figment::{Figment, providers::Serialized};
    let mut entries: serde_json::Map<String, serde_json::Value> = figment.extract_inner("oauth").unwrap();
    entries.remove("op2");
    let mut kept = Figment::from(rocket::Config::debug_default());
    for key in ["secret_key", "databases", "log_level"] {
        kept = kept.merge(Serialized::default(key, figment.find_value(key).unwrap()));
    }
    kept.merge(Serialized::default("oauth", entries))
}

#[rocket::async_test]
async fn a_form_that_names_another_method() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let csrf = ada.csrf().await;
    // Rocket changes the method of such a form before routing.
    for method in ["get", "put", "delete"] {
        for form in ["/login/logout", "/login/logout/everywhere", "/login/op/disconnect", "/login/op/primary"]
        {
            let ask = TestRequest::post(form, &[("_method", method), ("csrf", &csrf)]);
            assert_refused(&mut ada, &ask, NOT_ALLOWED).await;
        }
    }
    // The form does not count as a GET either, neither of a begin nor of a callback.
    assert_refused(
        &mut ada,
        &TestRequest::post("/login/op2", &[("_method", "get"), ("csrf", &csrf)]),
        NOT_ALLOWED,
    )
    .await;
    assert_eq!(ada.flows(), []);
    let callback = ada.ride_to_connect("/login/op2").await;
    for method in ["get", "head"] {
        let ask = TestRequest::post(&callback, &[("_method", method)]);
        let answer = assert_refused(&mut ada, &ask, NOT_ALLOWED).await;
        assert_eq!(answer.header("Allow"), Some("GET"), "{method}");
    }
    assert_eq!(ada.get(&callback).await.location(), "/");
}
