// A provider without a preset: its facts are one constant, its credentials are in Rocket.toml.
//
//     ROCKET_OAUTH='{chess={client_id="my-id",client_secret="my-secret"}}' cargo run --example own_provider

use rocket::{get, launch, routes};
use rocket_dance::provider::{Preset, ProfileFields, Provider};
use rocket_dance::{Dance, OAuth, Result};

/// The chess club. The entry `[default.oauth.chess]` has the credentials.
struct Chess;

impl Provider for Chess {
    const NAME: &'static str = "chess";
    const PRESET: Preset = Preset {
        title: "Chess Club",
        authorization_url: Some("https://chess.example/oauth/authorize"),
        token_url: Some("https://chess.example/oauth/token"),
        userinfo_url: Some("https://api.chess.example/me"),
        api_base_url: Some("https://api.chess.example/"),
        scope: &["player:read"],
        // Where the userinfo has the profile. The id must never change, so it is a number and not the nickname.
        fields: ProfileFields { id: "player.id", name: "player.nick", ..ProfileFields::NONE },
        ..Preset::OAUTH2
    };
}

/// Greets the player. Visitors without an account are sent to the chess club first.
#[get("/")]
fn index(chess: OAuth<Chess>) -> String {
    format!("Hello, {}", chess.account().display_name.as_deref().unwrap_or("player"))
}

/// Calls the API of the chess club with the player's token. The path is relative to `api_base_url`.
#[get("/games")]
async fn games(chess: OAuth<Chess>) -> Result<String> {
    chess.get("games").query(&[("limit", "10")]).text().await
}

#[launch]
fn rocket() -> _ {
    rocket::build()
        .attach(Dance::fairing().provider(Chess))
        .mount("/", routes![index, games])
        .register("/", rocket_dance::catchers())
}
