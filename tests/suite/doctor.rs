//! `Dance::doctor` against set-ups that are broken in one way: the configuration, the launch, the keys, the database.

#[cfg(feature = "postgres")]
use diesel::PgConnection;
use rocket::fairing::AdHoc;
use rocket::figment::Figment;
use rocket::{Build, Config, Rocket, get, routes};
use rocket_dance::storage::{DieselStorage, MemoryStorage};
use rocket_dance::testing::FakeProvider;
use rocket_dance::{Dance, DanceFairing, DoctorReport, Finding, FindingLevel, OAuth, Signals, Token};
#[cfg(feature = "postgres")]
use rocket_dance::{Login, Result, Verdict};

use crate::app::Op;
use crate::people::{People, SignUp};

const SECRET_KEY: &str = "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk=";
const TOKEN_KEY: &str = "CaDtzIzS7PdBSC/g5sGQWQbMRd3fidSG4uLjfCUOTt8=";
const OLD_KEY: &str = "H6H8O0e3PLgVZ4iuBzZ/V05UeYCyBnZP3QR1nf9cGMg=";

/// The configuration of an app that has no fault, and is not running.
pub(crate) fn healthy(fake: &FakeProvider) -> Figment {
    Figment::from(Config { log_level: rocket::config::LogLevel::Off, ..Config::debug_default() })
        .merge(("secret_key", SECRET_KEY))
        .merge(("dance.token_keys", [TOKEN_KEY]))
        .merge(("dance.base_url", "http://127.0.0.1:1"))
        .merge(fake.config("op"))
}

/// What the doctor says about an app with this configuration and fairing. No secret of the configuration is in it.
pub(crate) async fn examine(figment: Figment, dance: DanceFairing) -> DoctorReport {
    examine_app(rocket::custom(figment).attach(dance)).await
}

async fn examine_app(rocket: Rocket<Build>) -> DoctorReport {
    let figment = rocket.figment().clone();
    let report = Dance::doctor(rocket).await;
    let printed = report.to_string();
    assert!(printed.lines().count() > report.findings().len(), "{printed}");
    for secret in secrets(&figment) {
        assert!(!printed.contains(&secret), "{secret} in:\n{printed}");
    }
    report
}

/// Every secret of a configuration.
fn secrets(figment: &Figment) -> Vec<String> {
    let text = |key: &str| figment.find_value(key).ok()?.into_string();
    let mut found: Vec<String> = ["secret_key", "oauth.op.client_secret", "oauth.op.private_key"]
        .into_iter()
        .chain(["databases.app.url"])
        .filter_map(text)
        // Of a URL only the password.
        .filter_map(|text| match text.split_once("://") {
            Some((_, rest)) => Some(rest.split_once('@')?.0.split_once(':')?.1.to_owned()),
            None => Some(text).filter(|text| !text.ends_with(".sqlite")),
        })
        .collect();
    found.extend(figment.extract_inner::<Vec<String>>("dance.token_keys").unwrap_or_default());
    found
}

/// The findings that are worse than `Ok`.
pub(crate) fn bad(report: &DoctorReport) -> Vec<&Finding> {
    report.findings().iter().filter(|finding| finding.level != FindingLevel::Ok).collect()
}

/// Asserts that the only bad finding is a failure that says all of `words`, in its text or its cure.
pub(crate) fn assert_one_failure(report: &DoctorReport, words: &[&str]) {
    assert_one(report, FindingLevel::Failure, words);
    assert_eq!(report.exit_code(), 1);
}

/// The same for a warning, which does not fail a CI job.
pub(crate) fn assert_one_warning(report: &DoctorReport, words: &[&str]) {
    assert_one(report, FindingLevel::Warning, words);
    assert_eq!(report.exit_code(), 0);
}

fn assert_one(report: &DoctorReport, level: FindingLevel, words: &[&str]) {
    let bad = bad(report);
    assert!(bad.len() == 1 && bad[0].level == level, "{words:?} in:\n{report}");
    let shown = bad[0].to_string();
    assert!(words.iter().all(|word| shown.contains(word)), "{words:?} in:\n{report}");
}

pub(crate) fn memory() -> DanceFairing {
    Dance::fairing().storage(MemoryStorage::default())
}

/// Storage in the SQLite file of `people`, with `.migrate()`.
fn stored(people: &People) -> DanceFairing {
    Dance::fairing().storage(people.storage())
}

