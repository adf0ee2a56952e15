//! Keys and sealed tokens: rotated keys, lost keys, and changed text.

use rocket::figment::Figment;
use rocket::http::{Accept, Status};
use rocket::{Ignite, Rocket};
use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint, ResponseGate, sign_in};
use rocket_dance::{Dance, ErrorKind, Profile, Token};
use serde_json::json;

use crate::app::{App, Op, figment};
use crate::people::People;

const KEYS: [&str; 3] = [
    "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=",
    "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=",
    "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=",
];

fn with_keys(figment: Figment, keys: &[&str]) -> Figment {
    figment.merge(("dance.token_keys", keys)).merge(("dance.cache", false))
}

/// An app on the database of `people` with these keys.
async fn ignited(people: &People, figment: Figment, keys: &[&str]) -> Rocket<Ignite> {
    let dance = Dance::fairing().storage(people.storage());
    rocket::custom(with_keys(figment, keys)).attach(dance).ignite().await.expect("it launches")
}

fn dance(rocket: &Rocket<Ignite>) -> &Dance {
    Dance::fetch(rocket).expect("attached")
}

async fn import(dance: &Dance, n: i32) {
    let mut profile = Profile::default();
    profile.id = Some(n.to_string());
    dance.import(Op, &1, profile, Token::new(format!("token {n}"))).await.expect("imported");
}

async fn opens(dance: &Dance, n: i32) -> bool {
    match dance.client_for_account(Op, &n.to_string()).await {
        Ok(client) => client.expect("stored").access_token().await.unwrap().matches(&format!("token {n}")),
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::ReconnectNeeded);
            false
        }
    }
}

#[rocket::async_test]
async fn en_02_keys_change_while_everything_goes_on() {
    let people = People::new();
    people.sql("INSERT INTO users (id, name) VALUES (1, 'ada')");
    let fake = FakeProvider::start().await;
    let old = ignited(&people, figment(&fake), &KEYS[..1]).await;
    for n in 0..250 {
        import(dance(&old), n).await;
    }
    // An entry that no longer exists.
    people.sql("UPDATE oauth_accounts SET provider = 'gone' WHERE provider_user_id = '249'");

    let both = ignited(&people, figment(&fake), &[KEYS[1], KEYS[0]]).await;
    import(dance(&both), 250).await;
    assert!(opens(dance(&both), 3).await, "all keys open");
    let last = dance(&both).account(Op, "99").await.unwrap().unwrap();
    let mut first_half = dance(&both).reseal();
    let report = first_half.report();
    assert_eq!((report.walked, report.resealed, report.unreadable), (0, 0, 0));
    // Moved to another entry, it does not open.
    let report = first_half.run().await.unwrap();
    assert_eq!((report.walked, report.resealed, report.unreadable), (251, 249, 1));
    let after = people.snapshot();
    for again in [dance(&both).reseal(), dance(&both).reseal().after(last.id)] {
        let mut again = again;
        let report = again.run().await.unwrap();
        assert_eq!((report.resealed, report.unreadable), (0, 1));
        assert!([151, 251].contains(&report.walked), "{report:?}");
    }
    assert_eq!(people.snapshot(), after, "idempotent");
    assert_eq!(people.count("oauth_accounts WHERE version <> 1"), 0, "no version has moved");
    people.sql("UPDATE oauth_accounts SET provider = 'op' WHERE provider = 'gone'");
    assert_eq!(
        dance(&both).reseal().run().await.unwrap().resealed,
        1,
        "back in the row that it was sealed for"
    );

    let new = ignited(&people, figment(&fake), &KEYS[1..2]).await;
    for n in [0, 99, 100, 249, 250] {
        assert!(opens(dance(&new), n).await, "{n}");
    }
}

#[rocket::async_test]
async fn en_02_stopped_and_begun_again() {
    let people = People::new();
    people.sql("INSERT INTO users (id, name) VALUES (1, 'ada')");
    let fake = FakeProvider::start().await;
    let old = ignited(&people, figment(&fake), &KEYS[..1]).await;
    for n in 0..5 {
        import(dance(&old), n).await;
    }
    let both = ignited(&people, figment(&fake), &[KEYS[1], KEYS[0]]).await;
    let third = dance(&both).account(Op, "2").await.unwrap().unwrap().id;
    let mut rest = dance(&both).reseal().after(third);
    let report = rest.run().await.unwrap();
    assert_eq!((report.walked, report.resealed, report.last_id), (2, 2, third + 2));
    let report = dance(&both).reseal().run().await.unwrap();
    assert_eq!((report.walked, report.resealed), (5, 3));
    // The storage fails in the middle: the same walk goes on afterwards.
    let other = ignited(&people, figment(&fake), &[KEYS[2], KEYS[1], KEYS[0]]).await;
    let mut walk = dance(&other).reseal();
    people.sql("ALTER TABLE oauth_accounts RENAME TO elsewhere");
    assert!(walk.run().await.is_err());
    people.sql("ALTER TABLE elsewhere RENAME TO oauth_accounts");
    assert_eq!(walk.run().await.unwrap().resealed, 5);
}

