//! A provider that answers at once. It runs in the driver's process, so that a server's costs are its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rocket::figment::Figment;
use rocket::response::Redirect;
use rocket::serde::json::{Value, json};
use rocket::tokio::time::sleep;
use rocket::{Rocket, State, get, post, routes};

#[get("/authorize?<redirect_uri>&<state>")]
fn authorize(redirect_uri: &str, state: &str) -> Redirect {
    Redirect::to(format!("{redirect_uri}?code=c0de&state={state}"))
}

#[post("/token")]
async fn token(load: &State<Load>) -> Value {
    load.tokens.fetch_add(1, Ordering::SeqCst);
    sleep(Duration::from_millis(load.milliseconds.load(Ordering::SeqCst))).await;
    json!({ "access_token": "a-token", "token_type": "Bearer", "expires_in": 86400, "refresh_token": "another" })
}

#[get("/userinfo")]
fn userinfo() -> Value {
    json!({ "sub": "1", "name": "Ada" })
}

#[get("/thing")]
fn thing() -> Value {
    json!({ "name": "a thing" })
}

/// What the provider's token endpoint has to do.
#[derive(Clone, Default)]
struct Load {
    tokens: Arc<AtomicU64>,
    milliseconds: Arc<AtomicU64>,
}

/// A provider that listens.
pub struct Provider {
    pub url: String,
    load: Load,
}

impl Provider {
    /// Makes the token endpoint take this time for an answer.
    pub fn set_delay(&self, delay: Duration) {
        self.load.milliseconds.store(delay.as_millis() as u64, Ordering::SeqCst);
    }

    /// Returns the number of requests to the token endpoint since the last call.
    pub fn take_tokens(&self) -> u64 {
        self.load.tokens.swap(0, Ordering::SeqCst)
    }
}

/// Starts the provider on a free port, for as long as the process lives.
pub async fn start() -> Provider {
    let port = crate::child::free_port();
    let figment = Figment::from(rocket::Config::debug_default())
        .merge(("address", "127.0.0.1"))
        .merge(("port", port))
        .merge(("log_level", "off"));
    let load = Load::default();
    let rocket =
        Rocket::custom(figment).manage(load.clone()).mount("/", routes![authorize, token, userinfo, thing]);
    rocket::tokio::spawn(async move { rocket.launch().await.map(drop).expect("a provider") });
    crate::child::wait_for(port);
    Provider { url: format!("http://127.0.0.1:{port}"), load }
}
