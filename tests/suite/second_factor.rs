//! Linking an account while the session waits for a second factor or ends.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use diesel::prelude::*;
use rocket::Request;
use rocket::http::Status;
use rocket::response::Redirect;
use rocket_dance::{AuthorizedLogin, Client, NextStep, Result, Sessions, SignInOutcome, Signals};
use serde_json::json;

use crate::linking::{CONFIRM, accounts, app_with, ask};

/// App sessions that require a second factor before they begin.
struct SecondFactor;

#[rocket::async_trait]
impl Sessions for SecondFactor {
    type User = i32;

    async fn current(&self, _: &Request<'_>) -> Result<Option<i32>> {
        Ok(None)
    }

    async fn sign_in(&self, _: &Request<'_>, user: &i32) -> Result<SignInOutcome> {
        Ok(SignInOutcome::redirect_first(Redirect::to(format!("/second-factor?of={user}"))))
    }

    async fn sign_out(&self, _: &Request<'_>) -> Result<()> {
        Ok(())
    }
}

#[rocket::async_test]
async fn al_24_no_link_goes_past_the_second_factor() {
    let (app, heard) = app_with(true, |dance| dance.sessions(SecondFactor)).await;
    // The account is merged; the next sign-in requires the second factor again.
    for events in ["created op ada 1", "updated op ada 1"] {
        let mut ada = app.browser();
        let callback = ada.ride("/login/op").await;
        assert_eq!(ada.get(&callback).await.location(), "/second-factor?of=1");
        let heard = heard.take();
        assert_eq!(heard[0], events);
        assert!(!heard.iter().any(|event| event.starts_with("completed")), "{heard:?}");
    }
    // The required sign-in needs the second factor, too: before it is complete, no user can confirm.
    let claims = json!({"sub": "ada2", "email": "ada@example.test", "email_verified": true});
    app.fake.set_user("ada2").set_userinfo(claims);
    let mut ada = app.browser();
    ask(&mut ada, "/login/op2").await;
    app.fake.set_user("ada");
    let callback = ada.ride("/login/op?next=/login/confirm").await;
    assert_eq!(ada.get(&callback).await.location(), "/second-factor?of=1");
    assert!(ada.get(CONFIRM).await.body.contains("Sign in the way you did before"));
    assert_eq!(accounts(&app), ["op/ada -> 1"]);
}

/// Ends every session while a sign-in is between the provider's answer and the storage.
struct PutOut(Arc<Mutex<Option<PathBuf>>>);

#[rocket::async_trait]
impl Signals for PutOut {
    async fn authorized(
        &self,
        _: &rocket::Request<'_>,
        _: &mut AuthorizedLogin,
        _: &Client,
    ) -> Result<NextStep> {
        if let Some(file) = self.0.lock().unwrap().take() {
            let mut conn = SqliteConnection::establish(&file.display().to_string()).unwrap();
            diesel::sql_query("DELETE FROM oauth_sessions").execute(&mut conn)?;
        }
        Ok(NextStep::Continue)
    }
}

#[rocket::async_test]
async fn al_02_a_user_signed_out_during_the_dance_connects_nothing() {
    let armed = Arc::new(Mutex::new(None));
    let (app, _) = app_with(true, |dance| dance.signals(PutOut(armed.clone()))).await;
    let mut eve = app.browser();
    eve.enter(1).await;
    app.fake.set_user("eve");
    let callback = eve.ride_to_connect("/login/op").await;
    *armed.lock().unwrap() = Some(app.file());
    let answer = eve.get(&callback).await;
    assert_eq!(answer.status, Status::Forbidden);
    assert!(answer.body.contains("signed out in the meantime"), "{}", answer.body);
    assert_eq!(accounts(&app), [""; 0]);
    // The control: while the session exists, the account is connected.
    eve.enter(1).await;
    let callback = eve.ride_to_connect("/login/op").await;
    assert_eq!(eve.get(&callback).await.location(), "/");
    assert_eq!(accounts(&app), ["op/eve -> 1"]);
}
