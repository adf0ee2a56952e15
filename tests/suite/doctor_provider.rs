//! `Dance::doctor` against providers that are set up wrong, and entries that do not fit their provider.

use std::net::TcpListener;
use std::time::Instant;

use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint};
use serde_json::{Value, json};

use crate::doctor::{assert_one_failure, assert_one_warning, bad, examine, healthy, memory};

/// A URL on this machine where nothing listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// The provider's own refusal of an invented code, with another `Date`.
fn refused_at(offset: i64) -> FakeResponse {
    let date = time::OffsetDateTime::now_utc() + time::Duration::seconds(offset);
    let date = date.format(&time::format_description::well_known::Rfc2822).unwrap();
    FakeResponse::json(json!({"error": "invalid_grant"}))
        .with_status(400)
        .header("Date", &date.replace("+0000", "GMT"))
}

async fn with_discovery(
    edit: impl Fn(&mut Value) + Send + Sync + 'static,
    keys: &[(&str, Value)],
) -> rocket_dance::DoctorReport {
    let fake = FakeProvider::start().await;
    fake.respond_always(ProviderEndpoint::Discovery, FakeResponse::edit(edit));
    let figment = keys.iter().fold(healthy(&fake), |figment, (key, value)| figment.merge((*key, value)));
    examine(figment, memory()).await
}

#[rocket::async_test]
async fn a_wrong_client_secret() {
    let fake = FakeProvider::start().await;
    let report = examine(healthy(&fake).merge(("oauth.op.client_secret", "hunter2-secret")), memory()).await;
    assert_one_failure(&report, &["does not accept the client", "invalid_client", "`client_secret`"]);
    assert_eq!(fake.request_count(ProviderEndpoint::Token), 1);
}

#[rocket::async_test]
async fn every_way_to_authenticate_is_accepted() {
    let fake = FakeProvider::start().await;
    for entry in [
        fake.config("op"),
        fake.public_client_config("op"),
        fake.private_key_jwt_config("op"),
        fake.preset_config("op", "github"),
        fake.preset_config("op", "trello"),
    ] {
        let figment = rocket::figment::Figment::from(rocket::Config::debug_default());
        let figment = figment
            .merge(("secret_key", "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk="))
            .merge(("log_level", "off"))
            .merge(("dance.token_keys", ["CaDtzIzS7PdBSC/g5sGQWQbMRd3fidSG4uLjfCUOTt8="]))
            .merge(entry.clone());
        let report = examine(figment, memory()).await;
        assert!(bad(&report).is_empty(), "{entry:?}\n{report}");
        assert!(report.to_string().contains("the provider accepts the "), "{report}");
    }
}

#[rocket::async_test]
async fn a_wrong_consumer_secret() {
    let fake = FakeProvider::start().await;
    let figment = healthy(&fake).merge(fake.preset_config("paper", "trello"));
    let report = examine(figment.merge(("oauth.paper.client_secret", "hunter2-secret")), memory()).await;
    assert_one_failure(&report, &["entry `paper`", "does not accept the client", "consumer key"]);
}

#[rocket::async_test]
async fn dialects_of_a_wrong_code() {
    let fake = FakeProvider::start().await;
    for (status, error) in [(200, "bad_verification_code"), (400, "invalid_code")] {
        fake.respond_once(
            ProviderEndpoint::Token,
            FakeResponse::json(json!({"error": error})).with_status(status),
        );
        let report = examine(healthy(&fake), memory()).await;
        assert!(bad(&report).is_empty(), "{error}\n{report}");
    }
    for answer in [
        FakeResponse::json(json!({"error": "invalid_request"})).with_status(400),
        FakeResponse::json(json!({"access_token": "x", "token_type": "bearer"})),
        FakeResponse::body("text/html", "<p>Hello"),
    ] {
        fake.respond_once(ProviderEndpoint::Token, answer);
        assert_one_warning(&examine(healthy(&fake), memory()).await, &["entry `op`"]);
    }
}

#[rocket::async_test]
async fn a_provider_that_is_not_there_is_one_line() {
    let fake = FakeProvider::start().await;
    let down =
        json!({"provider": "oidc", "issuer": nowhere(), "client_id": "x", "client_secret": "hunter2-x"});
    let report = examine(healthy(&fake).merge(("oauth.down", down)), memory()).await;
    assert_one_warning(&report, &["entry `down`", "can't be reached", "HTTPS_PROXY"]);
    fake.respond_once(ProviderEndpoint::Token, FakeResponse::status(503));
    assert_one_warning(&examine(healthy(&fake), memory()).await, &["can't be reached", "503"]);
}

#[rocket::async_test]
async fn providers_that_hang_are_asked_at_once() {
    let (fake, other) = (FakeProvider::start().await, FakeProvider::start().await);
    for provider in [&fake, &other] {
        provider.respond_always(ProviderEndpoint::Discovery, FakeResponse::hang());
    }
    let figment = healthy(&fake).merge(fake.config("op2")).merge(other.config("op3"));
    let began = Instant::now();
    let report = examine(figment, memory()).await;
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    assert!(bad(&report).len() == 3 && report.exit_code() == 0, "{report}");
}

