//! The log at its usual level: what it says, and what it keeps to itself.

use std::env::current_exe;
use std::process::Command;

use crate::oracle::{Ask, House, NOT_TRUSTED, SESSION, listen, log, param, refused, with};

#[test]
fn lk_04_no_secret_is_logged() {
    // In a process of its own: whoever launches first has the log, and in this one that may be another test.
    let run = ["--exact", "silence::in_a_process_of_its_own", "--ignored"];
    let output = Command::new(current_exe().unwrap()).args(run).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[rocket::async_test]
#[ignore = "run by lk_04_no_secret_is_logged"]
async fn in_a_process_of_its_own() {
    assert!(listen());
    let house = House::open().await;
    let mut ada = house.browser();
    let used = ada.sign_in("op").await;
    assert_eq!(ada.get("/guarded").await.body, "ada");
    let csrf = ada.csrf().await;
    let pending = ada.ride_to_connect("/login/op2").await;
    let flow = ada.flows().remove(0).1;
    refused(&mut house.browser(), &Ask::get(&pending), NOT_TRUSTED).await;
    refused(&mut ada, &Ask::get(&with(&pending, "state", None)), NOT_TRUSTED).await;
    let injected = with(&pending, "code", param(&used, "code").as_deref());
    refused(&mut ada, &Ask::get(&injected), NOT_TRUSTED.after_exchange()).await;
    for callback in
        ["/login/op/authorized/", "//login/op/authorized", "/login/op/%61uthorized", "/login/%6fp/authorized"]
    {
        let ask = Ask::get(&pending.replace("/login/op2/authorized", callback));
        ada.ask(&ask).await;
    }

    let said = log().unwrap();
    // It is the right log.
    assert!(said.contains("callback_not_trusted") && said.contains("GET /login/op2/authorized"), "{said}");
    let more = [
        ("session", ada.jar[SESSION].clone()),
        ("csrf token", csrf),
        ("flow", flow),
        ("code", param(&pending, "code").unwrap()),
    ];
    house.assert_no_secret("the log", &said, &more);
}
