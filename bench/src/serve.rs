//! The server: four routes to compare, and the small provider that they need.

use diesel::SqliteConnection;
use rocket::figment::Figment;
use rocket::http::{Cookie, CookieJar, Status};
use rocket::response::Redirect;
use rocket::serde::json::{Value, json};
use rocket::{get, post, routes};
use rocket_dance::provider::Provider;
use rocket_dance::storage::DieselStorage;
use rocket_dance::{Dance, Login, OAuth, Result, Standing, Verdict};
use rocket_oauth2::{HyperRustlsAdapter, OAuth2, OAuthConfig, StaticProvider};

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

#[get("/guarded")]
fn guarded(_op: OAuth<Op>) -> &'static str {
    "hello"
}

#[get("/theirs")]
fn theirs(oauth2: OAuth2<Op>, jar: &CookieJar<'_>) -> Redirect {
    oauth2.get_redirect(jar, &["profile"]).expect("a redirect")
}

#[get("/op/authorize?<redirect_uri>&<state>")]
fn authorize(redirect_uri: &str, state: &str) -> Redirect {
    Redirect::to(format!("{redirect_uri}?code=c0de&state={state}"))
}

#[post("/op/token")]
fn token() -> Value {
    json!({ "access_token": "a-token", "token_type": "Bearer", "expires_in": 86400, "refresh_token": "another" })
}

#[get("/op/userinfo")]
fn userinfo() -> Value {
    json!({ "sub": "1", "name": "Ada" })
}

/// Serves until it is killed. The driver sets the port with `PORT` and the folder for files with `FOLDER`.
pub(crate) async fn serve() {
    let port: u16 = std::env::var("PORT").expect("PORT").parse().expect("a port");
    let folder = std::env::var("FOLDER").expect("FOLDER");
    let here = format!("http://127.0.0.1:{port}");
    let figment = Figment::from(rocket::Config::release_default())
        .merge(("address", "127.0.0.1"))
        .merge(("port", port))
        .merge(("log_level", "off"))
        .merge(("secret_key", "0c8e3b1f2d5a49768b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a"))
        .merge(("databases.app.url", format!("{folder}/bench.sqlite")))
        .merge(("dance.base_url", &here))
        .merge(("oauth.op.provider", "oauth2"))
        .merge(("oauth.op.client_id", "bench"))
        .merge(("oauth.op.client_secret", "bench's secret"))
        .merge(("oauth.op.scope", "profile"))
        .merge(("oauth.op.authorization_url", format!("{here}/op/authorize")))
        .merge(("oauth.op.token_url", format!("{here}/op/token")))
        .merge(("oauth.op.userinfo_url", format!("{here}/op/userinfo")));
    let provider = StaticProvider {
        auth_uri: format!("{here}/op/authorize").into(),
        token_uri: format!("{here}/op/token").into(),
    };
    let theirs_callback = format!("{here}/theirs/callback");
    let theirs_config =
        OAuthConfig::new(provider, "bench".into(), "bench's secret".into(), Some(theirs_callback));
    rocket::custom(figment)
        .attach(Dance::fairing().storage(DieselStorage::database("app").migrate().link(sign_up)))
        .attach(OAuth2::<Op>::custom(HyperRustlsAdapter::default(), theirs_config))
        .mount("/", routes![bare, cookie, set_cookie, guarded, theirs, authorize, token, userinfo])
        .launch()
        .await
        .expect("a launch");
}
