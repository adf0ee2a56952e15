//! Who may send a native sign-in: pages of other sites may not.

use rocket::http::{Method, Status};
use serde_json::json;

use crate::harness::{TestApp, TestRequest, assert_refused};
use crate::native::{Begun, CSRF, begin, configure, csrf, launch};

/// Login CSRF: a page of another site must not sign the visitor in as the attacker.
#[rocket::async_test]
async fn na_06_a_page_of_another_site_finishes_nothing() {
    let app = launch().await;
    app.fake.set_user("eve");
    let begun = begin(&mut app.browser()).await;
    let id_token = app.fake.native_id_token("ios", &begun.nonce);
    let json = json!({"flow": begun.flow, "id_token": id_token});
    let mut visitor = app.browser();
    let form =
        TestRequest::post("/login/op/native/finish", &[("flow", &begun.flow), ("id_token", &id_token)]);
    assert_refused(&mut visitor, &form, CSRF).await;
    for content_type in ["text/plain", "multipart/form-data; boundary=x"] {
        let plain = TestRequest::raw("/login/op/native/finish", &json.to_string());
        assert_refused(&mut visitor, &plain.header("Content-Type", content_type), CSRF).await;
    }
    for (name, value) in
        [("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example"), ("Origin", "null")]
    {
        assert_refused(&mut visitor, &begun.finish(&id_token).header(name, value), CSRF).await;
        let begin = TestRequest::new(Method::Post, "/login/op/native").header(name, value);
        assert_refused(&mut visitor, &begin, CSRF).await;
    }
    // A user who is signed in sends the token, whatever the body is.
    let mut ada = app.browser();
    ada.enter(7).await;
    assert_refused(&mut ada, &begun.finish(&id_token), CSRF).await;
    assert_refused(&mut ada, &TestRequest::json("/login/op/native", &json!({})), CSRF).await;
    assert_refused(&mut ada, &TestRequest::new(Method::Post, "/login/op/native"), CSRF).await;
    // With the token a form is as good.
    let token = csrf(&mut visitor).await;
    let answer = visitor.ask(&form.header("X-CSRF-Token", &token)).await;
    assert_eq!(answer.status, Status::Ok, "{answer:?}");
}

#[rocket::async_test]
async fn na_06_a_page_of_a_trusted_origin_needs_the_token() {
    let spa = "https://spa.example";
    let app =
        TestApp::launch_with(|figment| configure(figment).merge(("dance.trusted_origins", vec![spa]))).await;
    let mut visitor = app.browser();
    let token = csrf(&mut visitor).await;
    let from_spa = |request: TestRequest| request.header("Origin", spa).header("Sec-Fetch-Site", "same-site");
    let begin = from_spa(TestRequest::new(Method::Post, "/login/op/native"));
    assert_refused(&mut visitor, &begin, CSRF).await;
    assert_refused(&mut visitor, &begin.clone().header("X-CSRF-Token", "x"), CSRF).await;
    let begun = Begun::of(&visitor.ask(&begin.header("X-CSRF-Token", &token)).await);
    let id_token = app.fake.native_id_token("ios", &begun.nonce);
    let finish = from_spa(begun.finish(&id_token));
    assert_refused(&mut visitor, &finish, CSRF).await;
    let answer = visitor.ask(&finish.header("X-CSRF-Token", &token)).await;
    assert_eq!(answer.status, Status::Ok, "{answer:?}");
}
