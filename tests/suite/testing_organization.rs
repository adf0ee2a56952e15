//! The testing kit in apps with sessions in private cookies, and with entries that admit only members of an organization.

use std::sync::{Arc, Mutex};

use diesel::SqliteConnection;
use rocket::figment::Figment;
use rocket::http::{Cookie, CookieJar, Status};
use rocket::local::asynchronous::Client;
use rocket::serde::json::json;
use rocket::{Build, Rocket, get, routes};
use rocket_dance::provider::GitHub;
use rocket_dance::storage::{DieselStorage, MemoryStorage};
use rocket_dance::testing::{Browser, FakeProvider, replace_storage, sign_in, sign_in_as};
use rocket_dance::{CurrentUser, Dance, DanceFairing, ErrorKind, Login, RequireEmailDomain, Verdict};

use crate::harness::captured_log;
use crate::own_sessions::documented;

#[get("/me")]
fn me(user: CurrentUser<i32>) -> String {
    user.to_string()
}

#[get("/set")]
fn set(jar: &CookieJar<'_>) {
    jar.add_private(Cookie::build(("__Host-private", "a b;c=\"d\"%20")).secure(true));
    jar.add(Cookie::build(("plain", "é;,%41 =")).path("/"));
}

#[get("/read")]
fn read(jar: &CookieJar<'_>) -> String {
    let private = jar.get_private("__Host-private").map(|cookie| cookie.value().to_owned());
    format!("{private:?} {:?}", jar.get("plain").map(Cookie::value))
}

fn rocket(entry: &str, keys: rocket::serde::json::Value, dance: DanceFairing) -> Rocket<Build> {
    let config =
        rocket::Config { log_level: rocket::config::LogLevel::Normal, ..rocket::Config::debug_default() };
    let figment = Figment::from(config).merge((format!("oauth.{entry}"), keys));
    rocket::custom(figment).attach(dance).mount("/", routes![me, set, read])
}

async fn page(browser: &Browser<'_>, path: &str) -> (Status, String) {
    let response = browser.dispatch(browser.get(path)).await;
    (response.status(), response.into_string().await.unwrap_or_default())
}

#[rocket::async_test]
async fn a_browser_gives_each_cookie_back_as_the_app_has_set_it() {
    let fake = FakeProvider::new();
    let rocket = rocket("github", json!({}), Dance::fairing().storage(MemoryStorage::new()));
    let client = Client::untracked(fake.stand_in(rocket, "github")).await.unwrap();
    let (ada, grace) = (Browser::new(&client), Browser::new(&client));
    assert_eq!(page(&ada, "/set").await.0, Status::Ok);
    let set = r#"Some("a b;c=\"d\"%20") Some("é;,%41 =")"#;
    assert_eq!(page(&ada, "/read").await.1, set);
    assert_eq!(page(&grace, "/read").await.1, "None None");
}

#[rocket::async_test]
async fn several_people_are_signed_in_with_the_apps_own_sessions() {
    let fake = FakeProvider::new();
    let dance = Dance::fairing().storage(MemoryStorage::new()).sessions(documented::AppSessions);
    let rocket = replace_storage(rocket("github", json!({}), dance), MemoryStorage::new());
    let client = Client::untracked(fake.stand_in(rocket, "github")).await.unwrap();
    let (ada, grace) = (Browser::new(&client), Browser::new(&client));
    assert_eq!(sign_in(&ada, "github").await.status, Status::SeeOther);
    sign_in_as(&grace, &7).await;
    assert_eq!(page(&ada, "/me").await, (Status::Ok, "1".to_owned()));
    assert_eq!(page(&grace, "/me").await, (Status::Ok, "7".to_owned()));
}

/// The app with the entry of the preset, with `key`, and a policy that notes the address.
async fn launch(
    fake: &FakeProvider,
    preset: &str,
    key: (&str, &str),
) -> (Client, Arc<Mutex<Vec<Option<String>>>>) {
    let (folder, seen) = (tempfile::tempdir().unwrap(), Arc::<Mutex<Vec<_>>>::default());
    let noted = seen.clone();
    let policy = move |login: &Login<i32>, _: &mut SqliteConnection| {
        noted.lock().unwrap().push(login.profile.email().map(str::to_owned));
        Ok(Verdict::SignUp(1))
    };
    let storage =
        DieselStorage::url(folder.keep().join("app.sqlite").to_str().unwrap()).migrate().link(policy);
    let rocket = rocket(preset, json!({ key.0: key.1 }), Dance::fairing().storage(storage));
    (Client::tracked(fake.stand_in(rocket, preset)).await.unwrap(), seen)
}

