//! A fake provider in place of providers of each protocol, those that only the app knows included.

use rocket::http::{Method, Status};
use rocket::local::asynchronous::Client;
use rocket::serde::json::{Value, json};
use rocket_dance::Dance;
use rocket_dance::provider::{Preset, ProfileFields, Provider, Twitter};
use rocket_dance::storage::MemoryStorage;
use rocket_dance::testing::{FakeProvider, ProviderEndpoint, TestAccount, connect, replace_storage, sign_in};

use crate::testing_kit::{app, app_with};

/// Providers that only this app knows.
struct Chess;

impl Provider for Chess {
    const NAME: &'static str = "chess";
    const PRESET: Preset = Preset {
        title: "Chess Club",
        authorization_url: Some("https://chess.example/oauth/authorize"),
        token_url: Some("https://chess.example/oauth/token"),
        userinfo_url: Some("https://api.chess.example/me"),
        api_base_url: Some("https://api.chess.example/"),
        client_id_param: "app_id",
        fields: ProfileFields { id: "player.id", name: "player.nick", ..ProfileFields::NONE },
        ..Preset::OAUTH2
    };
}

struct Birds;

impl Provider for Birds {
    const NAME: &'static str = "birds";
    const PRESET: Preset = Preset {
        title: "Birds",
        request_token_url: Some("https://birds.example/request_token"),
        authorization_url: Some("https://birds.example/authorize"),
        token_url: Some("https://birds.example/access_token"),
        userinfo_url: Some("https://birds.example/me.json"),
        api_base_url: Some("https://birds.example/"),
        fields: ProfileFields { id: "bird.ring", name: "bird.song", ..ProfileFields::NONE },
        ..Preset::OAUTH1
    };
}

struct Firm;

impl Provider for Firm {
    const NAME: &'static str = "firm";
    const PRESET: Preset =
        Preset { title: "Firm", issuer: Some("https://login.firm.example"), ..Preset::OIDC };
}

#[rocket::async_test]
async fn an_entry_keeps_its_preset_however_its_name_is_written() {
    for (entry, provider) in [("github", "GitHub"), ("work", "GITHUB"), ("club", "Chess")] {
        let fake = FakeProvider::new();
        let rocket = app_with(|dance| dance.storage(MemoryStorage::new()).provider(Chess));
        let figment = rocket.figment().clone().merge((format!("oauth.{entry}.provider"), provider));
        let rocket = replace_storage(rocket.configure(figment), MemoryStorage::new());
        let client = Client::tracked(fake.stand_in(rocket, entry)).await.expect("the app launches");
        let begun = client.get(format!("/login/{entry}")).dispatch().await;
        let url = begun.headers().get_one("Location").unwrap_or_default().to_owned();
        assert!(
            url.contains("response_type=code") && !url.contains("openid") && !url.contains("nonce="),
            "{url}"
        );
        let response = sign_in(&client, entry).await;
        assert_eq!(response.status, Status::SeeOther, "{provider}: {}", response.body);
        let accounts = Dance::fetch(client.rocket()).unwrap().accounts(&1).await.unwrap();
        assert_eq!(accounts[0].provider_user_id.as_deref(), Some("ada"), "{provider}");
        let entry_of = |preset: &str| fake.preset_config("x", preset).1;
        assert_eq!(entry_of("GitHub"), entry_of("github"));
    }
}

#[rocket::async_test]
async fn a13_it_stands_in_for_the_apps_own_presets_of_each_protocol() {
    for (entry, title) in
        [("chess", "Chess Club"), ("birds", "Birds"), ("firm", "Firm"), ("club", "Chess Club")]
    {
        let fake = FakeProvider::new();
        let rocket = app_with(|dance| {
            dance.storage(MemoryStorage::new()).provider(Chess).provider(Birds).provider(Firm)
        });
        let figment = rocket.figment().clone().merge(("oauth.club.provider", "chess"));
        let figment = if entry == "club" { figment } else { rocket.figment().clone() };
        let rocket = replace_storage(rocket.configure(figment), MemoryStorage::new());
        let client = Client::tracked(fake.stand_in(rocket, entry)).await.expect("the app launches");
        let response = sign_in(&client, entry).await;
        assert_eq!(response.status, Status::SeeOther, "{entry}: {}", response.body);
        let dance = Dance::fetch(client.rocket()).unwrap();
        let accounts = dance.accounts(&1).await.unwrap();
        let account = accounts.first().expect("an account");
        assert_eq!(
            (account.provider_user_id.as_deref(), account.display_name.as_deref()),
            (Some("ada"), Some("Ada")),
            "{entry}"
        );
        let page = client.get("/login/accounts").dispatch().await.into_string().await.unwrap_or_default();
        assert!(page.contains(title), "{page}");
    }
}

#[rocket::async_test]
async fn a13_it_stands_in_for_each_client_authentication_of_the_app() {
    for method in ["client_secret_post", "none", "private_key_jwt"] {
        let fake = FakeProvider::new();
        let rocket = replace_storage(app(), MemoryStorage::new());
        let figment = rocket.figment().clone().merge(("oauth.corp.token_endpoint_auth_method", method));
        let rocket = fake.stand_in(rocket.configure(figment), "corp");
        let client = Client::tracked(rocket).await.expect("the app launches");
        let response = sign_in(&client, "corp").await;
        assert_eq!(response.status, Status::SeeOther, "{method}: {}", response.body);
        let form = fake.last_request(ProviderEndpoint::Token).form;
        assert_eq!(form.contains_key("client_assertion"), method == "private_key_jwt", "{method}");
        assert_eq!(form.contains_key("client_secret"), method == "client_secret_post", "{method}");
    }
}

#[rocket::async_test]
async fn oauth1_accounts_are_valid_or_dead() {
    let fake = FakeProvider::new();
    let rocket = fake.stand_in(replace_storage(app(), MemoryStorage::new()), "twitter");
    let client = Client::tracked(rocket).await.expect("the app launches");
    let dance = Dance::fetch(client.rocket()).unwrap();
    for (account, user, status) in
        [(TestAccount::valid(), 1, 200), (TestAccount::dead().with_id("grace"), 2, 401)]
    {
        connect(dance, &user, Twitter, account).await;
        let api = dance.client(Twitter, &user).await.unwrap().expect("an account");
        assert_eq!(api.get("me").send().await.unwrap().status().as_u16(), status);
    }
    let page = fake.api(Method::Get, "/lists.json").respond(json!([]));
    let api = dance.client(Twitter, &1).await.unwrap().expect("an account");
    assert_eq!(api.get("lists.json").json::<Value>().await.unwrap(), json!([]));
    page.assert_calls(1);
}