/// Launches an app on the database once, so that its tables exist.
async fn launched_before(fake: &FakeProvider, dance: DanceFairing) {
    rocket::custom(healthy(fake)).attach(dance).ignite().await.expect("it launches");
}

#[rocket::async_test]
async fn a_healthy_app_has_no_failure_and_nothing_is_written() {
    let (fake, people) = (FakeProvider::start().await, People::new());
    let bytes = || std::fs::read(people.path()).unwrap();
    people.sql("PRAGMA journal_mode = delete");
    let before = bytes();
    let cascade = || Dance::fairing().storage(people.storage().cascade_from("users", "id"));
    let report = examine(healthy(&fake), cascade()).await;
    assert!(bad(&report).is_empty() && report.exit_code() == 0, "{report}");
    assert!(report.to_string().contains("the launch will run the migrations"), "{report}");
    assert!(report.to_string().contains("the launch will install the triggers on `users`"), "{report}");
    assert!(report.to_string().contains("http://127.0.0.1:1/login/op/authorized"), "{report}");
    assert!(report.to_string().contains("the provider accepts the client"), "{report}");
    assert_eq!(bytes(), before, "no migration, no trigger, no other journal");
    let files = std::fs::read_dir(people.folder()).unwrap().count();
    assert_eq!(files, 1, "no key file");

    launched_before(&fake, cascade()).await;
    let schema = || people.count("sqlite_master");
    let before = schema();
    let report = examine(healthy(&fake), cascade()).await;
    assert!(bad(&report).is_empty(), "{report}");
    assert!(report.to_string().contains("the triggers on `users` are installed"), "{report}");
    assert_eq!((schema(), people.accounts()), (before, Vec::new()));
}

#[rocket::async_test]
async fn every_fault_of_a_configuration_is_named_and_the_rest_is_checked() {
    let fake = FakeProvider::start().await;
    let figment = healthy(&fake)
        .merge(("oauth.github.client_secret", "ghs-hunter2"))
        .merge(("oauth.github.scop", "user"))
        .merge(("dance.prefix", "login"))
        .merge(("databases.app.url", "nowhere/app.sqlite"));
    let broken = || Dance::fairing().storage(DieselStorage::database("app").migrate().link(SignUp));
    let report = examine(figment, broken()).await;
    let shown = report.to_string();
    for words in ["client_id", "did you mean `scope`?", "dance.prefix", "neither does its folder"] {
        let has_words = bad(&report).iter().any(|finding| finding.to_string().contains(words));
        assert!(has_words, "{words} in:\n{report}");
    }
    assert_eq!(bad(&report).len(), 4, "{report}");
    assert!(shown.contains("entry `op`: the provider accepts the client"), "{report}");
    assert!(!shown.contains("hunter2") && !shown.contains("entry `github`"), "{report}");
}

struct Quiet;

impl Signals for Quiet {}

#[rocket::async_test]
async fn signals_for_an_entry_that_does_not_exist() {
    let fake = FakeProvider::start().await;
    let report = examine(healthy(&fake), memory().signals_for("githbu", Quiet)).await;
    assert_one_failure(&report, &["`.signals_for(\"githbu\", …)` names no entry", "[default.oauth.githbu]"]);
}

#[rocket::async_test]
async fn a_release_without_keys_and_base_url() {
    let fake = FakeProvider::start().await;
    let release = |figment: Figment| figment.select(Config::RELEASE_PROFILE);
    let bare =
        || Figment::from(Config::release_default()).merge(("log_level", "off")).merge(fake.config("op"));
    let report = examine(release(bare()), memory()).await;
    let shown = report.to_string();
    assert!(shown.contains("ROCKET_SECRET_KEY") && shown.contains("base_url"), "{report}");
    let with_url = bare().merge(("dance.base_url", "http://127.0.0.1:1"));
    let report = examine(release(with_url.clone()), memory()).await;
    assert!(report.to_string().contains("there is no key to seal tokens with"), "{report}");
    let report = examine(release(with_url.merge(("secret_key", SECRET_KEY))), memory()).await;
    assert_one_warning(&report, &["derived from `secret_key`", "token_keys = ["]);
}

#[rocket::async_test]
async fn a_secret_key_that_is_none_is_not_shown() {
    let fake = FakeProvider::start().await;
    let report = examine(healthy(&fake).merge(("secret_key", "hunter2-and-more")), memory()).await;
    assert_one_failure(&report, &["Rocket can't read the value of `secret_key`"]);
}

