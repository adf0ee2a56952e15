//! A grant that the provider refuses, or that another process has changed, while a refresh runs.

use rocket_dance::storage::AccountKey;
use rocket_dance::testing::{FakeResponse, ProviderEndpoint};
use rocket_dance::{ErrorKind, Profile, Token};
use serde_json::json;

use crate::app::Op;
use crate::people::People;
use crate::refresh::{client, dance, expired, hold_next_token_answer, lives_on, now};

const HOUR: i64 = 3600;

fn dead() -> FakeResponse {
    FakeResponse::json(json!({ "error": "invalid_grant" })).with_status(400)
}

#[rocket::async_test]
async fn rr_03_what_a_killed_holder_has_used_up_is_a_lost_grant_and_no_lost_account() {
    let people = People::new();
    let (app, _) = expired(&people).await;
    let before = people.accounts();
    app.fake.revoke_tokens("ada");
    for _ in 0..2 {
        let lost = client(&app).await.access_token().await.unwrap_err();
        assert_eq!((lost.kind(), lost.entry()), (ErrorKind::ReconnectNeeded, Some("op")));
    }
    assert_eq!((app.token_calls(), people.accounts(), people.count("users")), (2, before, 1));
}

#[rocket::async_test]
async fn rt_01_a_consent_without_a_refresh_token_does_not_keep_one_that_is_used_up() {
    let people = People::new();
    let (app, _) = expired(&people).await;
    let answer = hold_next_token_answer(&app, FakeResponse::unmodified());
    let client = client(&app).await;
    let late = rocket::tokio::spawn(async move { client.access_token().await });
    answer.wait_for_request().await;
    let now = now(&app).await;
    dance(&app).tokens(Op).of(&1).set(Token::new("consented").with_lifetime(now, HOUR)).await.unwrap();
    answer.open();
    assert!(late.await.unwrap().unwrap().matches("consented"), "the newer token");
    lives_on(&app).await;
}

#[rocket::async_test]
async fn rr_06_a_loser_clears_nothing() {
    let people = People::new();
    let (app, _) = expired(&people).await;
    let answer = hold_next_token_answer(&app, dead());
    let client = client(&app).await;
    let loser = rocket::tokio::spawn(async move { client.access_token().await });
    answer.wait_for_request().await;
    let theirs = Token::new("theirs").with_refresh_token("theirs, too");
    dance(&app).tokens(Op).of(&1).set(theirs).await.unwrap();
    answer.open();
    assert!(loser.await.unwrap().expect("the winner's token").matches("theirs"));
    let token = dance(&app).tokens(Op).of(&1).get().await.unwrap().unwrap();
    assert!(token.refresh_token.unwrap().matches("theirs, too"));
}

#[rocket::async_test]
async fn rr_06_another_process_that_is_refused_later_does_not_end_the_grant() {
    let people = People::new();
    let (app, _) = expired(&people).await;
    let tokens = || dance(&app).tokens(Op).of(&1);
    let Token { access_token, refresh_token, .. } = tokens().get().await.unwrap().unwrap();
    let same = || Token::new(access_token.expose());
    // What it stores: the access token alone.
    app.fake.respond_always(ProviderEndpoint::Revocation, FakeResponse::status(200));
    dance(&app).delete(&AccountKey::owner("op", 1)).await.unwrap();
    let mut profile = Profile::default();
    profile.id = Some("ada".into());
    dance(&app).import(Op, &1, profile, same()).await.unwrap();
    people.sql("CREATE TABLE lost AS SELECT token FROM oauth_accounts");
    let due = same().with_refresh_token(refresh_token.unwrap().expose()).with_lifetime(0, 1);
    tokens().set(due).await.unwrap();
    let answer = hold_next_token_answer(&app, FakeResponse::unmodified());
    let client = client(&app).await;
    let first = rocket::tokio::spawn(async move { client.access_token().await });
    answer.wait_for_request().await;
    people.sql("UPDATE oauth_accounts SET token = (SELECT token FROM lost), version = version + 1");
    answer.open();
    assert!(!first.await.unwrap().expect("the rotated token").matches(access_token.expose()));
    assert!(tokens().get().await.unwrap().unwrap().refresh_token.is_some());
    lives_on(&app).await;
}
