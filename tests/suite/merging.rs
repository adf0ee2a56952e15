//! A stranger with a proven address is merged into a local user, and no other claim decides who a user is.

use rocket::http::Status;
use rocket_dance::DanceFairing;
use rocket_dance::storage::DieselStorage;
use serde_json::json;

use crate::harness::{Refusal, TestApp, TestRequest, assert_refused};
use crate::linking::{CONFIRM, REFUSED, accounts, app, ask, by_address, sql};
use crate::sqlite;

#[rocket::async_test]
async fn al_01_al_05_a_proved_mailbox_is_merged() {
    let (app, heard) = app(true).await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    assert_eq!((ada.user().await, accounts(&app)), (Some(1), vec!["op/ada -> 1".to_owned()]));
    let events = heard.take();
    assert_eq!(events[0], "created op ada 1");
    assert_eq!(events[1], "merged op ada 1");
    assert_eq!(events[2], "completed op 1");
    // The same address at another provider: not trusted, or not verified.
    for (entry, verified) in
        [("op2", json!(true)), ("op", json!("true")), ("op", json!(1)), ("op", json!(null))]
    {
        let claims = json!({"sub": "eve", "email": "ada@example.test", "email_verified": verified});
        app.fake.set_user("eve").set_userinfo(claims);
        let mut eve = app.browser();
        let callback = eve.ride(&format!("/login/{entry}")).await;
        let landed = eve.get(&callback).await;
        match verified == true {
            true => assert_eq!((landed.location(), eve.user().await), (CONFIRM, None)),
            // An unverified address is not even looked up by the policy.
            false => assert_ne!(eve.user().await, Some(1)),
        }
    }
    assert!(accounts(&app).iter().all(|account| !account.ends_with("-> 1") || account == "op/ada -> 1"));
}

/// nOAuth: anyone can be the administrator of a tenant and set any `email` there.
#[rocket::async_test]
async fn al_06_an_address_from_any_tenant_proves_nothing() {
    const CONTOSO: &str = "aaaabbbb-0000-cccc-1111-dddd2222eeee";
    const EVES: &str = "bbbbcccc-1111-dddd-2222-eeee3333ffff";
    let configure = |figment: rocket::figment::Figment| {
        let issuer: String = figment.extract_inner("oauth.op.issuer").unwrap();
        let figment = figment.merge(("oauth.op.provider", "azure")).merge(("oauth.op.issuer", issuer));
        let figment =
            figment.merge(("oauth.op.tenant", "common")).merge(("oauth.op.tenants", [CONTOSO, EVES]));
        figment.merge(("oauth.op.trust_email", true))
    };
    let attach =
        |dance: DanceFairing| dance.storage(DieselStorage::database("app").migrate().link(by_address));
    let app = TestApp::launch_built(configure, attach).await;
    sql(&app, "INSERT INTO users VALUES (1, 'ada@example.test')");
    let come = async |sub: &str, tenant: &'static str, more: serde_json::Value| {
        let mut claims = json!({"sub": sub, "email": "ada@example.test"});
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        app.fake.set_user(sub).set_userinfo(claims).edit_claims(move |claims| claims["tid"] = json!(tenant));
        let mut browser = app.browser();
        browser.sign_in("op").await;
        browser.user().await
    };
    for (n, claims) in [
        json!({}),
        json!({"email_verified": true}),
        json!({"xms_edov": "true"}),
        json!({"xms_edov": 1}),
        json!({"xms_edov": false, "email_verified": true}),
        json!({"verified_primary_email": ["eve@eve.example"]}),
        json!({"preferred_username": "ada@example.test", "upn": "ada@example.test"}),
    ]
    .into_iter()
    .enumerate()
    {
        let user = come(&format!("eve {n}"), EVES, claims.clone()).await;
        assert!(user.is_some_and(|user| user > 1), "{claims}: {user:?}");
    }
    assert_eq!(come("ada", CONTOSO, json!({"xms_edov": true})).await, Some(1), "with Microsoft's claim");
}

