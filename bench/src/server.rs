//! The server with this library, and what it is compared with in Rocket.

use diesel::SqliteConnection;
use rocket::figment::Figment;
use rocket::http::{Cookie, CookieJar, Status};
use rocket::response::Redirect;
use rocket::serde::json::{Json, Value};
use rocket::{State, get, post, routes};
use rocket_dance::provider::Provider;
use rocket_dance::storage::DieselStorage;
use rocket_dance::{Accounts, CurrentUser, Dance, Login, OAuth, Profile, Result, Standing, Token, Verdict};
use rocket_oauth2::{HyperRustlsAdapter, OAuth2, OAuthConfig, StaticProvider};

use crate::reference;

/// The entry `op` of the configuration below.
struct Op;

impl Provider for Op {
    const NAME: &'static str = "op";
}

/// Signs every login in as user 1.
fn sign_up(login: &Login<i32>, _: &mut SqliteConnection) -> Result<Verdict<i32>> {
    match &login.standing {
        Standing::Stranger => Ok(Verdict::SignUp(1)),
        _ => Ok(login.default_verdict()),
    }
}

#[get("/bare")]
fn bare() -> &'static str {
    "hello"
}

#[get("/cookie")]
fn cookie(jar: &CookieJar<'_>) -> Result<&'static str, Status> {
    jar.get_private("plain_session").map(|_| "hello").ok_or(Status::Unauthorized)
}

#[post("/cookie")]
fn set_cookie(jar: &CookieJar<'_>) {
    jar.add_private(Cookie::new("plain_session", "1"));
}

#[get("/user")]
fn user(_user: CurrentUser<i32>) -> &'static str {
    "hello"
}

#[get("/guarded")]
fn guarded(_op: OAuth<Op>) -> &'static str {
    "hello"
}

#[get("/accounts")]
fn accounts(accounts: Accounts) -> &'static str {
    if accounts.iter().next().is_some() { "hello" } else { "nobody" }
}

#[get("/api")]
async fn api(op: OAuth<Op>) -> Result<Json<Value>> {
    op.get("thing").json().await.map(Json)
}

/// Ends the user's sessions.
#[get("/sign_out")]
async fn sign_out(user: CurrentUser<i32>, dance: &State<Dance>) -> Result<&'static str> {
    dance.sign_out_everywhere(user.id()).await?;
    Ok("hello")
}

/// Makes the account's token an expired one.
#[get("/expire")]
async fn expire(user: CurrentUser<i32>, dance: &State<Dance>) -> Result<&'static str> {
    let profile = Profile::from_claims(&serde_json::json!({ "sub": "1", "name": "Ada" }))?;
    let token = Token::new("old").with_refresh_token("another").with_lifetime(1_700_000_000, 3600);
    dance.import(Op, &*user, profile, token).await?;
    Ok("hello")
}

/// Gives the users 1 to `users` accounts with expired tokens.
#[get("/expire/<users>")]
async fn expire_all(users: i32, dance: &State<Dance>) -> Result<&'static str> {
    for user in 1..=users {
        let profile = Profile::from_claims(&serde_json::json!({ "sub": user.to_string() }))?;
        let token = Token::new("old").with_refresh_token("another").with_lifetime(1_700_000_000, 3600);
        dance.import(Op, &user, profile, token).await?;
    }
    Ok("hello")
}

/// Uses the token of `user`.
#[get("/token/<user>")]
async fn token_of(user: i32, dance: &State<Dance>) -> Result<&'static str> {
    if let Some(client) = dance.client(Op, &user).await? {
        client.access_token().await?;
    }
    Ok("hello")
}

#[get("/theirs")]
fn theirs(oauth2: OAuth2<Op>, jar: &CookieJar<'_>) -> Redirect {
    oauth2.get_redirect(jar, &["profile"]).expect("a redirect")
}

/// The setting `name`, which the driver passes in the environment.
pub(crate) fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

/// Serves until it is asked to end. The driver sets `PORT`, `FOLDER` for files and `PROVIDER`; `DANCE` is for further settings of
/// `[default.dance]`, in the syntax of Rocket's environment variables, and `ENTRIES` for the number of entries.
pub async fn serve() {
    let (port, folder, provider) = (setting("PORT"), setting("FOLDER"), setting("PROVIDER"));
    let here = format!("http://127.0.0.1:{port}");
    let figment = Figment::from(rocket::Config::release_default())
        .merge(("address", "127.0.0.1"))
        .merge(("port", port.parse::<u16>().expect("a port")))
        .merge(("log_level", "off"))
        .merge(("secret_key", "0c8e3b1f2d5a49768b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a"))
        .merge(("shutdown.grace", 0))
        .merge(("shutdown.mercy", 0))
        .merge(("databases.app.url", format!("{folder}/bench.sqlite")))
        .merge(("dance.base_url", &here))
        .merge(("oauth.op.provider", "oauth2"))
        .merge(("oauth.op.client_id", "bench"))
        .merge(("oauth.op.client_secret", "bench's secret"))
        .merge(("oauth.op.scope", "profile"))
        .merge(("oauth.op.authorization_url", format!("{provider}/authorize")))
        .merge(("oauth.op.token_url", format!("{provider}/token")))
        .merge(("oauth.op.userinfo_url", format!("{provider}/userinfo")))
        .merge(("oauth.op.api_base_url", format!("{provider}/")))
        .merge(rocket::figment::providers::Env::raw().only(&["workers", "dance"]));
    // Further entries, as many as the driver wants.
    let further = std::env::var("ENTRIES").ok().and_then(|number| number.parse().ok()).unwrap_or(1);
    let figment = (1..further).fold(figment, |figment, n| {
        let op: Value = figment.extract_inner("oauth.op").expect("the entry");
        figment.merge((format!("oauth.op{n}"), op))
    });
    let provider = StaticProvider {
        auth_uri: format!("{provider}/authorize").into(),
        token_uri: format!("{provider}/token").into(),
    };
    let theirs_callback = format!("{here}/theirs/callback");
    let theirs_config =
        OAuthConfig::new(provider, "bench".into(), "bench's secret".into(), Some(theirs_callback));
    let ended = rocket::custom(figment)
        .attach(Dance::fairing().storage(DieselStorage::database("app").migrate().link(sign_up)))
        .attach(OAuth2::<Op>::custom(HyperRustlsAdapter::default(), theirs_config))
        .manage(reference::Reference::new(&folder).await)
        .mount(
            "/",
            routes![
                bare, cookie, set_cookie, user, guarded, accounts, api, sign_out, expire, expire_all,
                token_of, theirs
            ],
        )
        .mount("/", routes![reference::round_trips, reference::transaction])
        .launch()
        .await;
    // A server that is stopped in the middle of an answer ends with an error.
    if let Err(error) = ended
        && !matches!(error.kind(), rocket::error::ErrorKind::Shutdown(..))
    {
        panic!("no launch: {error}");
    }
}
