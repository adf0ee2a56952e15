// A job that calls the provider for every stored account, without a request and without a server. Run it from cron.
// Expired access tokens are refreshed on the way. The app of the example `users` fills the same database.
//
//     ROCKET_OAUTH='{github={client_id="my-id",client_secret="my-secret"}}' cargo run --example background_job

use rocket::{Build, Rocket};
use rocket_dance::{Dance, Result, provider::GitHub, storage::DieselStorage};

/// What the job needs of the app: the configuration and the storage, but no routes.
fn rocket() -> Rocket<Build> {
    rocket::build().attach(Dance::fairing().storage(DieselStorage::database("app").migrate()))
}

/// Returns one line for each GitHub account: the user and their login, or what went wrong.
async fn report(dance: &Dance) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let mut clients = dance.each(GitHub);
    while let Some(client) = clients.next().await? {
        let account = client.account();
        let user = account.user_id.as_deref().unwrap_or("no user");
        lines.push(match client.get("user").json::<rocket::serde::json::Value>().await {
            Ok(me) => format!("{user}: {}", me["login"]),
            // For example: the user has revoked the access, or GitHub is down. The other accounts still get their turn.
            Err(error) => format!("{user}: {error}"),
        });
    }
    Ok(lines)
}

#[rocket::main]
#[allow(clippy::print_stdout)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `ignite` reads the configuration and connects to the database. It opens no port.
    let rocket = rocket().ignite().await?;
    let dance = Dance::fetch(&rocket).ok_or("attach Dance::fairing()")?;
    for line in report(dance).await? {
        println!("{line}");
    }
    Ok(())
}