/// AL-10, AL-11: a provider may give a name or an address to another person later, but never a `sub`.
#[rocket::async_test]
async fn al_10_al_11_al_12_nothing_but_entry_and_id_is_an_identity() {
    let app = TestApp::launch().await;
    let mut seen = Vec::new();
    for (entry, sub) in [("op", "1"), ("op", "2"), ("op", "01"), ("op2", "1"), ("op2", "A"), ("op2", "a")] {
        let claims = json!({
            "sub": sub, "name": "Ada", "preferred_username": "ada", "login": "ada", "hd": "x.example",
            "email": "ada@x.example", "email_verified": true,
        });
        app.fake.set_user(sub).set_userinfo(claims);
        let mut browser = app.browser();
        browser.sign_in(entry).await;
        seen.push(browser.user().await.unwrap());
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!((seen.len(), app.count("users"), app.count("oauth_accounts")), (6, 6, 6));
    // Another server under the same entry name: its user 1 is another person, and is refused until the operator decides.
    sql(&app, "UPDATE oauth_accounts SET issuer = 'https://elsewhere.example'");
    app.fake.set_user("1");
    let mut browser = app.browser();
    let callback = browser.ride("/login/op").await;
    let moved = Refusal::new(Status::InternalServerError, "misconfigured").after_exchange();
    assert_refused(&mut browser, &TestRequest::get(&callback), moved).await;
}

/// AL-03: what an account recovery shows of accounts that an attacker may have connected.
#[rocket::async_test]
async fn al_03_a_recovery_sees_and_removes_what_is_connected() {
    let (app, heard) = app(false).await;
    let mut eve = app.browser();
    eve.enter(1).await;
    app.fake.set_user("eve");
    let callback = eve.ride_to_connect("/login/op").await;
    assert_eq!(eve.get(&callback).await.location(), "/");
    assert_eq!(heard.take(), ["created op eve 1"], "each connection is reported");
    let page = eve.get("/login/accounts").await;
    assert!(page.body.contains("Eve") && page.body.contains("eve@example.test"), "and shown");
    let dance = app.dance();
    for account in dance.accounts(&1).await.unwrap() {
        dance.delete(&account.key()).await.unwrap();
    }
    assert_eq!(heard.take(), ["removed op eve 1"]);
    let mut trojan = app.browser();
    let callback = trojan.ride("/login/op").await;
    trojan.get(&callback).await;
    assert_ne!(trojan.user().await, Some(1));
}

/// AL-22: no claim of a provider changes a row of the app's users.
#[rocket::async_test]
async fn al_22_claims_overwrite_nothing_of_the_apps() {
    let app = TestApp::launch().await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    sql(&app, "ALTER TABLE users ADD COLUMN role TEXT DEFAULT 'user'");
    sql(&app, "ALTER TABLE oauth_accounts ADD COLUMN note TEXT");
    sql(&app, "UPDATE users SET name = 'Countess'; UPDATE oauth_accounts SET note = 'the app''s own'");
    let users = sqlite::dump(&app.file(), |table| table == "users");
    app.fake.set_userinfo(json!({
        "sub": "ada", "name": "Root", "role": "admin", "is_admin": true, "user_id": "2", "id": 2, "note": "x",
        "email": "root@example.test", "email_verified": true, "rank": -1, "provider": "op2",
    }));
    app.browser().sign_in("op").await;
    assert_eq!(sqlite::dump(&app.file(), |table| table == "users"), users);
    assert_eq!(accounts(&app), ["op/ada -> 1"]);
    assert!(app.rows().contains("the app''s own") || app.rows().contains("the app's own"));
}

#[rocket::async_test]
async fn al_23_an_entry_for_connecting_signs_no_user_in() {
    let app = TestApp::launch_with(|figment| figment.merge(("oauth.op2.login", false))).await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    let callback = ada.ride_to_connect("/login/op2").await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    ada.leave().await;
    let mut out = app.browser();
    assert_refused(&mut out, &TestRequest::get("/login/op2"), REFUSED).await;
    assert_refused(&mut out, &TestRequest::get("/login/op2?next=/login/confirm"), REFUSED).await;
    for page in ["/login", "/login?next=/guarded"] {
        assert!(!out.get(page).await.body.contains("\"/login/op2\""));
    }
    // It does not count as a way to sign in, neither to confirm nor as the last one.
    ada.sign_in("op").await;
    let last = Refusal::new(Status::Conflict, "last_login");
    let csrf = ada.csrf().await;
    assert_refused(&mut ada, &TestRequest::post("/login/op/disconnect", &[("csrf", &csrf)]), last).await;
}

#[rocket::async_test]
async fn al_02_a_merge_ends_the_sessions_that_were_there_before() {
    let (app, _) = app(true).await;
    // An attacker has created the local user, for example with the victim's address.
    let mut mallory = app.browser();
    mallory.enter(1).await;
    let mut grace = app.browser();
    grace.enter(2).await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    assert_eq!((ada.user().await, mallory.user().await, grace.user().await), (Some(1), None, Some(2)));
}

#[rocket::async_test]
async fn sf_01_what_waited_is_connected_to_a_session_of_another_id() {
    let (app, _) = app(false).await;
    let mut ada = app.browser();
    ask(&mut ada, "/login/op").await;
    ada.enter(1).await;
    let before = ada.clone();
    let connected = ada.post(CONFIRM, &[]).await;
    assert_eq!(connected.location(), "/");
    assert_eq!((ada.user().await, before.user().await), (Some(1), None));
}

#[rocket::async_test]
async fn al_03_sessions_end_with_the_account_that_began_them() {
    let (app, _) = app(true).await;
    let mut ada = app.browser();
    ada.sign_in("op").await;
    app.fake.set_user("eve");
    let callback = ada.ride_to_connect("/login/op2").await;
    assert_eq!(ada.get(&callback).await.location(), "/");
    let mut eve = app.browser();
    eve.sign_in("op2").await;
    assert_eq!(eve.user().await, Some(1));
    app.fake.set_user("ada");
    let mut here = app.browser();
    here.sign_in("op").await;
    assert_eq!(here.post("/login/op2/disconnect", &[]).await.location(), "/login/accounts");
    assert_eq!((eve.user().await, here.user().await, ada.user().await), (None, Some(1), Some(1)));
    // With an account that is not the last one: this browser stays signed in with another session id, the other one does not.
    app.fake.set_user("eve");
    let callback = here.ride_to_connect("/login/op2").await;
    assert_eq!(here.get(&callback).await.location(), "/");
    let before = here.clone();
    assert_eq!(here.post("/login/op/disconnect", &[]).await.location(), "/login/accounts");
    assert_eq!((here.user().await, before.user().await, ada.user().await), (Some(1), None, None));
}