#[rocket::async_test]
async fn keys_that_are_not_random() {
    let fake = FakeProvider::start().await;
    let with = |keys: &[&str]| healthy(&fake).merge(("dance.token_keys", keys));
    let report = examine(with(&["AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="]), memory()).await;
    assert_one_failure(&report, &["key number 1 is not random", "openssl rand -base64 32"]);
    let typed = "dGhlIHF1aWNrIGJyb3duIGZveCBqdW1wcyBvdmVyIGE=";
    let report = examine(with(&[TOKEN_KEY, typed]), memory()).await;
    assert_one_warning(&report, &["key number 2", "hardly random"]);
    let report = examine(with(&[TOKEN_KEY, TOKEN_KEY]), memory()).await;
    assert_one_warning(&report, &["twice"]);
}

#[rocket::async_test]
async fn accounts_that_need_a_lost_key_or_an_old_one() {
    let (fake, people) = (FakeProvider::start().await, People::new());
    launched_before(&fake, stored(&people)).await;
    let rocket =
        rocket::custom(healthy(&fake).merge(("dance.token_keys", [OLD_KEY]))).attach(stored(&people));
    let rocket = rocket.ignite().await.unwrap();
    let dance = Dance::fetch(&rocket).unwrap();
    dance.tokens(Op).of(&7).set(Token::new("an access token")).await.unwrap();
    drop(rocket);
    let report = examine(healthy(&fake), stored(&people)).await;
    assert_one_failure(&report, &[]);
    let (text, cure) = (&bad(&report)[0].text, bad(&report)[0].cure.as_deref().unwrap());
    assert!(text.starts_with("at least 1 accounts are sealed with the key `"), "{text}");
    let keys = text.split_once("`, which is missing; the keys are ").unwrap().1;
    assert!(
        !keys.is_empty() && keys.chars().all(|c| c.is_ascii_alphanumeric() || ", _-".contains(c)),
        "{text}"
    );
    let wanted =
        "put it back into `token_keys` behind the first one, run `dance.reseal().run()`, then remove it";
    assert_eq!(cure, wanted);
    let both = healthy(&fake).merge(("dance.token_keys", [TOKEN_KEY, OLD_KEY]));
    let report = examine(both, stored(&people)).await;
    assert_one_warning(&report, &["1 accounts are sealed with an older key", "dance.reseal().run()"]);
}

#[get("/")]
fn guarded(_github: OAuth<rocket_dance::provider::GitHub>) {}

#[get("/same")]
fn same() {}

#[rocket::async_test]
async fn a_guard_without_its_entry() {
    let fake = FakeProvider::start().await;
    let report =
        examine_app(rocket::custom(healthy(&fake)).attach(memory()).mount("/", routes![guarded])).await;
    assert_one_failure(&report, &["OAuth<rocket_dance::provider::github::GitHub>", "suite/doctor.rs:"]);
}

#[rocket::async_test]
async fn the_fairing_is_not_attached() {
    let fake = FakeProvider::start().await;
    let report = examine_app(rocket::custom(healthy(&fake))).await;
    assert_one_failure(&report, &["not attached", ".attach(Dance::fairing())"]);
}

#[rocket::async_test]
async fn another_fairing_of_the_app_fails() {
    let fake = FakeProvider::start().await;
    let own = AdHoc::try_on_ignite("Own pool", |rocket| async { Err(rocket) });
    let report = examine_app(rocket::custom(healthy(&fake)).attach(own).attach(memory())).await;
    assert_one_failure(&report, &["the app's fairing `Own pool` fails"]);
}

#[rocket::async_test]
async fn two_routes_of_the_app_collide() {
    let fake = FakeProvider::start().await;
    let rocket = rocket::custom(healthy(&fake)).attach(memory()).mount("/", routes![same, same]);
    assert_one_failure(&examine_app(rocket).await, &["collides with"]);
}

#[rocket::async_test]
async fn each_browser_keeps_its_own_accounts() {
    let fake = FakeProvider::start().await;
    let report = examine(healthy(&fake), Dance::fairing()).await;
    assert_one_warning(&report, &["no storage is attached", "proxy_buffer_size 8k"]);
}

#[rocket::async_test]
async fn a_database_without_a_url() {
    let fake = FakeProvider::start().await;
    let report = examine(healthy(&fake), Dance::fairing().storage(DieselStorage::database("app"))).await;
    assert_one_failure(&report, &["`databases.app.url` is not set", "[default.databases.app]"]);
}

