//! Guards and routes that stop a launch, and routes that win against a catch-all of the app.

use rocket::http::{Method, Status};
use rocket::local::asynchronous::Client;
use rocket::{Build, Rocket, get, post, routes};
use rocket_dance::storage::MemoryStorage;
use rocket_dance::testing::FakeProvider;
use rocket_dance::{Accounts, CurrentUser, Dance, DanceFairing, Error, ErrorKind, OAuth, Result, Site};

use crate::app::{Op, catch_all, figment, rocket};
use crate::guards::app;

#[get("/")]
fn site(_op: Site<Op>) {}

#[get("/")]
fn oauth(_op: OAuth<Op>) {}

#[get("/")]
fn aliased(_op: Result<OAuth<Op>, Error>) {}

#[get("/")]
fn optional(_op: Option<OAuth<Op>>) {}

#[get("/")]
fn any(_accounts: Accounts) {}

#[get("/")]
fn user(_user: CurrentUser<i32>) {}

#[get("/")]
fn named(_user: CurrentUser<String>) {}

async fn aborts(rocket: Rocket<Build>) -> bool {
    match Client::untracked(rocket).await {
        Ok(_) => false,
        Err(error) => {
            let aborts = matches!(error.kind(), rocket::error::ErrorKind::SentinelAborts(_));
            assert!(aborts, "{error:?}");
            aborts
        }
    }
}

#[rocket::async_test]
async fn a_guard_without_what_it_needs_stops_the_launch() {
    let fake = FakeProvider::start().await;
    let people = crate::people::People::new();
    let bare = || rocket::custom(figment(&fake));
    let with = |dance: DanceFairing| bare().attach(dance);
    let memory = || Dance::fairing().storage(MemoryStorage::default());
    for (name, routes) in [
        ("OAuth", routes![oauth]),
        ("Option", routes![optional]),
        ("Result", routes![aliased]),
        ("Accounts", routes![any]),
        ("CurrentUser", routes![user]),
        ("Site", routes![site]),
    ] {
        assert!(aborts(bare().mount("/", routes.clone())).await, "{name} without the fairing");
        if name != "Site" {
            assert!(!aborts(with(memory()).mount("/", routes)).await, "{name} with it");
        }
    }
    let without_entry = || rocket::custom(figment_without_op(&fake)).attach(memory());
    for (name, routes) in [("OAuth", routes![oauth]), ("Option", routes![optional]), ("Site", routes![site])]
    {
        assert!(aborts(without_entry().mount("/", routes)).await, "{name} without its entry");
    }
    assert!(!aborts(without_entry().mount("/", routes![any])).await);

    assert!(aborts(with(memory()).mount("/", routes![site])).await, "not the site's");
    let of_site = || with(memory().site_account_admin::<CurrentUser<i32>>("op"));
    assert!(!aborts(of_site().mount("/", routes![site])).await);
    assert!(aborts(of_site().mount("/", routes![oauth])).await, "the site's account belongs to no user");

    let typed = || with(Dance::fairing().storage(people.storage()));
    assert!(aborts(typed().mount("/", routes![named])).await, "the policy's ids are i32");
    assert!(!aborts(typed().mount("/", routes![user])).await);
}

fn figment_without_op(fake: &FakeProvider) -> rocket::figment::Figment {
    rocket::figment::Figment::from(rocket::Config {
        log_level: rocket::config::LogLevel::Off,
        ..rocket::Config::debug_default()
    })
    .merge(rocket::figment::providers::Serialized::default("secret_key", crate::server::SECRET_KEY))
    .merge(fake.config("op2"))
}

#[get("/<_..>")]
fn catch_all_by_default() -> &'static str {
    "the app's own page"
}

#[post("/<_..>")]
fn catch_all_posts() -> &'static str {
    "the app's own form"
}

#[get("/<_>/<_>")]
fn two() -> &'static str {
    "the app's own page"
}

#[get("/<_>/accounts")]
fn in_a_language() -> &'static str {
    "the app's own page"
}