#[rocket::async_test]
async fn en_02_a_refresh_under_way_is_not_disturbed() {
    let people = People::new();
    let fake = FakeProvider::start().await;
    let config = with_keys(figment(&fake), &KEYS[..1]);
    let app = App::new(fake, config, Dance::fairing().storage(people.storage())).await;
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    let App { client, fake, .. } = app;
    drop(client);
    let both = ignited(&people, figment(&fake), &[KEYS[1], KEYS[0]]).await;
    dance(&both).advance_clock(7200);
    fake.advance_clock(7200);
    let answer = ResponseGate::new();
    fake.respond_once(ProviderEndpoint::Token, FakeResponse::unmodified().hold(&answer));
    let client = dance(&both).client(Op, &1).await.unwrap().unwrap();
    let refresh = rocket::tokio::spawn(async move { client.access_token().await });
    answer.wait_for_request().await;
    assert_eq!(dance(&both).reseal().run().await.unwrap().resealed, 1);
    answer.open();
    let token = refresh.await.unwrap().expect("refreshed");
    let stored = dance(&both).tokens(Op).of(&1).get().await.unwrap().unwrap();
    assert!(stored.access_token.matches(token.expose()), "and it wins");
    assert_eq!(dance(&both).account(Op, "ada").await.unwrap().unwrap().version, 2);
    assert_eq!(dance(&both).reseal().run().await.unwrap().resealed, 0);
}

#[rocket::async_test]
async fn en_01_and_en_03_what_was_meddled_with_is_reconnect_and_nothing_is_lost() {
    let people = People::new();
    let fake = FakeProvider::start().await;
    let config = with_keys(figment(&fake), &KEYS[..1]);
    let app = App::new(fake, config, Dance::fairing().storage(people.storage())).await;
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    assert_eq!(sign_in(&app.client, "op2").await.status, Status::SeeOther);
    app.post("/login/logout", &[]).await;
    app.fake.set_user("grace");
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    app.sign_in_as(1).await;
    assert_eq!(app.get("/guarded").await.status(), Status::Ok);
    people.sql("CREATE TABLE kept AS SELECT * FROM oauth_accounts");
    let mine = "provider = 'op' AND provider_user_id = 'ada'";
    let of = |condition: &str| format!("(SELECT token FROM kept WHERE {condition})");
    for (what, token) in [
        ("nothing", "''".to_owned()),
        ("no seal", "'gho_16C7e42F292c6912E7710c838347Ae178B4a'".into()),
        ("another version", "'v2.' || substr(token, 4)".into()),
        ("no key's id", "'v1.' || substr(token, 13)".into()),
        ("an unknown key", "'v1.AAAAAAAA.' || substr(token, 13)".into()),
        ("truncated", "substr(token, 1, length(token) - 1)".into()),
        ("truncated to its key", "substr(token, 1, 12)".into()),
        ("truncated to half", "substr(token, 1, length(token) / 2)".into()),
        ("a nonce flipped", "substr(token, 1, 12) || CASE substr(token, 13, 1) WHEN 'A' THEN 'B' ELSE 'A' END || substr(token, 14)".into()),
        ("a byte flipped", "substr(token, 1, 99) || CASE substr(token, 100, 1) WHEN 'A' THEN 'B' ELSE 'A' END || substr(token, 101)".into()),
        ("more", "token || 'AAAA'".into()),
        ("no base64", "substr(token, 1, 30) || '😀' || substr(token, 31)".into()),
        ("another user's", of("provider_user_id = 'grace'")),
        ("another entry's", of("provider = 'op2'")),
        ("another column's", "(SELECT outcome FROM oauth_claims WHERE outcome IS NOT NULL LIMIT 1)".into()),
    ] {
        people.sql(&format!("UPDATE oauth_accounts SET token = {token} WHERE {mine}"));
        let meddled = people.snapshot();
        let (status, json) = app.json("/guarded").await;
        assert_eq!((status, &json["error"]["code"]), (Status::Unauthorized, &json!("reconnect_needed")), "{what}");
        assert_eq!(app.get("/guarded").await.status(), Status::SeeOther, "{what}");
        assert_eq!(app.client.get("/login/accounts").header(Accept::HTML).dispatch().await.status(), Status::Ok);
        let dance = Dance::fetch(app.client.rocket()).unwrap();
        let kind = dance.tokens(Op).of(&1).get().await.map(drop).unwrap_err().kind();
        assert_eq!(kind, ErrorKind::ReconnectNeeded, "{what}");
        let mut each = dance.each(Op);
        let mut walked = 0;
        while each.next().await.unwrap().is_some() {
            walked += 1;
        }
        let report = dance.reseal().run().await.unwrap();
        assert_eq!((walked, report.walked, report.resealed, report.unreadable), (1, 3, 0, 1), "{what}");
        assert_eq!(people.snapshot(), meddled, "{what}");
        people.sql(&format!(
            "UPDATE oauth_accounts SET token = {} WHERE {mine}",
            of(mine)
        ));
        assert_eq!(app.get("/guarded").await.status(), Status::Ok, "{what}");
    }
    // The row is moved instead of the text.
    people.sql(&format!("UPDATE oauth_accounts SET user_id = '2' WHERE {mine}"));
    let dance = Dance::fetch(app.client.rocket()).unwrap();
    let moved = dance.client_for_account(Op, "ada").await.map(drop).unwrap_err();
    assert_eq!(moved.kind(), ErrorKind::ReconnectNeeded);
    people.sql(&format!("UPDATE oauth_accounts SET user_id = '1' WHERE {mine}"));
    // Connecting again repairs it.
    people.sql(&format!("UPDATE oauth_accounts SET token = 'damaged' WHERE {mine}"));
    app.fake.set_user("ada");
    assert_eq!(sign_in(&app.client, "op").await.status, Status::SeeOther);
    assert_eq!(app.get("/guarded").await.status(), Status::Ok);
    assert_eq!(people.count("oauth_accounts"), 3);
}