#[rocket::async_test]
async fn a_database_that_is_not_there_yet() {
    let (fake, people) = (FakeProvider::start().await, People::new());
    let file = people.folder().join("other.sqlite");
    let at = |file: &std::path::Path| DieselStorage::url(file.display().to_string());
    let report = examine(healthy(&fake), Dance::fairing().storage(at(&file).migrate())).await;
    assert_one_warning(&report, &["does not exist yet: the launch creates it"]);
    let report = examine(healthy(&fake), Dance::fairing().storage(at(&file))).await;
    assert_one_failure(&report, &["the launch creates no tables", ".migrate()"]);
    let nowhere = people.folder().join("nowhere/app.sqlite");
    let report = examine(healthy(&fake), Dance::fairing().storage(at(&nowhere).migrate())).await;
    assert_one_failure(&report, &["neither does its folder"]);
    assert!(!file.exists() && !nowhere.parent().unwrap().exists());
}

#[rocket::async_test]
async fn tables_that_the_launch_does_not_create_and_a_column_that_is_gone() {
    let (fake, people) = (FakeProvider::start().await, People::new());
    let without = || Dance::fairing().storage(DieselStorage::url(people.path()).link(SignUp));
    let report = examine(healthy(&fake), without()).await;
    assert_one_failure(&report, &["lacks a table of rocket_dance", ".migrate()"]);
    launched_before(&fake, stored(&people)).await;
    assert!(bad(&examine(healthy(&fake), without()).await).is_empty());
    people.sql("ALTER TABLE oauth_accounts DROP COLUMN email");
    for dance in [without(), stored(&people)] {
        assert_one_failure(&examine(healthy(&fake), dance).await, &["lacks a table", "email"]);
    }
}

#[rocket::async_test]
async fn a_newer_version_has_migrated() {
    let (fake, people) = (FakeProvider::start().await, People::new());
    launched_before(&fake, stored(&people)).await;
    people.sql("INSERT INTO rocket_dance_migrations (version) VALUES ('9999_future')");
    let report = examine(healthy(&fake), stored(&people)).await;
    assert_one_warning(&report, &["a newer version", "9999_future"]);
}

#[rocket::async_test]
async fn a_database_that_can_not_be_written() {
    let (fake, people) = (FakeProvider::start().await, People::new());
    let read_only = || DieselStorage::url(format!("file:{}?mode=ro", people.path())).migrate().link(SignUp);
    let report = examine(healthy(&fake), Dance::fairing().storage(read_only())).await;
    assert_one_failure(&report, &["can't be migrated", "readonly", "must be allowed to write the file"]);
    launched_before(&fake, stored(&people)).await;
    let report = examine(healthy(&fake), Dance::fairing().storage(read_only())).await;
    assert_one_failure(&report, &["can't be written", "must be allowed to write the file"]);
}

#[rocket::async_test]
async fn a_table_of_users_that_does_not_exist() {
    let (fake, people) = (FakeProvider::start().await, People::new());
    let dance = || Dance::fairing().storage(people.storage().cascade_from("user", "id"));
    let report = examine(healthy(&fake), dance()).await;
    assert_one_failure(
        &report,
        &[".cascade_from(\"user\", \"id\")", "no such table", "create it before the launch"],
    );
    launched_before(&fake, stored(&people)).await;
    assert_one_failure(&examine(healthy(&fake), dance()).await, &["no such table"]);
}

#[cfg(feature = "postgres")]
#[rocket::async_test]
async fn a_policy_for_another_database() {
    let (fake, people) = (FakeProvider::start().await, People::new());
    let policy =
        |login: &Login<i32>, _: &mut PgConnection| -> Result<Verdict<i32>> { Ok(login.default_verdict()) };
    let storage = DieselStorage::url(people.path()).migrate().link(policy);
    let report = examine(healthy(&fake), Dance::fairing().storage(storage)).await;
    assert_one_failure(&report, &["PgConnection"]);
}

#[cfg(feature = "postgres")]
#[rocket::async_test]
async fn a_database_that_does_not_answer() {
    let fake = FakeProvider::start().await;
    let figment = healthy(&fake).merge(("databases.app.url", "postgres://app:hunter2-pw@127.0.0.1:1/app"));
    let report = examine(figment, Dance::fairing().storage(DieselStorage::database("app").migrate())).await;
    assert_one_failure(&report, &["127.0.0.1:1/app", "refused"]);
}
