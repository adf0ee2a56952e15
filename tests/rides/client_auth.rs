//! Pushed requests, signed assertions and revocations at a certified provider.

use std::time::{Duration, Instant};

use rocket::http::Status;
use serde_json::json;

use super::common::openid_provider::{CLIENT_SECRET, Provider, key_file};
use super::{Ride, SHORT, accounts};
use test_support::http_client;

/// The status of the provider's userinfo endpoint for each access token.
async fn answers(provider: &Provider, tokens: &[String]) -> Vec<u16> {
    let mut answers = Vec::new();
    for token in tokens {
        let asked = http_client().get(provider.url.join("/me").unwrap()).bearer_auth(token);
        answers.push(asked.send().await.unwrap().status().as_u16());
    }
    answers
}

/// Every access token so far.
async fn access_tokens(provider: &Provider) -> Vec<String> {
    let secrets = provider.secrets().await.into_iter();
    secrets.filter(|secret| secret.kind == "access token").map(|secret| secret.value).collect()
}

/// Signs in, refreshes, connects and disconnects at a provider that accepts only pushed requests, with assertions signed
/// with this algorithm.
async fn ride_with_a_key(algorithm: &str) {
    let ride = Ride::on("sqlite", "debug", SHORT, &[("CLIENT_KEY_ALG", algorithm), ("PAR", "required")]);
    let (app, provider) = (&ride.app, &ride.provider);
    let key = key_file(ride.folder.path());
    let keyed = format!(
        "token_endpoint_auth_method=\"private_key_jwt\",private_key_id=\"client-1\",private_key_file={key:?}"
    );
    let entries = ride.entries.replace(&format!("client_secret={CLIENT_SECRET:?}"), &keyed);
    assert!(!entries.contains("client_secret"), "{entries}");
    let running = app.start(&entries);

    let mut alice = ride.signed_in("alice").await;
    let signed_in = Instant::now();
    let (_, asked) = alice.trail.iter().find(|(_, url)| url.path() == "/auth").expect("a request");
    let said: Vec<_> = asked.query_pairs().map(|(name, _)| name.into_owned()).collect();
    assert_eq!(said, ["client_id", "request_uri"], "the rest was pushed");
    rocket::tokio::time::sleep(Duration::from_secs(SHORT.into()).saturating_sub(signed_in.elapsed())).await;
    assert_eq!(ride.whoami(&mut alice, "op").await.0, Status::Ok);
    assert_eq!(provider.count("refresh").await, 1);
    let tokens = access_tokens(provider).await;
    assert_eq!(answers(provider, &tokens[tokens.len() - 1..]).await, [200]);

    // Another user at the provider, and so another grant.
    let there = provider.url.host_str().unwrap().to_owned();
    alice.cookies.0.retain(|cookie| cookie.host != there);
    let page = alice.get(&app.url("/login/op2")).await;
    let page = alice.submit(&page, &page.form("/login/op2"), &[]).await;
    let page = provider.consent(&mut alice, page, "bob").await;
    assert_eq!(page.status, Status::Ok, "{}", page.body);
    assert_eq!(accounts(&ride.me(&mut alice).await), [("op", "alice"), ("op2", "bob")]);

    // The disconnected account's tokens are revoked at the provider, and no others.
    let page = alice.get(&app.url("/login/accounts")).await;
    let page = alice.submit_once(&page, &page.form("/login/op/disconnect"), &[]).await;
    assert_eq!(page.status, Status::SeeOther, "{}", page.body);
    assert_eq!(accounts(&ride.me(&mut alice).await), [("op2", "bob")]);
    let since = Instant::now();
    while provider.count("revoked").await < 2 && since.elapsed() < Duration::from_secs(20) {
        rocket::tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(provider.count("revoked").await, 2, "the refresh token and the access token");
    assert!(answers(provider, &tokens).await.iter().all(|status| *status == 401));
    let (status, userinfo) = ride.whoami(&mut alice, "op2").await;
    assert_eq!((status, &userinfo["sub"]), (Status::Ok, &json!("bob")), "{userinfo}");

    let mut signed = 0;
    for what in ["pushed", "code", "refresh", "revoked"] {
        signed += provider.count(what).await;
    }
    assert_eq!((provider.count("signed").await, provider.count("refused").await), (signed, 0));
    assert_eq!(provider.count("pushed").await, 2);
    let hidden = provider.secrets().await;
    for kind in ["assertion", "client key"] {
        assert!(hidden.iter().any(|secret| secret.kind == kind), "the ride has no {kind} to look for");
    }
    ride.leaves_no_secret(3).await;
    let log = running.process.log();
    assert!(!log.contains("panicked") && !log.contains("could not be revoked"), "{log}");
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn ride_with_a_key_by_rs256() {
    ride_with_a_key("RS256").await;
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn ride_with_a_key_by_ps256() {
    ride_with_a_key("PS256").await;
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn ride_with_a_key_by_es256() {
    ride_with_a_key("ES256").await;
}

#[rocket::async_test]
#[ignore = "a ride: ./test.sh, or: tests/databases cargo test --test rides -- --ignored"]
async fn ride_with_a_key_by_eddsa() {
    ride_with_a_key("EdDSA").await;
}
