// A program on a device signs its user in with the ID token of the provider's SDK. The app, the provider and the device are in this
// process.
//
//     cargo run --features testing --example native

use diesel::prelude::*;
use rocket::http::{ContentType, Status};
use rocket::local::asynchronous::Client;
use rocket::serde::json::{Value, json};
use rocket::{Build, Rocket};
use rocket_dance::storage::DieselStorage;
use rocket_dance::testing::FakeProvider;
use rocket_dance::{Dance, Login, Result, Standing, Verdict};

/// The id that the provider has given the program on the device.
const CLIENT_ID: &str = "my-app-on-android";

/// Signs up the first stranger, as user number 1. A real app creates a user, as `examples/creation.rs` does.
fn sign_up(login: &Login<i32>, _: &mut SqliteConnection) -> Result<Verdict<i32>> {
    Ok(match login.standing {
        Standing::Stranger => Verdict::SignUp(1),
        _ => login.default_verdict(),
    })
}

/// The app. Its entry lists the device's program.
fn app(fake: &FakeProvider, database: &str) -> Rocket<Build> {
    let figment = rocket::Config::figment()
        .merge(fake.config("corp"))
        .merge(("oauth.corp.native_client_ids", [CLIENT_ID]))
        .merge(("databases.app.url", database));
    let storage = DieselStorage::database("app").migrate().link(sign_up);
    rocket::custom(figment).attach(Dance::fairing().storage(storage))
}

/// The device: begins, asks the provider's SDK for an ID token, and finishes. Returns the app's answer. The session is in the
/// cookie that comes with it.
async fn sign_in(device: &Client, sdk: &FakeProvider) -> (Status, Value) {
    let begun = device.post("/login/corp/native").dispatch().await;
    let begun: Value = begun.into_json().await.unwrap_or_default();
    // Sign in with Apple: give the SDK the SHA-256 of the nonce in hexadecimal. Google's Credential Manager: the nonce itself.
    let id_token = sdk.native_id_token(CLIENT_ID, begun["nonce"].as_str().unwrap_or_default());
    let fields = json!({ "flow": begun["flow"], "id_token": id_token });
    let finish = device.post("/login/corp/native/finish").header(ContentType::JSON);
    let answer = finish.body(fields.to_string()).dispatch().await;
    (answer.status(), answer.into_json().await.unwrap_or_default())
}

#[rocket::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let fake = FakeProvider::start().await;
    let database = std::env::temp_dir().join(format!("native-{}.sqlite", std::process::id()));
    let device = Client::tracked(app(&fake, &database.display().to_string())).await?;
    let (status, answer) = sign_in(&device, &fake).await;
    eprintln!("{status}: {answer}");
    std::fs::remove_file(database)?;
    Ok(())
}