#[rocket::async_test]
async fn a_fake_providers_users_are_members_of_what_the_entry_requires() {
    for (preset, key, value) in [
        ("google", "hosted_domain", "corp.example"),
        ("google", "hosted_domain", "*"),
        ("slack", "team", "T0123"),
        ("auth0", "organization", "org_1"),
    ] {
        let fake = FakeProvider::new();
        let (client, seen) = launch(&fake, preset, (key, value)).await;
        let response = sign_in(&client, preset).await;
        assert_eq!(response.status, Status::SeeOther, "{preset} {value}: {}", response.body);
        let address = Some("ada@example.test".to_owned());
        assert_eq!(*seen.lock().unwrap(), [address], "{preset} {value}");
    }
}

#[rocket::async_test]
async fn a_test_makes_the_user_one_of_another_domain() {
    let fake = FakeProvider::new();
    let (client, seen) = launch(&fake, "google", ("hosted_domain", "corp.example")).await;
    for domain in [json!("other.example"), json!(null)] {
        fake.edit_claims(move |claims| claims["hd"] = domain.clone());
        assert_eq!(sign_in(&client, "google").await.status, Status::Forbidden);
    }
    assert!(seen.lock().unwrap().is_empty(), "the policy is not asked");
}

#[rocket::async_test]
async fn an_address_without_the_required_claim_beside_it_is_ignored_and_logged() {
    let fake = FakeProvider::new();
    let (client, seen) = launch(&fake, "google", ("hosted_domain", "corp.example")).await;
    fake.edit_claims(|claims| _ = claims.as_object_mut().map(|claims| claims.remove("email")));
    assert_eq!(sign_in(&client, "google").await.status, Status::SeeOther);
    assert_eq!(*seen.lock().unwrap(), [None]);
    if let Some(log) = captured_log() {
        assert!(log.contains("`google`: the user's e-mail address is ignored"), "{log}");
        assert!(!log.contains("ada@example.test"), "{log}");
    }
}

#[rocket::async_test]
async fn a_domain_from_the_configuration_admits_and_a_wrong_one_fails_the_launch() {
    for (domain, launches) in [("corp.example", true), ("@corp.example", false), ("", false)] {
        let sign_up = |_: &Login<i32>, _: &mut SqliteConnection| Ok(Verdict::SignUp(1));
        let folder = tempfile::tempdir().unwrap();
        let storage = DieselStorage::url(folder.path().join("app.sqlite").to_str().unwrap())
            .migrate()
            .link(RequireEmailDomain(domain.to_owned(), sign_up));
        let rocket =
            rocket("google", json!({ "hosted_domain": "corp.example" }), Dance::fairing().storage(storage));
        let client = Client::tracked(FakeProvider::new().stand_in(rocket, "google")).await;
        match client {
            Ok(client) if launches => {
                assert_eq!(sign_in(&client, "google").await.status, Status::SeeOther, "{domain:?}")
            }
            Ok(_) => panic!("{domain:?} launches"),
            // Formatted, or Rocket's error panics when it is dropped.
            Err(error) => {
                let shown = error.to_string();
                assert!(!launches, "{domain:?}: {shown}");
            }
        }
    }
}

#[rocket::async_test]
async fn calls_without_an_entry_say_what_to_add() {
    let rocket = rocket("google", json!({}), Dance::fairing().storage(MemoryStorage::new()));
    let client = Client::tracked(FakeProvider::new().stand_in(rocket, "google")).await.unwrap();
    let dance = Dance::fetch(client.rocket()).unwrap();
    for error in [
        dance.each(GitHub).next().await.unwrap_err(),
        dance.tokens(GitHub).of(&1).get().await.unwrap_err(),
        dance.client(GitHub, &1).await.unwrap_err(),
        dance.client_for_account(GitHub, "1").await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::UnknownProvider);
        let log = format!("{error:?}");
        assert!(
            log.contains("there is no entry `github`") && log.contains("add [default.oauth.github]"),
            "{log}"
        );
    }
}
