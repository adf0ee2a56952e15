//! The app and the tests of docs/guide/testing.md, as they are printed there.

use crate::users::sign_up;

use rocket::serde::Deserialize;
use rocket::{get, launch, routes};
use rocket_dance::{CurrentUser, Dance, OAuth, Result, provider::GitHub, storage::DieselStorage};

#[derive(Deserialize)]
#[serde(crate = "rocket::serde")]
struct Repository {
    name: String,
}

#[get("/")]
async fn index(github: OAuth<GitHub>) -> Result<String> {
    let repositories: Vec<Repository> = github.get("user/repos").query(&[("per_page", "5")]).json().await?;
    Ok(repositories.into_iter().map(|repository| repository.name).collect::<Vec<_>>().join(", "))
}

#[get("/me")]
fn me(user: CurrentUser<i32>) -> String {
    format!("You are user {}", *user)
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .attach(Dance::fairing().storage(DieselStorage::database("app").migrate().link(sign_up)))
        .mount("/", routes![index, me])
        .register("/", rocket_dance::catchers())
}

fn app(database: &str) -> rocket::Rocket<rocket::Build> {
    let rocket = rocket();
    let figment = rocket.figment().clone().merge(("databases.app.url", database));
    rocket.configure(figment)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rocket::http::{Method, Status};
    use rocket::local::asynchronous::Client;
    use rocket::serde::json::json;
    use rocket_dance::provider::GitHub;
    use rocket_dance::storage::MemoryStorage;
    use rocket_dance::testing::*;
    use rocket_dance::{Dance, ErrorKind};

    /// The app, with its accounts in memory and `fake` in place of GitHub.
    async fn launch(fake: &FakeProvider) -> Client {
        let rocket = replace_storage(super::rocket(), MemoryStorage::new());
        Client::tracked(fake.stand_in(rocket, "github")).await.unwrap()
    }

    /// The body of a page.
    async fn page(client: &Client, path: &'static str) -> String {
        client.get(path).dispatch().await.into_string().await.unwrap_or_default()
    }

    #[test]
    fn each_test_has_a_database_of_its_own() {
        let url = super::app("a.sqlite").figment().extract_inner::<String>("databases.app.url");
        assert_eq!(url.unwrap(), "a.sqlite");
    }

    #[rocket::async_test]
    async fn a_visitor_signs_in_and_becomes_a_user() {
        let client = launch(&FakeProvider::new()).await;
        assert_eq!(sign_in(&client, "github").await.status, Status::SeeOther);
        assert_eq!(page(&client, "/me").await, "You are user 1");
    }

    #[rocket::async_test]
    async fn a_visitor_is_led_to_the_sign_in() {
        let client = launch(&FakeProvider::new()).await;
        let response = client.get("/me").dispatch().await;
        assert_eq!(response.status(), Status::SeeOther);
        assert_eq!(response.headers().get_one("Location"), Some("/login?next=%2Fme"));
    }

    #[rocket::async_test]
    async fn the_index_lists_the_users_repositories() {
        let fake = FakeProvider::new();
        let repos = fake.api(Method::Get, "/user/repos").respond(json!([{ "name": "a" }, { "name": "b" }]));
        let client = launch(&fake).await;
        connect(&client, &7, GitHub, TestAccount::valid()).await;
        sign_in_as(&client, &7).await;

        assert_eq!(page(&client, "/").await, "a, b");
        assert_eq!(repos.only_call().query["per_page"], "5");
    }

    #[rocket::async_test]
    async fn an_expired_token_is_refreshed() {
        let fake = FakeProvider::new();
        fake.api(Method::Get, "/user/repos").respond(json!([]));
        let client = launch(&fake).await;
        connect(&client, &7, GitHub, TestAccount::expired()).await;
        sign_in_as(&client, &7).await;

        assert_eq!(client.get("/").dispatch().await.status(), Status::Ok);
        assert_eq!(fake.last_request(ProviderEndpoint::Token).form["grant_type"], "refresh_token");
    }

    #[rocket::async_test]
    async fn an_outage_of_the_provider_is_no_sign_out() {
        let fake = FakeProvider::new();
        let client = launch(&fake).await;
        connect(&client, &7, GitHub, TestAccount::valid()).await;
        sign_in_as(&client, &7).await;

        fake.go_down();
        assert_eq!(client.get("/").dispatch().await.status(), Status::ServiceUnavailable);
        assert_eq!(page(&client, "/me").await, "You are user 7");
    }

    #[rocket::async_test]
    async fn two_people_are_two_users() {
        let fake = FakeProvider::new();
        let rocket = replace_storage(super::rocket(), MemoryStorage::new());
        let client = Client::untracked(fake.stand_in(rocket, "github")).await.unwrap();
        let (ada, grace) = (Browser::new(&client), Browser::new(&client));
        sign_in(&ada, "github").await;
        fake.set_user("grace");
        sign_in(&grace, "github").await;

        assert_eq!(ada.dispatch(ada.get("/me")).await.into_string().await.unwrap(), "You are user 1");
        assert_eq!(grace.dispatch(grace.get("/me")).await.into_string().await.unwrap(), "You are user 2");
    }

    #[rocket::async_test]
    async fn a_user_disconnects_an_account() {
        let client = launch(&FakeProvider::new()).await;
        sign_in_as(&client, &7).await;
        connect(&client, &7, GitHub, TestAccount::valid()).await;
        connect(&client, &7, GitHub, TestAccount::valid().with_id("of work")).await;

        let response = submit(&client, "/login/accounts", "/login/github/disconnect", &[]).await;
        assert_eq!(response.location.as_deref(), Some("/login/accounts"));
        assert_eq!(Dance::fetch(client.rocket()).unwrap().accounts(&7).await.unwrap().len(), 1);
    }

    #[rocket::async_test]
    async fn the_job_goes_on_after_a_user_who_has_revoked_the_access() {
        let fake = FakeProvider::new();
        fake.api(Method::Get, "/user").respond(json!({ "login": "ada" }));
        let client = launch(&fake).await;
        connect(&client, &7, GitHub, TestAccount::dead()).await;
        connect(&client, &8, GitHub, TestAccount::expired().with_id("grace")).await;

        let mut clients = Dance::fetch(client.rocket()).unwrap().each(GitHub);
        let (mut renewed, mut revoked) = (0, 0);
        while let Some(client) = clients.next().await.unwrap() {
            match client.get("user").send().await {
                Ok(_) => renewed += 1,
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::ReconnectNeeded);
                    revoked += 1;
                }
            }
        }
        assert_eq!((renewed, revoked), (1, 1));
    }

    #[rocket::async_test]
    async fn a_session_ends_after_two_weeks() {
        let client = launch(&FakeProvider::new()).await;
        sign_in_as(&client, &7).await;
        Clock::of(client.rocket()).advance(Duration::from_secs(15 * 24 * 60 * 60));
        assert_eq!(client.get("/me").dispatch().await.status(), Status::SeeOther);
    }

    #[rocket::async_test]
    async fn the_index_reads_what_github_really_answers() {
        let cassette = Cassette::open("tests/cassettes/index.json", "GITHUB_TOKEN");
        let rocket = replace_storage(super::rocket(), MemoryStorage::new());
        let client = Client::tracked(cassette.stand_in(rocket, "github")).await.unwrap();
        connect(&client, &7, GitHub, cassette.account()).await;
        sign_in_as(&client, &7).await;
        assert_eq!(page(&client, "/").await, "notes, engine");
    }
}

/// Every Rust block of the page is in this file, word for word.
#[test]
fn the_page_shows_this_file() {
    // Without the hidden lines, with which the block compiles as a doctest.
    let shown = |line: &&str| !line.starts_with("# ");
    let trimmed = |text: &str| text.lines().map(str::trim).filter(shown).collect::<Vec<_>>().join("\n");
    let (page, this) =
        (include_str!("../../docs/guide/testing.md"), trimmed(include_str!("testing_page.rs")));
    let blocks: Vec<&str> =
        page.split("```rust").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() >= 8, "{} blocks", blocks.len());
    for block in blocks {
        let (_, code) = block.split_once('\n').expect("a line with the language");
        assert!(this.contains(trimmed(code).trim()), "this file lacks:\n{code}");
    }
}
