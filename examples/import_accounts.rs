// Moves the accounts of a Flask-Dance or Flask-Social app into the tables of this library. Afterwards people sign in as the same
// users, and expired tokens are refreshed. It may run again: it replaces what it has stored before. The entries must be in Rocket.toml.
//
//     cargo run --example import_accounts

use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable, Text};
use rocket::serde::json::{Value, from_str};
use rocket::{Build, Rocket};
use rocket_dance::provider::{GitHub, Provider, Twitter};
use rocket_dance::{Dance, Profile, Result, Token, storage::DieselStorage};

/// A row of Flask-Dance's table. Flask-Social's `connection` has `access_token` and `secret` instead of `token`:
/// `SELECT user_id, provider_user_id, json_object('access_token', access_token, 'oauth_token_secret', secret) AS token …`
#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Integer)]
    user_id: i32,
    #[diesel(sql_type = Nullable<Text>)]
    provider_user_id: Option<String>,
    #[diesel(sql_type = Text)]
    token: String,
}

const ROWS: &str = "SELECT user_id, provider_user_id, token FROM flask_dance_oauth WHERE provider = ? AND user_id IS NOT NULL";

/// Reads a token as Flask-Dance stores it.
fn token(json: &Value) -> Option<Token> {
    let text = |key: &str| json[key].as_str().map(str::to_owned);
    let mut token = match (text("oauth_token_secret"), text("access_token").or(text("oauth_token"))?) {
        (Some(secret), access_token) => Token::oauth1(access_token, secret),
        (None, access_token) => Token::new(access_token),
    };
    if let Some(refresh_token) = text("refresh_token") {
        token = token.with_refresh_token(refresh_token);
    }
    if let (Some(at), Some(lifetime)) =
        (json["expires_at"].as_f64(), json["expires_in"].as_f64().or(Some(3600.0)))
    {
        token = token.with_lifetime((at - lifetime) as i64, lifetime as i64);
    }
    Some(token)
}

/// Imports the accounts at one provider, and returns the number of rows.
async fn import<P: Provider + Copy>(dance: &Dance, old: &mut SqliteConnection, provider: P) -> Result<usize> {
    let rows: Vec<Row> = diesel::sql_query(ROWS).bind::<Text, _>(P::NAME).load(old)?;
    let count = rows.len();
    for row in rows {
        let Some(token) = from_str(&row.token).ok().as_ref().and_then(token) else { continue };
        match row.provider_user_id {
            Some(id) => {
                let mut profile = Profile::default();
                profile.id = Some(id);
                dance.import(provider, &row.user_id, profile, token).await?;
            }
            // Without an identity, the token becomes an account when the user signs in there for the first time.
            None => drop(dance.tokens(provider).of(&row.user_id).set(token).await?),
        }
    }
    Ok(count)
}

/// The app's own configuration and storage, with its policy: `.link(…)`.
fn rocket() -> Rocket<Build> {
    rocket::build().attach(Dance::fairing().storage(DieselStorage::database("app").migrate()))
}

#[rocket::main]
#[allow(clippy::print_stdout)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let rocket = rocket().ignite().await?;
    let dance = Dance::fetch(&rocket).ok_or("attach Dance::fairing()")?;
    let mut old = SqliteConnection::establish("old.sqlite")?;
    println!("{} accounts at GitHub", import(dance, &mut old, GitHub).await?);
    println!("{} accounts at Twitter", import(dance, &mut old, Twitter).await?);
    Ok(())
}
