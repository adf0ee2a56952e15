//! Cassettes: calls of an API, recorded once over the network and replayed without it.

use std::path::Path;

use rocket::figment::Figment;
use rocket::http::Status;
use rocket::local::asynchronous::Client;
use rocket::serde::json::{Value, json};
use rocket::{Build, Rocket, get, routes};
use rocket_dance::provider::Provider;
use rocket_dance::storage::MemoryStorage;
use rocket_dance::testing::{
    Cassette, FakeProvider, FakeResponse, ProviderEndpoint, TestAccount, connect, sign_in_as,
};
use rocket_dance::{Dance, OAuth, Result};

/// The provider of the app: a real server on a port of its own.
struct Corp;

impl Provider for Corp {
    const NAME: &'static str = "corp";
}

#[get("/<path>?<sent>")]
async fn call(corp: OAuth<Corp>, path: &str, sent: Option<&str>) -> Result<String> {
    let request = match sent {
        Some(sent) => corp.post(path).form(&[("text", sent), ("client_secret", "hidden in a form")]),
        None => corp.get(path).query(&[("page", "1")]),
    };
    request.text().await
}

/// Follows the URL in the body of an answer, then that in its header `location`.
#[get("/followed")]
async fn follow(corp: OAuth<Corp>) -> Result<String> {
    let answer = corp.get("start").send().await?;
    let location = answer.headers()["location"].to_str().unwrap().to_owned();
    let body: Value = answer.json().await.unwrap();
    let mut answers = body.to_string();
    for url in [body["download_url"].as_str().unwrap(), &location] {
        answers += &corp.get(url).text().await?;
    }
    Ok(answers)
}

fn app(config: &(String, Value)) -> Rocket<Build> {
    let debug =
        rocket::Config { log_level: rocket::config::LogLevel::Off, ..rocket::Config::debug_default() };
    let figment = Figment::from(debug).merge(config.clone());
    rocket::custom(figment)
        .attach(Dance::fairing().storage(MemoryStorage::new()))
        .mount("/", routes![call, follow])
}

/// An app with a signed-in user, whose account has the token of `account`.
async fn launch(rocket: Rocket<Build>, account: TestAccount) -> Client {
    let client = Client::tracked(rocket).await.expect("the app launches");
    connect(&client, &1, Corp, account).await;
    sign_in_as(&client, &1).await;
    client
}

async fn get(client: &Client, path: &'static str) -> (Status, String) {
    let response = client.get(path).dispatch().await;
    (response.status(), response.into_string().await.unwrap_or_default())
}

const CALLS: [&str; 4] = ["/repos", "/repos", "/notes?sent=hello", "/picture"];

/// Records `CALLS` at a provider on a port, and returns the answers, the entry's configuration and the token.
async fn record(file: &Path) -> (Vec<(Status, String)>, (String, Value), String) {
    let fake = FakeProvider::start().await;
    let config = fake.config("corp");
    // The fake provider issues the token; the cassette gets it as from the environment.
    let rocket = app(&config);
    let plain = Client::tracked(rocket).await.unwrap();
    connect(&plain, &1, Corp, TestAccount::valid()).await;
    let dance = Dance::fetch(plain.rocket()).unwrap();
    let token = dance.tokens(Corp).of(&1).get().await.unwrap().expect("a token");
    let token = token.access_token.expose().to_owned();

    let person =
        json!([{ "name": "a", "owner": "ada@real.example", "clone_token": "tok-123456", "mine": token }]);
    fake.respond_once(
        ProviderEndpoint::Api,
        FakeResponse::json(person)
            .header("Set-Cookie", "sid=secret-session")
            .header("Link", "</api/repos?page=2>"),
    );
    fake.respond_once(ProviderEndpoint::Api, FakeResponse::json(json!([])));
    fake.respond_once(ProviderEndpoint::Api, FakeResponse::body("text/plain", "stored").with_status(201));
    fake.respond_once(ProviderEndpoint::Api, FakeResponse::body("image/gif", vec![0xff, 0xfe, 0]));
    let cassette = Cassette::record(file, &token).scrub_emails();
    let client = launch(cassette.stand_in(app(&config), "corp"), cassette.account()).await;
    let mut answers = Vec::new();
    for path in CALLS {
        answers.push(get(&client, path).await);
    }
    assert_eq!(fake.request_count(ProviderEndpoint::Api), 4);
    let sent = fake.last_request(ProviderEndpoint::Api).headers["authorization"].clone();
    assert_eq!(sent, format!("Bearer {token}"));
    (answers, config, token)
}

