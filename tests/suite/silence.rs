//! The log at its default level: what it contains, and that no secret is in it.

use std::env::current_exe;
use std::process::Command;

use crate::harness::{
    NOT_TRUSTED, SESSION, TestApp, TestRequest, assert_refused, captured_log, query_parameter, with_parameter,
};

#[test]
fn lk_04_no_secret_is_logged() {
    // In a separate process: the first launch sets the logger, and here that may be another test's.
    let run = ["--exact", "silence::in_a_process_of_its_own", "--ignored"];
    let output = Command::new(current_exe().unwrap()).args(run).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[rocket::async_test]
#[ignore = "run by lk_04_no_secret_is_logged"]
async fn in_a_process_of_its_own() {
    assert!(captured_log().is_some(), "no other logger is set");
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    let used = ada.sign_in("op").await;
    assert_eq!(ada.get("/guarded").await.body, "ada");
    let csrf = ada.csrf().await;
    let pending = ada.ride_to_connect("/login/op2").await;
    let flow = ada.flows().remove(0).1;
    assert_refused(&mut app.browser(), &TestRequest::get(&pending), NOT_TRUSTED).await;
    assert_refused(&mut ada, &TestRequest::get(&with_parameter(&pending, "state", None)), NOT_TRUSTED).await;
    let injected = with_parameter(&pending, "code", query_parameter(&used, "code").as_deref());
    assert_refused(&mut ada, &TestRequest::get(&injected), NOT_TRUSTED.after_exchange()).await;
    for callback in
        ["/login/op/authorized/", "//login/op/authorized", "/login/op/%61uthorized", "/login/%6fp/authorized"]
    {
        let ask = TestRequest::get(&pending.replace("/login/op2/authorized", callback));
        ada.ask(&ask).await;
    }

    let said = captured_log().unwrap();
    // The control: this is the right log.
    assert!(said.contains("callback_not_trusted") && said.contains("GET /login/op2/authorized"), "{said}");
    let more = [
        ("session", ada.jar[SESSION].clone()),
        ("csrf token", csrf),
        ("flow", flow),
        ("code", query_parameter(&pending, "code").unwrap()),
    ];
    app.assert_no_secret("the log", &said, &more);
}
