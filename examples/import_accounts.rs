// Moves the accounts of a Flask-Dance or Flask-Social app into the tables of this library. Afterwards people sign in as the same
// users, and expired tokens are refreshed. It may run again: accounts that are there already stay as they are.
//
// Rocket.toml has the new database, in which the users have their old ids, and the entries, named as in the old app.
//
//     cargo run --example import_accounts -- flask_dance old.sqlite
//     cargo run --example import_accounts -- flask_social old.sqlite

use diesel::prelude::*;
use diesel::sql_types::{Integer, Nullable, Text};
use rocket::serde::json::{Value, from_str};
use rocket::{Build, Rocket};
use rocket_dance::provider::{Facebook, GitHub, Google, Provider, Twitter, claims};
use rocket_dance::{Dance, Error, ErrorKind, Profile, Result, Token, storage::DieselStorage};

/// A table of Flask-Dance without a column `provider_user_id`: write `NULL AS provider_user_id`.
const FLASK_DANCE: &str = "SELECT user_id, provider_user_id, token FROM flask_dance_oauth WHERE provider = ? AND user_id IS NOT NULL";
const FLASK_SOCIAL: &str = "SELECT user_id, provider_user_id, json_object('access_token', access_token, \
     'oauth_token_secret', nullif(secret, '')) AS token FROM connection WHERE provider_id = ? AND user_id IS NOT NULL";

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Integer)]
    user_id: i32,
    #[diesel(sql_type = Nullable<Text>)]
    provider_user_id: Option<String>,
    #[diesel(sql_type = Text)]
    token: String,
}

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
    if let Some(at) = json["expires_at"].as_f64() {
        token = token.with_lifetime(at as i64 - 3600, 3600);
    }
    Some(token)
}

/// Imports one row, unless its account is there already. If the row does not say whose token it has, the provider does: `id` is
/// the field of its userinfo. If that fails, the token stays stored without an identity, and the next run continues with it.
async fn import_row<P: Provider + Copy>(dance: &Dance, provider: P, id: &str, row: Row) -> Result<()> {
    let known = dance.accounts(&row.user_id).await?.into_iter().filter(|account| account.entry == P::NAME);
    let same = |known: Option<String>| {
        known.is_some() && (row.provider_user_id.is_none() || known == row.provider_user_id)
    };
    if known.into_iter().any(|account| same(account.provider_user_id)) {
        return Ok(());
    }
    let token = token(&from_str(&row.token).unwrap_or_default());
    let mut token = token.ok_or_else(|| Error::new(ErrorKind::AppError, "its token can't be read"))?;
    let mut profile = Profile::default();
    profile.id = row.provider_user_id;
    if profile.id.is_none() {
        let stored = dance.tokens(provider).of(&row.user_id);
        // An earlier run may have stored it, and refreshed it since.
        if stored.get().await?.is_none() {
            stored.set(token.clone()).await?;
        }
        if let Some(client) = dance.client(provider, &row.user_id).await? {
            profile.id = claims::id(&client.userinfo().await?, id)?;
        }
        token = stored.get().await?.unwrap_or(token); // it may have been refreshed
    }
    dance.import(provider, &row.user_id, profile, token).await.map(drop)
}

/// Imports the accounts at one provider. Returns a line for each that failed, and one with the number of rows.
async fn import<P: Provider + Copy>(
    dance: &Dance,
    old: &mut SqliteConnection,
    rows: &str,
    (provider, id): (P, &str),
) -> Result<Vec<String>> {
    let rows: Vec<Row> = diesel::sql_query(rows).bind::<Text, _>(P::NAME).load(old)?;
    let mut lines = vec![format!("{}: {} rows", P::NAME, rows.len())];
    for row in rows {
        let user = row.user_id;
        if let Err(error) = import_row(dance, provider, id, row).await {
            lines.push(format!("{}: user {user}: {error}", P::NAME));
        }
    }
    Ok(lines)
}

/// The app's own configuration and storage, with its policy: `.link(…)`.
fn rocket() -> Rocket<Build> {
    rocket::build().attach(Dance::fairing().storage(DieselStorage::database("app").migrate()))
}

#[rocket::main]
#[allow(clippy::print_stdout)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (rows, old) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["flask_dance", old] => (FLASK_DANCE, old),
        ["flask_social", old] => (FLASK_SOCIAL, old),
        _ => return Err("usage: import_accounts flask_dance|flask_social <the old database>".into()),
    };
    let rocket = rocket().ignite().await?;
    let dance = Dance::fetch(&rocket).ok_or("attach Dance::fairing()")?;
    let old = &mut SqliteConnection::establish(old)?;
    // One line for each provider of the old app.
    let mut lines = import(dance, old, rows, (GitHub, "id")).await?;
    lines.extend(import(dance, old, rows, (Google, "sub")).await?);
    lines.extend(import(dance, old, rows, (Facebook, "id")).await?);
    lines.extend(import(dance, old, rows, (Twitter, "id_str")).await?);
    lines.iter().for_each(|line| println!("{line}"));
    Ok(())
}
