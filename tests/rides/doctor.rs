//! `example_app doctor` as an operator runs it: a process with an exit code.

use std::process::{Command, Output};

use rocket_dance::testing::{FakeProvider, FakeResponse, ProviderEndpoint};
use serde_json::json;

use crate::common::app::{SECRET_KEY, binary};
use crate::common::database::Database;
use crate::common::process::{free_port, root};

const TOKEN_KEY: &str = "6c+PuiP8RnKfKkBI7a7zQ2ZKoVtwlxvV/mZbIpYCAEM=";
const PAGE: &str = include_str!("../../docs/guide/doctor.md");

/// Runs `example_app doctor` with one entry, `corp`, and what `env` adds.
fn doctor(fake: &FakeProvider, database: &Database, env: &[(&str, &str)]) -> Output {
    let entry = format!(
        "{{corp={{provider=\"oidc\",issuer={:?},client_id={:?},client_secret={:?}}}}}",
        fake.issuer(),
        fake.client_id(),
        fake.client_secret()
    );
    let output = Command::new(binary(database.feature))
        .arg("doctor")
        .current_dir(root())
        .env("ROCKET_CLI_COLORS", "false")
        .env("ROCKET_SECRET_KEY", SECRET_KEY)
        .env("ROCKET_DATABASES", format!("{{app={{url={:?}}}}}", database.url))
        .env(
            "ROCKET_DANCE",
            format!("{{base_url=\"http://localhost:{}\",token_keys=[{TOKEN_KEY:?}]}}", free_port()),
        )
        .env("ROCKET_OAUTH", entry)
        .envs(env.iter().copied())
        .output()
        .expect("the example app starts");
    let printed = format!("{}{}", text(&output.stdout), text(&output.stderr));
    for secret in [SECRET_KEY, TOKEN_KEY, fake.client_secret(), "hunter2"] {
        assert!(!printed.contains(secret), "{secret} in:\n{printed}");
    }
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `output` with the same ports and paths every time.
fn normalized(output: &Output, fake: &FakeProvider, database: &Database) -> String {
    let printed = text(&output.stdout).replace(fake.issuer(), "https://login.example.com");
    let printed = printed.replace(&database.url, "app.sqlite");
    let is_digit = |c: char| c.is_ascii_digit();
    let printed = after_each(&printed, "http://localhost:", |rest| {
        format!("8000{}", rest.trim_start_matches(is_digit))
    });
    // The tag of a cookie's name follows from base_url.
    after_each(&printed, "rocket_dance_session_", |rest| {
        format!("VuWjeEX0{}", rest.get(8..).unwrap_or_default())
    })
}

/// `text` with `change` applied to what follows each `mark`.
fn after_each(text: &str, mark: &str, change: impl Fn(&str) -> String) -> String {
    let mut parts = text.split(mark);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| format!("{text}{mark}{}", change(part)))
}

#[test]
#[ignore = "starts the example app: ./test.sh runs it"]
fn the_example_app_has_a_doctor() {
    let fake = FakeProvider::start_blocking();
    let folder = tempfile::tempdir().unwrap();
    let database = Database::sqlite(folder.path());
    let healthy = doctor(&fake, &database, &[]);
    assert_eq!(healthy.status.code(), Some(0), "{}", text(&healthy.stdout));
    assert_eq!(text(&healthy.stderr), "", "nothing is logged");
    let healthy = normalized(&healthy, &fake, &database);

    fake.respond_always(
        ProviderEndpoint::Token,
        FakeResponse::json(json!({"error": "invalid_client"})).with_status(401),
    );
    let dance = format!("{{base_url=\"http://localhost:{}\",prefx=\"/auth\"}}", free_port());
    let broken = doctor(&fake, &database, &[("ROCKET_DANCE", &dance)]);
    assert_eq!(broken.status.code(), Some(1), "{}", text(&broken.stdout));
    let broken = normalized(&broken, &fake, &database);
    for (which, output) in [("healthy", &healthy), ("broken", &broken)] {
        let is_shown = PAGE.contains(output.trim_end());
        assert!(is_shown, "docs/guide/doctor.md does not show the {which} app:\n{healthy}\n\n{broken}");
    }
}

/// A machine without certificate authorities, and a proxy that is no URL.
#[test]
#[ignore = "starts the example app: ./test.sh runs it"]
fn the_environment_of_the_process_is_checked() {
    let fake = FakeProvider::start_blocking();
    let folder = tempfile::tempdir().unwrap();
    let database = Database::sqlite(folder.path());
    let nothing = folder.path().join("nothing.pem");
    std::fs::write(&nothing, "").unwrap();
    let empty =
        [("SSL_CERT_FILE", nothing.to_str().unwrap()), ("SSL_CERT_DIR", folder.path().to_str().unwrap())];
    let output = doctor(&fake, &database, &empty);
    assert!(
        output.status.code() == Some(1) && text(&output.stdout).contains("ca-certificates"),
        "{}",
        text(&output.stdout)
    );
    let output = doctor(&fake, &database, &[("HTTPS_PROXY", "http://hunter2 hunter2")]);
    assert!(
        output.status.code() == Some(1) && text(&output.stdout).contains("HTTPS_PROXY"),
        "{}",
        text(&output.stdout)
    );
}
