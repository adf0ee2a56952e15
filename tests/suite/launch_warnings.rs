//! Warnings at launch of apps that launch and do not work as they were meant.

use rocket::fs::FileServer;
use rocket::local::asynchronous::Client;
use rocket::{Route, get, post, routes};
use rocket_dance::storage::{CookieStorage, MemoryStorage};
use rocket_dance::testing::FakeProvider;
use rocket_dance::{CurrentUser, Dance, DanceFairing, Visitor};

use crate::harness::captured_log;
use crate::own_sessions::documented::AppSessions;

/// Keys of an entry.
type Keys<'k> = &'k [(&'k str, &'k str)];

const NO_KEYS: Keys<'static> = &[];

/// Launches an app with the entry `name`, which has these `keys`. Returns the lines of the log with `word`.
async fn warnings(
    name: &str,
    keys: Keys<'_>,
    dance: DanceFairing,
    routes: Vec<Route>,
    word: &str,
) -> Vec<String> {
    let config =
        rocket::Config { log_level: rocket::config::LogLevel::Off, ..rocket::Config::debug_default() };
    let figment = rocket::figment::Figment::from(config)
        .merge(("secret_key", "hPRYyVRiMyxpw5sBB1XeCMN1kFsDCqKvBi2QJxBVHQk="))
        .merge(FakeProvider::new().preset_config(name, "github"));
    let figment = keys
        .iter()
        .fold(figment, |figment, (key, value)| figment.merge((format!("oauth.{name}.{key}"), *value)));
    let rocket = rocket::custom(figment).attach(dance).mount("/", routes);
    drop(Client::untracked(rocket).await.expect("a warning stops no launch"));
    let log = captured_log().unwrap_or_default();
    log.lines().filter(|line| line.contains(word)).map(str::to_owned).collect()
}

#[get("/me")]
fn user(_user: CurrentUser<i32>) {}

#[get("/maybe")]
fn maybe(_user: Option<CurrentUser<i32>>) {}

#[get("/home")]
fn visitor(_visitor: Visitor<i32>) {}

#[get("/plain")]
fn plain() {}

#[rocket::async_test]
async fn users_without_a_storage() {
    // Another test may have set Rocket's logger.
    if test_support::CapturedLog::start().is_none() {
        return;
    }
    let warned = async |name: &str, dance: DanceFairing, routes: Vec<Route>| {
        let lines =
            warnings(name, NO_KEYS, dance, routes, &format!("a sign-in with a provider ({name})")).await;
        assert!(lines.iter().all(|line| line.contains(".storage(DieselStorage")), "{lines:?}");
        lines.len()
    };
    assert_eq!(warned("s1", Dance::fairing(), routes![user]).await, 1);
    assert_eq!(warned("s2", Dance::fairing(), routes![maybe]).await, 1);
    assert_eq!(warned("s3", Dance::fairing(), routes![visitor, user]).await, 1);
    assert_eq!(warned("s4", Dance::fairing(), routes![plain]).await, 0, "no route expects users");
    let memory = Dance::fairing().storage(MemoryStorage::default());
    assert_eq!(warned("s5", memory, routes![user]).await, 0);
    let cookies = Dance::fairing().storage(CookieStorage);
    assert_eq!(warned("s6", cookies, routes![user]).await, 0, "the app signs users in itself");
    let own_sessions = Dance::fairing().sessions(AppSessions);
    assert_eq!(warned("s7", own_sessions, routes![user]).await, 0, "the app has users of its own");
}

#[get("/login/h1")]
fn old_login_h1() {}

#[post("/login/h2", data = "<_form>")]
fn old_form_h2(_form: String) {}

#[get("/auth/h3?<code>&<state>")]
fn old_callback_h3(code: &str, state: &str) {
    let _ = (code, state);
}

#[get("/login/<_name>")]
fn any_login_h4(_name: &str) {}

#[get("/signin/h5?<next>")]
fn old_login_h5(next: Option<&str>) {
    let _ = next;
}

#[get("/<_..>")]
fn everything_h6() {}

/// `routes` with a rank that is lower than Rocket's own ranks.
fn asked_first(mut routes: Vec<Route>) -> Vec<Route> {
    routes.iter_mut().for_each(|route| route.rank = -30);
    routes
}

#[rocket::async_test]
async fn a_route_of_the_app_that_gets_our_requests() {
    if test_support::CapturedLog::start().is_none() {
        return;
    }
    let memory = || Dance::fairing().storage(MemoryStorage::default());
    let callback: Keys = &[("redirect_uri", "http://localhost:8000/auth/h3")];
    let begin: Keys = &[("login_path", "/signin/h5")];
    for (name, keys, routes, word, said) in [
        ("h1", NO_KEYS, routes![old_login_h1], "old_login_h1", "GET /login/h1, which begins a sign-in"),
        ("h2", NO_KEYS, routes![old_form_h2], "old_form_h2", "POST /login/h2, which begins a sign-in"),
        ("h3", callback, routes![old_callback_h3], "old_callback_h3", "GET /auth/h3, which finishes"),
        (
            "h4",
            NO_KEYS,
            asked_first(routes![any_login_h4]),
            "any_login_h4",
            "GET /login/h4, which begins a sign-in",
        ),
        ("h5", begin, routes![old_login_h5], "old_login_h5", "GET /signin/h5"),
        ("h6", NO_KEYS, asked_first(routes![everything_h6]), "everything_h6", "and"),
    ] {
        let lines = warnings(name, keys, memory(), routes, &format!("the app's route `{word}")).await;
        assert!(matches!(lines.as_slice(), [line] if line.contains(said)), "{name}: {lines:?}");
    }
}

#[get("/login/other9")]
fn own_page_n1() {}

#[get("/login/n2?old=1")]
fn one_query_n2() {}

#[get("/login?<next>")]
fn sign_in_page_n3(next: Option<&str>) {
    let _ = next;
}

#[get("/login/<_name>")]
fn asked_last_n4(_name: &str) {}

#[post("/login/n5", format = "json", data = "<_body>")]
fn json_n5(_body: String) {}

#[get("/login/n6")]
fn own_page_n6() {}

#[get("/login/n7/authorized")]
fn other_library_n7() {}

#[rocket::async_test]
async fn a_route_of_the_app_beside_ours_is_no_mistake() {
    if test_support::CapturedLog::start().is_none() {
        return;
    }
    let memory = || Dance::fairing().storage(MemoryStorage::default());
    let elsewhere: Keys = &[("login_path", "/signin/n6")];
    let callback: Keys = &[("redirect_uri", "http://localhost:8000/auth/n7")];
    let files: Vec<Route> = FileServer::from(env!("CARGO_MANIFEST_DIR")).rank(-30).into();
    for (name, keys, routes, word) in [
        ("n1", NO_KEYS, routes![own_page_n1], "own_page_n1"),
        ("n2", NO_KEYS, routes![one_query_n2], "one_query_n2"),
        ("n3", NO_KEYS, routes![sign_in_page_n3], "sign_in_page_n3"),
        ("n4", NO_KEYS, routes![asked_last_n4], "asked_last_n4"),
        ("n5", NO_KEYS, routes![json_n5], "json_n5"),
        ("n6", elsewhere, routes![own_page_n6], "own_page_n6"),
        ("n7", callback, routes![other_library_n7], "other_library_n7"),
        ("n8", NO_KEYS, files, "FileServer"),
    ] {
        let lines = warnings(name, keys, memory(), routes, &format!("the app's route `{word}")).await;
        assert_eq!(lines, Vec::<String>::new(), "{name}");
    }
}