#[rocket::async_test]
async fn our_routes_win_against_a_catch_all() {
    for routes in [
        routes![catch_all],
        routes![catch_all_by_default, catch_all_posts],
        routes![catch_all, two, in_a_language],
    ] {
        let fake = FakeProvider::start().await;
        let posts = routes.len() == 2;
        let dance = Dance::fairing().storage(MemoryStorage::default());
        let client =
            Client::tracked(rocket(figment(&fake), dance).mount("/", routes)).await.expect("launched");
        for (uri, status) in [
            ("/login", 200),
            ("/login/op", 303),
            ("/login/op/authorized", 400),
            ("/login/nowhere", 404),
            ("/login/accounts", 303),
            ("/login/logout", 405),
        ] {
            let response = client.get(uri).dispatch().await;
            assert_eq!(response.status().code, status, "{uri}");
            assert_ne!(response.into_string().await.as_deref(), Some("the app's own page"), "{uri}");
        }
        // The library has no GET route for these, so the app's is the only one.
        for uri in ["/login/logout/everywhere", "/login/op/disconnect", "/login/op/primary"] {
            let response = client.get(uri).dispatch().await;
            assert_eq!(response.into_string().await.as_deref(), Some("the app's own page"), "{uri}");
        }
        for uri in [
            "/login/logout",
            "/login/logout/everywhere",
            "/login/op/disconnect",
            "/login/op/primary",
            "/login/op",
        ] {
            assert_eq!(client.post(uri).dispatch().await.status(), Status::Forbidden, "{uri}");
        }
        let own = client.get("/else/where").dispatch().await.into_string().await;
        assert_eq!(own.as_deref(), Some("the app's own page"));
        if posts {
            let own = client.post("/else/where").dispatch().await.into_string().await;
            assert_eq!(own.as_deref(), Some("the app's own form"));
        }
    }
}

#[rocket::async_test]
async fn cb_09_foreign_methods_are_405_or_404_and_use_nothing_up() {
    let app = app(MemoryStorage::default()).await;
    let callback = app.callback("/login/op").await;
    let authorized = app.token_calls();
    let allowed: [(&str, &[&str]); 8] = [
        ("/login", &["GET"]),
        ("/login/op", &["GET", "POST"]),
        (&callback, &["GET"]),
        ("/login/accounts", &["GET"]),
        ("/login/op/disconnect", &["POST"]),
        ("/login/op/primary", &["POST"]),
        ("/login/logout", &["POST"]),
        ("/login/logout/everywhere", &["POST"]),
    ];
    let all = [
        Method::Get,
        Method::Head,
        Method::Post,
        Method::Put,
        Method::Patch,
        Method::Delete,
        Method::Options,
    ];
    for (uri, allowed) in allowed {
        for method in all.into_iter().filter(|method| !allowed.contains(&method.as_str())) {
            let before = app.cookies();
            let response = app.client.req(method, uri.to_owned()).dispatch().await;
            let is_page = ["/login", "/login/accounts"].contains(&uri);
            if method == Method::Head && is_page {
                assert!([200, 303].contains(&response.status().code), "{uri}");
                assert_eq!(response.into_string().await.unwrap_or_default(), "", "{uri}");
                continue;
            }
            // Rocket's own 404, if no path of the library has that method.
            if response.status() != Status::NotFound {
                assert_eq!(response.status(), Status::MethodNotAllowed, "{method} {uri}");
                let allow = response.headers().get_one("Allow");
                assert_eq!(allow, Some(allowed.join(", ").as_str()), "{method} {uri}");
            }
            assert_eq!(response.headers().get_one("Location"), None);
            let body = response.into_string().await.unwrap_or_default();
            assert!(method != Method::Head || body.is_empty(), "{method} {uri}");
            assert_eq!(app.cookies(), before, "{method} {uri}");
        }
    }
    assert_eq!(app.token_calls(), authorized);
    for prefetch in ["Sec-Purpose", "Purpose"] {
        let header = rocket::http::Header::new(prefetch, "prefetch;prerender");
        let response = app.client.get(callback.clone()).header(header).dispatch().await;
        assert_eq!((response.status(), app.token_calls()), (Status::BadRequest, authorized));
    }
    // The flow is still valid. It is refused only because no user is signed in to whom the account could belong.
    assert_eq!(app.get(&callback).await.status(), Status::Forbidden);
    assert_eq!(app.token_calls(), authorized + 1);
    assert_eq!(ErrorKind::MethodNotAllowed.status(), Status::MethodNotAllowed);
}
