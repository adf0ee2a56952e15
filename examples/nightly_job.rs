// An app on PostgreSQL with a nightly job. The job calls the provider for every stored account, without a request and without a
// server; expired access tokens are refreshed on the way. Server and job are one program:
//
//     psql "$DATABASE_URL" -c 'create table users (id serial primary key, name text not null)'
//     export ROCKET_SECRET_KEY="$(openssl rand -base64 32)"                # both need it: it decrypts the tokens
//     export ROCKET_DATABASES="{app={url=\"$DATABASE_URL\"}}"
//     export ROCKET_OAUTH='{github={client_id="my-id",client_secret="my-secret"}}'
//     cargo run --features postgres --example nightly_job                # the server
//     cargo run --features postgres --example nightly_job -- nightly     # the job: run it from cron

use diesel::prelude::*;
use rocket::serde::json::Value;
use rocket::{Build, Rocket, get, routes};
use rocket_dance::provider::GitHub;
use rocket_dance::storage::DieselStorage;
use rocket_dance::{CurrentUser, Dance, Login, Result, Standing, Verdict};

diesel::table! {
    users (id) {
        id -> Integer,
        name -> Text,
    }
}

fn sign_up(login: &Login<i32>, conn: &mut PgConnection) -> Result<Verdict<i32>> {
    let Standing::Stranger = login.standing else { return Ok(login.default_verdict()) };
    let id = diesel::insert_into(users::table)
        .values(users::name.eq(login.profile.display_name()))
        .returning(users::id)
        .get_result(conn)?;
    Ok(Verdict::SignUp(id))
}

#[get("/")]
fn index(user: CurrentUser<i32>) -> String {
    format!("You are user number {}", user.id())
}

/// Returns one line for each GitHub account: the user and their login, or what went wrong.
async fn report(dance: &Dance) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    let mut clients = dance.each(GitHub);
    while let Some(client) = clients.next().await? {
        let account = client.account();
        let user = account.user_id.as_deref().unwrap_or("no user");
        lines.push(match client.get("user").json::<Value>().await {
            Ok(me) => format!("{user}: {}", me["login"]),
            // For example: the user has revoked the access, or GitHub is down. The other accounts still get their turn.
            Err(error) => format!("{user}: {error}"),
        });
    }
    Ok(lines)
}

fn rocket() -> Rocket<Build> {
    let storage = DieselStorage::database("app").migrate().link(sign_up).cascade_from("users", "id");
    rocket::build()
        .attach(Dance::fairing().storage(storage))
        .mount("/", routes![index])
        .register("/", rocket_dance::catchers())
}

#[rocket::main]
#[allow(clippy::print_stdout)]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // `ignite` reads the configuration and connects to the database. It opens no port.
    let rocket = rocket().ignite().await?;
    if std::env::args().nth(1).as_deref() == Some("nightly") {
        let dance = Dance::fetch(&rocket).ok_or("attach Dance::fairing()")?;
        report(dance).await?.iter().for_each(|line| println!("{line}"));
        return Ok(());
    }
    rocket.launch().await?;
    Ok(())
}