#[rocket::async_test]
async fn a11_a_cassette_is_recorded_once_and_replayed_without_a_network() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cassettes/corp.json");
    let (recorded, config, token) = record(&file).await;
    assert!(recorded[0].1.contains("person@example.test"), "{recorded:?}");

    let text = std::fs::read_to_string(&file).unwrap();
    let secrets = [
        &token,
        "tok-123456",
        "secret-session",
        "real.example",
        "hidden in a form",
        "s3cret",
        "uthorization",
    ];
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    for kept in [
        "\"name\": \"a\"",
        "\"clone_token\": \"<scrubbed>\"",
        "\"mine\": \"<token>\"",
        "\"link\"",
        "text=hello",
    ] {
        assert!(text.contains(kept), "{kept} in {text}");
    }
    assert!(text.lines().count() > 20 && text.ends_with("}\n"), "it reads well in a diff: {text}");

    // The provider is gone.
    let cassette = Cassette::replay(&file);
    let client = launch(cassette.stand_in(app(&config), "corp"), cassette.account()).await;
    let mut replayed = Vec::new();
    for path in CALLS {
        replayed.push(get(&client, path).await);
    }
    assert_eq!(replayed, recorded);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), text, "a replay writes nothing");
}

#[rocket::async_test]
#[should_panic(expected = " is not recorded: a secret in `application/zip` could not be found")]
async fn an_answer_that_cannot_be_read_is_not_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("corp.json");
    let fake = FakeProvider::start().await;
    let config = fake.config("corp");
    fake.respond_once(
        ProviderEndpoint::Api,
        FakeResponse::body("application/zip", b"\xfftok-123456".to_vec()),
    );
    let cassette = Cassette::record(&file, "a token");
    let client = launch(cassette.stand_in(app(&config), "corp"), cassette.account()).await;
    assert_eq!(get(&client, "/picture").await.0, Status::ServiceUnavailable);
    assert!(!file.exists(), "nothing is written");
}

#[rocket::async_test]
async fn a11_an_app_follows_urls_with_secrets_while_a_cassette_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("corp.json");
    let fake = FakeProvider::start().await;
    let config = fake.config("corp");
    let url = |token: &str| format!("{}/api/file?v=1&token={token}", fake.issuer());
    fake.respond_once(
        ProviderEndpoint::Api,
        FakeResponse::json(json!({ "download_url": url("in-a-body") }))
            .header("Location", &url("in-a-header")),
    );
    fake.respond_once(ProviderEndpoint::Api, FakeResponse::body("text/plain", "first"));
    fake.respond_once(ProviderEndpoint::Api, FakeResponse::body("text/plain", "second"));

    let cassette = Cassette::record(&file, "a token of corp");
    let client = launch(cassette.stand_in(app(&config), "corp"), cassette.account()).await;
    let recorded = get(&client, "/followed").await;
    assert_eq!(recorded.0, Status::Ok, "{recorded:?}");
    assert!(recorded.1.ends_with("firstsecond"), "{recorded:?}");
    let requests = fake.requests();
    let calls = requests.iter().filter(|request| request.endpoint == ProviderEndpoint::Api);
    let sent: Vec<_> = calls.filter_map(|request| request.query.get("token")).collect();
    assert_eq!(sent, ["in-a-body", "in-a-header"]);
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(!text.contains("in-a-") && text.contains("/api/file?v=1&token=<scrubbed>"), "{text}");

    let cassette = Cassette::replay(&file);
    let client = launch(cassette.stand_in(app(&config), "corp"), cassette.account()).await;
    assert_eq!(get(&client, "/followed").await, recorded);
    assert_eq!(fake.request_count(ProviderEndpoint::Api), 3);
}

#[rocket::async_test]
async fn a11_an_app_with_a_key_or_no_secret_launches_with_a_cassette() {
    let folder = tempfile::tempdir().unwrap();
    let fake = FakeProvider::start().await;
    for config in [fake.private_key_jwt_config("corp"), fake.public_client_config("corp")] {
        let cassette = Cassette::record(folder.path().join("corp.json"), "a token");
        let rocket = cassette.stand_in(app(&config), "corp");
        assert!(!rocket.figment().contains("oauth.corp.client_secret"));
        launch(rocket, cassette.account()).await;
    }
}

#[rocket::async_test]
#[should_panic(expected = "does not have GET http")]
async fn a11_a_call_that_is_not_on_the_cassette_fails_the_test() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("corp.json");
    let (_, config, _) = record(&file).await;
    let cassette = Cassette::replay(&file);
    let client = launch(cassette.stand_in(app(&config), "corp"), cassette.account()).await;
    for (path, status) in [
        ("/other", Status::ServiceUnavailable),
        ("/notes?sent=other", Status::ServiceUnavailable),
        ("/repos", Status::Ok),
        ("/repos", Status::Ok),
        ("/repos", Status::ServiceUnavailable),
    ] {
        assert_eq!(get(&client, path).await.0, status, "{path}");
    }
}

#[test]
#[should_panic(
    expected = "To record it: RECORD_CASSETTES=1 GITHUB_TOKEN=… cargo test cassettes::a11_a_missing_cassette_says_how_to_record"
)]
fn a11_a_missing_cassette_says_how_to_record() {
    Cassette::open("tests/no such cassette.json", "GITHUB_TOKEN");
}