#[rocket::async_test]
async fn the_issuer_differs_by_one_character() {
    let fake = FakeProvider::start().await;
    let issuer = format!("{}/", fake.issuer());
    let report = examine(healthy(&fake).merge(("oauth.op.issuer", issuer)), memory()).await;
    assert_one_failure(&report, &["metadata can't be used", fake.issuer(), "byte for byte"]);
    assert_eq!(fake.request_count(ProviderEndpoint::Token), 0, "the secret is not sent");
}

#[rocket::async_test]
async fn an_issuer_without_metadata() {
    let fake = FakeProvider::start().await;
    fake.respond_always(ProviderEndpoint::Discovery, FakeResponse::status(404));
    assert_one_failure(&examine(healthy(&fake), memory()).await, &["404", "`issuer = \"https://…\"`"]);
}

#[rocket::async_test]
async fn keys_that_verify_nothing() {
    let fake = FakeProvider::start().await;
    fake.respond_once(
        ProviderEndpoint::Jwks,
        FakeResponse::json(json!({"keys": [{"kty": "oct", "k": "AAAA"}]})),
    );
    let report = examine(healthy(&fake), memory()).await;
    assert_one_failure(&report, &["publishes no key", "RSA keys of at least 2048 bits"]);
    let only_rsa = healthy(&fake).merge(("oauth.op.signing_algorithms", ["RS256"]));
    let report = examine(only_rsa, memory()).await;
    assert_one_failure(&report, &["`signing_algorithms` excludes all keys"]);
    fake.respond_once(ProviderEndpoint::Jwks, FakeResponse::json(json!([])));
    assert_one_failure(
        &examine(healthy(&fake), memory()).await,
        &["the keys that sign ID tokens can't be read"],
    );
}

#[rocket::async_test]
async fn a_clock_that_is_wrong() {
    let fake = FakeProvider::start().await;
    fake.respond_once(ProviderEndpoint::Token, refused_at(200));
    let report = examine(healthy(&fake), memory()).await;
    assert_one_failure(&report, &["s behind the provider's, which is more than it tolerates", "NTP"]);
    fake.respond_once(ProviderEndpoint::Token, refused_at(-30));
    assert_one_warning(&examine(healthy(&fake), memory()).await, &["s ahead of the provider's"]);
    fake.respond_once(ProviderEndpoint::Token, refused_at(-2));
    assert!(bad(&examine(healthy(&fake), memory()).await).is_empty());
}

#[rocket::async_test]
async fn pkce_that_the_provider_lacks_or_offers() {
    let plain = |metadata: &mut Value| metadata["code_challenge_methods_supported"] = json!(["plain"]);
    let report = with_discovery(plain, &[]).await;
    assert_one_failure(&report, &["does not support it with S256", "`pkce = false`"]);
    let report = with_discovery(|_| {}, &[("oauth.op.pkce", json!(false))]).await;
    assert_one_warning(&report, &["the provider supports PKCE", "`pkce = true`"]);
}

#[rocket::async_test]
async fn a_scope_that_the_provider_does_not_know() {
    let report = with_discovery(|_| {}, &[("oauth.op.extra_scope", json!(["adress"]))]).await;
    assert_one_warning(&report, &["does not name the scope adress", "offline_access"]);
    let silent = |metadata: &mut Value| metadata["scopes_supported"] = Value::Null;
    let report = with_discovery(silent, &[("oauth.op.extra_scope", json!(["adress"]))]).await;
    assert!(bad(&report).is_empty(), "{report}");
}

#[rocket::async_test]
async fn a_scope_of_the_preset_that_is_left_out() {
    let fake = FakeProvider::start().await;
    let github = healthy(&fake).merge(fake.preset_config("github", "github"));
    let report = examine(github.clone().merge(("oauth.github.scope", ["repo"])), memory()).await;
    assert_one_warning(&report, &["entry `github`", "leaves out", "`extra_scope`"]);
    let report = examine(github.merge(("oauth.github.extra_scope", ["repo"])), memory()).await;
    assert!(bad(&report).is_empty(), "{report}");
}

#[rocket::async_test]
async fn pushed_requests_that_do_not_fit() {
    let required = |metadata: &mut Value| metadata["require_pushed_authorization_requests"] = json!(true);
    let report = with_discovery(required, &[("oauth.op.par", json!(false))]).await;
    assert_one_failure(&report, &["only pushed authorization requests", "remove `par`"]);
    let none = |metadata: &mut Value| metadata["pushed_authorization_request_endpoint"] = Value::Null;
    let report = with_discovery(none, &[("oauth.op.par", json!(true))]).await;
    assert_one_failure(&report, &["no endpoint for pushed authorization requests", "`par_url`"]);
}
